//! What made what: origins of files, step records and build records, as values.
//!
//! [`Origins`] says for each path of a tree which input it came from. This crate does no IO and
//! reads no clock: times and builder identity are handed in, and stand outside what is hashed.

mod origins;

pub use origins::{Origins, OriginsError};
