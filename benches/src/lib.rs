//! Measures groundup beside its peers: workloads, paired runs, raw results and the page of figures.

#![allow(
    clippy::disallowed_methods,
    reason = "a program for developers: it reads the clock, the environment and folders"
)]

pub mod bench;
pub mod error;
pub mod process;
pub mod record;
pub mod report;
mod setup;
pub mod shape;
pub mod workloads;
