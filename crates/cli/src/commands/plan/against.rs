//! `groundup plan --against`: what moved since a revision, and what that reaches.

use super::{action, fate};
use crate::{
    args::Global,
    error::CliError,
    session::{Before, Session},
    words,
};
use groundup_build::{Estimate, Estimator, Resolved, resolve};
use groundup_digest::ObjectId;
use groundup_plan::compare::{Cause, CauseKind, Comparison, Place, Side, compare};
use groundup_recipe::{Kind, TargetName, lock::Change};
use groundup_tree::Change as TreeChange;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// What a comparison with a revision says; its JSON is `docs/formats/plan.md`.
#[derive(Serialize)]
pub(super) struct Report {
    version: u32,
    pub(super) against: Against,
    /// Affected steps by what becomes of them, and how many are as they were.
    pub(super) steps: Counts,
    /// Steps that are as they were, but of which the store has no result.
    pub(super) unbuilt: usize,
    /// Steps that are there no more.
    pub(super) gone: usize,
    pub(super) estimate: Time,
    pub(super) causes: Vec<Row>,
    pub(super) affected: Vec<Affected>,
}

#[derive(Serialize)]
pub(super) struct Against {
    pub(super) name: String,
    pub(super) commit: String,
}

#[derive(Serialize, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) runs: usize,
    pub(super) unknown: usize,
    pub(super) reused: usize,
    pub(super) unaffected: usize,
}

#[derive(Serialize)]
pub(super) struct Time {
    /// Milliseconds until the last step is done.
    wall_ms: u64,
    /// Milliseconds of all steps, one after the other.
    work_ms: u64,
    /// Steps that never ran here.
    pub(super) guessed: usize,
    jobs: usize,
}

/// One cause.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) kind: &'static str,
    /// What moved.
    pub(super) what: String,
    /// From what to what, in words.
    pub(super) change: String,
    /// `file:line`.
    pub(super) position: Option<String>,
    /// What it is made of: packages of a source, files of a tree.
    pub(super) parts: Vec<String>,
    pub(super) steps: Counts,
    pub(super) estimate: Time,
    /// Images, nodes and clusters, and builds and kernels on the way, by kind.
    pub(super) reaches: BTreeMap<String, Vec<String>>,
}

/// A step that is affected.
#[derive(Serialize)]
pub(super) struct Affected {
    pub(super) step: String,
    action: String,
    pub(super) fate: &'static str,
    /// Numbers of causes, from 1.
    pub(super) causes: Vec<usize>,
    position: Option<String>,
}

impl Time {
    fn new(estimate: Estimate, jobs: usize) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            wall_ms: ms(estimate.wall),
            work_ms: ms(estimate.work),
            guessed: estimate.guessed,
            jobs,
        }
    }

    /// `about 7 min 3 s`.
    pub(super) fn words(&self) -> String {
        format!("about {}", words::duration(Duration::from_millis(self.wall_ms)))
    }
}

impl Counts {
    fn add(&mut self, fate: &str) {
        match fate {
            "runs" => self.runs += 1,
            "unknown" => self.unknown += 1,
            _ => self.reused += 1,
        }
    }

    /// `12 steps run, 3 unknown until those are done, 1 built already`.
    pub(super) fn words(&self) -> String {
        let mut parts = vec![format!(
            "{} {}",
            words::count(self.runs, "step"),
            if self.runs == 1 { "runs" } else { "run" }
        )];
        if self.unknown > 0 {
            parts.push(format!("{} unknown until those are done", self.unknown));
        }
        if self.reused > 0 {
            parts.push(format!("{} built already", self.reused));
        }
        parts.join(", ")
    }
}

/// Compares the plan of a session with that of a revision.
pub(super) fn report(
    session: &Session,
    global: &Global,
    revision: &str,
    words: &[String],
) -> Result<Report, CliError> {
    let before = Before::open(session, global, revision, words)?;
    let resolved = resolve(&session.plan, &session.store)?;
    let known: Vec<_> = resolved.iter().map(|step| step.outputs.clone()).collect();
    let now = Side {
        recipes: &session.context.loaded,
        lock: &session.lock,
        plan: &session.plan,
        known: &known,
    };
    let comparison = compare(&before.side(), &now);
    Teller { session, before: &before, comparison: &comparison, resolved: &resolved }.report()
}

struct Teller<'a> {
    session: &'a Session,
    before: &'a Before,
    comparison: &'a Comparison,
    resolved: &'a [Resolved],
}

