//! A tree as a Merkle structure: one object per directory and one root object.

use crate::{
    Directory, Entry, EntryKind, FileTree, Links, Meta, TreeError, TreePath,
    directory::{read_meta, write_meta},
};
use groundup_digest::{DecodeError, DirId, Reader, TreeId, Writer};
use std::collections::BTreeMap;

/// Takes the objects of a tree that is encoded.
pub trait Sink {
    /// What can go wrong.
    type Error;
    /// Takes a directory object; may be called more than once for one id.
    fn put_directory(&mut self, id: DirId, bytes: Vec<u8>) -> Result<(), Self::Error>;
    /// Takes the root object; it is called last.
    fn put_tree(&mut self, id: TreeId, bytes: Vec<u8>) -> Result<(), Self::Error>;
}

/// Gives the objects of a tree that is decoded; it has checked that bytes match their id.
pub trait Source {
    /// What can go wrong.
    type Error;
    /// The directory object of this id.
    fn directory(&self, id: DirId) -> Result<Vec<u8>, Self::Error>;
    /// The root object of this id.
    fn tree(&self, id: TreeId) -> Result<Vec<u8>, Self::Error>;
}

/// The root object of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeRoot {
    /// Metadata of the root directory.
    pub meta: Meta,
    /// What the root directory holds.
    pub directory: DirId,
    /// Which paths are one inode.
    pub links: Links,
}

impl TreeRoot {
    /// The canonical encoding, as `docs/formats/tree.md` has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        write_meta(&mut writer, &self.meta);
        writer.digest(self.directory.as_bytes());
        writer.seq(self.links.sets(), |writer, set| {
            writer.seq(set, |writer, path| {
                writer.bytes(path.as_bytes());
            });
        });
        writer.finish()
    }

    /// Reads the canonical encoding; whatever is not canonical is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let meta = read_meta(&mut reader)?;
        let directory = DirId::from_bytes(reader.digest()?);
        let mut links = Links::default();
        let sets = reader.seq(|reader| {
            reader.seq(|reader| {
                let path = reader.bytes()?;
                TreePath::new(path).map_err(|_| reader.invalid("linked path"))
            })
        })?;
        for set in sets {
            links.insert_set(set);
        }
        reader.end()?;
        let root = Self { meta, directory, links };
        // One check for order, size and disjointness of the sets: only the canonical form comes back.
        if root.to_bytes() != bytes {
            return Err(DecodeError::Invalid { at: bytes.len(), what: "hard-link table" });
        }
        Ok(root)
    }
}

/// What encoding a tree tells beside its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// The tree's id.
    pub id: TreeId,
    /// The id of its top directory.
    pub directory: DirId,
}

