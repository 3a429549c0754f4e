//! Inodes of both lengths, and directories.

use super::{Erofs, malformed};
use crate::{
    Entry, EntryKind, UnfoldError,
    numbers::{le16, le32, le64, read, until_zero},
    volume::{Node, device},
};
use std::io::Read;

/// The longest target of a symlink.
const MAX_TARGET: u64 = 64 << 10;

/// How the content of a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Blocks one after the other.
    Plain,
    /// The same, but what does not fill a block stands behind the inode.
    Inline,
    /// Pieces of one size, each anywhere.
    Chunks,
    /// Compressed, with an index of eight bytes a cluster.
    Full,
    /// Compressed, with an index of two or four bytes a cluster.
    Compact,
}

/// What an inode says beyond what all file systems say.
pub(super) struct Inode {
    pub(super) layout: Layout,
    pub(super) size: u64,
    /// A block, a device or the form of chunks.
    pub(super) word: u32,
    /// Where its attributes are, and how long.
    pub(super) attributes: u64,
    pub(super) attributes_length: u64,
}

impl Inode {
    /// What follows the attributes.
    pub(super) fn end(&self) -> u64 {
        self.attributes + self.attributes_length
    }
}

impl Erofs<'_> {
    pub(super) fn inode(&self, number: u64) -> Result<Node<Inode>, UnfoldError> {
        let far = || malformed(&format!("there is no inode {number}"), 1024);
        let at =
            number.checked_mul(32).and_then(|at| at.checked_add(self.inodes)).ok_or_else(far)?;
        self.work.spend(64)?;
        let mut raw = read(self.bytes, at, 32)?;
        let format = le16(&raw, 0);
        let is_long = format & 1 == 1;
        if is_long {
            raw = read(self.bytes, at, 64)?;
        }
        let layout = match format >> 1 & 7 {
            0 => Layout::Plain,
            1 => Layout::Full,
            2 => Layout::Inline,
            3 => Layout::Compact,
            4 => Layout::Chunks,
            _ => return Err(malformed("an inode has an unknown layout", at)),
        };
        let count = u64::from(le16(&raw, 2));
        let inode = Inode {
            layout,
            size: if is_long { le64(&raw, 8) } else { le32(&raw, 8).into() },
            word: le32(&raw, 16),
            attributes: at + raw.len() as u64,
            attributes_length: if count == 0 { 0 } else { 12 + (count - 1) * 4 },
        };
        let mode = u32::from(le16(&raw, 4));
        let kind = match (mode & 0o170_000, Entry::kind_of_mode(mode, inode.size)) {
            (_, Some(kind)) => kind,
            (0o120_000, _) if inode.size <= MAX_TARGET => {
                let mut target = Vec::new();
                self.file(&inode)?.read_to_end(&mut target)?;
                EntryKind::Symlink(target)
            }
            (0o020_000, _) => {
                let (major, minor) = device(inode.word);
                EntryKind::CharacterDevice(major, minor)
            }
            (0o060_000, _) => {
                let (major, minor) = device(inode.word);
                EntryKind::BlockDevice(major, minor)
            }
            _ => return Err(malformed("an inode is of no known kind", at)),
        };
        let (links, uid, gid, mtime) = match is_long {
            true => (le32(&raw, 44), le32(&raw, 24), le32(&raw, 28), le64(&raw, 32) as i64),
            false => {
                (le16(&raw, 6).into(), le16(&raw, 24).into(), le16(&raw, 26).into(), self.time)
            }
        };
        Ok(Node {
            id: number,
            links: links.into(),
            mode: mode & 0o7777,
            uid,
            gid,
            mtime: Some(mtime),
            kind,
            own: inode,
        })
    }

    /// The names in a directory: each block has its lines first, then the names.
    pub(super) fn list(
        &self,
        inode: &Inode,
        most: u64,
        found: &mut Vec<(Vec<u8>, u64)>,
    ) -> Result<(), UnfoldError> {
        let mut content = self.file(inode)?;
        let mut left = inode.size;
        while left > 0 && (found.len() as u64) < most {
            let length = left.min(self.block_size());
            left -= length;
            let mut block = vec![0; length as usize];
            self.work.spend(block.len())?;
            content.read_exact(&mut block)?;
            let damaged = || malformed("a directory is damaged", inode.attributes);
            let count = usize::from(le16(&block, 8)) / 12;
            if count == 0 || count * 12 > block.len() {
                return Err(damaged());
            }
            for line in 0..count {
                let start = usize::from(le16(&block, line * 12 + 8));
                let name = match line + 1 == count {
                    true => block.get(start..).map(until_zero),
                    false => block.get(start..usize::from(le16(&block, line * 12 + 20))),
                };
                let name = name.ok_or_else(damaged)?;
                if !matches!(name, b"." | b"..") {
                    found.push((name.to_vec(), le64(&block, line * 12)));
                }
            }
        }
        Ok(())
    }
}