impl Teller<'_> {
    fn report(&self) -> Result<Report, CliError> {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let estimator = Estimator::new(&self.session.plan, &self.session.store)?;
        let mut steps = Counts::default();
        let mut unbuilt = 0;
        let mut affected = Vec::new();
        for (number, step) in self.session.plan.steps().iter().enumerate() {
            let causes = &self.comparison.steps[number];
            let fate = fate(&self.resolved[number]);
            if causes.is_empty() {
                steps.unaffected += 1;
                unbuilt += usize::from(fate != "reused");
                continue;
            }
            steps.add(fate);
            affected.push(Affected {
                step: step.label.to_string(),
                action: action(step),
                fate,
                causes: causes.iter().map(|index| index + 1).collect(),
                position: self.session.position(step),
            });
        }
        let costs = |number: usize| self.resolved[number].outputs.is_none();
        let changed = |number: usize| !self.comparison.steps[number].is_empty() && costs(number);
        let estimate = Time::new(estimator.of(jobs, changed), jobs);
        let mut causes = Vec::new();
        for (index, cause) in self.comparison.causes.iter().enumerate() {
            let of = |number: usize| self.comparison.steps[number].contains(&index);
            let estimate = estimator.of(jobs, |number| of(number) && costs(number));
            causes.push(self.row(cause, of, Time::new(estimate, jobs))?);
        }
        Ok(Report {
            version: 1,
            against: Against {
                name: self.before.revision.name().to_owned(),
                commit: self.before.revision.commit().to_owned(),
            },
            steps,
            unbuilt,
            gone: self.comparison.gone.len(),
            estimate,
            causes,
            affected,
        })
    }

    fn row(
        &self,
        cause: &Cause,
        of: impl Fn(usize) -> bool,
        estimate: Time,
    ) -> Result<Row, CliError> {
        let mut steps = Counts::default();
        let mut reaches: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (number, step) in self.session.plan.steps().iter().enumerate() {
            if !of(number) {
                continue;
            }
            steps.add(fate(&self.resolved[number]));
            if let Ok(target) = step.label.owner.parse::<TargetName>()
                && !matches!(target.kind(), Kind::Source | Kind::Rootfs)
            {
                let names = reaches.entry(target.kind().to_string()).or_default();
                if names.last() != Some(&step.label.owner) && !names.contains(&step.label.owner) {
                    names.push(step.label.owner.clone());
                }
            }
        }
        reaches.values_mut().for_each(|names| names.sort());
        let (kind, what, change, parts) = self.words_of(&cause.kind)?;
        let position = cause.place.map(|place| self.position(place));
        Ok(Row { kind, what, change, position, parts, steps, estimate, reaches })
    }

    fn position(&self, place: Place) -> String {
        let (sources, span, behind) = match place {
            Place::New(span) => (&self.session.context.loaded.sources, span, String::new()),
            Place::Old(span) => {
                let name = self.before.revision.name();
                (&self.before.loaded.sources, span, format!(" at {name}"))
            }
        };
        format!("{}:{}{behind}", sources.path(span.file), sources.position(span).line)
    }

    fn words_of(
        &self,
        kind: &CauseKind,
    ) -> Result<(&'static str, String, String, Vec<String>), CliError> {
        Ok(match kind {
            CauseKind::Packages { source, names, change } => {
                let names: Vec<String> = names.iter().cloned().collect();
                let (what, said) = match change {
                    Change::Added(_) => (words::count(names.len(), "package"), "added".to_owned()),
                    Change::Removed(_) => {
                        (words::count(names.len(), "package"), "removed".to_owned())
                    }
                    Change::Moved { .. } => {
                        (source.clone().unwrap_or_else(|| names.join(", ")), change.to_string())
                    }
                };
                let parts = if names.len() == 1 && names[0] == what { Vec::new() } else { names };
                ("pin", what, said, parts)
            }
            CauseKind::Archive { name, change } => {
                ("pin", format!("archive {name}"), change.to_string(), Vec::new())
            }
            CauseKind::Source { target, change } => {
                ("pin", target.to_string(), change.to_string(), Vec::new())
            }
            CauseKind::File { label, old, new } => self.words_of_file(label, *old, *new)?,
            CauseKind::Recipe { targets, path, change } => {
                let whose = match (targets.len(), targets.first()) {
                    (0, _) => String::new(),
                    (1, Some(target)) => format!("{target} "),
                    (count, _) => format!("{} ", words::count(count, "target")),
                };
                let (what, said) = match (path.is_empty(), change) {
                    (true, Change::Added(name)) => (name.clone(), "added".to_owned()),
                    (true, Change::Removed(name)) => (name.clone(), "removed".to_owned()),
                    _ => (format!("{whose}{path}"), short(change)),
                };
                let parts = match targets.len() {
                    0 | 1 => Vec::new(),
                    _ => targets.iter().map(TargetName::to_string).collect(),
                };
                ("recipe", what, said, parts)
            }
            CauseKind::Unnamed { owner } => {
                let said = "groundup itself asks something else".to_owned();
                ("groundup", owner.clone(), said, Vec::new())
            }
        })
    }

    fn words_of_file(
        &self,
        label: &str,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Result<(&'static str, String, String, Vec<String>), CliError> {
        let (Some(ObjectId::Tree(old)), Some(ObjectId::Tree(new))) = (old, new) else {
            let path = label.split_once(':').map_or(label, |(_, path)| path);
            let (place, said) = self.words_of_text(old, new)?;
            return Ok(("file", format!("{path}{place}"), said, Vec::new()));
        };
        let differences = groundup_tree::compare(old, new, &self.session.store)
            .map_err(|error| CliError::of(crate::error::Kind::Environment, &error))?;
        let parts: Vec<String> = differences
            .iter()
            .map(|difference| {
                let sign = match difference.change {
                    TreeChange::Added(_) => "+",
                    TreeChange::Removed(_) => "-",
                    TreeChange::Changed(..) => "",
                };
                format!("{sign}{}", difference.path)
            })
            .collect();
        let said = format!("{} differ", words::count(parts.len(), "path"));
        let what = label.split_once(':').map_or(label, |(_, path)| path);
        Ok(("file", what.to_owned(), said, parts))
    }
}

