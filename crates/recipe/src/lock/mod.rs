//! The lock: every pin of every input from outside the repository, as a value.
//!
//! The file is sorted and holds one package a line, so that it reads well in a diff. Packages stand
//! once in `[package]`, and by name in each rootfs. See `docs/formats/lock.md`.

mod model;

pub use model::{
    ArchivePin, FilePin, IndexKey, KeyringPin, Lock, PackageId, PackageOrigin, RootfsPin, SourcePin,
};
