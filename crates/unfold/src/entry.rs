//! What an archive or image holds, one at a time.

use crate::{Bytes, source::Source};
use std::io;

/// The size of a file whose format does not tell it before the content was read.
pub const UNKNOWN_SIZE: u64 = u64::MAX;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path as bytes, without slashes in front, `.` or empty names; `..` is never in it. Empty
    /// for the top directory.
    pub path: Vec<u8>,
    /// Permissions with the set-id and sticky bits: 12 bits.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Seconds since 1970, where the format has a time.
    pub mtime: Option<i64>,
    /// Extended attributes by name, sorted. What only the format itself has stands among them under
    /// the name of the format: `gpt.type`, `gzip.name`, and on the top directory `ext4.uuid`.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// What it is.
    pub kind: EntryKind,
    /// Where the content starts in what is walked, if it stands there in one piece as it is: neither
    /// compressed nor with holes.
    pub at: Option<u64>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file with so many bytes, or [`UNKNOWN_SIZE`].
    File(u64),
    /// A symlink and where it points.
    Symlink(Vec<u8>),
    /// Another name of the entry with this path.
    HardLink(Vec<u8>),
    /// A character device: major, minor.
    CharacterDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Entry {
    /// Something of a format that knows no owners, modes or times.
    pub(crate) fn plain(path: Vec<u8>, kind: EntryKind) -> Self {
        let mode = if kind == EntryKind::Directory { 0o755 } else { 0o644 };
        Self { path, mode, uid: 0, gid: 0, mtime: None, xattrs: Vec::new(), kind, at: None }
    }

    /// Says something that only the format has, by its name and text.
    pub(crate) fn fact(&mut self, name: &str, value: impl ToString) {
        self.xattrs.push((name.as_bytes().to_vec(), value.to_string().into_bytes()));
        self.xattrs.sort();
    }

    /// The kind that the upper bits of a Unix mode say; nothing for a link or a device, which need
    /// more than these.
    pub(crate) fn kind_of_mode(mode: u32, size: u64) -> Option<EntryKind> {
        Some(match mode & 0o170_000 {
            0o040_000 => EntryKind::Directory,
            0o100_000 => EntryKind::File(size),
            0o010_000 => EntryKind::Fifo,
            0o140_000 => EntryKind::Socket,
            _ => return None,
        })
    }
}

/// Who is given the entries.
pub trait Sink {
    /// Takes one entry. `content` is that of a file, and empty for all else; what is not read of it is
    /// skipped. An error ends the walk, unless it comes from reading `content` and the rest can be
    /// read without it: then it is told to [`Sink::unread`].
    fn entry(&mut self, entry: &Entry, content: &mut dyn io::Read) -> io::Result<()>;

    /// Takes one entry whose content stands in one piece in what is walked, such as a partition, and
    /// so can be read at any place while this runs. If not defined, it is read like any other.
    fn part(&mut self, entry: &Entry, content: &dyn Bytes) -> io::Result<()> {
        self.entry(entry, &mut Source::of_bytes(content))
    }

    /// Told of something that could not be read though the walk goes on: where, and why.
    fn unread(&mut self, path: &[u8], why: &str);
}
