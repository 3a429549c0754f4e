//! What can be wrong in a store.

use crate::LogName;
use groundup_digest::{BlobId, DirId, ObjectId, RecordId, StepKey, TreeId};
use std::{fmt, path::PathBuf};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A blob's file holds other bytes than its name says.
    DamagedBlob {
        /// The blob.
        id: BlobId,
        /// Its file.
        path: PathBuf,
        /// The id of what it holds.
        found: BlobId,
    },
    /// A blob's file cannot be read.
    UnreadableBlob {
        /// The blob.
        id: BlobId,
        /// Its file.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// A blob's file has another mode than the store gave it.
    WrongMode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        found: u32,
        /// The mode it should have.
        expected: u32,
    },
    /// Something that is no blob stands among them.
    Strange {
        /// It.
        path: PathBuf,
    },
    /// A part of a journal cannot be read.
    DamagedJournal {
        /// The journal.
        path: PathBuf,
        /// Where the part starts.
        offset: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// A directory object that a tree refers to is not there.
    MissingDirectory {
        /// It.
        id: DirId,
    },
    /// The record of a result is not there.
    MissingRecord {
        /// The result's key.
        key: StepKey,
        /// Its record.
        record: RecordId,
    },
    /// A log cannot be read.
    DamagedLog {
        /// The log.
        name: LogName,
    },
    /// The file of a root cannot be read.
    DamagedRoot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A check-out is not what its tree says.
    DamagedCheckout {
        /// The tree.
        tree: TreeId,
        /// Where it differs.
        path: PathBuf,
    },
    /// The format file is not as it was written, though it can be read.
    DamagedFormat {
        /// It.
        path: PathBuf,
    },
    /// The index does not say what the journals say.
    DamagedIndex {
        /// It.
        path: PathBuf,
    },
    /// A part of what a root keeps is not there.
    Incomplete {
        /// The root.
        root: String,
        /// The object that is not whole.
        object: ObjectId,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::DamagedBlob { id, path, found } => {
                write!(f, "blob {id} is damaged: {} holds {found}", path.display())
            }
            Problem::UnreadableBlob { id, path, error } => {
                write!(f, "blob {id} cannot be read from {}: {error}", path.display())
            }
            Problem::WrongMode { path, found, expected } => {
                write!(f, "{} has mode {found:04o} instead of {expected:04o}", path.display())
            }
            Problem::Strange { path } => write!(f, "{} is not the store's", path.display()),
            Problem::DamagedJournal { path, offset, length } => {
                write!(f, "{length} bytes at byte {offset} of {} are damaged", path.display())
            }
            Problem::MissingDirectory { id } => write!(f, "directory object {id} is missing"),
            Problem::MissingRecord { key, record } => {
                write!(f, "record {record} of step {key} is missing")
            }
            Problem::DamagedLog { name } => write!(f, "log {name} cannot be read"),
            Problem::DamagedRoot { path, problem } => write!(f, "{}: {problem}", path.display()),
            Problem::DamagedCheckout { tree, path } => {
                write!(f, "{} is not what tree {tree} says", path.display())
            }
            Problem::DamagedFormat { path } => {
                write!(f, "{} has no check: it is of an early version or damaged", path.display())
            }
            Problem::DamagedIndex { path } => {
                write!(f, "the index {} does not say what the journals say", path.display())
            }
            Problem::Incomplete { root, object } => {
                write!(f, "a part of {object} is missing, which root {root} keeps")
            }
        }
    }
}
