//! `groundup plan --against`: what moved since a revision, and what that reaches.

use super::{action, fate};
use crate::{
    args::Global,
    causes::{CauseWords, ToldCause},
    error::CliError,
    session::{Before, Session},
    words,
};
use groundup_build::{Estimate, Estimator, Resolved, resolve};
use groundup_plan::compare::{Cause, Comparison, Side, compare};
use groundup_recipe::{Kind, TargetName};
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
    let words = CauseWords {
        store: &session.store,
        old: (&before.loaded.sources, Some(before.revision.name())),
        new: (&session.context.loaded.sources, None),
    };
    Teller { session, before: &before, comparison: &comparison, resolved: &resolved, words }
        .report()
}

struct Teller<'a> {
    session: &'a Session,
    before: &'a Before,
    comparison: &'a Comparison,
    resolved: &'a [Resolved],
    words: CauseWords<'a>,
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
        let ToldCause { kind, what, change, position, parts } = self.words.told(cause)?;
        Ok(Row { kind, what, change, position, parts, steps, estimate, reaches })
    }
}
