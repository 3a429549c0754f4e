//! Layers laid over each other by the rules of OCI, as values: whiteouts, opaque directories, hard
//! links into lower layers, symbolic links in the way.
//!
//! Nothing touches a file system: a path cannot escape, and a symbolic link in the way is followed
//! inside the tree. What contents are is left to the caller. The order of entries within a layer does
//! not matter to whiteouts, which are only for the layers below.

use crate::{tar_writer::WHITEOUT, unpack::UnpackError};
use groundup_tree::{FileTree, Kind, LinkError, Name, Node, TreePath};
use std::collections::BTreeSet;

/// Whether names that begin with `.wh.` mean deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whiteouts {
    /// They do, as in layers.
    Apply,
    /// They are files like others.
    AreFiles,
}

/// What stands at a path of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Something of its own.
    Node(Node),
    /// Another name of what stands at this path, which may be of a lower layer.
    Link(Vec<u8>),
}

/// Layers that are laid over each other, the lowest first.
pub struct Squash {
    whiteouts: Whiteouts,
    /// Bytes of names, and how many may still come.
    names: (u64, u64),
    tree: FileTree,
    /// What the layer that is being laid has put.
    put: BTreeSet<TreePath>,
    /// What it has hidden of the layers below, and directories within which it has hidden all.
    hidden: BTreeSet<TreePath>,
    emptied: BTreeSet<TreePath>,
}

/// Where an entry belongs.
pub(crate) enum Place {
    /// It is the top directory.
    Root,
    /// A path whose directory was looked up.
    At(TreePath),
    /// It stood for a deletion, which was done.
    Done,
}

impl Squash {
    /// Nothing yet. `names` bounds the bytes of all paths, link targets and attributes together,
    /// directories that only paths imply included.
    pub fn new(whiteouts: Whiteouts, names: u64) -> Self {
        Self {
            whiteouts,
            names: (names, names),
            tree: FileTree::new(),
            put: BTreeSet::new(),
            hidden: BTreeSet::new(),
            emptied: BTreeSet::new(),
        }
    }

    /// Begins the next layer.
    pub fn next_layer(&mut self) {
        self.put.clear();
        self.hidden.clear();
        self.emptied.clear();
    }

    /// Puts an entry of the layer; a deletion if that is what its name means. An error leaves out the
    /// entry; only [`UnpackError::Names`] concerns all.
    pub fn put(&mut self, path: &[u8], item: Item) -> Result<(), UnpackError> {
        match (self.place(path)?, item) {
            (Place::Done, _) => Ok(()),
            (Place::Root, Item::Node(node)) => self.root(node),
            (Place::Root, Item::Link(_)) => Err(UnpackError::Root),
            (Place::At(path), Item::Node(node)) => self.node(path, node),
            (Place::At(path), Item::Link(target)) => self.link(path, &target),
        }
    }

    /// The tree that the layers make.
    pub fn finish(self) -> FileTree {
        self.tree
    }

    /// Where an entry belongs; a deletion is done at once.
    pub(crate) fn place(&mut self, path: &[u8]) -> Result<Place, UnpackError> {
        let written = TreePath::parse(path)?;
        let Some(name) = written.name() else { return Ok(Place::Root) };
        let parent = resolve(&self.tree, &written.parent().unwrap_or_default())?;
        let hidden = name.as_bytes().strip_prefix(WHITEOUT);
        match hidden.filter(|_| self.whiteouts == Whiteouts::Apply) {
            Some(b".wh..opq") => self.hide_within(&parent),
            // Book-keeping of old engines.
            Some(hidden) if hidden.starts_with(WHITEOUT) => {}
            Some(hidden) => {
                let source = |source| UnpackError::Name { path: written.clone(), source };
                let hidden = parent.join(&Name::new(hidden).map_err(source)?);
                self.hide(&hidden);
            }
            None => return Ok(Place::At(parent.join(&name))),
        }
        Ok(Place::Done)
    }

    pub(crate) fn root(&mut self, node: Node) -> Result<(), UnpackError> {
        if !node.is_directory() {
            return Err(UnpackError::Root);
        }
        Ok(self.tree.insert(TreePath::root(), node)?)
    }

    pub(crate) fn node(&mut self, path: TreePath, node: Node) -> Result<(), UnpackError> {
        self.insert(&path, node)?;
        self.put.insert(path);
        Ok(())
    }

    pub(crate) fn link(&mut self, path: TreePath, target: &[u8]) -> Result<(), UnpackError> {
        let failed = |source| UnpackError::Link { path: path.clone(), source };
        let target = TreePath::parse(target)?;
        let name = target.name().ok_or_else(|| failed(LinkError::Directory(target.clone())))?;
        let target = resolve(&self.tree, &target.parent().unwrap_or_default())?.join(&name);
        if target != path {
            let node = self.tree.get(&target);
            let node = node.ok_or_else(|| failed(LinkError::Missing(target.clone())))?.clone();
            if node.is_directory() {
                return Err(failed(LinkError::Directory(target)));
            }
            self.insert(&path, node)?;
            self.tree.link(path.clone(), &target).map_err(failed)?;
        }
        self.put.insert(path);
        Ok(())
    }

    fn insert(&mut self, path: &TreePath, node: Node) -> Result<(), UnpackError> {
        if !node.is_directory() {
            self.tree.remove(path);
        }
        // Directories that no entry names are made too: a bomb of deep paths ends here.
        let before = self.tree.len();
        self.tree.insert_with_parents(path.clone(), node)?;
        let implied = self.tree.len().saturating_sub(before + 1);
        self.spend(implied * path.as_bytes().len())
    }

