//! Splitting a tree into layers: a pure plan from the origins of its paths and a budget.

use crate::{Difference, assign::layer_of};
use groundup_provenance::Origins;
use groundup_tree::{FileTree, TreePath};
use std::collections::BTreeSet;

/// The parts of a tree that become layers, from the bottom to the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPlan {
    /// As many as the budget allows; those that nothing belongs to are empty.
    pub layers: Vec<PlannedLayer>,
    /// Paths of the base that the lowest layer deletes.
    pub deleted: Vec<TreePath>,
}

/// One layer of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLayer {
    /// Its files, with the directories above them.
    pub tree: FileTree,
    /// The labels of what is in it, sorted.
    pub labels: Vec<String>,
}

/// Splits `tree` into `max` layers (at least one).
///
/// Over a base only what differs from it is taken. Every other path that is no directory comes into
/// one layer by its label, hard links together by the label of their first path. So does a directory
/// that has a label, holds nothing or differs from the base; without a label it counts as `state`.
/// Directories above come along with their own metadata.
pub fn plan_layers(
    tree: &FileTree,
    origins: &Origins,
    over: Option<&Difference>,
    max: usize,
) -> LayerPlan {
    let max = max.max(1);
    let mut paths: Vec<BTreeSet<&TreePath>> = vec![BTreeSet::new(); max];
    let mut labels: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); max];
    let mut nodes = tree.iter().peekable();
    while let Some((path, node)) = nodes.next() {
        let first = tree.links().first(path).unwrap_or(path);
        // Packages come with empty directories and origins know files: with what moves anyway.
        let label = origins.get(first).or(node.is_directory().then_some("state"));
        let taken = match over {
            Some(difference) => difference.changed.contains(path),
            None if node.is_directory() => {
                let holds = nodes.peek().is_some_and(|(next, _)| next.is_within(path));
                origins.get(path).is_some() || !holds
            }
            None => true,
        };
        if taken {
            let layer = layer_of(label, max);
            paths[layer].insert(path);
            labels[layer].extend(label);
        }
    }
    let deleted = over.map(|difference| difference.deleted.clone()).unwrap_or_default();
    // A deletion is written with the directories above it, as everything is.
    let above: Vec<_> = deleted.iter().filter_map(TreePath::parent).collect();
    paths[0].extend(above.iter());

    let layers = paths.into_iter().zip(labels).map(|(paths, labels)| PlannedLayer {
        tree: part(tree, &paths),
        labels: labels.into_iter().map(str::to_owned).collect(),
    });
    LayerPlan { layers: layers.collect(), deleted }
}

