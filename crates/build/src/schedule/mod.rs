//! Which step is executed when: the owner loop and what it decides with.
//!
//! Workers are threads that execute one step each and send messages; the loop in [`run`] alone
//! changes state, and is the only one that waits on the channel. No worker waits for another.

mod estimate;
mod options;
mod priority;
mod resolved;
mod run;
mod state;

pub use estimate::{Estimate, Estimator};
pub use options::{BuildError, BuildOptions, KeepGoing, Order, Rerun};
pub use resolved::{Resolved, resolve};
pub(crate) use run::Message;
