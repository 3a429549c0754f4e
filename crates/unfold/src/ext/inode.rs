//! Inodes: where they are, and what they say.

use super::{Ext, NAME, malformed};
use crate::{
    Entry, EntryKind, UnfoldError,
    numbers::{le16, le32, read},
    volume::{Node, device},
};
use std::io::Read;

pub(super) const EXTENTS: u32 = 0x8_0000;
pub(super) const INLINE: u32 = 0x1000_0000;
pub(super) const ENCRYPTED: u32 = 0x800;
/// The longest target of a symlink, and the one that fits into the inode.
const MAX_TARGET: u64 = 64 << 10;
const SHORT_TARGET: u64 = 60;

/// An inode as it stands.
pub(super) struct Inode {
    pub(super) raw: Vec<u8>,
    pub(super) flags: u32,
    pub(super) size: u64,
}

impl Inode {
    /// The 60 bytes of block numbers, extents, or data.
    pub(super) fn body(&self) -> &[u8] {
        self.raw.get(40..100).unwrap_or_default()
    }
}

impl Ext<'_> {
    /// The bytes of an inode.
    pub(super) fn raw_inode(&self, number: u32) -> Result<Inode, UnfoldError> {
        let index = number.checked_sub(1).filter(|_| number <= self.inodes);
        let index = index.ok_or_else(|| malformed(&format!("there is no inode {number}"), 1024))?;
        let (group, inside) = (index / self.inodes_per_group, index % self.inodes_per_group);
        let at = self.groups + u64::from(group) * self.descriptor;
        let descriptor = read(self.bytes, at, self.descriptor as usize)?;
        let high = if self.is_wide { le32(&descriptor, 40) } else { 0 };
        let table = u64::from(high) << 32 | u64::from(le32(&descriptor, 8));
        let place = table.checked_mul(self.block);
        let place = place.and_then(|at| at.checked_add(u64::from(inside) * self.inode_size));
        let place = place.ok_or_else(|| malformed("a table of inodes is too far", at))?;
        let raw = read(self.bytes, place, self.inode_size as usize)?;
        let size = u64::from(le32(&raw, 108)) << 32 | u64::from(le32(&raw, 4));
        Ok(Inode { flags: le32(&raw, 32), size, raw })
    }

    pub(super) fn inode(&self, number: u32) -> Result<Node<Inode>, UnfoldError> {
        let mut inode = self.raw_inode(number)?;
        let raw = &inode.raw;
        let mode = u32::from(le16(raw, 0));
        let links = le16(raw, 26);
        if links == 0 {
            return Err(malformed(&format!("inode {number} is not in use"), 0));
        }
        // The time has 34 bits where the inode has room for it.
        let extra = le16(raw, 128);
        let epoch = if extra >= 12 { i64::from(le32(raw, 136) & 3) << 32 } else { 0 };
        let mtime = i64::from(le32(raw, 16) as i32) + epoch;
        let wide =
            |low: usize, high: usize| u32::from(le16(raw, high)) << 16 | u32::from(le16(raw, low));
        let (uid, gid) = (wide(2, 120), wide(24, 122));
        if mode & 0o170_000 == 0o040_000 {
            // Directories have no upper half in the oldest revision.
            inode.size &= u64::from(u32::MAX);
        }
        let kind = match (mode & 0o170_000, Entry::kind_of_mode(mode, inode.size)) {
            (_, Some(kind)) => kind,
            (0o120_000, _) => EntryKind::Symlink(self.target(&inode)?),
            (format @ (0o020_000 | 0o060_000), _) => {
                let (major, minor) = match le32(inode.body(), 0) {
                    0 => device(le32(inode.body(), 4)),
                    old => ((old >> 8) & 0xff, old & 0xff),
                };
                match format {
                    0o020_000 => EntryKind::CharacterDevice(major, minor),
                    _ => EntryKind::BlockDevice(major, minor),
                }
            }
            _ => return Err(malformed(&format!("inode {number} is of no known kind"), 0)),
        };
        Ok(Node {
            id: number.into(),
            links: links.into(),
            mode: mode & 0o7777,
            uid,
            gid,
            mtime: Some(mtime),
            kind,
            own: inode,
        })
    }

    fn target(&self, inode: &Inode) -> Result<Vec<u8>, UnfoldError> {
        if inode.size < SHORT_TARGET && inode.flags & (EXTENTS | INLINE | ENCRYPTED) == 0 {
            return Ok(inode.body().get(..inode.size as usize).unwrap_or_default().to_vec());
        }
        if inode.flags & ENCRYPTED != 0 {
            return Err(UnfoldError::unsupported(NAME, "encryption"));
        }
        if inode.size > MAX_TARGET {
            return Err(malformed("the target of a symlink is too long", 0));
        }
        let mut target = Vec::new();
        self.file(inode)?.read_to_end(&mut target)?;
        match target.len() as u64 == inode.size {
            true => Ok(target),
            false => Err(malformed("the target of a symlink is cut off", 0)),
        }
    }
}
