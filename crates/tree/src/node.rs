//! One node of a tree: its metadata and what it is.

use crate::Meta;
use groundup_digest::BlobId;

/// A device number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Device {
    /// Major number, 12 bits on Linux.
    pub major: u32,
    /// Minor number, 20 bits on Linux.
    pub minor: u32,
}

/// What a node is, with its content; a directory's content is found by path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Its content.
        blob: BlobId,
        /// The size of the content in bytes.
        size: u64,
    },
    /// A symbolic link; the target is not empty and holds no NUL.
    Symlink {
        /// Where it points, as written.
        target: Box<[u8]>,
    },
    /// A character device.
    CharDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
}

impl Kind {
    /// The word for this kind in messages.
    pub fn noun(&self) -> &'static str {
        match self {
            Kind::Directory => "directory",
            Kind::File { .. } => "file",
            Kind::Symlink { .. } => "symbolic link",
            Kind::CharDevice(_) => "character device",
            Kind::BlockDevice(_) => "block device",
            Kind::Fifo => "fifo",
        }
    }
}

/// A node of a tree.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node {
    /// Mode, owner, extended attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
}

impl Node {
    /// A root-owned directory with mode 0755.
    pub fn directory() -> Self {
        Self { meta: Meta::root_owned(0o755), kind: Kind::Directory }
    }

    /// A root-owned file with the given mode.
    pub fn file(blob: BlobId, size: u64, mode: u32) -> Self {
        Self { meta: Meta::root_owned(mode), kind: Kind::File { blob, size } }
    }

    /// A root-owned symbolic link.
    pub fn symlink(target: impl AsRef<[u8]>) -> Self {
        let target = target.as_ref().into();
        Self { meta: Meta::root_owned(0o777), kind: Kind::Symlink { target } }
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}
