//! Comparing two encoded trees: equal directories are never opened.

use crate::{DecodeTreeError, Directory, Entry, EntryKind, Node, Source, TreePath, TreeRoot};
use groundup_digest::{DirId, TreeId};

/// How a path differs between two trees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Only the second tree has it.
    Added(Node),
    /// Only the first tree has it.
    Removed(Node),
    /// Both have it, with another kind, content or metadata; for directories, other metadata.
    Changed(Node, Node),
}

/// One path that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Where.
    pub path: TreePath,
    /// How.
    pub change: Change,
}

/// All paths at which two trees differ, in walk order. Differences of the hard-link table alone
/// are not listed: compare [`TreeRoot::links`].
pub fn compare<S: Source>(
    a: TreeId,
    b: TreeId,
    source: &S,
) -> Result<Vec<Difference>, DecodeTreeError<S::Error>>
where
    S::Error: std::error::Error + 'static,
{
    let mut comparison = Comparison { source, found: Vec::new() };
    if a != b {
        let root = |id| -> Result<TreeRoot, DecodeTreeError<S::Error>> {
            Ok(TreeRoot::from_bytes(&source.tree(id).map_err(DecodeTreeError::Source)?)?)
        };
        let (a, b) = (root(a)?, root(b)?);
        if a.meta != b.meta {
            let node =
                |root: &TreeRoot| Node { meta: root.meta.clone(), kind: crate::Kind::Directory };
            comparison.push(TreePath::root(), Change::Changed(node(&a), node(&b)));
        }
        comparison.directories(&TreePath::root(), Some(a.directory), Some(b.directory))?;
    }
    comparison.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(comparison.found)
}

struct Comparison<'a, S> {
    source: &'a S,
    found: Vec<Difference>,
}

impl<S: Source> Comparison<'_, S>
where
    S::Error: std::error::Error + 'static,
{
    fn push(&mut self, path: TreePath, change: Change) {
        self.found.push(Difference { path, change });
    }

    fn load(&self, id: Option<DirId>) -> Result<Vec<Entry>, DecodeTreeError<S::Error>> {
        let Some(id) = id else { return Ok(Vec::new()) };
        let bytes = self.source.directory(id).map_err(DecodeTreeError::Source)?;
        Ok(Directory::from_bytes(&bytes)?.entries().to_vec())
    }

    fn directories(
        &mut self,
        at: &TreePath,
        a: Option<DirId>,
        b: Option<DirId>,
    ) -> Result<(), DecodeTreeError<S::Error>> {
        if a == b {
            return Ok(());
        }
        let (a, b) = (self.load(a)?, self.load(b)?);
        let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
        loop {
            let (left, right) = match (a.peek(), b.peek()) {
                (None, None) => return Ok(()),
                (Some(x), Some(y)) if x.name == y.name => (a.next(), b.next()),
                (Some(x), Some(y)) if x.name < y.name => (a.next(), None),
                (Some(_), None) => (a.next(), None),
                _ => (None, b.next()),
            };
            self.entries(at, left, right)?;
        }
    }

    fn entries(
        &mut self,
        at: &TreePath,
        a: Option<&Entry>,
        b: Option<&Entry>,
    ) -> Result<(), DecodeTreeError<S::Error>> {
        let Some(name) = a.or(b).map(|entry| &entry.name) else { return Ok(()) };
        let path = at.join(name);
        match (a.map(Entry::node), b.map(Entry::node)) {
            (Some(x), Some(y)) if x != y => self.push(path.clone(), Change::Changed(x, y)),
            (Some(x), None) => self.push(path.clone(), Change::Removed(x)),
            (None, Some(y)) => self.push(path.clone(), Change::Added(y)),
            _ => {}
        }
        let inside = |entry: Option<&Entry>| match entry.map(|entry| &entry.kind) {
            Some(EntryKind::Directory(id)) => Some(*id),
            _ => None,
        };
        self.directories(&path, inside(a), inside(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode,
        merkle::tests::{Memory, path, sample},
    };

    #[test]
    fn lists_what_differs_and_opens_nothing_equal() {
        let mut memory = Memory::default();
        let a = encode(&sample(), &mut memory).unwrap().id;
        let mut tree = sample();
        tree.remove(&path("dev/null"));
        tree.insert(path("new"), Node::symlink("x")).unwrap();
        let b = encode(&tree, &mut memory).unwrap().id;
        let found = compare(a, b, &memory).unwrap();
        let paths: Vec<_> = found.iter().map(|found| found.path.to_string()).collect();
        assert_eq!(paths, ["/dev/null", "/new"]);
        // The two roots and the two `dev`; `usr` is equal.
        assert_eq!(memory.reads.get(), 4);
        assert!(compare(a, a, &memory).unwrap().is_empty());
    }
}
