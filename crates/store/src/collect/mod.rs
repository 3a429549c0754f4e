//! Collection: dropping the content that nobody keeps, as a plan first and then its performance.
//!
//! Kept is what a root names, what the results of a root's keys put out, what living processes
//! lease, and all that these refer to; and the small contents that the caller names, which tell of old
//! builds. Blobs and check-outs are dropped; trees, results, records and hints are small and stay, so
//! that last year's outputs can still be compared and a result serves its key though its content is
//! gone (decision 0019).

mod mark;
mod perform;
mod plan;

pub use perform::Collected;

use crate::{Executable, LogName, Total};
use groundup_digest::{BlobId, StepKey, TreeId};
use std::{collections::BTreeSet, fmt};

/// What is kept beside what has to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeepOptions {
    /// Which check-outs stay.
    pub checkouts: KeepCheckouts,
    /// Which build logs stay.
    pub logs: KeepLogs,
    /// Contents that tell of old builds and stay.
    pub facts: BTreeSet<BlobId>,
}

/// Which check-outs stay; those in use always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeepCheckouts {
    /// Those of trees that are kept as a whole.
    #[default]
    OfKeptTrees,
    /// None: they can be made again from blobs.
    None,
}

/// Which build logs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeepLogs {
    /// All.
    #[default]
    All,
    /// The last few of each step.
    Newest(u32),
}

/// Why something is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepReason {
    /// A root names it.
    Root(String),
    /// It is an output of a key that a root names.
    Result {
        /// The root.
        root: String,
        /// The key.
        key: StepKey,
    },
    /// A living process relies on it.
    Lease,
    /// It tells of a build.
    Facts,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeepReason::Root(name) => write!(f, "root {name}"),
            KeepReason::Result { root, key } => write!(f, "step {} of root {root}", key.short()),
            KeepReason::Lease => write!(f, "in use by a running process"),
            KeepReason::Facts => write!(f, "facts of earlier builds"),
        }
    }
}

/// Something that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The file of a blob.
    Blob(BlobId, Executable),
    /// A check-out.
    Checkout(TreeId),
    /// A build log.
    Log(LogName),
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dropped::Blob(id, Executable::No) => write!(f, "blob {id}"),
            Dropped::Blob(id, Executable::Yes) => write!(f, "executable blob {id}"),
            Dropped::Checkout(id) => write!(f, "check-out of tree {id}"),
            Dropped::Log(name) => write!(f, "log {name}"),
        }
    }
}

/// What a collection would keep and drop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectPlan {
    /// How many blobs each reason keeps that no reason before it does.
    pub kept: Vec<(KeepReason, Total)>,
    /// What goes, and its bytes.
    pub dropped: Vec<(Dropped, u64)>,
    pub(crate) options: KeepOptions,
}

impl CollectPlan {
    /// All that is kept.
    pub fn kept_total(&self) -> Total {
        self.kept.iter().fold(Total::default(), |sum, (_, total)| Total {
            count: sum.count + total.count,
            bytes: sum.bytes + total.bytes,
        })
    }

    /// All that goes.
    pub fn dropped_total(&self) -> Total {
        let bytes = self.dropped.iter().map(|(_, bytes)| bytes).sum();
        Total { count: self.dropped.len() as u64, bytes }
    }
}

impl fmt::Display for CollectPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (reason, total) in &self.kept {
            writeln!(f, "keep {total}: {reason}")?;
        }
        write!(f, "drop {}", self.dropped_total())
    }
}