    /// Counts bytes that the tree keeps beside contents.
    pub fn spend(&mut self, bytes: usize) -> Result<(), UnpackError> {
        let (limit, left) = self.names;
        self.names.1 = left.checked_sub(bytes as u64).ok_or(UnpackError::Names(limit))?;
        Ok(())
    }

    /// Takes out what lower layers have within `directory`, itself not.
    fn hide_within(&mut self, directory: &TreePath) {
        if self.is_hidden(directory) || self.emptied.contains(directory) {
            return;
        }
        let children: Vec<_> = self.tree.within(directory).map(|(path, _)| path.clone()).collect();
        for child in children {
            if child.parent().as_ref() == Some(directory) {
                self.hide(&child);
            }
        }
        self.emptied.insert(directory.clone());
    }

    /// Whether this layer has hidden a path already with a directory that it is in: to look through what
    /// stays once more for each of many deletions would take a day.
    fn is_hidden(&self, path: &TreePath) -> bool {
        let mut above = path.parent();
        while let Some(directory) = above {
            if self.hidden.contains(&directory) || self.emptied.contains(&directory) {
                return true;
            }
            above = directory.parent();
        }
        self.hidden.contains(path)
    }

    /// Takes out what lower layers have at `path` and within.
    fn hide(&mut self, path: &TreePath) {
        if self.is_hidden(path) || !self.hidden.insert(path.clone()) {
            return;
        }
        let kept = self.put.range(path.clone()..).next().is_some_and(|next| next.is_within(path));
        if !kept {
            self.tree.remove(path);
            return;
        }
        let gone: Vec<_> = self.tree.within(path).map(|(path, _)| path.clone()).collect();
        // From the leaves up: a directory goes only when nothing of this layer is in it.
        for path in gone.iter().rev().filter(|path| !self.put.contains(path)) {
            if self.tree.within(path).nth(1).is_none() {
                self.tree.remove(path);
            }
        }
    }
}

/// How many names are followed on the way to one path; a path of the longest kind has half as many.
const STEPS: usize = 4096;

/// Where `path` leads to when symbolic links are followed, the last name's too; never out of the
/// tree. A path that is not there leads to itself.
pub fn resolve(tree: &FileTree, path: &TreePath) -> Result<TreePath, UnpackError> {
    let mut pending: Vec<Vec<u8>> = path.names().rev_names();
    let mut at = TreePath::root();
    let (mut hops, mut steps) = (0, 0);
    while let Some(name) = pending.pop() {
        steps += 1;
        if steps > STEPS || at.as_bytes().len() > TreePath::MAX {
            return Err(UnpackError::LinkLoop(path.clone()));
        }
        if name == b".." {
            at = at.parent().unwrap_or_default();
            continue;
        }
        let source = |source| UnpackError::Name { path: path.clone(), source };
        let next = at.join(&Name::new(&name).map_err(source)?);
        let Some(Kind::Symlink { target }) = tree.get(&next).map(|node| &node.kind) else {
            at = next;
            continue;
        };
        hops += 1;
        if hops > 40 {
            return Err(UnpackError::LinkLoop(path.clone()));
        }
        if target.starts_with(b"/") {
            at = TreePath::root();
        }
        let names = target.split(|byte| *byte == b'/').filter(|n| !matches!(*n, b"" | b"."));
        pending.extend(names.rev_names());
    }
    Ok(at)
}

trait RevNames {
    /// The names from the last to the first, owned.
    fn rev_names(self) -> Vec<Vec<u8>>;
}

impl<'a, I: Iterator<Item = &'a [u8]>> RevNames for I {
    fn rev_names(self) -> Vec<Vec<u8>> {
        let mut names: Vec<_> = self.map(<[u8]>::to_vec).collect();
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_tree::{Meta, Mode, Xattrs};

    fn file() -> Item {
        let meta = Meta { mode: Mode::from_bits(0o644), uid: 0, gid: 0, xattrs: Xattrs::none() };
        Item::Node(Node { meta, kind: Kind::Symlink { target: b"x"[..].into() } })
    }

    /// With a walk over all that stays for each of them it would take hours.
    #[test]
    fn deletions_that_are_said_again_and_again_cost_nothing() -> Result<(), UnpackError> {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.put(b"a/below", file())?;
        squash.next_layer();
        for number in 0..50_000 {
            squash.put(format!("a/{number}").as_bytes(), file())?;
        }
        for number in 0..50_000 {
            squash.put(b"a/.wh..wh..opq", file())?;
            squash.put(b".wh.a", file())?;
            squash.put(format!("a/.wh.{number}").as_bytes(), file())?;
        }
        let tree = squash.finish();
        assert_eq!(tree.iter().filter(|(path, _)| !path.is_root()).count(), 50_001);
        Ok(())
    }

    #[test]
    fn a_path_of_links_without_end_is_refused() -> Result<(), UnpackError> {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        for number in 0..40 {
            let target = format!("s{}/{}", number + 1, "x/".repeat(2000)).into_bytes();
            let Item::Node(mut node) = file() else { return Ok(()) };
            node.kind = Kind::Symlink { target: target.into() };
            squash.put(format!("s{number}").as_bytes(), Item::Node(node))?;
        }
        assert!(matches!(squash.put(b"s0/.wh.f", file()), Err(UnpackError::LinkLoop(_))));
        Ok(())
    }
}
