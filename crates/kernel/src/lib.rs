//! Kernel configurations: what was asked for, what Kconfig made of it, and why the two differ.
//!
//! ```text
//! fragments -> Config -> Requests --\
//! Kconfig files -> Kconfig ----------> explain -> held, or Dropped with a Reason
//! resolved .config -> Config -------/
//! ```
//!
//! [`check`] does all of it from bytes. Kconfig itself decides what a configuration resolves to:
//! nothing here computes values, it only reads the language well enough to say which line of which
//! file stood in the way. Nothing does IO; files come from a [`Files`].

mod check;
pub mod config;
mod explain;
pub mod facts;
pub mod kconfig;
mod nearest;
mod place;

pub use check::{CheckError, Checked, Inputs, check};
pub use config::{Config, ConfigDiff, Request, Requests, Value};
pub use explain::{Cause, Dropped, Obstacle, Reason, Source, explain};
pub use kconfig::{Files, Kconfig, KconfigError};
pub use place::Place;
