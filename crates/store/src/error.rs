//! What can go wrong in a store that is open: one error, with the object or path it is about.

use groundup_digest::{BlobId, DecodeError, DirId, RecordId, TreeId};
use groundup_tree::DecodeTreeError;
use std::{io, path::PathBuf};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The index could not be used.
    #[error("cannot {action} the store's index")]
    Index {
        /// What was tried, as a verb.
        action: &'static str,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// The index was found damaged while it was used.
    #[error(
        "the index {path} is damaged and was removed; the next command makes it anew from the \
         journals: run the command again"
    )]
    DamagedIndex {
        /// The database.
        path: PathBuf,
        /// What was wrong with it.
        #[source]
        source: Box<StoreError>,
    },
    /// The store was opened for reading only.
    #[error("cannot {0}: the store is open for reading only")]
    ReadOnly(&'static str),
    /// No blob of this id is in the store.
    #[error("blob {0} is not in the store")]
    MissingBlob(BlobId),
    /// No tree of this id is in the store.
    #[error("tree {0} is not in the store")]
    MissingTree(TreeId),
    /// No directory object of this id is in the store.
    #[error("directory object {0} is not in the store")]
    MissingDirectory(DirId),
    /// No record of this id is in the store.
    #[error("record {0} is not in the store")]
    MissingRecord(RecordId),
    /// No such log is in the store.
    #[error("log {0} is not in the store")]
    MissingLog(crate::LogName),
    /// A blob's file does not hold the bytes of its name.
    #[error(
        "blob {id} is damaged: {path} holds other bytes ({found}); \
         `groundup store verify` finds every damaged object, `groundup store repair` removes them"
    )]
    DamagedBlob {
        /// The blob that was asked for.
        id: BlobId,
        /// Its file.
        path: PathBuf,
        /// The id of what the file holds.
        found: BlobId,
    },
    /// Bytes of a journal are not those that were written.
    #[error(
        "{what} at byte {offset} of {path} is damaged; \
         `groundup store verify` finds every damaged object, `groundup store repair` removes them"
    )]
    DamagedFrame {
        /// What should be there.
        what: &'static str,
        /// The journal.
        path: PathBuf,
        /// Where in it.
        offset: u64,
    },
    /// The objects of a tree do not make a tree.
    #[error("tree {id} cannot be read")]
    MalformedTree {
        /// The tree.
        id: TreeId,
        /// Why not.
        #[source]
        source: Box<DecodeTreeError<StoreError>>,
    },
    /// Bytes that are whole are not in the expected form.
    #[error("{what} in {path} is not in the form that this version writes")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// Where it stands.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// A file that people can read, such as a root, is not in its form.
    #[error("{path}: {problem}")]
    MalformedText {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file handed to the store is not what its description says.
    #[error("{path} has {found} bytes, but {expected} were hashed: it changed meanwhile")]
    ChangedFile {
        /// The file.
        path: PathBuf,
        /// The size that was hashed.
        expected: u64,
        /// The size now.
        found: u64,
    },
    /// The caller asked to stop waiting.
    #[error("stopped waiting for another process that runs step {0}")]
    Cancelled(groundup_digest::StepKey),
    /// Other processes use the store.
    #[error("cannot {0}: other processes use the store; let them finish first")]
    InUse(&'static str),
}

/// What kind of trouble a [`StoreError`] is, for those who answer differently to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The disk or the quota is full.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnlyFileSystem,
    /// The store was opened for reading only.
    ReadOnlyStore,
    /// The process may not do it.
    PermissionDenied,
    /// The disk could not do what it was told, or the index not be used at all.
    Disk,
    /// An object is not in the store.
    Missing,
    /// An object is not what was written.
    Damaged,
    /// The caller stopped it.
    Cancelled,
    /// Anything else.
    Other,
}

impl StoreError {
    /// What kind of trouble this is.
    pub fn kind(&self) -> StoreErrorKind {
        use StoreErrorKind as Kind;
        match self {
            StoreError::Io { source, .. } => of_io(source),
            StoreError::Index { source, .. } => match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => Kind::NoSpace,
                Some(rusqlite::ErrorCode::ReadOnly) => Kind::ReadOnlyFileSystem,
                Some(rusqlite::ErrorCode::PermissionDenied) => Kind::PermissionDenied,
                Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen) => {
                    Kind::Disk
                }
                _ => Kind::Other,
            },
            StoreError::ReadOnly(_) => Kind::ReadOnlyStore,
            StoreError::MissingBlob(_)
            | StoreError::MissingTree(_)
            | StoreError::MissingDirectory(_)
            | StoreError::MissingRecord(_)
            | StoreError::MissingLog(_) => Kind::Missing,
            StoreError::DamagedIndex { .. }
            | StoreError::DamagedBlob { .. }
            | StoreError::DamagedFrame { .. }
            | StoreError::MalformedTree { .. }
            | StoreError::Malformed { .. }
            | StoreError::MalformedText { .. } => Kind::Damaged,
            StoreError::Cancelled(_) => Kind::Cancelled,
            StoreError::ChangedFile { .. } | StoreError::InUse(_) => Kind::Other,
        }
    }
}

impl StoreErrorKind {
    /// What kind of trouble with the machine an error and its causes tell of: with the disk, with
    /// permissions. None if they tell of none.
    pub fn of_surroundings(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        let kinds = chain.filter_map(|error| {
            let io = error.downcast_ref::<io::Error>().map(of_io);
            let errno = error.downcast_ref::<rustix::io::Errno>();
            // Errors that hold one in a box give the box as their cause.
            let boxed = error.downcast_ref::<Box<StoreError>>().map(|error| &**error);
            let store = error.downcast_ref::<StoreError>().or(boxed).map(StoreError::kind);
            io.or_else(|| errno.map(|errno| of_io(&(*errno).into()))).or(store)
        });
        let of_disk = |kind: &Self| {
            use StoreErrorKind as Kind;
            matches!(
                kind,
                Kind::NoSpace | Kind::ReadOnlyFileSystem | Kind::PermissionDenied | Kind::Disk
            )
        };
        kinds.into_iter().find(of_disk)
    }
}

fn of_io(error: &io::Error) -> StoreErrorKind {
    use StoreErrorKind as Kind;
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::NoSpace,
        io::ErrorKind::ReadOnlyFilesystem => Kind::ReadOnlyFileSystem,
        io::ErrorKind::PermissionDenied => Kind::PermissionDenied,
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Kind::Disk,
        // An error that wraps the system's says its number in words only.
        _ if error.raw_os_error().is_none() && error.to_string().contains("(os error 5)") => {
            Kind::Disk
        }
        _ => Kind::Other,
    }
}

/// Names what was tried when an IO call fails.
pub(crate) trait Tried<T> {
    /// Turns the error into [`StoreError::Io`]; `action` is a verb, `path` its object.
    fn tried(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, StoreError>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Io { action, path: path.into(), source: error.into() })
    }
}

/// Names what was tried when a query fails.
pub(crate) trait Queried<T> {
    /// Turns the error into [`StoreError::Index`].
    fn queried(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> Queried<T> for Result<T, rusqlite::Error> {
    fn queried(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Index { action, source })
    }
}
