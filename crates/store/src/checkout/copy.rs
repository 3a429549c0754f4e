//! Copies of blobs: shared extents where the file system can, bytes through a hash where asked.

use groundup_digest::{BlobHasher, BlobId};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a copy reads the content and compares its hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verify {
    /// The kernel copies; only the size is compared.
    Size,
    /// Every byte goes through the hash.
    Hash,
}

/// Copies blobs into files of one file system, and remembers what that file system cannot do.
pub(crate) struct Copier {
    no_clone: AtomicBool,
    no_kernel_copy: AtomicBool,
}

/// Why the content of a blob did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the content is damaged")]
    Damaged,
}

impl From<Errno> for CopyError {
    fn from(errno: Errno) -> Self {
        CopyError::Io(errno.into())
    }
}

/// Below this size one read and one write are cheaper than asking the kernel to copy.
const SMALL: u64 = 64 * 1024;

impl Copier {
    pub(crate) fn new() -> Self {
        let [no_clone, no_kernel_copy] = [const { AtomicBool::new(false) }; 2];
        Self { no_clone, no_kernel_copy }
    }

    /// Writes the content of `source`, which should be `blob` of `size` bytes, to the empty file
    /// `target`.
    pub(crate) fn copy(
        &self,
        source: &mut File,
        target: &File,
        blob: BlobId,
        size: u64,
        verify: Verify,
    ) -> Result<(), CopyError> {
        let cloned = size > SMALL && self.clone_extents(source, target)?;
        if verify == Verify::Hash {
            let sink = if cloned { None } else { Some(target) };
            return copy_hashed(source, sink, blob);
        }
        if !cloned {
            self.copy_bytes(source, target, size)?;
        }
        if target.metadata()?.len() != size {
            return Err(CopyError::Damaged);
        }
        Ok(())
    }

    fn clone_extents(&self, source: &File, target: &File) -> Result<bool, Errno> {
        if self.no_clone.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match fs::ioctl_ficlone(target, source) {
            Ok(()) => Ok(true),
            Err(error) if cannot(error) => {
                self.no_clone.store(true, Ordering::Relaxed);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn copy_bytes(&self, source: &mut File, target: &File, size: u64) -> Result<(), CopyError> {
        let mut left = size;
        while size > SMALL && left > 0 && !self.no_kernel_copy.load(Ordering::Relaxed) {
            let most = usize::try_from(left.min(1 << 30)).unwrap_or(1 << 30);
            match fs::copy_file_range(&*source, None, target, None, most) {
                Ok(0) => return Ok(()),
                Ok(count) => left = left.saturating_sub(count as u64),
                Err(Errno::INTR) => {}
                Err(error) if cannot(error) => self.no_kernel_copy.store(true, Ordering::Relaxed),
                Err(error) => return Err(error.into()),
            }
        }
        // Both files stand where the kernel stopped; what is left, if anything, goes by hand.
        let mut target = target;
        io::copy(source, &mut target)?;
        Ok(())
    }
}

/// Whether an error says that these two files cannot be copied this way at all.
fn cannot(error: Errno) -> bool {
    matches!(
        error,
        Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::NOTTY | Errno::PERM
    )
}

fn copy_hashed(
    source: &mut File,
    mut target: Option<&File>,
    blob: BlobId,
) -> Result<(), CopyError> {
    let mut hasher = BlobHasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        hasher.update(&buffer[..count]);
        if let Some(target) = &mut target {
            target.write_all(&buffer[..count])?;
        }
    }
    if hasher.id() == blob { Ok(()) } else { Err(CopyError::Damaged) }
}

/// Makes the new, empty file `name` in `dir`, open for writing.
pub(crate) fn create_file(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    fs::openat(dir, name, flags | OFlags::NOFOLLOW, Mode::RUSR | Mode::WUSR)
}
