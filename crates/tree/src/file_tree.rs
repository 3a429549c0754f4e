//! A whole tree in memory, valid at every moment.

use crate::{Kind, LinkError, Links, Node, TreePath};
use std::collections::BTreeMap;

/// A file tree as a value: nodes by path, and the hard-link table.
///
/// Invariants: the root is a directory; the parent of every node is a directory of the tree; every
/// linked path is a non-directory whose node equals that of its set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileTree {
    nodes: BTreeMap<TreePath, Node>,
    links: Links,
}

/// Why a change would make a tree invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The directory that should hold the node is not there.
    #[error("cannot put {path}: there is no directory {parent}")]
    NoParent {
        /// The node's path.
        path: TreePath,
        /// The directory that lacks.
        parent: TreePath,
    },
    /// What should hold the node is not a directory.
    #[error("cannot put {path}: {parent} is a {noun}, not a directory")]
    ParentNotDirectory {
        /// The node's path.
        path: TreePath,
        /// What is in its way.
        parent: TreePath,
        /// What that is.
        noun: &'static str,
    },
    /// A directory with content would be replaced by something else.
    #[error("cannot put a {noun} at {path}: a directory that is not empty stands there")]
    DirectoryInTheWay {
        /// The path in question.
        path: TreePath,
        /// What should have come there.
        noun: &'static str,
    },
    /// The root of a tree is always a directory.
    #[error("the root of a tree must be a directory")]
    RootNotDirectory,
    /// A symbolic link's target is empty, holds a NUL byte or is longer than Linux allows.
    #[error("the symbolic link {0} has a target that is empty, has a NUL byte or is over {max} bytes", max = TreePath::MAX)]
    SymlinkTarget(TreePath),
    /// A path is longer than Linux allows.
    #[error("the path {start}… has {length} bytes, over the limit of {max}", max = TreePath::MAX)]
    Long {
        /// How it starts.
        start: String,
        /// Its length.
        length: usize,
    },
}

impl Default for FileTree {
    fn default() -> Self {
        Self::new()
    }
}

impl FileTree {
    /// A tree that holds nothing: a root-owned root directory with mode 0755.
    pub fn new() -> Self {
        Self::with_root(Node::directory().meta)
    }

    /// A tree that holds nothing, with the given metadata of its root.
    pub fn with_root(meta: crate::Meta) -> Self {
        let root = Node { meta, kind: Kind::Directory };
        Self { nodes: BTreeMap::from([(TreePath::root(), root)]), links: Links::default() }
    }

    /// The node at `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Whether there is a node at `path`.
    pub fn has(&self, path: &TreePath) -> bool {
        self.nodes.contains_key(path)
    }

    /// The root's node.
    pub fn root(&self) -> &Node {
        &self.nodes[&TreePath::root()]
    }

