//! The build record: the resolved plan as a value.

use crate::{StepReport, question_of};
use groundup_digest::{ObjectId, RecordId, Sha256};
use groundup_plan::{From, Plan, Step};
use groundup_provenance::{BuildRecord, Circumstances, RecordedStep, RecordedTarget};
use std::collections::BTreeMap;

/// What a build record says beside the plan.
pub struct RecordContext<'a> {
    /// Name of the workspace.
    pub workspace: String,
    /// Commit, with `-dirty` where the work tree differs.
    pub commit: Option<String>,
    /// Digest of the lock file.
    pub lock: Option<Sha256>,
    /// Gives `file:line` of a step.
    pub position: &'a dyn Fn(&Step) -> Option<String>,
    /// When and by whom.
    pub circumstances: Circumstances,
}

/// The record of a build, and those of what its steps are asked, by their ids.
pub struct Recorded {
    /// Of the build.
    pub build: BuildRecord,
    /// What was asked, each once.
    pub questions: BTreeMap<RecordId, Vec<u8>>,
}

/// The record of a build in which every step is known; none if a step has no key or outputs.
pub fn build_record(
    plan: &Plan,
    steps: &[StepReport],
    context: RecordContext<'_>,
) -> Option<Recorded> {
    let id_of = |from: &From| match from {
        From::Leaf { id, .. } => Some(*id),
        From::Step { step, output } => steps[step.get()].outputs.get(output).copied(),
    };
    let label_of = |from: &From| match from {
        From::Leaf { label, .. } => label.clone(),
        From::Step { step, output } => format!("{}:{output}", plan.step(*step).label),
    };
    let mut recorded = Vec::with_capacity(steps.len());
    let mut questions = BTreeMap::new();
    for (step, report) in plan.steps().iter().zip(steps) {
        let inputs = step.inputs.iter();
        let inputs = inputs
            .map(|input| Some((input.name.clone(), label_of(&input.from), id_of(&input.from)?)));
        let question = question_of(step).to_bytes();
        let asked = RecordId::of_encoded(&question);
        questions.insert(asked, question);
        recorded.push(RecordedStep {
            label: step.label.to_string(),
            key: report.key?,
            position: (context.position)(step),
            inputs: inputs.collect::<Option<_>>()?,
            outputs: report.outputs.iter().map(|(name, id)| (name.clone(), *id)).collect(),
            question: Some(asked),
        });
    }
    recorded.sort();
    let mut targets = Vec::new();
    for target in plan.targets() {
        let outputs = target.outputs.iter().map(|(name, from)| Some((name.clone(), id_of(from)?)));
        let name = match target.platform {
            None => target.name.to_string(),
            Some(platform) => format!("{} {platform}", target.name),
        };
        let outputs: Vec<(String, ObjectId)> = outputs.collect::<Option<_>>()?;
        targets.push(RecordedTarget { name, outputs });
    }
    targets.sort();
    let RecordContext { workspace, commit, lock, circumstances, .. } = context;
    let build = BuildRecord { workspace, commit, lock, targets, steps: recorded, circumstances };
    Some(Recorded { build, questions })
}
