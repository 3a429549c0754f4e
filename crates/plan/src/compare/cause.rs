//! What moved between two states of a workspace.

use groundup_digest::ObjectId;
use groundup_recipe::{Span, TargetName, lock::Change};
use std::collections::BTreeSet;

/// Something outside all steps that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// Where it is written; a file of the repository is its own place.
    pub place: Option<Place>,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CauseKind {
    /// Pins of packages that one source package gives, and that moved alike; or all that were added
    /// for, or removed from, the same root file systems.
    Packages {
        /// The source package, where they have one in common.
        source: Option<String>,
        /// The packages.
        names: BTreeSet<String>,
        /// Versions.
        change: Change,
    },
    /// The state of an archive that is pinned.
    Archive {
        /// Its name.
        name: String,
        /// Suite and date.
        change: Change,
    },
    /// The pin of a source.
    Source {
        /// The source.
        target: TargetName,
        /// Versions or digests.
        change: Change,
    },
    /// A file of the repository, or the files of a source tree.
    File {
        /// Label of the leaf.
        label: String,
        /// What it held; none if it was not read.
        old: Option<ObjectId>,
        /// What it holds.
        new: Option<ObjectId>,
    },
    /// A line of a recipe or of the settings of the workspace.
    Recipe {
        /// The targets that it is said of; none for settings of the workspace.
        targets: BTreeSet<TargetName>,
        /// Where in the target it stands; empty where the whole target came or went.
        path: String,
        /// What it says.
        change: Change,
    },
    /// The steps of a target ask something else, and no line of a recipe says why: groundup itself
    /// is another.
    Unnamed {
        /// Whose steps.
        owner: String,
    },
}

/// A place in the files of one of the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the new state.
    New(Span),
    /// In the old one: it is written there no more.
    Old(Span),
}

impl CauseKind {
    /// The order in which causes are told: what comes from outside first.
    pub(super) fn rank(&self) -> u8 {
        match self {
            CauseKind::Packages { .. } => 0,
            CauseKind::Archive { .. } => 1,
            CauseKind::Source { .. } => 2,
            CauseKind::Recipe { .. } => 3,
            CauseKind::File { .. } => 4,
            CauseKind::Unnamed { .. } => 5,
        }
    }
}
