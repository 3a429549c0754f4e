//! Runs one command in Linux namespaces from a complete [`Spec`], as root and as an ordinary user alike.
//!
//! ```text
//!  builder (threads)    nursery      launcher (one thread)        init (pid 1 inside)      command
//!                       ── fork ───▶ own user, pid, net, ipc,
//!                                    uts namespaces  ── fork ──▶ mounts /proc, /dev
//!  run(spec) ── spec ──────────────▶ takes it        ── spec ──▶ builds /
//!                                    answers uname, sysinfo      drops everything
//!                                    watches limits              ── fork, exec ─────────▶ argv
//!            ◀── outcome ─────────── waits                       reaps
//! ```
//!
//! Nursery and launcher are this very program, executed again, so that nothing forks in a threaded
//! process; the nursery prepares launchers before there is a run. A run of an uncommon kind executes a
//! launcher of its own. Killing any of them kills all that stand to the right of it: no process, mount or
//! namespace outlives [`run`], however it ends. The crate knows nothing of stores and recipes: the
//! caller names directories, and finds the output in `scratch/out`. What a step sees, and what cannot
//! be fixed, is told in `docs/sandbox.md`.

mod cgroup;
mod control;
mod error;
mod filter;
mod launcher;
mod messenger;
mod noted;
mod outcome;
mod ownership;
mod probe;
mod run;
mod scratch;
mod spec;
mod sys;
mod traced;
mod warm;
mod wire;

pub use control::{Control, Progress};
pub use error::SandboxError;
pub use launcher::launcher_entry;
pub use messenger::{Answer, Message, Messenger};
pub use noted::{Before, LookUps, Noted};
pub use outcome::{Ending, Enforced, Enforcement, LimitKind, Outcome, Usage};
pub use ownership::{
    CollectError, DeviceKind, DeviceNode, OWNERSHIP_VERSION, OwnedPath, Owner, Ownership, collect,
};
pub use probe::{Check, Host, Status, probe};
pub use run::run;
pub use scratch::{Recycled, ScratchError, discard, prepare, recycle};
pub use spec::{
    AddressSpace, Identity, Limits, Mount, MountMode, Network, Privilege, RootMode, Spec, Stdio,
    default_env,
};

/// The version of what a step can observe in here; it enters step keys.
///
/// Raise it when a step could tell the difference: another fixed file, mount, limit or refused call.
pub const VERSION: u32 = 2;
