//! Laying one tree over another.

use crate::{FileTree, Node, TreeError, TreePath};

/// What to do where both trees have something that cannot both stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClashPolicy {
    /// The upper tree's node replaces the lower's; a directory gives way with all that it holds.
    Replace,
    /// It is an error, unless both nodes are equal; two directories join, the upper's metadata wins.
    Refuse,
}

/// Two trees have different nodes at one path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// The nodes differ.
    #[error("{path}: a {lower} and a {upper} that differ")]
    Different {
        /// Where.
        path: TreePath,
        /// What the lower tree has there.
        lower: &'static str,
        /// What the upper tree has there.
        upper: &'static str,
    },
    /// The merged tree would be invalid.
    #[error("the merged tree would be invalid")]
    Tree(#[from] TreeError),
}

impl FileTree {
    /// Lays `upper` over this tree at the directory `at`, which is made if it is not there.
    ///
    /// The metadata of upper's root is used only for a directory that this makes, or at the root of
    /// this tree never. Hard links of both trees stay as far as their nodes stay.
    pub fn overlay(
        &mut self,
        upper: &FileTree,
        at: &TreePath,
        policy: ClashPolicy,
    ) -> Result<(), Clash> {
        if !self.has(at) {
            self.make_directories(&at.parent().unwrap_or_default())?;
            self.insert(at.clone(), upper.root().clone())?;
        }
        for (inner, node) in upper.iter().filter(|(path, _)| !path.is_root()) {
            let path = at.join_path(inner);
            if self.gives_way(&path, node, policy)? {
                self.insert(path, node.clone())?;
            }
        }
        for set in upper.links().sets() {
            let first = at.join_path(set[0]);
            for path in &set[1..] {
                let path = at.join_path(path);
                self.link(path, &first).expect("both were put from equal nodes");
            }
        }
        Ok(())
    }

    /// Makes room for `node`; whether it has to be put at all.
    fn gives_way(
        &mut self,
        path: &TreePath,
        node: &Node,
        policy: ClashPolicy,
    ) -> Result<bool, Clash> {
        let Some(lower) = self.get(path) else { return Ok(true) };
        if lower == node {
            return Ok(self.links().first(path).is_some());
        }
        if lower.is_directory() && node.is_directory() {
            return Ok(true);
        }
        if policy == ClashPolicy::Refuse {
            let (lower, upper) = (lower.kind.noun(), node.kind.noun());
            return Err(Clash::Different { path: path.clone(), lower, upper });
        }
        self.remove(path);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::tests::{path, sample};
    use groundup_digest::BlobId;

    #[test]
    fn equal_trees_merge_to_themselves() {
        let mut tree = sample();
        tree.overlay(&sample(), &TreePath::root(), ClashPolicy::Refuse).unwrap();
        assert_eq!(tree, sample());
    }

    #[test]
    fn a_different_file_is_refused_or_replaced() {
        let mut upper = FileTree::new();
        upper.insert(path("bin"), Node::file(BlobId::of(b""), 0, 0o644)).unwrap();
        let mut tree = sample();
        let root = TreePath::root();
        assert!(matches!(
            tree.overlay(&upper, &root, ClashPolicy::Refuse),
            Err(Clash::Different { .. })
        ));
        tree.overlay(&upper, &root, ClashPolicy::Replace).unwrap();
        assert_eq!(tree.get(&path("bin")), upper.get(&path("bin")));
    }

    #[test]
    fn a_tree_can_be_laid_below_a_directory_with_its_links() {
        let mut tree = FileTree::new();
        tree.overlay(&sample(), &path("opt/x"), ClashPolicy::Refuse).unwrap();
        assert!(tree.has(&path("opt/x/usr/bin/su")));
        assert_eq!(tree.links().sets().len(), 1);
    }

    #[test]
    fn a_directory_gives_way_with_all_that_it_holds() {
        let mut upper = FileTree::new();
        upper.insert(path("usr"), Node::symlink("system")).unwrap();
        let mut tree = sample();
        tree.overlay(&upper, &TreePath::root(), ClashPolicy::Replace).unwrap();
        assert!(!tree.has(&path("usr/bin/su")));
        assert!(tree.links().is_empty());
    }
}
