//! Values by path: JSON, YAML, TOML; and sections with keys: INI and its relatives.
//!
//! The order of keys and the spelling of numbers say nothing. Items of a list are paired by what they
//! are called (`name`, `id`, `key`) where all have such a name; else by their order.

mod compare;
pub(crate) mod ini;
pub(crate) mod json;
mod number;
mod tell;
mod toml;
mod value;
pub(crate) mod yaml;

pub(crate) use compare::{Difference, How, Segment, Style, differences, path};
pub(crate) use value::{Number, Value};

use crate::{Finding, Kind, Limits, Pair, unread::Unread};

/// Values of one file, copies by aliases included.
pub(crate) const VALUES: usize = 500_000;

/// Compares two JSON texts; several after another are documents.
pub(crate) fn json(pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
    Ok(documents(&json::read(pair.before, limits)?, &json::read(pair.after, limits)?, limits))
}

/// Compares the documents of two YAML streams.
pub(crate) fn yaml(pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
    Ok(documents(&yaml::read(pair.before, limits)?, &yaml::read(pair.after, limits)?, limits))
}

/// Compares two TOML texts.
pub(crate) fn toml(pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
    Ok(documents(&[toml::read(pair.before, limits)?], &[toml::read(pair.after, limits)?], limits))
}

/// Compares documents by their order.
fn documents(before: &[Value], after: &[Value], limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    let many = before.len().max(after.len()) > 1;
    for at in 0..before.len().max(after.len()) {
        let root = if many { format!("document {}: ", at + 1) } else { String::new() };
        match (before.get(at), after.get(at)) {
            (Some(a), Some(b)) => findings.extend(told(&root, a, b, limits)),
            (Some(a), None) => {
                findings.push(Finding::removed(Kind::Setting, format!("{root}/"), a.shown()));
            }
            (None, Some(b)) => {
                findings.push(Finding::added(Kind::Setting, format!("{root}/"), b.shown()));
            }
            (None, None) => {}
        }
    }
    findings
}

/// What differs between two values, each difference with its path behind a word.
fn told(root: &str, a: &Value, b: &Value, limits: &Limits) -> Vec<Finding> {
    let (found, reordered) = differences(a, b);
    let tell = |one: &Difference<'_>| {
        let what = format!("{root}{}", path(&one.path, Style::Slashes));
        one.finding(Kind::Setting, what, limits)
    };
    let mut findings: Vec<Finding> = found.iter().map(tell).collect();
    findings.extend(order(root, reordered));
    findings
}

/// That keys stand in another order, in so many tables.
pub(crate) fn order(root: &str, tables: usize) -> Option<Finding> {
    let note = match tables {
        0 => return None,
        1 => "in one table".to_owned(),
        _ => format!("in {tables} tables"),
    };
    Some(Finding::bare(Kind::Encoding, format!("{root}order of keys")).note(note))
}
