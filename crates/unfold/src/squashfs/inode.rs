//! Inodes of both lengths, and the lists that directories are.

use super::{NONE, Squashfs, malformed};
use crate::{
    EntryKind, UnfoldError,
    numbers::{le16, le32, le64},
    volume::{Node, device},
};

/// What an inode says beyond what all file systems say.
pub(super) struct Inode {
    /// Where the list of a directory starts, or the sizes of a file's blocks: a place in metadata.
    pub(super) list: (u64, u64),
    /// How long the list of a directory is, or a file.
    pub(super) size: u64,
    /// Where the first block of a file is.
    pub(super) start: u64,
    /// The fragment that has the end of a file, and where in it.
    pub(super) fragment: Option<(u32, u32)>,
    /// The index of the extended attributes.
    pub(super) xattrs: u32,
}

/// The longest target of a symlink.
const MAX_TARGET: u32 = 64 << 10;

impl Squashfs<'_> {
    pub(super) fn inode(&self, reference: u64) -> Result<Node<Inode>, UnfoldError> {
        let mut position = self.reference(self.inode_table, reference);
        let at = position.place().0;
        let head: [u8; 16] = position.take()?;
        let kind = le16(&head, 0);
        let mut inode = Inode { list: (0, 0), size: 0, start: 0, fragment: None, xattrs: u32::MAX };
        let mut links = 1u32;
        let fragment = |index: u32, offset: u32| (index != u32::MAX).then_some((index, offset));
        let kind = match kind {
            1 => {
                let body: [u8; 16] = position.take()?;
                links = le32(&body, 4);
                inode.size = le16(&body, 8).into();
                inode.list = self.list(le32(&body, 0), le16(&body, 10));
                EntryKind::Directory
            }
            8 => {
                let body: [u8; 24] = position.take()?;
                (links, inode.size) = (le32(&body, 0), le32(&body, 4).into());
                inode.list = self.list(le32(&body, 8), le16(&body, 18));
                inode.xattrs = le32(&body, 20);
                EntryKind::Directory
            }
            2 => {
                let body: [u8; 16] = position.take()?;
                (inode.start, inode.size) = (le32(&body, 0).into(), le32(&body, 12).into());
                inode.fragment = fragment(le32(&body, 4), le32(&body, 8));
                inode.list = position.place();
                EntryKind::File(inode.size)
            }
            9 => {
                let body: [u8; 40] = position.take()?;
                (inode.start, inode.size, links) =
                    (le64(&body, 0), le64(&body, 8), le32(&body, 24));
                inode.fragment = fragment(le32(&body, 28), le32(&body, 32));
                inode.xattrs = le32(&body, 36);
                inode.list = position.place();
                EntryKind::File(inode.size)
            }
            3 | 10 => {
                let body: [u8; 8] = position.take()?;
                links = le32(&body, 0);
                let length = le32(&body, 4);
                if length > MAX_TARGET {
                    return Err(malformed("the target of a symlink is too long", at));
                }
                let target = position.vec(length as usize)?;
                if kind == 10 {
                    inode.xattrs = u32::from_le_bytes(position.take()?);
                }
                EntryKind::Symlink(target)
            }
            4 | 5 | 11 | 12 => {
                let body: [u8; 8] = position.take()?;
                links = le32(&body, 0);
                let (major, minor) = device(le32(&body, 4));
                if kind > 10 {
                    inode.xattrs = u32::from_le_bytes(position.take()?);
                }
                match kind {
                    4 | 11 => EntryKind::BlockDevice(major, minor),
                    _ => EntryKind::CharacterDevice(major, minor),
                }
            }
            6 | 7 | 13 | 14 => {
                links = u32::from_le_bytes(position.take()?);
                if kind > 10 {
                    inode.xattrs = u32::from_le_bytes(position.take()?);
                }
                if matches!(kind, 6 | 13) { EntryKind::Fifo } else { EntryKind::Socket }
            }
            _ => return Err(malformed("an inode is of no known kind", at)),
        };
        Ok(Node {
            id: reference,
            links: links.into(),
            mode: u32::from(le16(&head, 2)) & 0o7777,
            uid: self.id(le16(&head, 4))?,
            gid: self.id(le16(&head, 6))?,
            mtime: Some(le32(&head, 8).into()),
            kind,
            own: inode,
        })
    }

    fn list(&self, block: u32, offset: u16) -> (u64, u64) {
        (self.directory_table.saturating_add(block.into()), offset.into())
    }

    /// The names in a directory: runs of up to 256 whose inodes are in one block.
    pub(super) fn directory(
        &self,
        inode: &Inode,
        most: u64,
        found: &mut Vec<(Vec<u8>, u64)>,
    ) -> Result<(), UnfoldError> {
        let mut position = self.position(inode.list.0, inode.list.1);
        // The size counts `.` and `..`, which are not in the list, as three bytes.
        let mut left = inode.size.saturating_sub(3);
        let short = || malformed("the list of a directory breaks off", inode.list.0);
        while left > 0 {
            left = left.checked_sub(12).ok_or_else(short)?;
            let head: [u8; 12] = position.take()?;
            let (count, start) = (le32(&head, 0), u64::from(le32(&head, 4)));
            if count >= 256 {
                return Err(malformed("a run of names is too long", inode.list.0));
            }
            for _ in 0..=count {
                let entry: [u8; 8] = position.take()?;
                let length = usize::from(le16(&entry, 6)) + 1;
                left = left.checked_sub(8 + length as u64).ok_or_else(short)?;
                if length > 256 {
                    return Err(malformed("a name is too long", inode.list.0));
                }
                if found.len() as u64 >= most {
                    return Ok(());
                }
                let name = position.vec(length)?;
                found.push((name, start << 16 | u64::from(le16(&entry, 0))));
            }
        }
        Ok(())
    }

    /// Whether a table is there.
    pub(super) fn has(table: u64) -> bool {
        table != NONE
    }
}
