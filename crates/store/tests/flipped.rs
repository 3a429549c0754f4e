//! A byte that flips: found by verify, never believed by a reader, and mended by repair.

#![allow(clippy::unwrap_used, reason = "functions shared by tests are tests too")]

mod support;

use groundup_digest::{BlobId, Content, ObjectId, TreeId};
use groundup_store::{
    Executable, ExportOptions, OpenOptions, Problem, StepResult, Store, repair_format,
};
use groundup_tree::{FileTree, Node, TreePath};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};
use support::{key, open, path, result, verify};

/// A store with one small thing of each kind, and one large file.
struct Sample {
    temp: tempfile::TempDir,
    tree: TreeId,
    result: StepResult,
}

const SMALL: &[u8] = b"hello\n";

fn large() -> Vec<u8> {
    (0..10_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect()
}

/// Puts everything; what is there already is not put again.
fn put(store: &Store) -> (TreeId, StepResult) {
    let mut tree = FileTree::new();
    for (name, bytes) in [("small", SMALL), ("dir/large", &large())] {
        let content = store.put_blob(bytes).unwrap();
        let file = Node::file(content.blob, content.size, 0o644);
        tree.insert_with_parents(path(name), file).unwrap();
    }
    let tree = store.put_tree(&tree).unwrap();
    let result = result(store, ObjectId::Tree(tree));
    store.put_result(key("k"), &result).unwrap();
    store.set_root("the root", &[ObjectId::Tree(tree)], &[key("k")]).unwrap();
    (tree, result)
}

impl Sample {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = open(temp.path());
        let (tree, result) = put(&store);
        let mut log = store.log_writer(key("k")).unwrap();
        log.write_all(b"a line\n").unwrap();
        log.finish().unwrap();
        drop(store);
        Self { temp, tree, result }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn only_file_in(&self, folder: &str) -> PathBuf {
        let mut todo = vec![self.file(folder)];
        loop {
            let at = todo.pop().unwrap();
            if at.is_file() {
                return at;
            }
            #[allow(clippy::disallowed_methods, reason = "there is one file")]
            todo.extend(fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()));
        }
    }

    fn blob(&self, bytes: &[u8]) -> PathBuf {
        open(self.temp.path()).blob_path(BlobId::of(bytes), Executable::No).unwrap()
    }

    /// What the store says is what was put, or that it does not know or is damaged.
    fn believes_nothing_else(&self, store: &Store) {
        if let Ok(Some(found)) = store.get_result(key("k")) {
            assert_eq!(found, self.result);
        }
        if let Ok(tree) = store.load_tree(self.tree) {
            assert_eq!(tree.len(), 4);
        }
        for bytes in [SMALL, &large()] {
            if let Ok(read) = store.read_blob(BlobId::of(bytes)) {
                assert_eq!(read, bytes);
            }
            if let Ok(content) = store.content_of(BlobId::of(bytes)) {
                assert_eq!(content, Content::of(bytes));
            }
        }
        if let Ok(record) = store.get_record(self.result.record) {
            assert_eq!(record, ObjectId::Tree(self.tree).to_string().as_bytes());
        }
    }

    /// All is as it was put.
    fn is_as_before(&self) {
        let store = open(self.temp.path());
        assert_eq!(put(&store), (self.tree, self.result.clone()));
        let dest = tempfile::tempdir().unwrap();
        store.export(self.tree, &dest.path().join("out"), ExportOptions::default()).unwrap();
        assert_eq!(fs::read(dest.path().join("out/small")).unwrap(), SMALL);
        assert_eq!(fs::read(dest.path().join("out/dir/large")).unwrap(), large());
        assert_eq!(verify(&store).problems, []);
    }

    /// Opens the store as `store repair` does, and repairs it.
    fn repair(&self) {
        repair_format(self.temp.path()).unwrap();
        let store = open(self.temp.path());
        let report = verify(&store);
        let repaired = store.repair(&report).unwrap();
        let comes_back = |problem: &Problem| {
            matches!(
                problem,
                Problem::MissingDirectory { .. }
                    | Problem::MissingRecord { .. }
                    | Problem::Incomplete { .. }
            )
        };
        assert!(repaired.left.iter().all(comes_back), "{:?}", repaired.left);
    }
}

/// Flips a bit of a byte, keeping the inode.
fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1 << (at % 8);
    fs::write(file, bytes).unwrap();
}

/// Flips bytes of a file one after the other: every one up to a kilobyte, else a sample.
fn flip_each(sample: &Sample, file: &Path) {
    let length = fs::metadata(file).unwrap().len() as usize;
    let step = (length / 1000).max(1) + usize::from(length > 10_000) * 997;
    for (turn, at) in (0..length).step_by(step).enumerate() {
        let before = fs::read(file).unwrap();
        flip(file, at);
        let context = format!("byte {at} of {}", file.display());
        // A store that cannot be opened says so; what was found on the way is in the notices.
        if let Ok(store) = Store::open(sample.temp.path(), &OpenOptions::default()) {
            sample.believes_nothing_else(&store);
            let found = !verify(&store).is_clean() || !store.notices().is_empty();
            assert!(found, "{context} was not found");
        }
        if turn % 16 == 0 {
            sample.repair();
            sample.is_as_before();
        } else {
            fs::write(file, before).unwrap();
        }
    }
}

