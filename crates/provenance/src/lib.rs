//! What made what: origins of files, step records and build records, as values.
//!
//! [`Origins`] says for each path of a tree which input it came from. A [`StepRecord`] is written
//! for every execution of a step; a [`BuildRecord`] for every (commit, lock, targets), also when
//! everything was reused; what each step of it was
//! asked is a [`Question`] of its own, which equal questions share. This crate does no IO and reads no clock: times and builder identity are
//! handed in as [`Circumstances`], and stand outside what is hashed. A [`Lineage`] is a build record
//! as a graph that can be walked. The byte layouts are in
//! `docs/formats/records.md`.

mod build_record;
mod circumstances;
mod lineage;
mod origins;
mod question;
mod step_record;

pub use build_record::{BuildRecord, RecordedStep, RecordedTarget};
pub use circumstances::Circumstances;
pub use lineage::{LabelParts, Lineage, MadeOf, Maker, Part, label_parts};
pub use origins::{Origins, OriginsError};
pub use question::{FieldChange, Question};
pub use step_record::{Ending, RecordError, StepRecord};
