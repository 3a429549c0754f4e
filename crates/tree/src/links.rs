//! Hard links: which paths of a tree are one inode.

use crate::TreePath;
use std::collections::BTreeMap;

/// The hard-link table of a tree: disjoint sets of two or more paths that are one inode.
///
/// Sets are numbered by their first path in walk order, so equal tables have equal encodings.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Links {
    /// Every linked path with the first path of its set (itself for the first).
    first_of: BTreeMap<TreePath, TreePath>,
}

/// Why two paths cannot be hard links of one inode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A path is not there.
    #[error("cannot link {0}: there is no such file in the tree")]
    Missing(TreePath),
    /// A directory cannot be linked.
    #[error("cannot link {0}: it is a directory")]
    Directory(TreePath),
    /// The two nodes differ in content or metadata.
    #[error("cannot link {0} and {1}: they differ in content or metadata")]
    Different(TreePath, TreePath),
}

impl Links {
    /// Whether no path is linked.
    pub fn is_empty(&self) -> bool {
        self.first_of.is_empty()
    }

    /// The first path of the set that `path` is in; none if it is not linked.
    pub fn first(&self, path: &TreePath) -> Option<&TreePath> {
        self.first_of.get(path)
    }

    /// The sets, each sorted, in the order of their first paths.
    pub fn sets(&self) -> Vec<Vec<&TreePath>> {
        let mut sets: BTreeMap<&TreePath, Vec<&TreePath>> = BTreeMap::new();
        for (path, first) in &self.first_of {
            sets.entry(first).or_default().push(path);
        }
        sets.into_values().collect()
    }

    /// Makes the sets of `a` and `b` one.
    pub(crate) fn join(&mut self, a: &TreePath, b: &TreePath) {
        let set_of = |links: &Links, path: &TreePath| match links.first(path) {
            None => vec![path.clone()],
            Some(first) => {
                let of_set = links.first_of.iter().filter(|(_, other)| *other == first);
                of_set.map(|(path, _)| path.clone()).collect()
            }
        };
        let mut set = set_of(self, a);
        set.extend(set_of(self, b));
        set.sort();
        set.dedup();
        self.insert_set(set);
    }

    /// Takes a whole set of paths, none of which is linked yet or all of which are being joined.
    pub(crate) fn insert_set(&mut self, mut set: Vec<TreePath>) {
        set.sort();
        if set.len() < 2 {
            return;
        }
        let first = set[0].clone();
        for path in set {
            self.first_of.insert(path, first.clone());
        }
    }

    /// Forgets `path`; a set that keeps a single path is no set any more.
    pub(crate) fn remove(&mut self, path: &TreePath) {
        let Some(first) = self.first_of.remove(path) else { return };
        let rest = self.first_of.iter().filter(|(_, other)| **other == first);
        let rest: Vec<_> = rest.map(|(path, _)| path.clone()).collect();
        for path in &rest {
            self.first_of.remove(path);
        }
        self.insert_set(rest);
    }
}
