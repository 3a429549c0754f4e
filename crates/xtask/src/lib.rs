//! The chores of this repository: rules of structure, generated documents, the test command, the
//! benchmarks.
//!
//! Everything is read from the files of the repository and from what cargo says of it; nothing is
//! kept besides.

pub mod bench;
pub mod docs;
pub mod fuzz;
mod licence;
pub mod suite;
pub mod tidy;
mod workspace;

pub use workspace::{Package, Source, Workspace, XtaskError};
