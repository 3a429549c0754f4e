//! What `stat` tells of a file's content without reading it.

use rustix::fs::Stat;

/// A point in time of the kernel: seconds and nanoseconds.
pub(crate) type Instant = (i64, u32);

/// What changes, all but surely, when the content of a file changes: place, size and times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: Instant,
    pub(crate) changed: Instant,
}

impl Stamp {
    /// Takes the stamp out of what `stat` said.
    #[allow(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the widths of these fields differ between architectures"
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        }
    }

    /// Device and inode.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}
