//! What a root file system is made of: a plain value, the parameters of the assembling step.
//!
//! Paths are absolute and text. The order of `packages` means nothing; that of the other lists is
//! kept, later entries win.

use groundup_digest::{BlobId, TreeId};
use serde::{Deserialize, Serialize};

/// Everything that decides the bytes of a root file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootfsSpec {
    /// The Debian name of the architecture (`amd64`, `arm64`).
    pub arch: String,
    /// The packages, in any order.
    #[serde(default)]
    pub packages: Vec<PackageInput>,
    /// Paths that packages write elsewhere.
    #[serde(default)]
    pub diversions: Vec<Diversion>,
    /// Choices of the alternatives system, over the built-in table.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
    /// Users that are added.
    #[serde(default)]
    pub users: Vec<User>,
    /// Groups that are added.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Trees on top of the packages.
    #[serde(default)]
    pub trees: Vec<TreeInput>,
    /// Globs of absolute paths that are taken away.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Directories, with their metadata.
    #[serde(default)]
    pub dirs: Vec<DirInput>,
    /// Files.
    #[serde(default)]
    pub files: Vec<FileInput>,
    /// Symbolic links.
    #[serde(default)]
    pub links: Vec<LinkInput>,
}

/// One unpacked package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageInput {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, `all` included.
    pub arch: String,
    /// How its files are labelled in the origins; `deb:NAME` by convention.
    pub label: String,
    /// Its files.
    pub data: TreeId,
    /// What it says of itself.
    pub control: TreeId,
}

/// `dpkg-divert`: packages other than `by` write `path` to `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diversion {
    /// The path that packages have.
    pub path: String,
    /// Where it goes instead.
    pub to: String,
    /// The package that keeps the path; none for a local diversion.
    #[serde(default)]
    pub by: Option<String>,
}

/// `link` -> `/etc/alternatives/NAME` -> `path`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Its name.
    pub name: String,
    /// The name that people use.
    pub link: String,
    /// The program that is chosen.
    pub path: String,
}

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Number of the main group; a group of the user's name is made where none has it.
    pub gid: u32,
    /// Home directory; it is not made.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Comment field.
    #[serde(default)]
    pub comment: String,
    /// Names of further groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
}

/// A tree that is laid on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeInput {
    /// The tree.
    pub tree: TreeId,
    /// The label of its paths, where it has no origins of its own.
    pub label: String,
    /// The part that is taken, a directory or another node.
    pub from: String,
    /// Where it goes.
    pub to: String,
    /// The encoded origins of the tree's paths.
    #[serde(default)]
    pub origins: Option<BlobId>,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirInput {
    /// Where it is.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// Where it is.
    pub path: String,
    /// What it holds.
    pub content: BlobId,
    /// The size of the content in bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Its label in the origins.
    pub label: String,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    /// Where the link is.
    pub path: String,
    /// What it holds.
    pub target: String,
    /// Its label in the origins.
    pub label: String,
}
