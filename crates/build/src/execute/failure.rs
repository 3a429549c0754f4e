//! Why a step failed, as facts for the command line to put into words.

use super::Job;
use groundup_digest::StepKey;
use groundup_sandbox::LimitKind;
use groundup_store::{LogName, StoreErrorKind};
use std::error::Error;

/// Why a step failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What failed.
    pub kind: FailureKind,
    /// The key of the step.
    pub key: StepKey,
    /// What went wrong and why, the outermost first.
    pub messages: Vec<String>,
    /// The whole log of a command.
    pub log: Option<LogName>,
    /// The last lines of the log.
    pub tail: Vec<String>,
    /// What kind of trouble with the machine was behind it, if any.
    pub trouble: Option<StoreErrorKind>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// Pinned bytes could not be had.
    Fetch,
    /// An assembler refused its inputs.
    Assemble,
    /// The command returned this code.
    Exit(i32),
    /// The command died of this signal.
    Signal(i32),
    /// A limit ended the command.
    Limit(LimitKind),
    /// The command ended well, but an output is missing or cannot be taken in.
    Output,
    /// The sandbox could not be set up.
    Sandbox,
    /// The step executes on another platform than this machine's.
    Platform,
    /// The store refused.
    Store,
}

impl Failure {
    pub(crate) fn new(job: &Job<'_>, kind: FailureKind, messages: Vec<String>) -> Box<Self> {
        Box::new(Self { kind, key: job.key, messages, log: None, tail: Vec::new(), trouble: None })
    }

    pub(crate) fn of(job: &Job<'_>, kind: FailureKind, error: &(dyn Error + 'static)) -> Box<Self> {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        let failure = Self::new(job, kind, chain.map(ToString::to_string).collect());
        Box::new(Self { trouble: StoreErrorKind::of_surroundings(error), ..*failure })
    }

    pub(crate) fn store(job: &Job<'_>, error: groundup_store::StoreError) -> Box<Self> {
        Self::of(job, FailureKind::Store, &error)
    }

    /// The outermost message.
    pub fn headline(&self) -> String {
        self.messages.first().cloned().unwrap_or_default()
    }
}
