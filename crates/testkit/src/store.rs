//! A store that vanishes.

use groundup_store::{OpenOptions, Store};
use groundup_tree::{FileTree, Kind, Node, TreePath};
use std::path::{Path, PathBuf};

/// A folder with a store in it; both vanish when this is dropped.
#[derive(Debug)]
pub struct TempStore {
    store: Store,
    folder: tempfile::TempDir,
}

impl Default for TempStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::ops::Deref for TempStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TempStore {
    /// A new store.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), &OpenOptions::default()).unwrap();
        Self { store, folder }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The folder that the store is in, on the same file system.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path next to the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file's content and adds the file, with the directories above it, to a tree.
    pub fn add_file(&self, tree: &mut FileTree, path: &str, content: &[u8], mode: u32) {
        let content = self.store.put_blob(content).unwrap();
        let node = Node::file(content.blob, content.size, mode);
        tree.insert_with_parents(TreePath::new(path.as_bytes()).unwrap(), node).unwrap();
    }

    /// The content of a file of a tree.
    pub fn content(&self, tree: &FileTree, path: &str) -> Vec<u8> {
        let node = tree.get(&TreePath::new(path.as_bytes()).unwrap());
        let node = node.unwrap_or_else(|| panic!("there is no {path} in the tree"));
        match node.kind {
            Kind::File { blob, .. } => self.store.read_blob(blob).unwrap(),
            ref other => panic!("{path} is a {}", other.noun()),
        }
    }
}
