//! What came of a build and its steps.

use crate::execute::Failure;
use groundup_digest::{ObjectId, StepKey};
use groundup_plan::{PlannedTarget, StepIndex};
use std::{collections::BTreeMap, time::Duration};

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was executed.
    Built,
    /// Its result was there.
    Reused,
    /// It was executed and failed.
    Failed,
    /// It was not executed: something that it needs failed, or the build was interrupted.
    Skipped,
}

/// One step at the end of a build.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// What came of it.
    pub outcome: Outcome,
    /// Its key, where its inputs became known.
    pub key: Option<StepKey>,
    /// Its outputs by name.
    pub outputs: BTreeMap<String, ObjectId>,
    /// How long its execution took.
    pub took: Duration,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// A target that was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// Which.
    pub target: PlannedTarget,
    /// Its outputs by name; none if it failed.
    pub outputs: Option<Vec<(String, ObjectId)>>,
    /// How many of the steps that it needs were executed.
    pub executed: usize,
}

/// The end of a build.
#[derive(Debug, Clone)]
pub struct Report {
    /// The steps, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// The targets that were asked for.
    pub targets: Vec<Built>,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Report {
    /// Whether every target was built, and nothing failed: a step that is run again although its
    /// result is known can fail without a target missing anything.
    pub fn is_complete(&self) -> bool {
        let built = self.targets.iter().all(|target| target.outputs.is_some());
        built && self.failures().next().is_none()
    }

    /// How many steps had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Failure)> {
        let failed = self.steps.iter().enumerate();
        failed.filter_map(|(index, step)| Some((index, step.failure.as_ref()?)))
    }

    /// One step.
    pub fn step(&self, index: StepIndex) -> &StepReport {
        &self.steps[index.get()]
    }
}
