//! What an archive or image holds, one at a time.

use std::io;

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
    /// Extended attributes by name, sorted.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file with so many bytes.
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

/// Who is given the entries.
pub trait Sink {
    /// Takes one entry. `content` is that of a file, and empty for all else; what is not read of it is
    /// skipped. An error ends the walk.
    fn entry(&mut self, entry: &Entry, content: &mut dyn io::Read) -> io::Result<()>;

    /// Told of something that could not be read though the walk goes on: where, and why.
    fn unread(&mut self, path: &[u8], why: &str);
}
