//! Extended attributes: behind the inode, in a block of their own, long values in inodes.

use super::{Ext, inode::Inode, malformed};
use crate::{
    UnfoldError,
    numbers::{byte, le16, le32},
    volume::Xattrs,
};
use std::io::Read;

const MAGIC: u32 = 0xea02_0000;
/// The most bytes of one value (Linux: 64 KiB).
const MAX_VALUE: u32 = 64 << 10;

impl Ext<'_> {
    /// What others can see of the attributes, and the flags that forbid changes.
    pub(super) fn attributes(&self, inode: &Inode) -> Result<Xattrs, UnfoldError> {
        let mut found = self.own_attributes(inode)?;
        found.retain(|(name, _)| name != b"system.data");
        let block = u64::from(le16(&inode.raw, 118)) << 32 | u64::from(le32(&inode.raw, 104));
        if block != 0 {
            let block = self.block(block)?;
            if le32(&block, 0) != MAGIC {
                return Err(malformed("a block of attributes is damaged", 0));
            }
            self.lines(&block, 32, &block, &mut found)?;
        }
        let known = [(0x10, "immutable"), (0x20, "append-only"), (0x10_0000, "verity")];
        let set = known.iter().filter(|(bit, _)| inode.flags & bit != 0);
        let set: Vec<&str> = set.map(|(_, name)| *name).collect();
        if !set.is_empty() {
            found.push((b"ext.flags".to_vec(), set.join(" ").into_bytes()));
        }
        Ok(found)
    }

    /// The attributes that stand behind the inode.
    pub(super) fn own_attributes(&self, inode: &Inode) -> Result<Xattrs, UnfoldError> {
        let mut found = Vec::new();
        let start = 128 + usize::from(le16(&inode.raw, 128));
        let room = inode.raw.get(start..).filter(|room| le32(room, 0) == MAGIC);
        if let Some(lines) = room.and_then(|room| room.get(4..)) {
            self.lines(lines, 0, lines, &mut found)?;
        }
        Ok(found)
    }

    /// Names with values, from `at` on; places of values count from the start of `values`.
    fn lines(
        &self,
        lines: &[u8],
        mut at: usize,
        values: &[u8],
        found: &mut Xattrs,
    ) -> Result<(), UnfoldError> {
        while le32(lines, at) != 0 {
            let length = usize::from(byte(lines, at));
            let prefix: &[u8] = match byte(lines, at + 1) {
                0 => b"",
                1 => b"user.",
                2 => b"system.posix_acl_access",
                3 => b"system.posix_acl_default",
                4 => b"trusted.",
                6 => b"security.",
                7 => b"system.",
                8 => b"system.richacl",
                _ => return Err(malformed("an attribute is of no known kind", 0)),
            };
            let (inode, size) = (le32(lines, at + 4), le32(lines, at + 8));
            let name = lines.get(at + 16..at + 16 + length);
            let name = name.ok_or_else(|| malformed("the name of an attribute is cut off", 0))?;
            if size > MAX_VALUE {
                return Err(malformed("the value of an attribute is too long", 0));
            }
            let value = if inode == 0 {
                let start = usize::from(le16(lines, at + 2));
                let value = values.get(start..start + size as usize);
                value.ok_or_else(|| malformed("the value of an attribute is cut off", 0))?.to_vec()
            } else {
                let inode = self.raw_inode(inode)?;
                let mut value = Vec::new();
                self.work.spend(size as usize)?;
                self.plain(&inode)?.take(size.into()).read_to_end(&mut value)?;
                value
            };
            found.push(([prefix, name].concat(), value));
            at += (16 + length).next_multiple_of(4);
        }
        Ok(())
    }

    /// The content of an inode that holds a value, which has none inline itself.
    fn plain<'s>(&'s self, inode: &'s Inode) -> Result<Box<dyn Read + 's>, UnfoldError> {
        match inode.flags & super::inode::INLINE {
            0 => self.file(inode),
            _ => Err(malformed("the value of an attribute is in no file", 0)),
        }
    }
}
