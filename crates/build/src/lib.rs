//! Performs a plan: reuse or run each step, take in what it makes, record it.
//!
//! [`Surroundings::build`] is one owner loop: workers execute steps and send events back; the loop alone
//! decides. A step's key is computed when the ids of its inputs are known, so an edit that yields
//! the same bytes stops there. One key is built once, across processes too. Content is fetched or
//! rebuilt only when something needs it. Nothing is printed: what happens is told as [`Event`]s.
//!
//! What was built is looked back at by [`history`].
//!
//! The functions behind [`Assembler`](groundup_plan::Assembler)s are handed in as [`Assemblers`].

mod assemblers;
mod builder;
mod event;
mod execute;
#[doc(hidden)]
pub mod fuzzing;
pub mod history;
mod outcome;
mod question;
mod record;
mod repository;
mod reuse;
mod schedule;

pub use assemblers::{AssembleCall, AssembleError, Assemblers};
pub use builder::{Clock, Inputs, Surroundings};
pub use event::{Differing, Event, Holder, Reason};
pub use execute::{DefaultLimits, Failure, FailureKind, Held, jobs_of, sandbox_spec};
pub use outcome::{Built, Outcome, Report, StepReport};
pub use question::question_of;
pub use record::{RecordContext, Recorded, build_record};
pub use repository::{Blame, Repository, RepositoryError, Revision, Taken, blame};
pub use reuse::{Children, Reuse};
pub use schedule::{
    BuildError, BuildOptions, Estimate, Estimator, KeepGoing, Order, Rerun, Resolved, resolve,
};