    /// All nodes in walk order, the root first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TreePath, &Node)> {
        self.nodes.iter()
    }

    /// The nodes within `directory`, itself included, in walk order.
    pub fn within<'a>(
        &'a self,
        directory: &'a TreePath,
    ) -> impl Iterator<Item = (&'a TreePath, &'a Node)> {
        self.nodes.range(directory.clone()..).take_while(|(path, _)| path.is_within(directory))
    }

    /// How many nodes there are, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// The sum of the sizes of all files in bytes, hard links counted once.
    pub fn size(&self) -> u64 {
        let counted = self
            .nodes
            .iter()
            .filter(|(path, _)| self.links.first(path).is_none_or(|first| first == *path));
        counted
            .map(|(_, node)| if let Kind::File { size, .. } = node.kind { size } else { 0 })
            .sum()
    }

    /// The hard-link table.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Puts a node at a path, in place of what was there; a directory replaces only the metadata of
    /// a directory.
    ///
    /// A path that is replaced leaves its set of hard links.
    pub fn insert(&mut self, path: TreePath, node: Node) -> Result<(), TreeError> {
        self.check_insert(&path, &node)?;
        self.links.remove(&path);
        self.nodes.insert(path, node);
        Ok(())
    }

    fn check_insert(&self, path: &TreePath, node: &Node) -> Result<(), TreeError> {
        check_length(path)?;
        if let Kind::Symlink { target } = &node.kind
            && (target.is_empty() || target.contains(&0) || target.len() > TreePath::MAX)
        {
            return Err(TreeError::SymlinkTarget(path.clone()));
        }
        let Some(parent) = path.parent() else {
            return if node.is_directory() { Ok(()) } else { Err(TreeError::RootNotDirectory) };
        };
        match self.nodes.get(&parent) {
            None => return Err(TreeError::NoParent { path: path.clone(), parent }),
            Some(other) if !other.is_directory() => {
                let noun = other.kind.noun();
                return Err(TreeError::ParentNotDirectory { path: path.clone(), parent, noun });
            }
            Some(_) => {}
        }
        let replaced_directory = self.nodes.get(path).is_some_and(Node::is_directory);
        if replaced_directory && !node.is_directory() && self.within(path).nth(1).is_some() {
            let noun = node.kind.noun();
            return Err(TreeError::DirectoryInTheWay { path: path.clone(), noun });
        }
        Ok(())
    }

    /// Puts a node at a path and makes the directories above it that are not there, root-owned with
    /// mode 0755.
    pub fn insert_with_parents(&mut self, path: TreePath, node: Node) -> Result<(), TreeError> {
        self.make_directories(&path.parent().unwrap_or_default())?;
        self.insert(path, node)
    }

    /// Makes `path` and the directories above it that are not there, root-owned with mode 0755.
    pub fn make_directories(&mut self, path: &TreePath) -> Result<(), TreeError> {
        check_length(path)?;
        match self.nodes.get(path) {
            Some(node) if node.is_directory() => return Ok(()),
            Some(node) => {
                let noun = node.kind.noun();
                let (path, parent) = (path.clone(), path.clone());
                return Err(TreeError::ParentNotDirectory { path, parent, noun });
            }
            None => {}
        }
        if let Some(parent) = path.parent() {
            self.make_directories(&parent)?;
        }
        self.insert(path.clone(), Node::directory())
    }

    /// Makes `path` a hard link of `to`: one inode, so one node.
    pub fn link(&mut self, path: TreePath, to: &TreePath) -> Result<(), LinkError> {
        let node = self.nodes.get(to).ok_or_else(|| LinkError::Missing(to.clone()))?;
        if node.is_directory() {
            return Err(LinkError::Directory(to.clone()));
        }
        let other = self.nodes.get(&path).ok_or_else(|| LinkError::Missing(path.clone()))?;
        if other != node {
            return Err(LinkError::Different(to.clone(), path));
        }
        self.links.join(to, &path);
        Ok(())
    }

    /// Takes out `path` and all that it holds; gives how many nodes went. The root keeps itself.
    pub fn remove(&mut self, path: &TreePath) -> usize {
        let gone: Vec<_> = self.within(path).map(|(path, _)| path.clone()).collect();
        let gone: Vec<_> = gone.into_iter().filter(|path| !path.is_root()).collect();
        for path in &gone {
            self.links.remove(path);
            self.nodes.remove(path);
        }
        gone.len()
    }

    /// The tree below `directory` as a tree of its own; hard links that leave it are cut.
    ///
    /// None if there is no directory at this path.
    pub fn subtree(&self, directory: &TreePath) -> Option<FileTree> {
        let root = self.get(directory).filter(|node| node.is_directory())?;
        let mut tree = FileTree::with_root(root.meta.clone());
        // In walk order, so the map is made in one go.
        let inner = self.within(directory).map(|(path, node)| {
            let inner = path.strip(directory).expect("`within` gives paths of the directory");
            (inner, node.clone())
        });
        tree.nodes = inner.collect();
        for set in self.links.sets() {
            let inner = set.into_iter().filter_map(|path| path.strip(directory)).collect();
            tree.links.insert_set(inner);
        }
        Some(tree)
    }

    /// A tree of the nodes whose path `keep` accepts, with the directories above them.
    pub fn filter(&self, mut keep: impl FnMut(&TreePath, &Node) -> bool) -> FileTree {
        let mut tree = FileTree::with_root(self.root().meta.clone());
        for (path, node) in &self.nodes {
            if keep(path, node) {
                tree.copy_parents(self, path);
                tree.nodes.insert(path.clone(), node.clone());
            }
        }
        for set in self.links.sets() {
            let kept = set.into_iter().filter(|path| tree.has(path)).cloned().collect();
            tree.links.insert_set(kept);
        }
        tree
    }

    fn copy_parents(&mut self, from: &FileTree, path: &TreePath) {
        let mut next = path.parent();
        while let Some(parent) = next {
            if self.has(&parent) {
                break;
            }
            next = parent.parent();
            let node = from.nodes[&parent].clone();
            self.nodes.insert(parent, node);
        }
    }
}

