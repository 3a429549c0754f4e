//! The root file system while it is being made: a tree, its origins, and ways to see it as
//! programs would, through its symbolic links.

use super::RootfsError;
use groundup_digest::BlobId;
use groundup_provenance::Origins;
use groundup_store::Store;
use groundup_tree::{FileTree, Kind, Meta, Node, TreePath};

/// The label of what no package ships and we make in place of maintainer scripts.
pub(super) const STATE: &str = "state";

/// The number of symbolic links that Linux follows for one path.
const LINKS_MAX: usize = 40;

pub(super) struct Draft<'a> {
    pub(super) store: &'a Store,
    pub(super) tree: FileTree,
    pub(super) origins: Origins,
}

/// Parses a constant of ours.
pub(super) fn constant(path: &str) -> TreePath {
    TreePath::parse(path.as_bytes()).expect("a constant path is a path")
}

/// Parses a path of the specification.
pub(super) fn absolute(what: &'static str, path: &str) -> Result<TreePath, RootfsError> {
    let bad = |source| RootfsError::Path { what, path: path.to_owned(), source };
    if !path.starts_with('/') {
        return Err(bad(None));
    }
    TreePath::parse(path.as_bytes()).map_err(|source| bad(Some(source)))
}

/// The path that a link at `link` with this target means, lexically; none if it leaves the root.
pub(super) fn target_path(link: &TreePath, target: &[u8]) -> Option<TreePath> {
    let base = if target.starts_with(b"/") { TreePath::root() } else { link.parent()? };
    let mut names: Vec<&[u8]> = base.names().collect();
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            // `..` of the root is the root.
            b".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    TreePath::new(&names.join(&b'/')).ok()
}

/// The place that `path` means when every symbolic link on the way is followed, the last name too;
/// names that are not there stay as they are. None for a loop.
pub(super) fn follow(tree: &FileTree, path: &TreePath) -> Option<TreePath> {
    let mut todo: Vec<Vec<u8>> = path.names().map(<[u8]>::to_vec).collect();
    todo.reverse();
    let mut done = TreePath::root();
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == b".." {
            done = done.parent().unwrap_or_default();
            continue;
        }
        let name = groundup_tree::Name::new(&name).ok()?;
        let next = done.join(&name);
        let Some(Node { kind: Kind::Symlink { target }, .. }) = tree.get(&next) else {
            done = next;
            continue;
        };
        links += 1;
        if links > LINKS_MAX {
            return None;
        }
        if target.starts_with(b"/") {
            done = TreePath::root();
        }
        let names = target.split(|byte| *byte == b'/');
        todo.extend(names.filter(|n| !matches!(*n, b"" | b".")).rev().map(<[u8]>::to_vec));
    }
    Some(done)
}

/// As [`follow`], but a link at the end of the path itself is not followed.
pub(super) fn follow_parents(tree: &FileTree, path: &TreePath) -> Option<TreePath> {
    match (path.parent(), path.name()) {
        (Some(parent), Some(name)) => Some(follow(tree, &parent)?.join(&name)),
        _ => Some(path.clone()),
    }
}

impl Draft<'_> {
    /// Whether a program finds something at `path`.
    pub(super) fn finds(&self, path: &TreePath) -> bool {
        self.find(path).is_some()
    }

    /// What a program finds at `path`.
    pub(super) fn find(&self, path: &TreePath) -> Option<&Node> {
        self.tree.get(&follow(&self.tree, path)?)
    }

    /// The bytes of the file that a program finds at `path`.
    pub(super) fn read(&self, path: &TreePath) -> Result<Option<Vec<u8>>, RootfsError> {
        match self.find(path) {
            Some(Node { kind: Kind::File { blob, .. }, .. }) => self.read_blob(*blob).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn read_blob(&self, blob: BlobId) -> Result<Vec<u8>, RootfsError> {
        Ok(self.store.read_blob(blob)?)
    }

    /// Puts a node where `path` leads through the links above it, in place of what is there.
    pub(super) fn put(
        &mut self,
        path: &TreePath,
        node: Node,
        label: &str,
    ) -> Result<(), RootfsError> {
        let looped = || RootfsError::Loop(path.clone());
        let mut place = follow_parents(&self.tree, path).ok_or_else(looped)?;
        if node.is_directory()
            && let Some(Node { kind: Kind::Symlink { .. }, .. }) = self.tree.get(&place)
        {
            let end = follow(&self.tree, &place).ok_or_else(looped)?;
            // A link to a directory stays, as tar and dpkg keep it.
            if self.tree.get(&end).is_none_or(Node::is_directory) {
                place = end;
            }
        }
        if self.tree.get(&place).is_some_and(|other| other.is_directory() != node.is_directory()) {
            self.tree.remove(&place);
        }
        if !node.is_directory() {
            self.origins.insert(place.clone(), label);
        }
        Ok(self.tree.insert_with_parents(place, node)?)
    }

    /// Puts a generated file.
    pub(super) fn put_state(
        &mut self,
        path: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), RootfsError> {
        self.put_state_at(&constant(path), content, Meta::root_owned(mode))
    }

    /// Puts a generated file with its owner.
    pub(super) fn put_state_at(
        &mut self,
        path: &TreePath,
        content: &[u8],
        meta: Meta,
    ) -> Result<(), RootfsError> {
        let stored = self.store.put_blob(content)?;
        let kind = Kind::File { blob: stored.blob, size: stored.size };
        self.put(path, Node { meta, kind }, STATE)
    }

    /// Puts a generated directory, unless something is there.
    pub(super) fn make_directory(&mut self, path: &str, meta: Meta) -> Result<(), RootfsError> {
        let path = constant(path);
        if self.finds(&path) {
            return Ok(());
        }
        self.put(&path, Node { meta, kind: Kind::Directory }, STATE)
    }

    /// Puts a generated link, unless something is there.
    pub(super) fn make_link(&mut self, path: &str, target: &str) -> Result<(), RootfsError> {
        let path = constant(path);
        let place = follow_parents(&self.tree, &path).ok_or(RootfsError::Loop(path.clone()))?;
        if self.tree.has(&place) {
            return Ok(());
        }
        self.put(&path, Node::symlink(target), STATE)
    }

    /// The origins of what is in the tree now.
    pub(super) fn final_origins(&self) -> Origins {
        let mut origins = Origins::new();
        for (path, _) in self.tree.iter().filter(|(_, node)| !node.is_directory()) {
            origins.insert(path.clone(), self.origins.get(path).unwrap_or(STATE));
        }
        origins
    }
}
