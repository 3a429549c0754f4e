//! Archives and file-system images of others as entries with content: read-only, in process, within
//! limits.
//!
//! [`recognise`] says by the first bytes what something is, and [`unfold`] walks it: each entry is
//! given to a [`Sink`] with its metadata and a reader of its content, once, in the order in which it
//! stands. Nothing is mounted, executed or written. Bytes of others may be hostile: every reader counts
//! against [`Limits`], follows no loop, and has a target in `fuzz/`.

mod bytes;
mod entry;
mod error;
mod format;

pub use bytes::{Bytes, Window};
pub use entry::{Entry, EntryKind, Sink};
pub use error::UnfoldError;
pub use format::{Format, recognise};

/// What a thing of others may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in all.
    pub entries: u64,
    /// Bytes of content in all, after decompression.
    pub bytes: u64,
    /// Bytes that a compressed stream may become for each byte of it.
    pub ratio: u64,
    /// Bytes of one path.
    pub path: usize,
    /// Names in one path.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 2_000_000, bytes: 64 << 30, ratio: 1100, path: 16 << 10, depth: 4096 }
    }
}

/// Walks all entries of an archive or image.
pub fn unfold(
    format: Format,
    bytes: &dyn Bytes,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), UnfoldError> {
    format.walk(bytes, limits, sink)
}
