//! The content of files that are not compressed.

use super::{
    Erofs, NAME,
    inode::{Inode, Layout},
    malformed,
};
use crate::{
    UnfoldError,
    numbers::{le16, le32, read},
    volume::{Piece, Pieces},
};
use std::io::Read;

/// The most that is read at once.
const PIECE: u64 = 256 << 10;

impl Erofs<'_> {
    pub(super) fn file<'s>(&'s self, inode: &'s Inode) -> Result<Box<dyn Read + 's>, UnfoldError> {
        match inode.layout {
            Layout::Plain | Layout::Inline => Ok(self.plain(inode)),
            Layout::Chunks => self.chunks(inode),
            Layout::Full | Layout::Compact => self.compressed(inode),
        }
    }

    fn plain<'s>(&'s self, inode: &'s Inode) -> Box<dyn Read + 's> {
        let start = u64::from(inode.word) << self.bits;
        // Behind the inode is what the last block would have.
        let inline = match inode.layout {
            Layout::Inline => (inode.size.max(1) - 1) >> self.bits << self.bits,
            _ => u64::MAX,
        };
        Box::new(Pieces::new(inode.size, move |offset| {
            let (at, end) = match offset.checked_sub(inline) {
                Some(over) => (inode.end().saturating_add(over), inode.size),
                None => (start.saturating_add(offset), inode.size.min(inline)),
            };
            Ok(Piece::Bytes(read(self.bytes, at, (end - offset).min(PIECE) as usize)?))
        }))
    }

    fn chunks<'s>(&'s self, inode: &'s Inode) -> Result<Box<dyn Read + 's>, UnfoldError> {
        let bits = self.bits + (inode.word & 0x1f);
        let is_indexed = inode.word & 0x20 != 0;
        if inode.word & !0x3f != 0 || bits > 40 {
            return Err(UnfoldError::unsupported(NAME, "this form of chunks"));
        }
        let unit = if is_indexed { 8 } else { 4 };
        let table = inode.end().next_multiple_of(unit);
        Ok(Box::new(Pieces::new(inode.size, move |offset| {
            self.work.spend(8)?;
            let line = read(self.bytes, table + (offset >> bits) * unit, unit as usize)?;
            if is_indexed && le16(&line, 2) != 0 {
                return Err(UnfoldError::unsupported(NAME, "data on another device"));
            }
            let block = le32(&line, if is_indexed { 4 } else { 0 });
            let inside = offset & ((1 << bits) - 1);
            let left = ((1 << bits) - inside).min(inode.size - offset);
            if block == u32::MAX {
                return Ok(Piece::Zeros(left));
            }
            let at = (u64::from(block) << self.bits).checked_add(inside);
            let at = at.ok_or_else(|| malformed("a chunk is too far", table))?;
            Ok(Piece::Bytes(read(self.bytes, at, left.min(PIECE) as usize)?))
        })))
    }
}
