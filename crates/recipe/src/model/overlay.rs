//! What rootfs and image share: trees placed into trees, and files, links and directories on top.

use crate::{At, RepoPath, TargetRef, TreePath};

/// A tree of another target, placed into this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Whose tree.
    pub from: At<TargetRef>,
    /// The part of it that is taken; the whole tree where it is `/`.
    pub path: TreePath,
    /// Where it goes.
    pub to: TreePath,
}

/// Changes on top of a tree, made in the order `remove`, `dirs`, `files`, `links`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Globs of absolute paths that are taken away.
    pub remove: Vec<At<String>>,
    /// Directories.
    pub dirs: Vec<Directory>,
    /// Files.
    pub files: Vec<FileEntry>,
    /// Symbolic links.
    pub links: Vec<Link>,
}

impl Overlay {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A directory with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub path: At<TreePath>,
    /// Permission bits, 12 of them.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A file with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is.
    pub path: At<TreePath>,
    /// What it holds.
    pub content: FileContent,
    /// Permission bits, 12 of them.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// The bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Written in the recipe.
    Text(At<String>),
    /// A file of the repository.
    Repo(At<RepoPath>),
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where the link is.
    pub path: At<TreePath>,
    /// What it holds.
    pub target: At<String>,
}
