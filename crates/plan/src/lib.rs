//! Recipes and lock to a graph of steps with keys. Pure: no IO, no clock, no environment.
//!
//! [`leaves_of`] lists what a plan needs of the repository; [`plan`] lowers targets to a [`Plan`],
//! given the ids of those leaves. A [`StepKey`](groundup_digest::StepKey) is the hash of a step's
//! question; it can be computed once the ids of its inputs are known ([`Step::key`]), and never
//! from the steps that make them: an edit that yields the same bytes stops there (early cutoff).
//!
//! What enters which key:
//!
//! | input | `Fetch` | `Run` | `Assemble` | why, or why not |
//! |---|---|---|---|---|
//! | kind of step and its version | yes | yes | yes | another meaning is another question |
//! | digest and size of the pin | yes | | | all that is asked for |
//! | argv, environment, working directory | | yes | | the command reads them |
//! | mount points with the ids behind them | | yes | | it reads those files |
//! | names and places of outputs, permissions policy | | yes | | they decide what is taken in |
//! | platform it executes on | | yes | | code of another platform is another question |
//! | version of the sandbox | | yes | | it decides what a command can see |
//! | version of ownership as data | | where it is asked for | | the same |
//! | assembler's name, version, parameters | | | yes | the function and its arguments |
//! | ids of inputs by name | | yes | yes | content, never the key of its maker |
//! | URLs, mirrors, archive paths | no | | | locations; the digest decides |
//! | limits, job counts, times, paths of the machine | | no | | they must not change an answer |
//! | target platform as such | | no | no | enters through argv, environment, parameters, inputs |
//! | recipe text, labels, positions | no | no | no | a comment or a rename changes nothing |

mod assembler;
pub mod compare;
mod error;
mod graph;
mod key;
mod label;
mod leaf;
mod lower;
pub mod params;
mod step;

pub use assembler::Assembler;
pub use error::PlanError;
pub use graph::{Plan, PlannedTarget, StepIndex};
pub use label::StepLabel;
pub use leaf::{Leaf, LeafRequest, Leaves, Presence, leaves_of};
pub use lower::{Goal, PlanOptions, plan};
pub use step::{
    Assemble, Fetch, From, Input, Location, Mount, OutputPlace, Reuse, Run, RunLimits, RunRoot,
    Step, StepKind,
};
