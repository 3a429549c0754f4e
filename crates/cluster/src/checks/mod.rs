//! What objects say of each other.

mod pods;
mod references;
mod selectors;

pub(crate) use references::references;
