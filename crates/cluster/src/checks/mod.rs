//! What objects say of each other.

mod names;
mod pods;
mod references;
mod selectors;
mod workload;

pub(crate) use names::names;
pub(crate) use references::references;
pub(crate) use workload::workload;
