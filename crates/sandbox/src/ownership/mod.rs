//! Owners, set-id bits, devices and file capabilities as data: what a run may set, kept per file by the
//! launcher, since the one user of a sandbox can give files to nobody else.
//!
//! ```text
//!  spec: seeds ──▶ launcher's register: inode ─▶ record ──▶ scratch/owners ──▶ `collect`: path ─▶ owner
//!                      ▲ chown, chmod, mknod, setxattr        (when all is dead)
//!                      ▼ stat, getxattr …
//! ```
//!
//! A file is known by what the kernel calls its handle (name_to_handle_at(2)), which is of one inode and
//! is not used again, so records follow renames and links by themselves. On disk a file keeps the nine
//! bits of `rwx` only; a device is an empty file.

mod collect;
pub(crate) mod raw;
mod record;

use serde::{Deserialize, Serialize};

pub(crate) use collect::OWNERS;
pub use collect::{CollectError, collect};
pub(crate) use record::{Key, Record, Register};

/// The version of what a command can observe of ownership as data; it enters the keys of such steps.
pub const OWNERSHIP_VERSION: u32 = 1;

/// What files belong to inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// All are the one user's.
    #[default]
    OneUser,
    /// As data. The root file system is `scratch/upper` itself, made by the caller, which the run
    /// changes; the command is root. These files start with other owners than root, or with what no
    /// directory on disk shows.
    Data(Vec<OwnedPath>),
}

/// A path below the root with all that is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedPath {
    /// Relative to the root, without a slash at the start; empty for the root itself.
    pub path: Vec<u8>,
    /// Who it belongs to, and what else is data.
    pub owner: Owner,
}

/// Who a file belongs to, and what else is data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The 12 permission bits.
    pub mode: u32,
    /// What an empty file stands for.
    pub device: Option<DeviceNode>,
    /// The value of `security.capability`.
    pub capability: Option<Vec<u8>>,
}

/// A device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceNode {
    /// Character or block.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// The kinds of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// `c`
    Character,
    /// `b`
    Block,
}

impl DeviceKind {
    /// The bits of `st_mode`.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Character => libc::S_IFCHR,
            Self::Block => libc::S_IFBLK,
        }
    }
}
