//! After a crash of the machine: blobs that never reached the disk whole are removed, and check-outs
//! that may not have.
//!
//! What results, records and roots name was synced before them, but a blob may have got its name
//! shortly before the crash and lost its bytes. `index/synced` has the time of the last sync; blobs
//! that changed since (a link made or removed counts) are read and compared with their names. The
//! index of another boot is the sign that this has to be done, and is removed afterwards.

use crate::{below, disk, error::StoreError, error::Tried, inventory};
use groundup_digest::BlobId;
use rayon::prelude::*;
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// Clocks of files are this coarse at most, in seconds.
const SLACK: i64 = 2;

/// Marks the time before a sync; give it to [`synced`] when the sync has succeeded.
pub(crate) fn about_to_sync(store: &Path) -> Option<tempfile::TempPath> {
    // Without the mark only more is read after a crash.
    let mark = tempfile::Builder::new().prefix("sync-").tempfile_in(store.join("index"));
    mark.ok().map(tempfile::NamedTempFile::into_temp_path)
}

/// Makes the mark the time of the last sync.
pub(crate) fn synced(store: &Path, mark: Option<tempfile::TempPath>) {
    if let Some(mark) = mark {
        let _ = mark.persist(store.join("index/synced"));
    }
}

/// From when on things may not have reached the disk, in seconds.
fn unsynced_since(store: &Path) -> Result<i64, StoreError> {
    let mark = store.join("index/synced");
    match mark.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(i64::MIN),
        metadata => Ok(metadata.tried("look at", mark)?.mtime() - SLACK),
    }
}

/// Removes check-outs that were made since the last sync: they are used without being read, and are
/// soon made again. That is cheaper than a sync for each.
pub(crate) fn remove_unsynced_checkouts(store: &Path) -> Result<(), StoreError> {
    let since = unsynced_since(store)?;
    let folder = store.join("checkouts");
    for name in disk::names(&folder)? {
        let path = folder.join(name);
        // Moving it to its name was its last change but for its mode.
        let made = path.symlink_metadata().tried("look at", &path)?.ctime();
        if made >= since {
            below::remove_all(&path)?;
        }
    }
    Ok(())
}

/// Removes blobs that changed since the last sync and are not whole; gives their ids.
pub(crate) fn remove_torn_blobs(store: &Path) -> Result<Vec<BlobId>, StoreError> {
    let since = unsynced_since(store)?;
    let files = inventory::blob_files(store)?.blobs;
    let torn = files.par_iter().map(|file| {
        let path = &file.path;
        let metadata = path.symlink_metadata().tried("look at", path)?;
        if metadata.ctime() < since {
            return Ok(None);
        }
        let bytes = fs::read(path).tried("read", path)?;
        if BlobId::of(&bytes) == file.id {
            return Ok(None);
        }
        disk::remove_file(path).map(|()| Some(file.id))
    });
    let torn = torn.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(torn.into_iter().flatten().collect())
}
