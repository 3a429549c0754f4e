//! What only several files of a root file system together tell.
//!
//! [`compare`] gives [`Section`]s: packages, effective units, kernel settings, accounts, whether the
//! image can change itself. A section names the files that it [`explains`](Section::explains): all that
//! they say is in its findings, so that a report can fold them below it; where they differ and the
//! section has no finding, they mean the same. Files that are there and have no effect (masked by another
//! of the same name) are not among them and are told by themselves.
//!
//! [`owners`] gives the package of each file, [`edited`] the files that parted from theirs.

mod itself;

pub use crate::packages::{Checksum, Edited, Owned, Standing, edited, owners};

use crate::{
    Finding, Limits, accounts,
    packages::{self, Packages},
    settings, systemd,
};
use std::collections::BTreeSet;

/// The files of a root file system, as far as they are asked for. Paths have no slash in front.
pub trait Files {
    /// The paths of all files and symlinks below a directory, at any depth, sorted.
    fn below(&self, directory: &str) -> Vec<String>;
    /// The content of a file, with symlinks followed inside of the root; nothing if it is none or
    /// cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    /// Where a symlink points; nothing if it is none.
    fn link(&self, path: &str) -> Option<String>;
}

/// What several files together tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about: `packages`, `units`, `can change itself`.
    pub name: &'static str,
    /// The differences; none if both mean the same.
    pub findings: Vec<Finding>,
    /// The files of either root whose whole meaning this section tells.
    pub explains: BTreeSet<String>,
    /// How many more findings there are than the limit lets through.
    pub more: usize,
}

impl Section {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, findings: Vec::new(), explains: BTreeSet::new(), more: 0 }
    }
}

/// A root with its packages, whose databases are large and read once.
pub(crate) struct Root<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) packages: Packages,
}

impl<'a> Root<'a> {
    fn of(files: &'a dyn Files) -> Self {
        Self { files, packages: Packages::of(files) }
    }
}

/// Compares two roots; sections without findings are there too, for what they explain.
pub fn compare(before: &dyn Files, after: &dyn Files, limits: &Limits) -> Vec<Section> {
    let (a, b) = (Root::of(before), Root::of(after));
    let mut sections = vec![packages::section(&a.packages, &b.packages), itself::section(&a, &b)];
    sections.extend(systemd::sections(&a, &b));
    sections.extend(settings::sections(before, after));
    sections.push(accounts::section(before, after));
    for section in &mut sections {
        section.more = section.findings.len().saturating_sub(limits.findings);
        section.findings.truncate(limits.findings);
    }
    sections
}

#[cfg(test)]
pub(crate) mod tests;