impl Teller<'_> {
    /// Where two files begin to differ, as `:line`, and how, if both are short texts.
    fn words_of_text(
        &self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Result<(String, String), CliError> {
        const MOST: u64 = 1 << 20;
        let store = &self.session.store;
        let text = |id| -> Result<Option<String>, CliError> {
            let Some(ObjectId::Blob(id)) = id else { return Ok(None) };
            if store.open_blob(id)?.size()? > MOST {
                return Ok(None);
            }
            Ok(String::from_utf8(store.read_blob(id)?).ok().filter(|text| !text.contains('\0')))
        };
        let (Some(from), Some(to)) = (text(old)?, text(new)?) else {
            return Ok((String::new(), "changed".to_owned()));
        };
        let same = from.lines().zip(to.lines()).take_while(|(a, b)| a == b).count();
        Ok((format!(":{}", same + 1), short(&Change::Moved { from, to })))
    }
}

/// A change of texts that may be long or have lines.
fn short(change: &Change) -> String {
    const MOST: usize = 60;
    let cut = |text: &str| {
        let line = words::visible(&text.trim().replace('\n', "⏎"));
        match line.char_indices().nth(MOST) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    };
    match change {
        Change::Added(text) => format!("added {}", cut(text)),
        Change::Removed(text) => format!("removed {}", cut(text)),
        Change::Moved { from, to } => {
            let (from, to) = (differing(from, to), differing(to, from));
            // What both begin with says nothing.
            let same = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
            let skip = if same > MOST / 2 { same - 10 } else { 0 };
            let tail = |text: &str| {
                let rest: String = text.chars().skip(skip).collect();
                if skip > 0 { format!("…{rest}") } else { rest }
            };
            format!("{} -> {}", cut(&tail(from)), cut(&tail(to)))
        }
    }
}

/// The lines of `text` between those that it begins and ends with alike as `other` does.
fn differing<'a>(text: &'a str, other: &str) -> &'a str {
    let common = |a: &mut dyn Iterator<Item = &'a str>, b: &mut dyn Iterator<Item = &str>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum::<usize>()
    };
    let start = common(&mut text.split_inclusive('\n'), &mut other.split_inclusive('\n'));
    let (text, other) = (&text[start..], &other[start..]);
    let end = common(&mut text.split_inclusive('\n').rev(), &mut other.split_inclusive('\n').rev());
    &text[..text.len() - end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: &str, to: &str) -> String {
        short(&Change::Moved { from: from.to_owned(), to: to.to_owned() })
    }

    #[test]
    fn of_long_texts_what_differs_is_shown() {
        assert_eq!(moved("n", "y"), "n -> y");
        assert_eq!(moved("a\nb\nc\n", "a\nx\nc\n"), "b -> x");
        assert_eq!(moved("a\nc\n", "a\nb\nc\n"), " -> b");
        assert_eq!(moved("a", "\u{1b}[2J"), "a -> \\u{1b}[2J");
        let long = "x".repeat(50);
        assert_eq!(moved(&format!("{long}1"), &format!("{long}2")), "…xxxxxxxxxx1 -> …xxxxxxxxxx2");
    }
}
