//! What a tree has that its base has not, and what is gone.

use groundup_tree::{FileTree, TreePath};
use std::collections::BTreeSet;

/// The difference of a tree to the one below it, in the terms of layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Paths that are new or have another node or other hard links.
    pub changed: BTreeSet<TreePath>,
    /// Paths that are gone while their directory is still there, in walk order; what they held is
    /// gone with them and not listed. A path that something else replaces is no deletion.
    pub deleted: Vec<TreePath>,
}

/// What must be written over `base` to get `tree`.
pub fn difference(base: &FileTree, tree: &FileTree) -> Difference {
    let mut found = Difference::default();
    for (path, node) in tree.iter() {
        if base.get(path) != Some(node) {
            found.changed.insert(path.clone());
        }
    }
    // An inode is written whole or not at all: a set of links that changed comes with all its paths.
    let links = |tree: &FileTree| -> BTreeSet<Vec<TreePath>> {
        tree.links().sets().into_iter().map(|set| set.into_iter().cloned().collect()).collect()
    };
    let (before, after) = (links(base), links(tree));
    for path in before.difference(&after).flatten().filter(|path| tree.has(path)) {
        found.changed.insert(path.clone());
    }
    for set in &after {
        if !before.contains(set) || set.iter().any(|path| found.changed.contains(path)) {
            found.changed.extend(set.iter().cloned());
        }
    }
    for (path, _) in base.iter().filter(|(path, _)| !tree.has(path)) {
        let parent = path.parent().unwrap_or_default();
        // Where the directory is gone or replaced, this goes with it.
        if tree.get(&parent).is_some_and(|node| node.is_directory()) {
            found.deleted.push(path.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;
    use groundup_tree::Node;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (name, content) in files {
            let node = Node::file(BlobId::of(content.as_bytes()), content.len() as u64, 0o644);
            tree.insert_with_parents(path(name), node).unwrap();
        }
        tree
    }

    fn texts(difference: &Difference) -> (Vec<String>, Vec<String>) {
        let texts = |paths: Vec<&TreePath>| paths.iter().map(|p| p.to_string()).collect();
        (texts(difference.changed.iter().collect()), texts(difference.deleted.iter().collect()))
    }

    #[test]
    fn lists_changes_and_only_the_top_of_what_is_gone() {
        let base = tree(&[("a/x", "1"), ("a/y", "2"), ("b/c/d", "3"), ("e", "4")]);
        let new = tree(&[("a/x", "1"), ("a/y", "9"), ("n", "5")]);
        let (changed, deleted) = texts(&difference(&base, &new));
        assert_eq!(changed, ["/a/y", "/n"]);
        assert_eq!(deleted, ["/b", "/e"]);
    }

    #[test]
    fn what_is_replaced_by_another_kind_is_no_deletion() {
        let base = tree(&[("d/x", "1"), ("f", "2")]);
        let new = tree(&[("d", "1"), ("f/y", "2")]);
        let (changed, deleted) = texts(&difference(&base, &new));
        assert_eq!(changed, ["/d", "/f", "/f/y"]);
        assert!(deleted.is_empty());
    }

    #[test]
    fn a_set_of_hard_links_that_changes_comes_whole() {
        let files = [("a", "1"), ("b", "1"), ("c", "1")];
        let (loose, mut pair, mut three) = (tree(&files), tree(&files), tree(&files));
        pair.link(path("b"), &path("a")).unwrap();
        three.link(path("b"), &path("a")).unwrap();
        three.link(path("c"), &path("a")).unwrap();
        assert_eq!(texts(&difference(&loose, &pair)).0, ["/a", "/b"]);
        assert_eq!(texts(&difference(&pair, &loose)).0, ["/a", "/b"]);
        assert_eq!(texts(&difference(&pair, &three)).0, ["/a", "/b", "/c"]);
        assert!(difference(&pair, &pair).changed.is_empty());
    }

    #[test]
    fn a_directory_whose_metadata_changes_is_listed_alone() {
        let base = tree(&[("d/x", "1")]);
        let mut new = base.clone();
        let mut node = Node::directory();
        node.meta.uid = 7;
        new.insert(path("d"), node).unwrap();
        assert_eq!(texts(&difference(&base, &new)), (vec!["/d".into()], vec![]));
    }
}
