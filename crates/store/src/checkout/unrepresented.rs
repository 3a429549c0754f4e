//! What a tree says and a directory on disk does not.

use groundup_tree::{FileTree, Kind, TreePath};

/// One thing of a tree that its form on disk does not show; ownership, which is never applied, is
/// not listed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unrepresented {
    /// The path in the tree.
    pub path: TreePath,
    /// What is missing on disk.
    pub what: Missing,
}

/// What is missing on disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Missing {
    /// A device node: an empty file with mode 0000 stands in.
    Device,
    /// Set-user-id, set-group-id or sticky bits: the other bits are set.
    SpecialBits,
    /// `security.capability`.
    Capability,
}

/// Lists what the form of `tree` on disk does not show, in walk order.
pub fn unrepresented(tree: &FileTree) -> Vec<Unrepresented> {
    let mut list = Vec::new();
    for (path, node) in tree.iter() {
        let mut add = |what| list.push(Unrepresented { path: path.clone(), what });
        if matches!(node.kind, Kind::CharDevice(_) | Kind::BlockDevice(_)) {
            add(Missing::Device);
            continue;
        }
        let symlink = matches!(node.kind, Kind::Symlink { .. });
        if node.meta.mode.bits() & 0o7000 != 0 && !symlink {
            add(Missing::SpecialBits);
        }
        if node.meta.xattrs.iter().any(|(name, _)| name == b"security.capability") {
            add(Missing::Capability);
        }
    }
    list
}
