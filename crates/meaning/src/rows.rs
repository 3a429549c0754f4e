//! Files that are lists of named things: settings with one value, records with fields.
//!
//! Readers of such formats make [`Record`]s of a text; [`compare`] pairs them by name and tells which
//! field differs. That comments and white space differ is not seen here; see `textual`.

use crate::{Finding, Kind, text::cut};
use std::collections::{BTreeMap, BTreeSet};

/// A named thing and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// What it is called: `user root`, `net.core.somaxconn`.
    pub(crate) what: String,
    /// Its fields by name; a lone value has no name.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// What has to be known besides.
    pub(crate) note: Option<String>,
    /// A field that is compared and never shown, with the name of the one that stands for it.
    hidden: Option<(&'static str, String)>,
}

impl Record {
    /// A thing with one value.
    pub(crate) fn value(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self { what: what.into(), fields: vec![("", value.into())], note: None, hidden: None }
    }

    /// A thing with fields; empty ones are left out.
    pub(crate) fn fields(what: impl Into<String>, fields: Vec<(&'static str, String)>) -> Self {
        let fields = fields.into_iter().filter(|field| !field.1.is_empty()).collect();
        Self { what: what.into(), fields, note: None, hidden: None }
    }

    /// With something that has to be known besides.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// With a value that is compared and never shown.
    #[must_use]
    pub(crate) fn hidden(mut self, field: &'static str, value: &str) -> Self {
        self.hidden = Some((field, value.to_owned()));
        self
    }

    /// All that two records are compared by.
    fn content(&self) -> Content {
        (self.fields.clone(), self.hidden.clone())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
    }

    /// All fields on one line.
    pub(crate) fn shown(&self) -> String {
        let one = |(name, value): &(&'static str, String)| match *name {
            "" => value.clone(),
            name => format!("{name} {value}"),
        };
        cut(&self.fields.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

type Content = (Vec<(&'static str, String)>, Option<(&'static str, String)>);

/// Whether the order of records says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// It says nothing.
    Free,
    /// The first, or the last, that fits wins.
    Matters,
}

/// What differs between two lists of records. Records of the same name are told apart by their number.
pub(crate) fn compare(
    kind: Kind,
    before: &[Record],
    after: &[Record],
    order: Order,
) -> Vec<Finding> {
    let (left, right) = (groups(before), groups(after));
    let mut findings = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for record in before.iter().chain(after) {
        if seen.insert(record.what.as_str()) {
            names.push(&record.what);
        }
    }
    for name in names {
        let none = Vec::new();
        let (a, b) = (left.get(name).unwrap_or(&none), right.get(name).unwrap_or(&none));
        group(kind, a, b, order, &mut findings);
    }
    let kept = |records: &[Record], other: &BTreeMap<&str, Vec<&Record>>| -> Vec<String> {
        let names = records.iter().map(|record| record.what.clone());
        names.filter(|name| other.contains_key(name.as_str())).collect()
    };
    let (x, y) = (kept(before, &right), kept(after, &left));
    if x.len() == y.len() && x != y {
        findings.push(match order {
            Order::Matters => {
                Finding::bare(kind, "order").note("the same entries in another order")
            }
            Order::Free => Finding::bare(Kind::Encoding, "order of lines"),
        });
    }
    findings
}

fn groups(records: &[Record]) -> BTreeMap<&str, Vec<&Record>> {
    let mut groups: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        groups.entry(&record.what).or_default().push(record);
    }
    groups
}

/// Records of one name.
fn group(
    kind: Kind,
    before: &[&Record],
    after: &[&Record],
    order: Order,
    findings: &mut Vec<Finding>,
) {
    if let ([a], [b]) = (before, after) {
        return findings.extend(one(kind, a, b));
    }
    let contents = |records: &[&Record]| -> Vec<Content> {
        records.iter().map(|record| record.content()).collect()
    };
    let (x, y) = (contents(before), contents(after));
    if x == y {
        return;
    }
    let mut gone: Vec<&Record> = Vec::new();
    let mut left: BTreeMap<&Content, usize> = BTreeMap::new();
    y.iter().for_each(|content| *left.entry(content).or_default() += 1);
    for (record, content) in before.iter().zip(&x) {
        match left.get_mut(content) {
            Some(count) if *count > 0 => *count -= 1,
            _ => gone.push(record),
        }
    }
    let mut new: Vec<&Record> = Vec::new();
    for (record, content) in after.iter().zip(&y).rev() {
        if let Some(count) = left.get_mut(content).filter(|count| **count > 0) {
            *count -= 1;
            new.push(record);
        }
    }
    new.reverse();
    if gone.is_empty() && new.is_empty() {
        let what = before.first().map_or("", |record| record.what.as_str());
        let note = "the same lines in another order";
        findings.push(match order {
            Order::Matters => Finding::bare(kind, what).note(note),
            Order::Free => Finding::bare(Kind::Encoding, what).note(note),
        });
    }
    for at in 0..gone.len().max(new.len()) {
        findings.extend(match (gone.get(at), new.get(at)) {
            (Some(a), Some(b)) => one(kind, a, b),
            (Some(a), None) => vec![noted(Finding::removed(kind, &*a.what, a.shown()), a)],
            (None, Some(b)) => vec![noted(Finding::added(kind, &*b.what, b.shown()), b)],
            (None, None) => Vec::new(),
        });
    }
}

fn noted(finding: Finding, record: &Record) -> Finding {
    match &record.note {
        Some(note) => finding.note(note),
        None => finding,
    }
}

/// What differs between two records of one name.
pub(crate) fn one(kind: Kind, a: &Record, b: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    let new = b.fields.iter().filter(|field| a.get(field.0).is_none());
    for (name, _) in a.fields.iter().chain(new) {
        let what = match *name {
            "" => a.what.clone(),
            name => format!("{}: {name}", a.what),
        };
        let mut finding = Finding::bare(kind, what);
        (finding.before, finding.after) = (a.get(name).map(cut), b.get(name).map(cut));
        if a.get(name) != b.get(name) {
            findings.push(noted(finding, if b.note.is_some() { b } else { a }));
        }
    }
    if let (Some((name, x)), Some((_, y))) = (&a.hidden, &b.hidden) {
        let (was, is) = (a.get(name).unwrap_or_default(), b.get(name).unwrap_or_default());
        if x != y && was == is {
            let what = format!("{}: {name}", a.what);
            findings.push(noted(Finding::changed(kind, what, was, "another one of that kind"), b));
        }
    }
    findings
}
