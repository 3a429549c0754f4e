//! The plan: steps in an order in which each comes after what it needs.

use crate::{From, Input, Step, StepKind, StepLabel};
use groundup_recipe::{Platform, TargetName};
use std::collections::BTreeMap;

/// Index of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(u32);

impl StepIndex {
    /// The position in [`Plan::steps`].
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// A graph of steps, and which of their outputs are the targets' asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    steps: Vec<Step>,
    by_label: BTreeMap<StepLabel, StepIndex>,
    targets: Vec<PlannedTarget>,
}

/// A target that was asked for, and where its outputs come from.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTarget {
    /// The target.
    pub name: TargetName,
    /// The platform, for targets that are made for one at a time.
    pub platform: Option<Platform>,
    /// Its outputs by name.
    pub outputs: Vec<(String, From)>,
}

impl Plan {
    /// The steps; each stands after those that it needs.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// One step.
    pub fn step(&self, index: StepIndex) -> &Step {
        &self.steps[index.get()]
    }

    /// All steps with their indices.
    pub fn indexed(&self) -> impl ExactSizeIterator<Item = (StepIndex, &Step)> {
        self.steps.iter().enumerate().map(|(index, step)| (StepIndex(index as u32), step))
    }

    /// The step of this label.
    pub fn find(&self, label: &StepLabel) -> Option<StepIndex> {
        self.by_label.get(label).copied()
    }

    /// What was asked for.
    pub fn targets(&self) -> &[PlannedTarget] {
        &self.targets
    }

    /// For each step, the steps that read its outputs.
    pub fn consumers(&self) -> Vec<Vec<StepIndex>> {
        let mut consumers = vec![Vec::new(); self.steps.len()];
        for (index, step) in self.indexed() {
            for needed in step.needs() {
                consumers[needed.get()].push(index);
            }
        }
        consumers
    }

    /// Adds a step whose needs are in the plan already; a step of the same label is that step.
    pub(crate) fn add(
        &mut self,
        label: StepLabel,
        make: impl FnOnce() -> (StepKind, Vec<Input>, Vec<String>),
        span: Option<groundup_recipe::Span>,
    ) -> StepIndex {
        if let Some(index) = self.find(&label) {
            return index;
        }
        let (kind, mut inputs, mut outputs) = make();
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        outputs.sort();
        let index = StepIndex(self.steps.len() as u32);
        self.by_label.insert(label.clone(), index);
        self.steps.push(Step { label, kind, inputs, outputs, span });
        index
    }

    pub(crate) fn ask(&mut self, target: PlannedTarget) {
        self.targets.push(target);
    }
}
