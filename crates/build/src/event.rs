//! What happens during a build, as a closed set of events.

use crate::{Children, Outcome, execute::Failure};
use groundup_digest::{ObjectId, StepKey};
use groundup_plan::StepIndex;
use std::time::Duration;

/// Who builds a step that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A step of this build with the same key.
    EqualStep,
    /// Another build.
    OtherProcess,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// How many steps there are, and how many of them are already known to be reused.
    Planned {
        /// All steps.
        steps: usize,
        /// Reused for sure.
        reused: usize,
    },
    /// A step starts.
    Started {
        /// The step.
        step: StepIndex,
        /// Its key.
        key: StepKey,
        /// Why it is executed.
        reason: Reason,
        /// What it took last time.
        expected: Option<Duration>,
    },
    /// A step waits for somebody who is building the same key.
    Waiting {
        /// The step.
        step: StepIndex,
        /// For whom.
        holder: Holder,
    },
    /// Bytes came in or were written.
    Progress {
        /// The step.
        step: StepIndex,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
    },
    /// The command of a step is over, and has handed programs over.
    Children {
        /// The step.
        step: StepIndex,
        /// What became of them.
        children: Children,
        /// The first of which nothing is kept, and why.
        unkept: Option<String>,
    },
    /// A step ended.
    Finished {
        /// The step.
        step: StepIndex,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// What went wrong, if something did.
        failure: Option<Box<Failure>>,
    },
    /// A key gave another answer than before: it is unstable.
    Differs {
        /// The step.
        step: StepIndex,
        /// Its key.
        key: StepKey,
        /// The outputs that differ.
        outputs: Vec<Differing>,
    },
}

/// An output of a step that is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// Its name.
    pub output: String,
    /// What it was first, and stays.
    pub first: ObjectId,
    /// What it was this time.
    pub other: ObjectId,
}

/// Why a step is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its key has no result.
    New,
    /// Its result is known, but a content that something needs is gone.
    ContentGone,
    /// The user asked for it.
    Asked,
}
