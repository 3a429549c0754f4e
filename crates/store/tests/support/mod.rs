//! A store in a temporary folder, and things to put into it.

#![allow(clippy::unwrap_used, reason = "functions shared by tests are tests too")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use groundup_digest::{BlobId, ObjectId, RecordId, StepKey, TreeId};
use groundup_store::{OpenOptions, RecordKind, Report, StepResult, Store};
use groundup_tree::{FileTree, Node, TreePath};
use std::path::Path;

pub(crate) fn open(path: &Path) -> Store {
    Store::open(path, &OpenOptions::default()).unwrap()
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

/// Puts a tree with one file per content, `dir/0`, `dir/1`, and so on.
pub(crate) fn put_tree(store: &Store, contents: &[&str]) -> TreeId {
    let mut tree = FileTree::new();
    for (index, content) in contents.iter().enumerate() {
        let blob = store.put_blob(content.as_bytes()).unwrap();
        let file = Node::file(blob.blob, blob.size, 0o644);
        tree.insert_with_parents(path(&format!("dir/{index}")), file).unwrap();
    }
    store.put_tree(&tree).unwrap()
}

pub(crate) fn key(text: &str) -> StepKey {
    StepKey::of_encoded(text.as_bytes())
}

/// A result with one output and a record of its own that is in the store.
pub(crate) fn result(store: &Store, output: ObjectId) -> StepResult {
    let record = store.put_record(RecordKind::Step, None, output.to_string().as_bytes()).unwrap();
    StepResult { outputs: [("out".to_owned(), output)].into(), record }
}

pub(crate) fn unrecorded(output: BlobId) -> StepResult {
    let record = RecordId::of_encoded(b"none");
    StepResult { outputs: [("out".to_owned(), ObjectId::Blob(output))].into(), record }
}

pub(crate) fn verify(store: &Store) -> Report {
    store.verify(&mut |_| {}).unwrap()
}
