//! How a build is to be done.

use crate::Reuse;
use groundup_plan::StepIndex;
use groundup_store::StoreError;
use std::{collections::BTreeSet, num::NonZeroUsize};

/// How a build is to be done; none of it changes what comes out.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// How many commands and assemblers run at once.
    pub jobs: NonZeroUsize,
    /// How many fetches run at once, beside the jobs.
    pub fetches: NonZeroUsize,
    /// What to do after a failure.
    pub keep_going: KeepGoing,
    /// Which of the ready steps starts first.
    pub order: Order,
    /// Steps that are executed although their result is known.
    pub rerun: Rerun,
    /// Whether results of child steps are used.
    pub reuse: Reuse,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepGoing {
    /// Start nothing new.
    No,
    /// Build all that does not need what failed.
    Yes,
}

/// Which of the ready steps starts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one with the longest remaining path, by recorded durations.
    LongestFirst,
    /// Any, drawn with a seed: for tests that order changes nothing.
    Shuffled(u64),
}

/// Steps that are executed although their result is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rerun {
    /// The steps.
    pub steps: BTreeSet<StepIndex>,
}

/// Why a build could not be done at all; a step that fails is no error but an outcome.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The store refused.
    #[error("the build cannot go on without its store")]
    Store(#[from] StoreError),
    /// A worker thread ended without an answer; our bug.
    #[error("a worker ended without an answer")]
    WorkerLost,
}
