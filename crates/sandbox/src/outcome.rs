//! How a run ended, what it used, and how its limits were held.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Noted;

/// What came of a run that could be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it is over.
    pub ending: Ending,
    /// What it used.
    pub usage: Usage,
    /// How each limit that was asked for was held.
    pub enforced: Enforced,
    /// What the command looked at and changed, where the spec asked for it.
    pub noted: Option<Noted>,
}

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The command returned this code.
    Exited(i32),
    /// The command died of this signal.
    Signalled(i32),
    /// A limit was reached and everything was killed.
    Limit(LimitKind),
    /// The caller asked to stop and everything was killed.
    Cancelled,
}

impl Ending {
    /// Whether the command returned zero.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// The limits of [`crate::Limits`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitKind {
    /// Bytes of memory.
    Memory,
    /// Number of processes and threads.
    Processes,
    /// Time in all.
    Wall,
    /// Time without output.
    IdleOutput,
    /// Bytes written to disk.
    OutputBytes,
    /// Bytes of log.
    LogBytes,
}

impl LimitKind {
    /// The words for people: `memory`, `idle output`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Wall => "wall time",
            Self::IdleOutput => "idle output",
            Self::OutputBytes => "output bytes",
            Self::LogBytes => "log bytes",
        }
    }
}

/// What a run used, over all of its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in programs.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Time from start to end.
    pub wall: Duration,
    /// Bytes of memory at the highest point: of the whole run where a cgroup counted or the limit
    /// was polled, else of the largest process.
    pub peak_memory: u64,
}

/// How one limit was held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enforcement {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// The kernel, by a cgroup of version 2.
    CgroupV2,
    /// The kernel, by a cgroup of version 1.
    CgroupV1,
    /// Looked at now and then, and by the kernel with a resource limit of twice as much.
    Rlimit,
    /// Looked at now and then; it can be overrun for a moment.
    Polled,
    /// By a timer of the launcher.
    Timer,
    /// To the byte, by the launcher, through which it passes.
    Counted,
    /// Asked for, but this run has no log to look at.
    Inapplicable,
}

/// How each limit was held, for the step record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Bytes of memory.
    pub memory: Enforcement,
    /// Number of processes.
    pub processes: Enforcement,
    /// Time in all.
    pub wall: Enforcement,
    /// Time without output.
    pub idle_output: Enforcement,
    /// Bytes written to disk.
    pub output_bytes: Enforcement,
    /// Bytes of log.
    pub log_bytes: Enforcement,
}