/// Writes a tree as objects, each directory before the one that holds it, the root object last.
pub fn encode<S: Sink>(tree: &FileTree, sink: &mut S) -> Result<Encoded, S::Error> {
    // Entries of directories that are not finished, by path; children come before their directory
    // in reverse walk order.
    let mut open: BTreeMap<TreePath, Vec<Entry>> = BTreeMap::new();
    let mut top = None;
    let nodes: Vec<_> = tree.iter().collect();
    for (path, node) in nodes.into_iter().rev() {
        let kind = if node.is_directory() {
            let mut entries = open.remove(path).unwrap_or_default();
            entries.reverse();
            let directory = Directory::from_sorted(entries).expect("a file tree is in walk order");
            let bytes = directory.to_bytes();
            let id = DirId::of_encoded(&bytes);
            sink.put_directory(id, bytes)?;
            EntryKind::Directory(id)
        } else {
            EntryKind::Other(node.kind.clone())
        };
        match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => {
                open.entry(parent).or_default().push(Entry { name, meta: node.meta.clone(), kind });
            }
            _ => top = Some(kind),
        }
    }
    let Some(EntryKind::Directory(directory)) = top else {
        unreachable!("the root of a file tree is a directory")
    };
    let root = TreeRoot { meta: tree.root().meta.clone(), directory, links: tree.links().clone() };
    let bytes = root.to_bytes();
    let id = TreeId::of_encoded(&bytes);
    sink.put_tree(id, bytes)?;
    Ok(Encoded { id, directory })
}

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeTreeError<E: std::error::Error + 'static> {
    /// An object could not be had.
    #[error("cannot get an object of the tree")]
    Source(#[source] E),
    /// An object is not in canonical form.
    #[error("an object of the tree is malformed")]
    Malformed(#[from] DecodeError),
    /// The objects do not make a valid tree.
    #[error("the objects do not make a valid tree")]
    Tree(#[from] TreeError),
    /// The hard-link table names paths that cannot be linked.
    #[error("the hard-link table does not fit the tree")]
    Links(#[from] crate::LinkError),
    /// A few directories that hold each other many times would be more nodes than memory has.
    #[error("the tree has more than {0} nodes")]
    Large(usize),
}

/// How deep directories of a tree may be nested.
pub const MAX_DEPTH: usize = 2048;
/// More nodes than any file system that people make; directories that stand in a tree many times
/// are few objects, whatever they unfold to.
const MAX_NODES: usize = 1 << 26;

/// Reads a whole tree.
pub fn decode<S: Source>(id: TreeId, source: &S) -> Result<FileTree, DecodeTreeError<S::Error>>
where
    S::Error: std::error::Error + 'static,
{
    decode_within(id, source, MAX_NODES)
}

fn decode_within<S: Source>(
    id: TreeId,
    source: &S,
    most: usize,
) -> Result<FileTree, DecodeTreeError<S::Error>>
where
    S::Error: std::error::Error + 'static,
{
    let root = TreeRoot::from_bytes(&source.tree(id).map_err(DecodeTreeError::Source)?)?;
    let mut tree = FileTree::with_root(root.meta);
    // Depth is bounded by the length of a path.
    let mut todo = vec![(TreePath::root(), root.directory)];
    while let Some((at, id)) = todo.pop() {
        let bytes = source.directory(id).map_err(DecodeTreeError::Source)?;
        for entry in Directory::from_bytes(&bytes)?.entries() {
            let path = at.join(&entry.name);
            if let EntryKind::Directory(id) = entry.kind {
                todo.push((path.clone(), id));
            }
            tree.insert(path, entry.node())?;
            if tree.len() > most {
                return Err(DecodeTreeError::Large(most));
            }
        }
    }
    for set in root.links.sets() {
        for path in &set[1..] {
            tree.link((*path).clone(), set[0])?;
        }
    }
    Ok(tree)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Kind, Node};
    use groundup_digest::BlobId;
    use std::convert::Infallible;

    #[derive(Default)]
    pub(crate) struct Memory {
        pub(crate) directories: BTreeMap<DirId, Vec<u8>>,
        pub(crate) trees: BTreeMap<TreeId, Vec<u8>>,
        pub(crate) reads: std::cell::Cell<usize>,
    }

    impl Sink for Memory {
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

    impl Source for Memory {
        type Error = Infallible;
        fn directory(&self, id: DirId) -> Result<Vec<u8>, Infallible> {
            self.reads.set(self.reads.get() + 1);
            Ok(self.directories[&id].clone())
        }
        fn tree(&self, id: TreeId) -> Result<Vec<u8>, Infallible> {
            Ok(self.trees[&id].clone())
        }
    }

    pub(crate) fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    pub(crate) fn sample() -> FileTree {
        let mut tree = FileTree::new();
        let file = Node::file(BlobId::of(b"hello"), 5, 0o4755);
        tree.insert_with_parents(path("usr/bin/su"), file.clone()).unwrap();
        tree.insert(path("usr/bin/sg"), file).unwrap();
        tree.link(path("usr/bin/su"), &path("usr/bin/sg")).unwrap();
        tree.insert(path("bin"), Node::symlink("usr/bin")).unwrap();
        tree.make_directories(&path("dev")).unwrap();
        let null = crate::Device { major: 1, minor: 3 };
        let null = Node { meta: Meta::root_owned(0o666), kind: Kind::CharDevice(null) };
        tree.insert(path("dev/null"), null).unwrap();
        tree
    }

    #[test]
    fn a_tree_comes_back_as_it_was() {
        let mut memory = Memory::default();
        let id = encode(&sample(), &mut memory).unwrap().id;
        assert_eq!(decode(id, &memory).unwrap(), sample());
    }

    #[test]
    fn tree_ids_are_pinned() {
        let mut memory = Memory::default();
        let id = encode(&sample(), &mut memory).unwrap().id;
        assert_eq!(
            id.to_string(),
            "96be9370f41570bfb156d43095ec94481ffb1125b9a592b6d5ca1ef7e62fa280"
        );
        let id = encode(&FileTree::new(), &mut memory).unwrap().id;
        assert_eq!(
            id.to_string(),
            "719da839d05360dca4a5c8df20fa77cd0cf07007b0188f873f7a3ae512f5e685"
        );
    }

    #[test]
    fn every_part_of_the_metadata_changes_the_id() {
        let mut memory = Memory::default();
        let mut ids = vec![encode(&sample(), &mut memory).unwrap().id];
        let mut change = |edit: &dyn Fn(&mut Node)| {
            let mut tree = sample();
            let mut node = tree.get(&path("dev/null")).unwrap().clone();
            edit(&mut node);
            tree.insert(path("dev/null"), node).unwrap();
            ids.push(encode(&tree, &mut memory).unwrap().id);
        };
        change(&|node| node.meta.mode = crate::Mode::from_bits(0o600));
        change(&|node| node.meta.uid = 1);
        change(&|node| node.meta.gid = 1);
        change(&|node| assert!(node.meta.xattrs.insert(b"user.a", b"b")));
        change(&|node| node.kind = Kind::Fifo);
        let mut tree = sample();
        tree.remove(&path("usr/bin/sg"));
        tree.insert(path("usr/bin/sg"), Node::file(BlobId::of(b"hello"), 5, 0o4755)).unwrap();
        ids.push(encode(&tree, &mut memory).unwrap().id);
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_link_table_that_does_not_fit_is_refused() {
        let mut memory = Memory::default();
        let encoded = encode(&sample(), &mut memory).unwrap();
        let mut links = Links::default();
        links.insert_set(vec![path("bin"), path("dev/null")]);
        let meta = Meta::root_owned(0o755);
        let bytes = TreeRoot { meta, directory: encoded.directory, links }.to_bytes();
        let id = TreeId::of_encoded(&bytes);
        memory.trees.insert(id, bytes);
        assert!(matches!(decode(id, &memory), Err(DecodeTreeError::Links(_))));
    }

    #[test]
    fn directories_that_unfold_without_end_are_refused() {
        let mut memory = Memory::default();
        let mut put = |directory: Directory| {
            let bytes = directory.to_bytes();
            let id = DirId::of_encoded(&bytes);
            let Ok(()) = memory.put_directory(id, bytes);
            id
        };
        // Sixty directories, each twice in the next: 2^60 nodes.
        let mut id = put(Directory::default());
        for _ in 0..60 {
            let entry = |name: &str| Entry {
                name: crate::Name::new(name.as_bytes()).unwrap(),
                meta: Meta::root_owned(0o755),
                kind: EntryKind::Directory(id),
            };
            id = put(Directory::from_sorted(vec![entry("a"), entry("b")]).unwrap());
        }
        let root =
            TreeRoot { meta: Meta::root_owned(0o755), directory: id, links: Links::default() };
        let bytes = root.to_bytes();
        let id = TreeId::of_encoded(&bytes);
        let Ok(()) = memory.put_tree(id, bytes);
        let refused = decode_within(id, &memory, 1000);
        assert!(matches!(refused, Err(DecodeTreeError::Large(1000))));
    }
}
