//! Formats of our own: the canonical encoding, trees, records, origins, the files of a store.

use crate::input::Input;
use groundup_digest::{BlobId, DirId, ObjectId, Reader, TreeId, Writer};
use groundup_provenance::{BuildRecord, Lineage, Origins, Question, StepRecord};
use groundup_store::fuzzing;
use groundup_tree::{
    ClashPolicy, Directory, FileTree, Kind, Node, Sink, Source, TreePath, TreeRoot, compare,
    decode, encode,
};
use std::{collections::BTreeMap, convert::Infallible, fs::File, io::Write};

/// Values as the first bytes order, read from the rest and written again.
pub(crate) fn encoding(data: &[u8]) {
    let mut input = Input(data);
    let orders = input.part();
    let bytes = input.0;
    let (mut reader, mut writer) = (Reader::new(bytes), Writer::new());
    for order in orders {
        let read = match order % 9 {
            0 => reader.u8().map(|value| {
                writer.u8(value);
            }),
            1 => reader.u16().map(|value| {
                writer.u16(value);
            }),
            2 => reader.u32().map(|value| {
                writer.u32(value);
            }),
            3 => reader.u64().map(|value| {
                writer.u64(value);
            }),
            4 => reader.bytes().map(|value| {
                writer.bytes(value);
            }),
            5 => reader.str().map(|value| {
                writer.str(value);
            }),
            6 => ObjectId::read(&mut reader).map(|id| {
                assert_eq!(id.to_string().parse(), Ok(id), "an id is read as it was");
                id.write(&mut writer);
            }),
            7 => reader.seq(|reader| reader.str().map(str::to_owned)).map(|items| {
                writer.seq(items, |writer, item| {
                    writer.str(&item);
                });
            }),
            _ => reader.option(Reader::u32).map(|value| {
                writer.option(value, |writer, value| {
                    writer.u32(value);
                });
            }),
        };
        if read.is_err() {
            return;
        }
    }
    assert!(bytes.starts_with(writer.as_bytes()), "values are written as they were");
    let rest = bytes.len() - writer.as_bytes().len();
    assert_eq!(reader.end().is_ok(), rest == 0, "all that was read was written");
    if let Ok(id) = std::str::from_utf8(bytes).unwrap_or("").parse::<ObjectId>() {
        assert_eq!(id.to_string().as_bytes(), bytes, "an id has one text");
    }
}

/// Objects of trees that are where their hashes say.
#[derive(Default)]
struct Objects {
    directories: BTreeMap<DirId, Vec<u8>>,
    trees: BTreeMap<TreeId, Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Missing;

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is not there")
    }
}

impl std::error::Error for Missing {}

impl Source for Objects {
    type Error = Missing;

    fn directory(&self, id: DirId) -> Result<Vec<u8>, Missing> {
        self.directories.get(&id).cloned().ok_or(Missing)
    }

    fn tree(&self, id: TreeId) -> Result<Vec<u8>, Missing> {
        self.trees.get(&id).cloned().ok_or(Missing)
    }
}

impl Sink for Objects {
    type Error = Infallible;

    fn put_directory(&mut self, id: DirId, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.directories.insert(id, bytes);
        Ok(())
    }

    fn put_tree(&mut self, id: TreeId, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.trees.insert(id, bytes);
        Ok(())
    }
}

/// Checks that a tree is what its encoding says.
pub(crate) fn check_tree(tree: &FileTree) {
    let mut objects = Objects::default();
    let Ok(encoded) = encode(tree, &mut objects);
    let decoded = decode(encoded.id, &objects).expect("the encoding of a tree is read");
    assert_eq!(decoded, *tree, "a tree is read as it was");
}

/// The encodings of directories and of roots, as given and inside a tree.
pub(crate) fn tree(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    match variant % 3 {
        0 => {
            if let Ok(directory) = Directory::from_bytes(bytes) {
                assert_eq!(directory.to_bytes(), bytes, "a directory has one encoding");
            }
        }
        1 => {
            if let Ok(root) = TreeRoot::from_bytes(bytes) {
                assert_eq!(root.to_bytes(), bytes, "a root has one encoding");
            }
        }
        _ => {
            let (mut objects, mut input, mut id) = (Objects::default(), Input(bytes), None);
            while !input.is_empty() {
                let part = input.part();
                objects.directories.insert(DirId::of_encoded(part), part.to_vec());
                objects.trees.insert(TreeId::of_encoded(part), part.to_vec());
                id = Some(TreeId::of_encoded(part));
            }
            if let Some(tree) = id.and_then(|id| decode(id, &objects).ok()) {
                check_tree(&tree);
            }
        }
    }
}

fn path(input: &mut Input<'_>) -> TreePath {
    // Few names, so that paths meet.
    let names: Vec<&[u8]> = (0..input.byte() % 4)
        .map(|_| [&b"a"[..], b"b", b"usr", b"x.y"][usize::from(input.byte() % 4)])
        .collect();
    TreePath::new(&names.join(&b'/')).expect("names make a path")
}

