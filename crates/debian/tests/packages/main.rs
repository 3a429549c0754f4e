//! Claims about `.deb` files, root file systems and source packages, on packages that are made here.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod ld_cache;
mod make;
mod merge;
mod scripts;
mod source;
mod state;
mod unpack;
