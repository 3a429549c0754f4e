//! The store as a value: opening it, and the parts that its operations share.

use crate::{
    Notice, StoreError, TempDir, disk,
    durability::Durability,
    error::Tried,
    format::{self, Format, OpenError},
    held,
    hints::Contents,
    index::{self, Index},
    journal::{Journal, JournalName},
    leases::LeaseFile,
    recover,
};
use groundup_digest::BlobId;
use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// What to do when there is no store yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    /// Make one.
    #[default]
    IfMissing,
    /// Say so.
    Never,
}

/// What the store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Reading and writing.
    #[default]
    ReadWrite,
    /// Reading only: nothing in the store changes, and it may be on a read-only file system.
    ReadOnly,
}

/// How to open a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// What to do when there is none.
    pub create: Create,
    /// What it is opened for.
    pub access: Access,
}

/// An open store; clones share it.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

/// What all clones of a store share.
pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) access: Access,
    pub(crate) index: Index,
    pub(crate) trees: Journal,
    pub(crate) results: Journal,
    pub(crate) records: Journal,
    pub(crate) hints: Journal,
    pub(crate) contents: Contents,
    pub(crate) durability: Durability,
    /// Blobs whose bytes this process has written or read whole.
    pub(crate) whole: Mutex<HashSet<BlobId>>,
    /// Scratch files of this process.
    scratch: OnceLock<TempDir>,
    /// What this process put into the store or was about to.
    session: OnceLock<LeaseFile>,
}

/// The folders of a store, in the order of the drawing in the crate's header.
const FOLDERS: &[&str] = &[
    "blobs",
    "trees",
    "results",
    "records",
    "logs",
    "logs/running",
    "hints",
    "checkouts",
    "roots",
    "leases",
    "locks",
    "index",
    "tmp",
];

impl Store {
    /// Opens the store at `path`, sweeps what dead processes left in it, and brings its index up to
    /// date.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Store, OpenError> {
        let user = rustix::process::geteuid().as_raw();
        let writes = options.access == Access::ReadWrite;
        let format = match format::load(path)? {
            Some(format) => format,
            None if options.create == Create::IfMissing && writes => format::create(path, user)?,
            None => return Err(OpenError::Missing { path: path.to_owned() }),
        };
        format.check(path, user, options.access)?;
        let path = std::path::absolute(path).map_err(|source| OpenError::Io {
            action: "find",
            path: path.to_owned(),
            source,
        })?;
        let part = |source| OpenError::Part { path: path.clone(), source: Box::new(source) };
        let inner = Inner::open(&path, format, options.access).map_err(part)?;
        Ok(Store(Arc::new(inner)))
    }

    /// The folder of the store, absolute.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether the store may be written.
    pub fn access(&self) -> Access {
        self.0.access
    }

    /// What opening found amiss with the index and put right.
    pub fn notices(&self) -> Vec<crate::Notice> {
        self.0.index.notices()
    }

    /// Notes that a blob's bytes are those of its id.
    pub(crate) fn note_whole(&self, blob: BlobId) {
        self.0.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(blob);
    }

    /// Whether this process knows that a blob's bytes are those of its id.
    pub(crate) fn known_whole(&self, blob: BlobId) -> bool {
        self.0.whole.lock().unwrap_or_else(PoisonError::into_inner).contains(&blob)
    }

    /// Fails if the store is open for reading only; `action` is what was about to be done.
    pub(crate) fn writable(&self, action: &'static str) -> Result<(), StoreError> {
        match self.0.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(StoreError::ReadOnly(action)),
        }
    }

    /// The scratch folder of this process.
    pub(crate) fn scratch(&self) -> Result<&TempDir, StoreError> {
        if self.0.scratch.get().is_none() {
            // Two threads may both make one; the second is removed again when dropped.
            let _ = self.0.scratch.set(self.tmp_dir()?);
        }
        Ok(self.0.scratch.get().expect("it was just set"))
    }

    /// The lease that this process holds on what it puts.
    pub(crate) fn session(&self) -> Result<&LeaseFile, StoreError> {
        if self.0.session.get().is_none() {
            let _ = self.0.session.set(LeaseFile::create(self.path())?);
        }
        Ok(self.0.session.get().expect("it was just set"))
    }
}

impl Inner {
    fn open(path: &Path, format: Format, access: Access) -> Result<Self, StoreError> {
        if access == Access::ReadWrite {
            for folder in FOLDERS {
                disk::make_dir(&path.join(folder))?;
            }
            held::sweep(&path.join("tmp"))?;
            held::sweep(&path.join("leases"))?;
        }
        // Whoever opens next waits until the index is there and torn blobs are gone.
        let opening = match access {
            Access::ReadWrite => Some(lock_opening(path)?),
            Access::ReadOnly => None,
        };
        let journal = |name| Journal::open(path, name, access);
        let [trees, results, records, hints] =
            [JournalName::Trees, JournalName::Results, JournalName::Records, JournalName::Hints]
                .map(journal);
        let (trees, results, records, hints) = (trees?, results?, records?, hints?);
        let open_index = || {
            let index = Index::open(path, format.salt_tag(), access)?;
            [&hints, &trees, &records, &results].iter().try_for_each(|one| index.catch_up(one))?;
            Ok(index)
        };
        if opening.is_some() && index::left_by_another_boot(path)? {
            // Before the index takes the journals in.
            let journals = [&hints, &trees, &records, &results];
            journals.iter().try_for_each(|journal| recover::fill_holes(path, journal))?;
        }
        let index = match open_index() {
            // It was removed: made anew, it has no damage.
            Err(StoreError::DamagedIndex { path, source }) => {
                let index = open_index()?;
                let problem = crate::index::problem_of(&source);
                index.notice(Notice::IndexRebuilt { path, problem });
                index
            }
            index => index?,
        };
        let inner = Self {
            path: path.to_owned(),
            access,
            trees,
            results,
            records,
            hints,
            index,
            contents: Contents::default(),
            durability: Durability::open(path)?,
            whole: Mutex::default(),
            scratch: OnceLock::new(),
            session: OnceLock::new(),
            format,
        };
        if opening.is_some() {
            inner.clear_up_after_other_boots()?;
        }
        Ok(inner)
    }

    /// Another boot's index says that the machine may have crashed since: it goes last.
    fn clear_up_after_other_boots(&self) -> Result<(), StoreError> {
        let left = index::left_by_others(&self.path)?;
        if index::left_by_another_boot(&self.path)? {
            recover::remove_doubted_checkouts(&self.path)?;
            recover::remove_torn_logs(&self.path)?;
            let torn = recover::remove_torn_blobs(&self.path)?;
            if !torn.is_empty() {
                self.index.notice(Notice::TornBlobsRemoved { count: torn.len() });
            }
        }
        // A mark of a sync that runs now may vanish meanwhile; without it more is read after a crash.
        left.iter().try_for_each(|path| disk::remove_file(path))
    }

    /// Every journal, in the order in which their frames may refer to each other.
    pub(crate) fn journals(&self) -> [&Journal; 4] {
        [&self.hints, &self.trees, &self.records, &self.results]
    }
}

/// Held while a process opens the store.
fn lock_opening(store: &Path) -> Result<File, StoreError> {
    let path = store.join("locks/open");
    let file = disk::open_append(&path)?;
    file.lock().tried("lock", &path)?;
    Ok(file)
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.access == Access::ReadWrite {
            // Hints that are lost cost only work.
            let _ = self.flush_contents();
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.0.path).field("access", &self.0.access).finish()
    }
}
