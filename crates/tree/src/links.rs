//! Hard links: which paths of a tree are one inode.

use crate::TreePath;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The hard-link table of a tree: disjoint sets of two or more paths that are one inode.
///
/// Sets are numbered by their first path in walk order, so equal tables have equal encodings. Every
/// change costs the logarithm of the table's size, or that for each path of the smaller set where
/// two become one: an archive of strangers may consist of hard links.
#[derive(Clone, Default)]
pub struct Links {
    /// Every linked path with the mark of its set.
    marks: BTreeMap<TreePath, u64>,
    /// The sets by their marks, which say nothing and are not compared.
    sets: BTreeMap<u64, BTreeSet<TreePath>>,
    /// The mark of the next new set.
    next: u64,
}

impl PartialEq for Links {
    fn eq(&self, other: &Self) -> bool {
        self.marks.len() == other.marks.len() && self.sets() == other.sets()
    }
}

impl Eq for Links {}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Links").field(&self.sets()).finish()
    }
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
        self.marks.is_empty()
    }

    /// The first path of the set that `path` is in; none if it is not linked.
    pub fn first(&self, path: &TreePath) -> Option<&TreePath> {
        self.sets.get(self.marks.get(path)?)?.first()
    }

    /// The sets, each sorted, in the order of their first paths.
    pub fn sets(&self) -> Vec<Vec<&TreePath>> {
        let mut sets: Vec<Vec<&TreePath>> =
            self.sets.values().map(|set| set.iter().collect()).collect();
        sets.sort();
        sets
    }

    /// Makes the sets of `a` and `b` one.
    pub(crate) fn join(&mut self, a: &TreePath, b: &TreePath) {
        if a == b {
            return;
        }
        match (self.marks.get(a).copied(), self.marks.get(b).copied()) {
            (None, None) => self.insert_set(vec![a.clone(), b.clone()]),
            (Some(mark), None) => self.add(mark, b.clone()),
            (None, Some(mark)) => self.add(mark, a.clone()),
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => {
                let size = |mark| self.sets.get(&mark).map_or(0, BTreeSet::len);
                let (into, from) =
                    if size(one) < size(other) { (other, one) } else { (one, other) };
                for path in self.sets.remove(&from).unwrap_or_default() {
                    self.add(into, path);
                }
            }
        }
    }

    fn add(&mut self, mark: u64, path: TreePath) {
        self.marks.insert(path.clone(), mark);
        self.sets.entry(mark).or_default().insert(path);
    }

    /// Makes a set of these paths, if they are two or more; they leave the sets that they were in.
    pub(crate) fn insert_set(&mut self, set: Vec<TreePath>) {
        let set: BTreeSet<TreePath> = set.into_iter().collect();
        if set.len() < 2 {
            return;
        }
        let mark = self.next;
        self.next += 1;
        for path in set {
            self.remove(&path);
            self.add(mark, path);
        }
    }

    /// Forgets `path`; a set that keeps a single path is no set any more.
    pub(crate) fn remove(&mut self, path: &TreePath) {
        let Some(mark) = self.marks.remove(path) else { return };
        let Some(set) = self.sets.get_mut(&mark) else { return };
        set.remove(path);
        if set.len() < 2
            && let Some(last) = self.sets.remove(&mark)
        {
            last.iter().for_each(|path| {
                self.marks.remove(path);
            });
        }
    }
}
