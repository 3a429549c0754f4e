//! Kernels: modules, configurations, symbol maps, tables of modules and boot images.

pub(crate) mod config;
pub(crate) mod facts;
pub(crate) mod image;
pub(crate) mod map;
mod module;
pub(crate) mod pe;
mod requests;
pub(crate) mod tables;

pub use pe::{Part, parts};
pub use requests::{Asked, requests};

use crate::{Finding, Kind, Pair};
use std::collections::{BTreeMap, BTreeSet};

/// What two builds of a kernel module say of themselves; nothing of other files.
pub(crate) fn module(pair: &Pair<'_>) -> Vec<Finding> {
    module::compare(pair)
}

/// What a kernel or module exports: names, and whether only modules under the GPL may use them.
fn exports(before: &BTreeMap<String, bool>, after: &BTreeMap<String, bool>) -> Vec<Finding> {
    let word = |gpl: &bool| if *gpl { "for modules under the GPL" } else { "for all modules" };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let rows = names.into_iter().filter_map(|name| {
        let what = format!("exports {name}");
        Some(match (before.get(name), after.get(name)) {
            (Some(old), None) => Finding::removed(Kind::Symbol, what, word(old)),
            (None, Some(new)) => Finding::added(Kind::Symbol, what, word(new)),
            (Some(old), Some(new)) if old != new => {
                Finding::changed(Kind::Symbol, what, word(old), word(new))
            }
            _ => return None,
        })
    });
    rows.collect()
}
