//! What a command looked at and changed, as its launcher noted it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whether it is noted what a command looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LookUps {
    /// No; nothing is slowed down.
    #[default]
    Unnoted,
    /// Every path that a system call names, found or not. 32-bit programs do not run.
    Noted,
}

/// Every path that the processes of a run named in a system call.
///
/// Paths are absolute as the process saw it: below its working directory where it gave a relative
/// one, without `.` and doubled slashes, but with `..` and links as they were given. A path that the
/// run itself had changed before is not looked at: what is there is its own doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Paths that were asked about or opened.
    pub looked: BTreeSet<String>,
    /// Those of them that were opened.
    pub opened: BTreeSet<String>,
    /// Those of them that were executed, or might have been.
    pub executed: BTreeSet<String>,
    /// Paths that were made, changed or removed, and what was there before.
    pub changed: BTreeMap<String, Before>,
    /// Why this is not all, if it is not.
    pub lacks: Option<String>,
}

/// What was at a path before a run changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Before {
    /// Nothing, or what did not matter because the command replaced it unseen.
    Nothing,
    /// A file; a copy of it is here, in the scratch of the run.
    File(PathBuf),
    /// Something else.
    Other,
}
