//! Scratch space inside the store, on its file system, that no death of a process leaves behind.

use crate::{Store, below, error::StoreError, held};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A directory in the store's `tmp/`; it is removed when dropped, or by the next process that opens
/// the store when this one dies.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
    next: AtomicU64,
    /// Held as long as the directory is in use.
    _lock: File,
}

impl TempDir {
    pub(crate) fn create(parent: &Path) -> Result<Self, StoreError> {
        let (path, lock) = held::create(parent, held::EntryKind::Directory)?;
        Ok(Self { path, next: AtomicU64::new(0), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside that was not given before; nothing is there yet.
    pub fn fresh_path(&self) -> PathBuf {
        self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process that opens the store.
        let _ = below::remove_all(&self.path);
    }
}

impl Store {
    /// A new scratch directory on the store's file system.
    pub fn tmp_dir(&self) -> Result<TempDir, StoreError> {
        self.writable("make a scratch directory")?;
        TempDir::create(&self.path().join("tmp"))
    }
}
