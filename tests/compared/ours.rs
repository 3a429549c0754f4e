//! What `groundup diff --json` says, by place, and whether it says what diffoscope claims.

use super::{Claim, Kind, Place};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A report of ours.
pub struct Ours {
    /// The rows at a path, with where they were before.
    rows: BTreeMap<Vec<String>, Vec<Row>>,
    /// Where rows that moved or went were before.
    origins: BTreeMap<Vec<String>, Vec<Row>>,
}

#[derive(Clone)]
struct Row {
    change: String,
    /// What it was called before, if it moved.
    from: Option<Vec<String>>,
    findings: Vec<Finding>,
}

/// A finding, or one inside of another.
#[derive(Clone)]
struct Finding {
    kind: String,
    what: String,
    before: Option<String>,
    after: Option<String>,
    note: String,
}

/// How a claim is found in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// It is said at the same place.
    Same,
    /// The file of which it is said is told as a whole: as one that came and one that went, as one that
    /// comes from another file, or as one that is of another kind now.
    Whole,
}

impl Ours {
    /// Reads a report.
    pub fn read(report: &Value) -> Self {
        let mut ours = Self { rows: BTreeMap::new(), origins: BTreeMap::new() };
        for row in report["rows"].as_array().into_iter().flatten() {
            let mut findings = Vec::new();
            take(&row["findings"], &mut findings);
            let change = row["change"].as_str().unwrap_or_default().to_owned();
            for place in row["places"].as_array().into_iter().flatten() {
                let path = strings(&place["path"]);
                let from = place["from"].as_str().map(|from| {
                    let outer = path.split_last().map_or(&[][..], |(_, outer)| outer);
                    [outer, &[from.to_owned()]].concat()
                });
                let row = Row { change: change.clone(), from, findings: findings.clone() };
                if let Some(from) = &row.from {
                    ours.origins.entry(from.clone()).or_default().push(row.clone());
                }
                ours.rows.entry(path).or_default().push(row);
            }
            for file in row["files"].as_array().into_iter().flatten() {
                let path = strings(&file["path"]);
                let (change, findings) = ("changed".to_owned(), findings.clone());
                ours.rows.entry(path).or_default().push(Row { change, from: None, findings });
            }
        }
        ours
    }

    /// Whether a claim is in the report; of lines, all that are claimed of a file are asked for at once.
    pub fn has(&self, claim: &Claim) -> Option<Found> {
        let is_said = match claim.kind {
            Kind::Added => self.came(&claim.place.after, "added"),
            Kind::Removed => {
                self.came(&claim.place.before, "removed") || self.moved(&claim.place.before)
            }
            Kind::Renamed => {
                self.at(&claim.place).any(|row| row.from.as_ref() == Some(&claim.place.before))
            }
            Kind::Content => self.is_told(&claim.place.after),
            Kind::Times => self.says(claim, |finding| {
                finding.what.starts_with("times of ")
                    && finding.what.split(' ').nth(2) == claim.after.as_deref()
            }),
            Kind::Metadata => self.says(claim, |finding| {
                let is_kind = finding.kind == "metadata" || finding.kind == "entry";
                is_kind && is_value(claim, finding) && finding.what == claim.what
            }),
            Kind::Line => self.has_line(claim),
            Kind::Field => self.has_field(claim),
            Kind::Symbol => self.has_symbol(claim),
            Kind::Needs | Kind::BuildId => self.says(claim, |finding| {
                is_value(claim, finding)
                    || claim.what == "version"
                        && [&finding.before, &finding.after]
                            .into_iter()
                            .flatten()
                            .chain([&finding.what])
                            .any(|text| text.ends_with(&format!("@{}", value(claim))))
            }),
            Kind::Section => self.says(claim, |finding| {
                finding.what.split([' ', ',']).any(|word| word == value(claim))
                    || finding.note.contains(value(claim))
            }),
            Kind::Header => self.says(claim, |finding| finding.kind == "section"),
        };
        if is_said {
            return Some(Found::Same);
        }
        self.is_whole(&claim.place).then_some(Found::Whole)
    }

