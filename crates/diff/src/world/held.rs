//! Where contents from outside are: nothing is copied that can be read again.

use super::scratch::Pieces;
use groundup_digest::BlobId;
use groundup_unfold::{Bytes, Format};
use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where one content is.
#[derive(Clone)]
pub(crate) enum Held {
    /// A file on disk of its own.
    File(Arc<OnDisk>),
    /// A blob of the store.
    Store(BlobId),
    /// In the scratch file.
    Scratch(Pieces),
    /// So many bytes of another content, from a place on.
    Part(Arc<Held>, u64, u64),
    /// So many bytes of what a compressed stream unpacks to, from a place on.
    Packed(Arc<Walked>, u64, u64),
    /// The entry of an archive or image with this path.
    Entry(Arc<Walked>, Arc<[u8]>),
    /// It could not be read again.
    Lost(Arc<str>),
}

/// Something that was walked, and can be again.
pub(crate) struct Walked {
    pub(super) held: Held,
    pub(super) format: Format,
}

impl Walked {
    pub(crate) fn new(held: Held, format: Format) -> Arc<Self> {
        Arc::new(Self { held, format })
    }
}

impl Held {
    /// Whether it has to be unpacked again before it can be read.
    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(..) | Self::Entry(..))
    }
}

/// A file on disk as it was when it was read first.
pub(crate) struct OnDisk {
    path: PathBuf,
    stamp: Stamp,
}

/// What changes with a file: device, inode, size, and the times of content and inode.
type Stamp = (u64, u64, u64, [i64; 4]);

fn stamp(metadata: &Metadata) -> Stamp {
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    (metadata.dev(), metadata.ino(), metadata.len(), times)
}

impl OnDisk {
    /// The file as it is now, opened.
    pub(crate) fn open_first(path: &Path) -> io::Result<(Self, File)> {
        let file = File::open(path)?;
        let stamp = stamp(&file.metadata()?);
        Ok((Self { path: path.to_owned(), stamp }, file))
    }

    /// Opens it again; an error if it is another by now.
    pub(super) fn reopened(self: Arc<Self>) -> io::Result<Unchanged> {
        let file = File::open(&self.path)?;
        self.check(&file)?;
        Ok(Unchanged { file, of: self })
    }

    /// How many bytes it had.
    pub(crate) fn size(&self) -> u64 {
        self.stamp.2
    }

    /// An error if an open file is another by now.
    pub(crate) fn check(&self, file: &File) -> io::Result<()> {
        if stamp(&file.metadata()?) == self.stamp { Ok(()) } else { Err(changed(&self.path)) }
    }
}

/// What is told of something that is no longer what was read first.
pub(super) fn changed(path: &Path) -> io::Error {
    let text = format!("{} changed while it was read", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// An open file that was looked at before.
pub(super) struct Unchanged {
    file: File,
    of: Arc<OnDisk>,
}

impl Bytes for Unchanged {
    fn len(&self) -> u64 {
        self.of.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        // One that was cut short meanwhile did not merely end.
        self.file.read_at(offset, buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof if offset + buffer.len() as u64 <= self.len() => {
                changed(&self.of.path)
            }
            _ => error,
        })
    }
}

/// A part of other bytes, which it holds.
pub(super) struct Inner<'a> {
    pub(super) whole: Box<dyn Bytes + 'a>,
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Bytes for Inner<'_> {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size);
        let start = end.and_then(|_| self.start.checked_add(offset));
        self.whole.read_at(start.ok_or(io::ErrorKind::UnexpectedEof)?, buffer)
    }
}

/// Bytes at any place, read from their start.
pub(crate) struct Reading<'a> {
    bytes: Box<dyn Bytes + 'a>,
    at: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(bytes: Box<dyn Bytes + 'a>) -> Self {
        Self { bytes, at: 0 }
    }
}

impl io::Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.len().saturating_sub(self.at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.bytes.read_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}