fn part(tree: &FileTree, paths: &BTreeSet<&TreePath>) -> FileTree {
    if paths.is_empty() {
        return FileTree::new();
    }
    tree.filter(|path, _| paths.contains(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference;
    use groundup_digest::BlobId;
    use groundup_tree::{ClashPolicy, Node};
    use proptest::prelude::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn file(content: &str) -> Node {
        Node::file(BlobId::of(content.as_bytes()), content.len() as u64, 0o644)
    }

    /// A tree of packages, each with some files of its own and one in a common directory.
    fn packages(packages: &[(String, u32)]) -> (FileTree, Origins) {
        let (mut tree, mut origins) = (FileTree::new(), Origins::new());
        for (name, version) in packages {
            let files = [
                format!("usr/share/{name}/a"),
                format!("usr/share/{name}/b"),
                format!("bin/{name}"),
            ];
            for file_path in files {
                let content = format!("{file_path} {version}");
                tree.insert_with_parents(path(&file_path), file(&content)).unwrap();
                origins.insert(path(&file_path), format!("deb:{name}"));
            }
            let link = path(&format!("usr/share/{name}/link"));
            tree.insert(link.clone(), file(&format!("bin/{name} {version}"))).unwrap();
            tree.link(link.clone(), &path(&format!("bin/{name}"))).unwrap();
            origins.insert(link, format!("deb:{name}"));
        }
        (tree, origins)
    }

    fn moved(a: &LayerPlan, b: &LayerPlan) -> usize {
        a.layers.iter().zip(&b.layers).filter(|(a, b)| a.tree != b.tree).count()
    }

    /// The layers laid over each other, hard links too.
    fn stacked(plan: &LayerPlan) -> FileTree {
        let mut tree = FileTree::new();
        for layer in &plan.layers {
            tree.overlay(&layer.tree, &TreePath::root(), ClashPolicy::Refuse).unwrap();
        }
        tree
    }

    fn package_set() -> impl Strategy<Value = Vec<(String, u32)>> {
        proptest::collection::btree_map("[a-z]{1,3}(-[a-z0-9]{1,3})?", 0u32..3, 1..30)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_plan_keeps_the_budget_and_loses_nothing(set in package_set(), max in 1usize..40) {
            let (tree, origins) = packages(&set);
            let plan = plan_layers(&tree, &origins, None, max);
            prop_assert_eq!(plan.layers.len(), max);
            prop_assert_eq!(stacked(&plan), tree);
        }

        #[test]
        fn a_package_that_grows_moves_one_layer(set in package_set(), which in any::<prop::sample::Index>(), max in 1usize..40) {
            let mut grown = set.clone();
            which.get_mut(&mut grown).1 += 7;
            let plan = |set: &[(String, u32)]| {
                let (tree, origins) = packages(set);
                plan_layers(&tree, &origins, None, max)
            };
            prop_assert_eq!(moved(&plan(&set), &plan(&grown)), 1);
        }

        #[test]
        fn an_added_package_moves_one_layer(set in package_set(), which in any::<prop::sample::Index>(), max in 1usize..40) {
            let mut fewer = set.clone();
            fewer.remove(which.index(set.len()));
            let plan = |set: &[(String, u32)]| {
                let (tree, origins) = packages(set);
                plan_layers(&tree, &origins, None, max)
            };
            prop_assert_eq!(moved(&plan(&set), &plan(&fewer)), 1);
        }

        #[test]
        fn over_a_base_the_layers_give_the_tree(base in package_set(), set in package_set(), max in 1usize..20) {
            let ((base, _), (tree, origins)) = (packages(&base), packages(&set));
            let difference = difference(&base, &tree);
            let plan = plan_layers(&tree, &origins, Some(&difference), max);
            let mut result = base;
            for gone in &plan.deleted {
                prop_assert!(result.remove(gone) > 0);
            }
            for layer in &plan.layers {
                result.overlay(&layer.tree, &TreePath::root(), ClashPolicy::Replace).unwrap();
            }
            prop_assert_eq!(result, tree);
        }
    }

    #[test]
    fn empty_directories_are_state_and_files_without_a_label_are_files() {
        let mut tree = FileTree::new();
        tree.make_directories(&path("var/empty")).unwrap();
        tree.insert_with_parents(path("etc/motd"), file("hello")).unwrap();
        let plan = plan_layers(&tree, &Origins::new(), None, 8);
        let has = |layer: usize, text: &str| plan.layers[layer].tree.has(&path(text));
        assert!(has(6, "etc/motd") && !has(6, "var"));
        assert!(has(7, "var/empty") && !has(7, "etc"));
        assert!(plan.layers[..6].iter().all(|layer| layer.tree == FileTree::new()));
    }

    #[test]
    fn a_deletion_alone_brings_the_directories_above_it() {
        let (base, _) = packages(&[("a".into(), 1), ("b".into(), 1)]);
        let mut tree = base.clone();
        tree.remove(&path("bin/a"));
        tree.remove(&path("usr/share/a"));
        let plan = plan_layers(&tree, &Origins::new(), Some(&difference(&base, &tree)), 4);
        assert_eq!(plan.deleted, [path("bin/a"), path("usr/share/a")]);
        let lowest: Vec<_> = plan.layers[0].tree.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(lowest, ["/", "/bin", "/usr", "/usr/share"]);
    }
}