fn check_length(path: &TreePath) -> Result<(), TreeError> {
    let bytes = path.as_bytes();
    if bytes.len() <= TreePath::MAX {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&bytes[..80]).into_owned();
    Err(TreeError::Long { start, length: bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn file(text: &str) -> Node {
        Node::file(BlobId::of(text.as_bytes()), text.len() as u64, 0o644)
    }

    #[test]
    fn rejects_a_node_without_a_directory_above() {
        let mut tree = FileTree::new();
        let error = tree.insert(path("a/b"), file("x")).unwrap_err();
        assert_eq!(error, TreeError::NoParent { path: path("a/b"), parent: path("a") });
        tree.insert(path("a"), file("x")).unwrap();
        let error = tree.insert(path("a/b"), file("x")).unwrap_err();
        assert!(matches!(error, TreeError::ParentNotDirectory { .. }));
    }

    #[test]
    fn rejects_replacing_a_full_directory() {
        let mut tree = FileTree::new();
        tree.insert_with_parents(path("a/b"), file("x")).unwrap();
        let error = tree.insert(path("a"), file("x")).unwrap_err();
        assert!(matches!(error, TreeError::DirectoryInTheWay { .. }));
        tree.remove(&path("a/b"));
        tree.insert(path("a"), file("x")).unwrap();
    }

    #[test]
    fn rejects_links_of_different_files_and_directories() {
        let mut tree = FileTree::new();
        tree.insert(path("a"), file("x")).unwrap();
        tree.insert(path("b"), file("y")).unwrap();
        assert!(matches!(tree.link(path("b"), &path("a")), Err(LinkError::Different(..))));
        assert!(matches!(tree.link(path("b"), &path("c")), Err(LinkError::Missing(_))));
        assert!(matches!(tree.link(path("b"), &TreePath::root()), Err(LinkError::Directory(_))));
    }

    #[test]
    fn a_removed_path_leaves_its_set_of_links() {
        let mut tree = FileTree::new();
        for name in ["a", "b", "c"] {
            tree.insert(path(name), file("x")).unwrap();
        }
        tree.link(path("b"), &path("c")).unwrap();
        tree.link(path("c"), &path("a")).unwrap();
        assert_eq!(tree.links().sets(), [[&path("a"), &path("b"), &path("c")]]);
        assert_eq!(tree.size(), 1);
        tree.remove(&path("a"));
        assert_eq!(tree.links().sets(), [[&path("b"), &path("c")]]);
        tree.insert(path("b"), file("y")).unwrap();
        assert!(tree.links().is_empty());
    }

    #[test]
    fn a_subtree_is_seen_from_its_directory() {
        let mut tree = FileTree::new();
        tree.insert_with_parents(path("usr/lib/x"), file("x")).unwrap();
        let inner = tree.subtree(&path("usr")).unwrap();
        assert!(inner.has(&path("lib/x")));
        assert_eq!(inner.len(), 3);
        assert!(tree.subtree(&path("usr/lib/x")).is_none());
    }

    #[test]
    fn rejects_paths_and_targets_that_linux_could_not_open() {
        let mut tree = FileTree::new();
        let longest = vec!["a"; TreePath::MAX / 2].join("/") + "b";
        assert_eq!(longest.len(), TreePath::MAX);
        tree.insert_with_parents(path(&longest), file("x")).unwrap();
        let (before, longer) = (tree.len(), format!("{longest}c"));
        let error = tree.insert_with_parents(path(&longer), file("x")).unwrap_err();
        assert_eq!(tree.len(), before, "no directory is made on the way");
        assert!(error.to_string().starts_with("the path a/a/a/"), "{error}");
        assert!(error.to_string().ends_with("has 4095 bytes, over the limit of 4094"), "{error}");
        let target = |length| Node::symlink("t".repeat(length));
        tree.insert(path("s"), target(TreePath::MAX)).unwrap();
        let error = tree.insert(path("s"), target(TreePath::MAX + 1)).unwrap_err();
        assert_eq!(error, TreeError::SymlinkTarget(path("s")));
    }

    #[test]
    fn many_links_of_one_file_in_any_order_are_linked_and_removed_at_once() {
        // Quadratic work would be four hundred million steps and more.
        let name = |number: u32| path(&format!("f{number:06}"));
        let mut tree = FileTree::new();
        for number in 0..20_000 {
            tree.insert(name(number), file("x")).unwrap();
        }
        for number in (0..19_999).rev() {
            tree.link(name(number), &name(number + 1)).unwrap();
        }
        assert_eq!(tree.links().first(&name(19_999)), Some(&name(0)));
        for number in 0..19_998 {
            tree.remove(&name(number));
        }
        assert_eq!(tree.links().sets(), [[&name(19_998), &name(19_999)]]);
    }
}
