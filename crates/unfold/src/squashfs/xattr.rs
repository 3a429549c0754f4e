//! Extended attributes: an index of where each set starts, and names with values.

use super::{Squashfs, malformed};
use crate::{
    UnfoldError,
    numbers::{le16, le32, le64, read},
    volume::Xattrs,
};

/// The most attributes of one inode, and bytes of one value (Linux: 64 KiB).
const MAX_COUNT: u32 = 4096;
const MAX_VALUE: u32 = 64 << 10;

impl Squashfs<'_> {
    pub(super) fn attributes(&self, index: u32) -> Result<Xattrs, UnfoldError> {
        if index == u32::MAX || !Self::has(self.xattr_table) {
            return Ok(Vec::new());
        }
        let at = self.xattr_table;
        let head = read(self.bytes, at, 16)?;
        let (start, count) = (le64(&head, 0), le32(&head, 8));
        if index >= count {
            return Err(malformed("attributes are not in the table", at));
        }
        let line: [u8; 16] = self.in_table(at.saturating_add(16), index.into(), 16)?.take()?;
        let mut position = self.reference(start, le64(&line, 0));
        if le32(&line, 8) > MAX_COUNT {
            return Err(malformed("there are too many attributes", at));
        }
        let mut found = Vec::new();
        for _ in 0..le32(&line, 8) {
            let head: [u8; 4] = position.take()?;
            let prefix: &[u8] = match head[0] {
                0 => b"user.",
                1 => b"trusted.",
                2 => b"security.",
                _ => return Err(malformed("an attribute is of no known kind", at)),
            };
            let name = position.vec(le16(&head, 2).into())?;
            let size = u32::from_le_bytes(position.take()?);
            // A value that others have too may stand elsewhere.
            let value = match head[1] & 1 {
                0 => position.vec(checked(size, at)?)?,
                _ => {
                    let mut elsewhere = self.reference(start, u64::from_le_bytes(position.take()?));
                    let size = u32::from_le_bytes(elsewhere.take()?);
                    elsewhere.vec(checked(size, at)?)?
                }
            };
            self.work.spend(name.len() + value.len())?;
            found.push(([prefix, &name].concat(), value));
        }
        Ok(found)
    }
}

fn checked(size: u32, at: u64) -> Result<usize, UnfoldError> {
    match size > MAX_VALUE {
        true => Err(malformed("the value of an attribute is too long", at)),
        false => Ok(size as usize),
    }
}
