//! Moves the files of an output, once all of it is known to be good, into the store.

use super::{
    IngestError, Inodes,
    read::ReadFile,
    walk::{Found, Origin},
    xattrs,
};
use crate::{
    Executable, Store, StoredBlob,
    below::{proc_path, shown},
    error::{StoreError, Tried},
    snapshot::Stamp,
};
use groundup_tree::Name;
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

/// Takes the content of every inode into the store, in parallel.
pub(super) fn take_files(
    store: &Store,
    origin: &Origin<'_>,
    all: &[Found],
    inodes: &Inodes,
    read: &BTreeMap<usize, ReadFile>,
) -> Result<(), IngestError> {
    let blobs = store.path().join("blobs");
    let stat = fs::stat(&blobs).tried("look at", &blobs)?;
    let taker = Taker { store, origin, device: Stamp::of(&stat).device };
    taker.remove_other_names(all, inodes, read)?;
    let firsts: Vec<usize> = inodes.paths.keys().copied().collect();
    super::by_directory(all, &firsts).into_par_iter().try_for_each(|(dir, group)| {
        let fd = origin.dir(&dir)?;
        group.iter().try_for_each(|at| match read.get(at) {
            Some(ReadFile { content: Some(content), xattrs }) => {
                let alone = inodes.paths.get(at) == Some(&1);
                taker.take(fd.as_fd(), &all[*at], xattrs, *content, alone)
            }
            _ => Ok(()),
        })
    })
}

struct Taker<'a> {
    store: &'a Store,
    origin: &'a Origin<'a>,
    /// The store's file system.
    device: u64,
}

impl Taker<'_> {
    /// Removes all names but the first of each file, so that it can be moved: other names of what
    /// was moved would be names of the store's inodes.
    fn remove_other_names(
        &self,
        all: &[Found],
        inodes: &Inodes,
        read: &BTreeMap<usize, ReadFile>,
    ) -> Result<(), IngestError> {
        for (at, first) in inodes.first_of.iter().enumerate() {
            let path = &all[at].path;
            if at == *first || read.get(first).is_none_or(|read| read.content.is_none()) {
                continue;
            }
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            fs::unlinkat(self.origin.dir(&parent)?, name.as_bytes(), AtFlags::empty())
                .map_err(|error| self.origin.error("remove", path, error))?;
        }
        Ok(())
    }

    fn take(
        &self,
        dir: BorrowedFd<'_>,
        found: &Found,
        xattrs: &xattrs::Found,
        content: StoredBlob,
        alone: bool,
    ) -> Result<(), IngestError> {
        let Some(name) = found.path.name() else { return Ok(()) };
        let fail = |error| self.origin.error("look at", &found.path, error);
        let now = fs::statat(dir, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
        let (before, mut after) = (Stamp::of(&found.stat), Stamp::of(&now));
        if !alone {
            // Removing its other names counted as a change.
            after.changed = before.changed;
        }
        if before != after {
            return Err(IngestError::Changing(found.path.clone()));
        }
        let executable = if found.mode() & 0o100 != 0 { Executable::Yes } else { Executable::No };
        // The store's own inode is ours alone, here, and plain; anything else is copied.
        let ours = now.st_uid == rustix::process::geteuid().as_raw();
        if ours && now.st_nlink == 1 && !xattrs.marked && after.device == self.device {
            let path = proc_path(dir, &name);
            match self.store.adopt_file(&path, content, executable) {
                Err(StoreError::Io { source, .. }) if is_foreign(&source) => {}
                other => return Ok(other?),
            }
        }
        let copied = self.copy(dir, &name, found)?;
        if copied == content { Ok(()) } else { Err(IngestError::Changing(found.path.clone())) }
    }

    fn copy(
        &self,
        dir: BorrowedFd<'_>,
        name: &Name,
        found: &Found,
    ) -> Result<StoredBlob, StoreError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(dir, name.as_bytes(), flags, Mode::empty())
            .map_err(|error| self.origin.error("open", &found.path, error))?;
        let size = Stamp::of(&found.stat).size;
        self.store.put_file(&File::from(file), size, &shown(self.origin.at, &found.path))
    }
}

/// Whether an error says that a file cannot change hands rather than that something broke.
fn is_foreign(error: &std::io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::XDEV | Errno::PERM | Errno::MLINK))
}
