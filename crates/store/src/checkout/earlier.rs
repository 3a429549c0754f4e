//! What an earlier export left at the destination: files that are still right are taken over.
//!
//! They are the person's own, never the store's. Nothing is believed of them but what their bytes
//! say now: a large file is hashed, which reads it, but writes nothing. So an export writes what has
//! changed, and not an image of a gigabyte for one line of it.

use crate::below::open_dir;
use groundup_digest::{BlobHasher, BlobId};
use groundup_tree::{Name, TreePath};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// Files smaller than this are copied: that is as quick as hashing them.
const WORTH_IT: u64 = 64 << 10;

/// The directory of an earlier export.
pub(crate) struct Earlier(OwnedFd);

impl Earlier {
    /// The directory at a place, if there is one.
    pub(crate) fn at(place: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::open(place, flags, Mode::empty()).ok().map(Self)
    }

    /// Makes `name` in `dir` another name of the file at `path` in the earlier export, if that has
    /// the content and nobody else's hands on it; gives the file. Whatever is in the way, the answer
    /// is none and the file is to be copied.
    pub(crate) fn take_over(
        &self,
        path: &TreePath,
        (blob, size): (BlobId, u64),
        dir: BorrowedFd<'_>,
        name: &Name,
    ) -> Option<File> {
        if size < WORTH_IT {
            return None;
        }
        let (parent, old_name) = (open_dir(&self.0, &path.parent()?).ok()?, path.name()?);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = fs::openat(&parent, old_name.as_bytes(), flags, Mode::empty()).ok()?;
        let stat = fs::fstat(&open).ok()?;
        let file = File::from(open);
        if !is_plain(&stat, size) || !is_empty_of_attributes(&file) || hash(&file)? != blob {
            return None;
        }
        let (from, to) = (old_name.as_bytes(), name.as_bytes());
        fs::linkat(&parent, from, dir, to, AtFlags::empty()).ok()?;
        // The name may have been given to another file since it was opened, or the file be changed.
        let now = fs::statat(dir, to, AtFlags::SYMLINK_NOFOLLOW).ok();
        let same = |now: &Stat| {
            (now.st_dev, now.st_ino, now.st_size) == (stat.st_dev, stat.st_ino, stat.st_size)
                && (now.st_mtime, now.st_mtime_nsec) == (stat.st_mtime, stat.st_mtime_nsec)
        };
        if now.as_ref().is_some_and(same) {
            return Some(file);
        }
        // Left in the way it would make the copy fail, which says what is wrong.
        let _ = fs::unlinkat(dir, to, AtFlags::empty());
        None
    }
}

/// Whether it is a file of that size, this user's, with no other name.
#[allow(clippy::unnecessary_cast, reason = "the widths differ by architecture")]
fn is_plain(stat: &Stat, size: u64) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_size as u64 == size
        && stat.st_nlink as u64 == 1
        && stat.st_uid == rustix::process::geteuid().as_raw()
}

fn is_empty_of_attributes(file: &File) -> bool {
    fs::flistxattr(file, &mut [0; 0][..]).is_ok_and(|length| length == 0)
}

fn hash(mut file: &File) -> Option<BlobId> {
    let mut hasher = BlobHasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some(hasher.id()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
