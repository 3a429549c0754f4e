//! What a comparison says, as values; its JSON is `docs/formats/diff.md`.

use crate::Thing;
use groundup_digest::BlobId;
use groundup_meaning::{Finding, Kind, unstable::Class};
use groundup_provenance::Part;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What differs between two things, most telling first.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of this form; 1.
    pub version: u32,
    /// The first thing.
    pub before: Described,
    /// The second thing.
    pub after: Described,
    /// The answer in a word.
    pub verdict: Verdict,
    /// Why, where that is known.
    pub reason: Option<Reason>,
    /// What moved, in the order of what it did; none if the things are not ours.
    pub causes: Vec<CauseRow>,
    /// What differs; each difference is in one row.
    pub rows: Vec<Row>,
    /// How much was looked at.
    pub counts: Counts,
    /// What would tell more, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// One of the two things.
#[derive(Debug, Clone, Serialize)]
pub struct Described {
    /// What the user called it.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// The ids of its parts by name.
    pub parts: Vec<(String, String)>,
}

/// The answer in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same bytes.
    Equal,
    /// Other bytes that mean the same: build ids, order, compression.
    SameMeaning,
    /// The same inputs gave other bytes: the build is not reproducible.
    Nondeterministic,
    /// They mean something else.
    Different,
}

/// Why two things are not the same, as far as their inputs are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Something that is in them moved: a pin, a line, a file.
    Input,
    /// Only tools moved that they were made with.
    Toolchain,
    /// One question had two answers.
    Nondeterminism,
    /// They say the same, written otherwise.
    Encoding,
}

/// What a thing needs an input for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It, or what is made of it, is in the thing.
    #[default]
    Content,
    /// It vouches for other inputs.
    Trust,
    /// The thing was made with its help.
    Tool,
}

impl From<Part> for Role {
    fn from(part: Part) -> Self {
        match part {
            Part::Content => Self::Content,
            Part::Trust => Self::Trust,
            Part::Tool => Self::Tool,
        }
    }
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseRow {
    /// `pin`, `recipe`, `file`, `groundup`, or `nondeterminism`.
    pub kind: String,
    /// What moved.
    pub what: String,
    /// From what to what, in words.
    pub change: String,
    /// `file:line`.
    pub position: Option<String>,
    /// What it is made of.
    pub parts: Vec<String>,
    /// What the thing needs it for.
    pub role: Role,
    /// Of nondeterminism: by what the answers differ, with how many paths each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<Class, usize>,
    /// How many paths differ by it.
    pub paths: usize,
}

impl CauseRow {
    /// A cause that is in the thing.
    pub fn new(kind: &str, what: impl Into<String>, change: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            what: what.into(),
            change: change.into(),
            position: None,
            parts: Vec::new(),
            role: Role::Content,
            classes: BTreeMap::new(),
            paths: 0,
        }
    }

    /// Written there.
    #[must_use]
    pub fn at(self, position: Option<String>) -> Self {
        Self { position, ..self }
    }

    /// Made of these.
    #[must_use]
    pub fn made_of(self, parts: Vec<String>) -> Self {
        Self { parts, ..self }
    }

    /// Needed for that.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Whether one question had two answers.
    pub fn is_nondeterminism(&self) -> bool {
        self.kind == "nondeterminism"
    }
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the second thing has it.
    Added,
    /// Only the first thing has it.
    Removed,
    /// Both have it, with another content or other metadata.
    Changed,
    /// It has another name.
    Moved,
    /// Something that several files tell together.
    Together,
}

/// One difference, at one place or at several that differ alike.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What kind of thing differs.
    pub thing: Thing,
    /// What became of it.
    pub change: Change,
    /// Where.
    pub places: Vec<Place>,
    /// What differs in meaning; empty for what came or went.
    pub findings: Vec<Finding>,
    /// Findings beyond the limit.
    pub more: usize,
    /// Numbers of causes, from 0.
    pub causes: BTreeSet<usize>,
    /// Of what one question had two answers for: by what they differ.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<Class>,
    /// How likely it is to matter; more is likelier.
    pub score: u32,
    /// The rules that gave the score.
    pub rules: Vec<&'static str>,
    /// Other paths that differ and of which this is what they mean: what files tell together names no file
    /// in particular, or several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Place>,
    /// The contents before and after, where it is about one file.
    #[serde(skip)]
    pub contents: [Option<BlobId>; 2],
}

/// A place: a path in a part, and paths inside of what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The part and the paths, the outermost first.
    pub path: Vec<String>,
    /// Where it stood before, if it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// How much was looked at, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Paths that only the second thing has.
    pub added: usize,
    /// Paths that only the first thing has.
    pub removed: usize,
    /// Paths with another content or other metadata.
    pub changed: usize,
    /// Paths with another name.
    pub moved: usize,
    /// Of the changed, those that mean the same.
    pub same_meaning: usize,
    /// What could not be compared.
    pub not_compared: usize,
}

impl Place {
    /// A path in a part.
    pub fn new(part: &str, path: &str) -> Self {
        let path = [part, path].into_iter().filter(|it| !it.is_empty()).map(str::to_owned);
        Self { path: path.collect(), from: None }
    }

    /// A path inside of what stands here.
    #[must_use]
    pub fn inside(&self, path: &str) -> Self {
        let path = self.path.iter().cloned().chain([path.to_owned()]).collect();
        Self { path, from: None }
    }

    /// The innermost path.
    pub fn last(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path.join(" > "))
    }
}

impl Row {
    /// Whether nothing of it changes what runs.
    pub fn is_same_meaning(&self) -> bool {
        self.change != Change::Added
            && self.change != Change::Removed
            && self.findings.iter().all(is_boring)
    }

    /// Whether a finding, or one that it consists of, names something.
    pub fn names(&self, text: &str) -> bool {
        fn within(findings: &[Finding], text: &str) -> bool {
            findings.iter().any(|finding| {
                let values = [&finding.before, &finding.after, &finding.note];
                finding.what.contains(text)
                    || values.into_iter().flatten().any(|value| value.contains(text))
                    || within(&finding.inside, text)
            })
        }
        within(&self.findings, text)
    }

    /// Whether a finding is about one of these packages.
    pub fn is_of_package(&self, names: &BTreeSet<String>) -> bool {
        fn within(findings: &[Finding], names: &BTreeSet<String>) -> bool {
            findings.iter().any(|finding| {
                finding.kind == Kind::Package
                    && (names.contains(&finding.what) || within(&finding.inside, names))
            })
        }
        within(&self.findings, names)
    }

    /// The words of a row that can name something: in its findings, and the last of its places.
    pub fn words(&self) -> BTreeSet<String> {
        /// Words shorter than this name nothing in particular.
        const LEAST: usize = 4;
        let mut words = BTreeSet::new();
        let mut take = |text: &str| {
            let apart = |sign: char| !(sign.is_alphanumeric() || "._-/".contains(sign));
            for word in text.split(apart).map(|word| word.trim_matches(['.', '-', '/'])) {
                if word.len() >= LEAST {
                    words.insert(word.to_owned());
                }
            }
        };
        for finding in &self.findings {
            take(&finding.what);
            let values = [&finding.before, &finding.after, &finding.note];
            values.into_iter().flatten().for_each(|text| take(text));
        }
        self.places.iter().for_each(|place| take(place.last()));
        words
    }

    /// Whether something could not be compared.
    pub fn is_not_compared(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == Kind::NotCompared)
    }
}

fn is_boring(finding: &Finding) -> bool {
    finding.kind.is_boring()
}