    fn at<'a>(&'a self, place: &Place) -> impl Iterator<Item = &'a Row> + use<'a> {
        self.rows.get(&place.after).into_iter().flatten()
    }

    fn findings<'a>(&'a self, place: &Place) -> impl Iterator<Item = &'a Finding> + use<'a> {
        self.at(place).flat_map(|row| &row.findings)
    }

    fn says(&self, claim: &Claim, test: impl Fn(&Finding) -> bool) -> bool {
        self.findings(&claim.place).any(test)
    }

    /// Whether a path came or went, alone or with a directory whose entries are counted.
    fn came(&self, path: &[String], change: &str) -> bool {
        let Some((last, outer)) = path.split_last() else { return false };
        let ends = last.match_indices('/').map(|(at, _)| at).chain([last.len()]);
        for end in ends {
            let top = [outer, &[last[..end].to_owned()]].concat();
            let rows = self.rows.get(&top).into_iter().flatten();
            for row in rows {
                let is_counted = || {
                    row.findings.iter().any(|it| {
                        [&it.before, &it.after]
                            .into_iter()
                            .flatten()
                            .any(|text| text.contains(" entries"))
                    })
                };
                if row.change == change && (end == last.len() || is_counted()) {
                    return true;
                }
                if change == "added" && end == last.len() && row.change == "moved" {
                    return true;
                }
            }
        }
        false
    }

    fn moved(&self, path: &[String]) -> bool {
        self.origins.contains_key(path)
    }

    /// Whether something is told of a path or of what is inside of it.
    fn is_told(&self, path: &[String]) -> bool {
        let Some((last, outer)) = path.split_last() else { return !self.rows.is_empty() };
        let below = format!("{last}/");
        self.rows.keys().any(|found| {
            found.starts_with(outer)
                && found.get(outer.len()).is_some_and(|it| it == last || it.starts_with(&below))
        })
    }

    /// Whether a file on the way to a place is told as a whole, because it is paired with another file
    /// or with none.
    fn is_whole(&self, place: &Place) -> bool {
        let (before, after) = (&place.before, &place.after);
        (1..=before.len().min(after.len())).any(|end| {
            let (old, new) = (&before[..end], &after[..end]);
            if old == new {
                return false;
            }
            let went = self.came(old, "removed") || self.moved(old);
            let came = self.came(new, "added");
            let is_pair = self
                .rows
                .get(new)
                .into_iter()
                .flatten()
                .any(|row| row.from.as_deref() == Some(old));
            went && came && !is_pair
        }) || self
            .rows
            .get(after)
            .into_iter()
            .flatten()
            .flat_map(|row| &row.findings)
            .any(|finding| finding.kind == "metadata" && finding.what == "kind")
    }

    /// Whether a line that came or went is told: word for word, cut if it is long, or by its words.
    fn has_line(&self, claim: &Claim) -> bool {
        let line = value(claim);
        let mut words: BTreeSet<String> = BTreeSet::new();
        let mut is_keyed = false;
        // What is told to have come and gone alike has moved.
        let mut times = 0;
        for finding in self.findings(&claim.place) {
            for (text, step) in [(&finding.before, -1), (&finding.after, 1)] {
                times += if text.as_ref().is_some_and(|it| is_line(it, line)) { step } else { 0 };
            }
            let keyed = finding.kind != "line";
            let texts = [Some(&finding.what), finding.before.as_ref(), finding.after.as_ref()];
            for text in texts.into_iter().flatten().chain([&finding.note]).filter(|_| keyed) {
                words.extend(words_of(text).map(str::to_owned));
            }
            is_keyed |= keyed;
        }
        let wanted = if claim.before.is_some() { -claim.times } else { claim.times };
        if times == wanted {
            return true;
        }
        is_keyed && claim.words.iter().all(|word| words.contains(word))
    }

    /// Whether the field of a package is named, with its values: whole, or each thing that it lists.
    fn has_field(&self, claim: &Claim) -> bool {
        let found: Vec<&Finding> = self
            .findings(&claim.place)
            .filter(|finding| {
                finding.what.starts_with(&claim.what)
                    || [&finding.before, &finding.after]
                        .into_iter()
                        .flatten()
                        .any(|text| text.starts_with(&format!("{}:", claim.what)))
            })
            .collect();
        let says = |text: &str| {
            let lines = found.iter().flat_map(|finding| [&finding.before, &finding.after]);
            lines.flatten().any(|line| line.contains(text))
        };
        let listed = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            text.split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let [before, after] = [&claim.before, &claim.after].map(listed);
        !found.is_empty() && before.symmetric_difference(&after).all(|item| says(item))
    }

    fn has_symbol(&self, claim: &Claim) -> bool {
        let needed =
            |text: &Option<String>| text.as_ref().is_some_and(|it| it.starts_with("needed"));
        let plain = claim.what.split('@').next().unwrap_or_default();
        self.says(claim, |finding| {
            // A version is a symbol of itself, and what is copied is named as what is needed.
            let named = |text: &str| {
                text.replace("@@", "@") == claim.what.replace("@@", "@")
                    || text == format!("{plain}@@{plain}")
            };
            let is_need = |text: &Option<String>| {
                finding.what == "needs" && text.as_deref().is_some_and(named)
            };
            let offers = finding.what.strip_prefix("offers ").is_some_and(named);
            let changed = finding.what.strip_prefix("needs ").is_some_and(named);
            match (&claim.before, &claim.after) {
                (Some(_), None) if needed(&claim.before) => is_need(&finding.before),
                (None, Some(_)) if needed(&claim.after) => is_need(&finding.after),
                (Some(_), None) => offers && finding.after.is_none(),
                (None, Some(_)) => offers && finding.before.is_none(),
                _ => offers || changed,
            }
        })
    }
}

