//! Archives and file-system images of others as entries with content: read-only, in process, within
//! limits.
//!
//! [`recognise`] says by the first bytes what something is, and [`unfold`] walks it: each entry is
//! given to a [`Sink`] with its metadata and a reader of its content, once. Archives give them in the
//! order in which they stand, file systems each directory before what is in it, sorted by name.
//! [`unfold_only`] gives some of them again, and reads no more than it must; [`unfold_stream`] walks
//! what is only a stream, such as a compressed tar. Nothing is mounted, executed or written, and what
//! is found in an entry is not opened further: whoever takes it asks [`recognise`] about it.
//!
//! Bytes of others may be hostile: every reader counts against [`Limits`], follows no loop, and has a
//! target in `fuzz/`. Damage in one place of a thing that can be read at any place is told to
//! [`Sink::unread`], and the rest is walked; `docs/unfold.md` says what is read of each format.

mod ar;
mod bytes;
mod codec;
mod compressed;
mod cpio;
mod disk;
mod entry;
mod erofs;
mod error;
mod ext;
mod fat;
mod format;
mod iso;
mod linux;
mod lz4;
mod numbers;
mod pe;
mod qcow2;
mod source;
mod squashfs;
mod tar;
#[cfg(test)]
mod testing;
mod volume;
mod walk;
mod zip;

pub use bytes::{Bytes, Window};
pub use entry::{Entry, EntryKind, Sink, UNKNOWN_SIZE};
pub use error::UnfoldError;
pub use format::{Format, recognise, recognise_start};
pub use qcow2::Qcow2;

use source::Source;
use std::{collections::BTreeSet, io};
use walk::Walk;

/// What a thing of others may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in all.
    pub entries: u64,
    /// Bytes of content in all, after decompression.
    pub bytes: u64,
    /// Bytes that a compressed stream may become for each byte of it, once it is longer than 1/256 of
    /// `bytes`.
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
    format.walk(bytes, &mut Walk::new(limits, None, sink))
}

/// Gives the entries with these paths, which an earlier walk of the same bytes gave.
///
/// File systems and zip are asked for them alone; of plain tar, cpio and ar, headers are read and
/// contents skipped. A further name of a file is given as the file itself by file systems, and as
/// the link that it is by archives.
pub fn unfold_only(
    format: Format,
    bytes: &dyn Bytes,
    limits: &Limits,
    paths: &BTreeSet<Vec<u8>>,
    sink: &mut dyn Sink,
) -> Result<(), UnfoldError> {
    format.walk(bytes, &mut Walk::new(limits, Some(paths), sink))
}

/// Walks all entries of what can be read from front to back: those for which
/// [`Format::is_stream`]; for others it is an error. The stream is read to its end.
pub fn unfold_stream(
    format: Format,
    stream: &mut dyn io::Read,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), UnfoldError> {
    let mut source = Source::of_stream(stream);
    format.walk_stream(&mut source, &mut Walk::new(limits, None, sink))?;
    source.drain()?;
    Ok(())
}
