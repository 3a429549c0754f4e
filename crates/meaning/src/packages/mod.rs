//! Installed packages of a root, whoever manages them: dpkg, apk or rpm.

mod apk;
mod berkeley;
mod compare;
mod dpkg;
mod edited;
mod fields;
mod header;
mod ndb;
mod owners;
mod rpm;
mod sqlite;
mod version;

pub(crate) use compare::{dpkg_status, section};
pub use edited::{Edited, Standing, edited};
pub(crate) use fields::fields;
pub use owners::{Checksum, Owned, owners};

use crate::{Finding, root::Files};
use std::collections::BTreeSet;

/// One installed package.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// What it was built from; the same as its name if nothing else is said.
    pub(crate) source: String,
    /// Whether it is more, or less, than installed: `deinstall ok config-files`, `hold`.
    pub(crate) state: String,
}

/// All packages of a root.
#[derive(Debug, Default)]
pub(crate) struct Packages {
    pub(crate) all: Vec<Package>,
    /// The databases that were read.
    pub(crate) read: BTreeSet<String>,
    /// Databases that could not be read.
    pub(crate) problems: Vec<Finding>,
}

impl Packages {
    /// Reads every database that is there.
    pub(crate) fn of(files: &dyn Files) -> Self {
        let mut packages = Self::default();
        dpkg::read(files, &mut packages);
        apk::read(files, &mut packages);
        rpm::read(files, &mut packages);
        packages.all.sort();
        packages
    }
}

/// The version of the first of these packages that is there.
pub(crate) fn version_of<'a>(packages: &'a Packages, names: &[&str]) -> Option<&'a str> {
    let find = |name: &&str| packages.all.iter().find(|one| one.name == **name);
    names.iter().find_map(find).map(|package| package.version.as_str())
}

/// Paragraphs of `Key: value` lines, continued by lines that start with a blank: deb-control(5).
pub(crate) fn paragraphs(text: &str) -> Vec<Vec<(String, String)>> {
    let mut all = Vec::new();
    let mut open: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            if !open.is_empty() {
                all.push(std::mem::take(&mut open));
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = open.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
            open.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    if !open.is_empty() {
        all.push(open);
    }
    all
}

/// The value of a field, in any case.
pub(crate) fn field<'a>(paragraph: &'a [(String, String)], name: &str) -> &'a str {
    let found = paragraph.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests;