fn take(found: &Value, to: &mut Vec<Finding>) {
    for finding in found.as_array().into_iter().flatten() {
        let text = |key: &str| finding[key].as_str().map(str::to_owned);
        to.push(Finding {
            kind: text("kind").unwrap_or_default(),
            what: text("what").unwrap_or_default(),
            before: text("before"),
            after: text("after"),
            note: text("note").unwrap_or_default(),
        });
        take(&finding["inside"], to);
    }
}

fn strings(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn value(claim: &Claim) -> &str {
    claim.after.as_deref().or(claim.before.as_deref()).unwrap_or_default()
}

/// Whether a finding has the values of a claim, each on its side.
fn is_value(claim: &Claim, finding: &Finding) -> bool {
    let holds = |asked: &Option<String>, said: &Option<String>| {
        let Some(asked) = asked else { return true };
        let read = match &*claim.what {
            "mode" => octal(asked),
            "kind" => noun(asked),
            _ => None,
        };
        let asked = read.unwrap_or_else(|| asked.clone());
        said.as_ref().is_some_and(|said| {
            said.trim_start_matches('0') == asked.trim_start_matches('0')
                || said.split([' ', ',']).any(|word| word == asked)
        })
    };
    holds(&claim.before, &finding.before) && holds(&claim.after, &finding.after)
}

/// What a letter of `ls` stands for.
fn noun(letter: &str) -> Option<String> {
    let noun = match letter {
        "-" | "h" => "file",
        "d" => "directory",
        "l" => "symbolic link",
        "c" => "character device",
        "b" => "block device",
        "p" => "fifo",
        _ => return None,
    };
    Some(noun.to_owned())
}

/// A mode as `ls` writes it, in octal digits.
fn octal(mode: &str) -> Option<String> {
    let letters = mode.as_bytes();
    if letters.len() != 9 || !letters.iter().all(|it| b"rwxsStT-".contains(it)) {
        return None;
    }
    let mut bits = 0;
    for (at, letter) in letters.iter().enumerate() {
        bits |= u32::from(!matches!(letter, b'-' | b'S' | b'T')) << (8 - at);
        if matches!(letter, b's' | b'S' | b't' | b'T') {
            bits |= 0o1000 << (2 - at / 3);
        }
    }
    Some(format!("{bits:o}"))
}

/// Whether a text that is told is a line, or the start or a piece of one that is too long to be told.
fn is_line(told: &str, line: &str) -> bool {
    if told == line || told == line.trim_end_matches('\r') {
        return true;
    }
    let piece = match told.rsplit_once("… (") {
        Some((start, _)) => start,
        None => told.trim_matches('…'),
    };
    piece.len() < told.len() && line.contains(piece)
}

/// The words of a text.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty())
}