/// A tree that is built by any operations stays valid, and its views agree.
pub(crate) fn tree_operations(data: &[u8]) {
    let (mut input, mut trees) = (Input(data), [FileTree::new(), FileTree::new()]);
    while !input.is_empty() {
        let order = input.byte();
        let [tree, other] = &mut trees;
        let at = path(&mut input);
        match order % 9 {
            0 => {
                let content = input.byte();
                let node = Node::file(BlobId::of(&[content]), 1, 0o644);
                let _ = tree.insert_with_parents(at, node);
            }
            1 => drop(tree.insert(at, Node::symlink(input.part()))),
            2 => drop(tree.make_directories(&at)),
            3 => drop(tree.link(at, &path(&mut input))),
            4 => {
                let (had, before) = (tree.has(&at), tree.len());
                let gone = tree.remove(&at);
                assert_eq!(tree.len(), before - gone);
                assert!(!tree.has(&at) || at.is_root(), "what is removed is gone: {had}");
            }
            5 => {
                if let Some(inner) = tree.subtree(&at) {
                    check_tree(&inner);
                    *other = inner;
                }
            }
            6 => {
                let policy = if order > 127 { ClashPolicy::Replace } else { ClashPolicy::Refuse };
                let _ = tree.overlay(other, &at, policy);
            }
            7 => {
                let kept = tree.filter(|path, _| !path.is_within(&at));
                check_tree(&kept);
                *other = kept;
            }
            _ => trees.swap(0, 1),
        }
    }
    let [tree, other] = &trees;
    for set in tree.links().sets() {
        assert!(set.len() > 1 && set.is_sorted(), "a set of links has several paths");
        let nodes: Vec<_> = set.iter().map(|path| tree.get(path)).collect();
        assert!(nodes[0].is_some_and(|node| !matches!(node.kind, Kind::Directory)));
        assert!(nodes.iter().all(|node| *node == nodes[0]), "linked paths are one node");
        assert!(set.iter().all(|path| tree.links().first(path) == Some(set[0])));
    }
    let mut objects = Objects::default();
    let Ok(a) = encode(tree, &mut objects);
    let Ok(b) = encode(other, &mut objects);
    assert_eq!(a.id == b.id, tree == other, "equal trees have equal ids, others not");
    let differences = compare(a.id, b.id, &objects).expect("both trees are there");
    // What differs in hard links alone is not listed by `compare`, but seen in the roots.
    let same_links = tree.links() == other.links();
    assert_eq!(differences.is_empty() && same_links, tree == other, "what differs is found");
    check_tree(tree);
    check_tree(other);
}

/// Records of steps and builds.
pub(crate) fn records(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    if variant % 4 == 2 {
        if let Ok(question) = Question::from_bytes(bytes) {
            assert_eq!(question.to_bytes(), bytes, "a question has one encoding");
            assert!(question.changes(&question).is_empty(), "it is what it is");
        }
    } else if variant % 2 == 0 {
        if let Ok(record) = StepRecord::from_bytes(bytes) {
            assert_eq!(record.to_bytes(), bytes, "a record has one encoding");
            record.statement();
        }
    } else if let Ok(record) = BuildRecord::from_bytes(bytes) {
        assert_eq!(record.to_bytes(), bytes, "a record has one encoding");
        record.id();
        look_back(&record);
    }
}

/// Walks a build as `why` and `whence` do: labels may name steps that are not there, or go round.
fn look_back(record: &BuildRecord) {
    let lineage = Lineage::new(record);
    for step in &record.steps {
        let owner = step.parts().owner;
        assert!(lineage.steps_of(owner).any(|own| own.label == step.label), "whose step it is");
        let made = lineage.made_of(&lineage.ends_of(owner));
        assert!(made.steps <= record.steps.len(), "each step counts once");
        for (_, id) in &step.outputs {
            assert!(!lineage.makers_of(*id).is_empty(), "an output has a maker");
        }
    }
}

/// Origins of files.
pub(crate) fn origins(data: &[u8]) {
    if let Ok(origins) = Origins::from_bytes(data) {
        assert_eq!(origins.to_bytes(), data, "origins have one encoding");
        for (path, label) in origins.iter() {
            assert_eq!(Origins::label_in(data, path), Ok(Some(label)), "one path is found alone");
        }
    }
    // Bytes that are no origins are answered too, or refused.
    let _ = Origins::label_in(data, &TreePath::root());
}

/// A journal: bytes as they are, or frames with whole checks and rubbish between them.
pub(crate) fn journal(data: &[u8]) {
    let (variant, rest) = Input::split(data);
    let mut bytes = fuzzing::title(variant).into_bytes();
    let (mut input, mut frames) = (Input(rest), 0);
    match variant & 0x0c {
        0 => bytes.extend(rest),
        4 => {
            let kind = input.byte();
            return fuzzing::read_frame(variant, kind, input.0);
        }
        _ => {
            while !input.is_empty() {
                match input.byte() {
                    255 => bytes.extend(input.part()),
                    kind => {
                        bytes.extend(fuzzing::frame(kind, input.part()));
                        frames += 1;
                    }
                }
            }
        }
    }
    let file = rustix::fs::memfd_create("journal", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(file.expect("memory for a file"));
    file.write_all(&bytes).expect("memory for a file");
    let read = fuzzing::scan_journal(variant, file);
    let rubbish = rest.contains(&255);
    assert!(rubbish || read >= frames, "every whole frame is found: {read} of {frames}");
}

/// `format`, roots and the stat cache of a store.
pub(crate) fn store_files(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    fuzzing::read_files(&match variant % 3 {
        0 => bytes.to_vec(),
        1 => [bytes, BlobId::of(bytes).as_bytes()].concat(),
        _ => {
            [bytes, format!("check {}\n", &BlobId::of(bytes).to_string()[..16]).as_bytes()].concat()
        }
    });
}
