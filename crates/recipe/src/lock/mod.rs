//! The lock: every pin of every input from outside the repository, as a value.
//!
//! The file is sorted and holds one package a line, so that it reads well in a diff. Packages stand
//! once in `[package]`, and by name in each rootfs. See `docs/formats/lock.md`.

mod changes;
mod inputs;
mod model;
mod parse;
mod reach;
mod request;
mod stale;
mod write;

pub use changes::{Change, Moved};
pub use inputs::{Input, InputKind, InputPlace};
pub use model::{
    ArchivePin, FilePin, IndexKey, KeyringPin, Lock, LockTextError, PackageId, PackageOrigin,
    RootfsPin, SourcePin,
};
pub use request::request;
pub use stale::{Stale, StaleReason, needs_packages};

/// The file that holds the lock.
pub const LOCK_FILE: &str = "groundup.lock";

/// The version of the format that is written, and the only one that is read.
pub const LOCK_VERSION: i64 = 1;

/// The name of `candidates` that a misspelt `word` most likely stands for, as in every other message.
pub fn nearest_name<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    crate::nearest::nearest(word, candidates)
}
