//! Sideways: what a change leaves dangling or skewed in something that did not change itself.
//!
//! Only what the change made is told: what dangled before is no news. Every finding says what went and
//! who still asks for it.

mod defaults;
mod kernel;
mod objects;
mod tools;
mod units;

use crate::{Finding, Limits, root::Files};

/// A part of a thing: a root, or a tree of manifests.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// What it is called: `root`, `image.web root`.
    pub name: &'a str,
    /// Its files.
    pub files: &'a dyn Files,
}

/// Something that is left dangling or skewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sideways {
    /// The part that has it.
    pub part: String,
    /// The file that has it; nothing if it is about a whole part.
    pub path: Option<String>,
    /// What it is.
    pub finding: Finding,
}

/// What the change from some parts to others leaves behind.
pub fn sideways(before: &[Part<'_>], after: &[Part<'_>], limits: &Limits) -> Vec<Sideways> {
    let mut found = objects::dangling(before, after, limits);
    for part in after {
        let Some(old) = before.iter().find(|old| old.name == part.name) else { continue };
        found.extend(units::dangling(old, part));
        found.extend(kernel::missing(old, part));
    }
    found.extend(tools::skewed(before, after));
    found
}

#[cfg(test)]
mod tests;
