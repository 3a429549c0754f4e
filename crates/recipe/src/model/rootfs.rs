//! `rootfs`: a file tree from pinned packages and other trees.

use super::{Overlay, PackageRequest, Placement};
use crate::{At, Platform, TargetName, TreePath};
use std::collections::BTreeMap;

/// A file tree from packages, trees and files, made in the order of the fields from `packages` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rootfs {
    /// Names of the archives that packages come from.
    pub archives: Vec<At<String>>,
    /// The packages asked for.
    pub packages: Vec<At<PackageRequest>>,
    /// Single `.deb` sources that are installed as well.
    pub debs: Vec<At<TargetName>>,
    /// Whether recommended packages are installed.
    pub recommends: bool,
    /// Whether essential packages are installed.
    pub essential: bool,
    /// Package name -> the archive that it must come from.
    pub prefer: BTreeMap<String, At<String>>,
    /// The platforms that it is resolved for.
    pub platforms: Vec<At<Platform>>,
    /// Diversions that the packages' scripts would have made.
    pub diversions: Vec<Diversion>,
    /// Alternatives that the packages' scripts would have made.
    pub alternatives: Vec<Alternative>,
    /// Users that are added.
    pub users: Vec<User>,
    /// Groups that are added.
    pub groups: Vec<Group>,
    /// What becomes of maintainer scripts.
    pub scripts: Scripts,
    /// Trees of other targets on top.
    pub trees: Vec<Placement>,
    /// Files, links, directories and removals on top of everything.
    pub overlay: Overlay,
}

/// What becomes of maintainer scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// None runs.
    None,
    /// They run in the sandbox.
    Run,
}

/// A choice of the alternatives system: `link` -> `/etc/alternatives/name` -> `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its name.
    pub name: String,
    /// The program that is chosen.
    pub path: At<TreePath>,
    /// The name that people use; `/usr/bin/NAME` where the recipe says nothing.
    pub link: TreePath,
}

/// A path that packages write elsewhere (`dpkg-divert`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion {
    /// The path that packages have.
    pub path: At<TreePath>,
    /// Where it goes instead.
    pub to: TreePath,
    /// The package that is exempt; none where it is a local diversion.
    pub by: Option<String>,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: At<String>,
    /// Number.
    pub uid: u32,
    /// Number of the main group; a group of the same name and number is made where none has it.
    pub gid: u32,
    /// Home directory; it is not made.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Comment field.
    pub comment: String,
    /// Names of further groups.
    pub groups: Vec<At<String>>,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: At<String>,
    /// Number.
    pub gid: u32,
}