#[test]
fn a_flipped_byte_of_a_blob_is_found_refused_and_mended() {
    let sample = Sample::new();
    for bytes in [SMALL, &large()] {
        flip_each(&sample, &sample.blob(bytes));
    }
    // What copies or links the content refuses it.
    flip(&sample.blob(SMALL), 2);
    let store = open(sample.temp.path());
    let dest = tempfile::tempdir().unwrap();
    let exported = store.export(sample.tree, &dest.path().join("out"), ExportOptions::default());
    assert!(format!("{:?}", exported.unwrap_err()).contains("DamagedBlob"));
    assert!(!dest.path().join("out").exists());
    assert!(format!("{:?}", store.checkout(sample.tree).unwrap_err()).contains("DamagedBlob"));
}

#[test]
fn a_flipped_byte_of_a_journal_is_found_and_costs_what_it_is_in() {
    let sample = Sample::new();
    for name in ["trees", "results", "records", "hints"] {
        flip_each(&sample, &sample.file(&format!("{name}/journal")));
    }
}

#[test]
fn a_flipped_byte_of_a_journal_is_not_believed_by_an_index_made_anew() {
    let sample = Sample::new();
    for name in ["trees", "results", "records", "hints"] {
        let file = sample.file(&format!("{name}/journal"));
        let whole = fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(3) {
            flip(&file, at);
            fs::remove_dir_all(sample.file("index")).unwrap();
            sample.believes_nothing_else(&open(sample.temp.path()));
            fs::write(&file, &whole).unwrap();
        }
    }
    fs::remove_dir_all(sample.file("index")).unwrap();
    sample.is_as_before();
}

#[test]
fn a_flipped_byte_of_a_log_a_root_or_the_format_is_found_and_mended() {
    let sample = Sample::new();
    flip_each(&sample, &sample.file("format"));
    let root = sample.only_file_in("roots");
    flip_each(&sample, &root);
    let log = sample.only_file_in("logs");
    let whole = fs::read(&log).unwrap();
    for at in 0..whole.len() {
        flip(&log, at);
        assert!(!verify(&open(sample.temp.path())).is_clean(), "byte {at}");
        sample.repair();
        assert!(!log.exists(), "a damaged log goes");
        fs::write(&log, &whole).unwrap();
    }
    sample.is_as_before();
}

#[test]
fn a_flipped_byte_of_the_index_gives_no_wrong_answer_and_the_next_opening_mends_it() {
    let sample = Sample::new();
    let index = sample.only_file_in("index").parent().unwrap().to_owned();
    let database = || {
        #[allow(clippy::disallowed_methods, reason = "there is one database")]
        let mut names = fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
        names.find(|name| name.extension().is_some_and(|extension| extension == "db")).unwrap()
    };
    let whole = fs::read(database()).unwrap();
    for at in (0..whole.len()).step_by(127) {
        flip(&database(), at);
        let store = open(sample.temp.path());
        sample.believes_nothing_else(&store);
        let report = verify(&store);
        sample.believes_nothing_else(&store);
        store.repair(&report).unwrap();
        drop(store);
        let store = open(sample.temp.path());
        assert_eq!(store.get_result(key("k")).unwrap(), Some(sample.result.clone()), "byte {at}");
        assert_eq!(verify(&store).problems, [], "byte {at}");
        drop(store);
        fs::write(database(), &whole).unwrap();
    }
    sample.is_as_before();
}

#[test]
fn a_flipped_byte_of_a_check_out_is_found_and_the_check_out_made_again() {
    let sample = Sample::new();
    let checkout = open(sample.temp.path()).checkout(sample.tree).unwrap();
    let small = checkout.path().join("small");
    drop(checkout);
    // The file is the blob's inode: both are damaged.
    flip(&small, 3);
    let report = verify(&open(sample.temp.path()));
    let damaged = |problem: &Problem| matches!(problem, Problem::DamagedCheckout { .. });
    assert!(report.problems.iter().any(damaged), "{:?}", report.problems);
    sample.repair();
    assert!(!small.exists());
    sample.is_as_before();
    let again = open(sample.temp.path()).checkout(sample.tree).unwrap();
    assert_eq!(fs::read(again.path().join("small")).unwrap(), SMALL);
    // A stranger in it, another mode, something missing: none is what the tree says.
    fs::write(again.path().join("stranger"), "").unwrap();
    assert!(verify(&open(sample.temp.path())).problems.iter().any(damaged));
    let in_use = open(sample.temp.path());
    let left = in_use.repair(&verify(&in_use)).unwrap().left;
    assert!(left.iter().any(damaged), "one that is in use stays: {left:?}");
    drop(again);
    sample.repair();
    sample.is_as_before();
}

#[test]
fn trees_that_lack_a_directory_go_and_come_back_whole() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let mut tree = FileTree::new();
    let path = TreePath::new(b"a/b/c").unwrap();
    tree.insert_with_parents(path, Node::symlink("x")).unwrap();
    let id = store.put_tree(&tree).unwrap();
    drop(store);
    // The innermost directory is the first frame behind the title.
    let journal = temp.path().join("trees/journal");
    let title = fs::read(&journal).unwrap().iter().position(|byte| *byte == b'\n').unwrap();
    flip(&journal, title + 30);
    let store = open(temp.path());
    let report = verify(&store);
    assert!(!report.is_clean());
    store.repair(&report).unwrap();
    assert_eq!(verify(&store).problems, []);
    assert!(store.load_tree(id).is_err());
    assert_eq!(store.put_tree(&tree).unwrap(), id);
    assert_eq!(store.load_tree(id).unwrap(), tree);
}
