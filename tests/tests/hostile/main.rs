//! Bad input at the command line: what a person is told of it, and that the store stays untouched.
//!
//! Each row breaks one thing of a workspace whose archive is served on the loopback: a text, a file
//! of the mirror, a signature, the inside of a package. The message names the thing, the place and
//! the remedy; the exit code says whose turn it is; afterwards `store verify` is clean, nothing new
//! is kept by a root, and with the thing mended the build gives what it always gave.

#![allow(clippy::type_complexity, reason = "tables whose rows are read as such")]

mod archives;
mod mirror;
mod signatures;
mod support;
mod texts;
