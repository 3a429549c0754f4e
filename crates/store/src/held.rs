//! Files and directories whose maker is alive as long as it holds a lock on them.
//!
//! Liveness is a held `flock`, never a process id: it ends with the process, however it ends. A
//! sweep that meets a fresh entry before its maker has locked it takes it for dead; the maker sees
//! that and starts again under another name.

use crate::{
    below, disk,
    error::{StoreError, Tried},
};
use std::{
    fs::{File, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Makes a uniquely named entry of `parent` and holds it.
pub(crate) fn create(parent: &Path, kind: EntryKind) -> Result<(PathBuf, File), StoreError> {
    create_named(parent, "", kind)
}

/// As [`create`], in a directory that holds other things too: the name starts with `prefix`.
pub(crate) fn create_named(
    parent: &Path,
    prefix: &str,
    kind: EntryKind,
) -> Result<(PathBuf, File), StoreError> {
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix).rand_bytes(12);
        let path = match kind {
            EntryKind::File => {
                let made = builder.tempfile_in(parent).tried("create a file in", parent)?;
                made.into_temp_path().keep().map_err(|error| error.error).tried("keep", parent)?
            }
            EntryKind::Directory => {
                builder.tempdir_in(parent).tried("make a directory in", parent)?.keep()
            }
        };
        let opened = match kind {
            EntryKind::File => File::options().read(true).append(true).open(&path),
            EntryKind::Directory => File::open(&path),
        };
        if let Ok(file) = opened
            && file.try_lock().is_ok()
            && is_at(&file, &path)
        {
            let mode = if kind == EntryKind::File { 0o644 } else { 0o755 };
            disk::set_mode(&file, &path, mode)?;
            return Ok((path, file));
        }
    }
}

/// What kind of entry is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A file, opened for appending.
    File,
    /// A directory.
    Directory,
}

/// Whether the open file is the one that the path names now.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

/// Whether the maker of the entry lives. A dead one's lock is taken and given, so that it can be
/// removed under it.
pub(crate) fn liveness(path: &Path) -> Result<Liveness, StoreError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Liveness::Gone),
        file => file.tried("open", path)?,
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, path) => Ok(Liveness::Dead(file)),
        Ok(()) => Ok(Liveness::Gone),
        Err(TryLockError::WouldBlock) => Ok(Liveness::Alive),
        Err(TryLockError::Error(error)) => Err(error).tried("lock", path),
    }
}

/// What [`liveness`] found.
#[derive(Debug)]
pub(crate) enum Liveness {
    /// Its maker holds it.
    Alive,
    /// Nobody holds it but this lock.
    Dead(File),
    /// It was removed meanwhile.
    Gone,
}

/// Removes the entries of `parent` whose makers are dead.
pub(crate) fn sweep(parent: &Path) -> Result<(), StoreError> {
    sweep_named(parent, "")
}

/// As [`sweep`], for entries whose names start with `prefix`.
pub(crate) fn sweep_named(parent: &Path, prefix: &str) -> Result<(), StoreError> {
    let names = disk::names(parent)?.into_iter();
    for name in names.filter(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
        let path = parent.join(name);
        if let Liveness::Dead(lock) = liveness(&path)? {
            below::remove_all(&path)?;
            drop(lock);
        }
    }
    Ok(())
}
