//! Reads one file that a step left: its hashes and attributes, unless it changes meanwhile.

use super::{
    IngestError, Oddity,
    walk::{Found, Origin},
    xattrs::{self, read_xattrs},
};
use crate::StoredBlob;
use crate::below::shown;
use crate::error::Tried;
use crate::snapshot::Stamp;
use groundup_digest::BlobHasher;
use rustix::fs::{self, FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;

/// What reading an inode told.
pub(super) struct ReadFile {
    /// None for what is no regular file.
    pub(super) content: Option<StoredBlob>,
    pub(super) xattrs: xattrs::Found,
}

/// Reads `found`, an entry of the open directory `dir`.
pub(super) fn read(
    origin: &Origin<'_>,
    dir: BorrowedFd<'_>,
    found: &Found,
) -> Result<ReadFile, IngestError> {
    let fail = |error| origin.error("read", &found.path, error);
    let (Some(name), FileType::RegularFile | FileType::Directory) = (found.path.name(), found.kind)
    else {
        // Links and pipes carry no `user.*` attributes.
        return Ok(ReadFile { content: None, xattrs: xattrs::Found::default() });
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::openat(dir, name.as_bytes(), flags, Mode::empty()).map_err(fail)?;
    let xattrs = read_xattrs(&file).map_err(fail)?;
    check_xattrs(found, &xattrs)?;
    if found.kind == FileType::Directory {
        return Ok(ReadFile { content: None, xattrs });
    }
    let mut file = File::from(file);
    let content = hash(&mut file).tried("read", shown(origin.at, &found.path))?;
    let after = Stamp::of(&fs::fstat(&file).map_err(fail)?);
    if after != Stamp::of(&found.stat) || content.size != after.size {
        return Err(IngestError::Changing(found.path.clone()));
    }
    Ok(ReadFile { content: Some(content), xattrs })
}

pub(super) fn check_xattrs(found: &Found, xattrs: &xattrs::Found) -> Result<(), IngestError> {
    if xattrs.incomplete {
        let oddity = Oddity::Incomplete;
        return Err(IngestError::Odd { path: found.path.clone(), oddity });
    }
    if let Some(name) = &xattrs.inadmissible {
        let name = name.to_string_lossy().into_owned();
        return Err(IngestError::Xattr { path: found.path.clone(), name });
    }
    Ok(())
}

fn hash(file: &mut File) -> std::io::Result<StoredBlob> {
    let mut hasher = BlobHasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(StoredBlob { id: hasher.id(), size: hasher.size() }),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
