//! One step with all that its execution needs, handed to a worker.

use super::Failure;
use crate::{Reason, execute::FailureKind};
use groundup_digest::{ObjectId, StepKey};
use groundup_plan::{From, Plan, Step, StepIndex, StepKind};
use std::collections::BTreeMap;

pub(crate) struct Job<'a> {
    pub(crate) index: StepIndex,
    pub(crate) step: &'a Step,
    pub(crate) key: StepKey,
    pub(crate) reason: Reason,
    pub(crate) inputs: BTreeMap<String, ObjectId>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        index: StepIndex,
        key: StepKey,
        reason: Reason,
        resolve: impl Fn(StepIndex, &str) -> ObjectId,
    ) -> Self {
        let step = plan.step(index);
        let inputs = step.inputs.iter().map(|input| {
            let id = match &input.from {
                From::Leaf { id, .. } => *id,
                From::Step { step, output } => resolve(*step, output),
            };
            (input.name.clone(), id)
        });
        Self { index, step, key, reason, inputs: inputs.collect() }
    }

    /// What is done, for records and people.
    pub(crate) fn action(&self) -> String {
        match &self.step.kind {
            StepKind::Fetch(_) => "fetch".to_owned(),
            StepKind::Run(run) => format!("run {}", run.argv.join(" ")),
            StepKind::Assemble(assemble) => assemble.assembler.to_string(),
        }
    }

    /// Checks that an assembler gave what the plan expects of it.
    pub(crate) fn check_outputs(
        &self,
        outputs: &BTreeMap<String, ObjectId>,
    ) -> Result<(), Box<Failure>> {
        if outputs.keys().eq(&self.step.outputs) {
            return Ok(());
        }
        let given: Vec<_> = outputs.keys().map(String::as_str).collect();
        let message = format!(
            "it gave the outputs {} where the plan expects {}; this is a bug of groundup",
            given.join(", "),
            self.step.outputs.join(", ")
        );
        Err(Failure::new(self, FailureKind::Assemble, vec![message]))
    }
}
