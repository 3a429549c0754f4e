//! Where the blocks of a file are: maps of three levels, trees of extents, or the inode itself.

use super::{
    Ext, NAME,
    inode::{ENCRYPTED, EXTENTS, INLINE, Inode},
    malformed,
};
use crate::{
    UnfoldError,
    numbers::{le16, le32, read},
    volume::{Piece, Pieces},
};
use std::io::{Cursor, Read};

/// The most that is read at once.
const PIECE: u64 = 256 << 10;
const EXTENT_MAGIC: u16 = 0xf30a;
/// Linux's own limit.
const MAX_DEPTH: u16 = 5;

/// Blocks that follow each other: where they are, or a hole, and how many.
struct Run {
    place: Option<u64>,
    count: u64,
}

impl Ext<'_> {
    pub(super) fn file<'s>(&'s self, inode: &'s Inode) -> Result<Box<dyn Read + 's>, UnfoldError> {
        if inode.flags & ENCRYPTED != 0 {
            return Err(UnfoldError::unsupported(NAME, "encryption"));
        }
        if inode.flags & INLINE != 0 {
            let inline = self.inline(inode)?;
            return Ok(Box::new(Cursor::new(inline).take(inode.size)));
        }
        let next = move |offset: u64| {
            let number = offset / self.block;
            let run = match inode.flags & EXTENTS {
                0 => self.mapped(inode, number)?,
                _ => self.extent(inode, number)?,
            };
            let inside = offset % self.block;
            let left = run.count.saturating_mul(self.block).saturating_sub(inside);
            let Some(place) = run.place else { return Ok(Piece::Zeros(left.max(1))) };
            let length = left.min(inode.size - offset).min(PIECE);
            let at = place.checked_mul(self.block).and_then(|at| at.checked_add(inside));
            let at = at.ok_or_else(|| malformed("a block is too far", 0))?;
            Ok(Piece::Bytes(read(self.bytes, at, length as usize)?))
        };
        Ok(Box::new(Pieces::new(inode.size, next)))
    }

    /// The data in an inode: its body, and what its attribute `system.data` has.
    pub(super) fn inline(&self, inode: &Inode) -> Result<Vec<u8>, UnfoldError> {
        let mut data = inode.body().to_vec();
        let attributes = self.own_attributes(inode)?;
        let more = attributes.into_iter().find(|(name, _)| name == b"system.data");
        data.extend(more.into_iter().flat_map(|(_, value)| value));
        Ok(data)
    }

    fn extent(&self, inode: &Inode, number: u64) -> Result<Run, UnfoldError> {
        let mut node = inode.body().to_vec();
        let mut above = MAX_DEPTH + 1;
        // Beyond what is found, the next branch bounds a hole.
        let mut bound = u64::MAX;
        loop {
            let (count, depth) = (usize::from(le16(&node, 2)), le16(&node, 6));
            if le16(&node, 0) != EXTENT_MAGIC || depth >= above || (count + 1) * 12 > node.len() {
                return Err(malformed("a tree of extents is damaged", 0));
            }
            above = depth;
            let start = |at: usize| u64::from(le32(&node, at * 12));
            // Lines start behind the header, sorted by their first block.
            let at = (1..=count).rev().find(|at| start(*at) <= number);
            let next = at.map_or(1, |at| at + 1);
            if next <= count {
                bound = bound.min(start(next));
            }
            let hole = Run { place: None, count: bound.saturating_sub(number).max(1) };
            let Some(at) = at else { return Ok(hole) };
            let line = node.get(at * 12..at * 12 + 12).unwrap_or_default();
            if depth > 0 {
                let child = u64::from(le16(line, 8)) << 32 | u64::from(le32(line, 4));
                node = self.block(child)?;
                continue;
            }
            let (length, first) = (u64::from(le16(line, 4)), number - start(at));
            // More than 32768 means blocks that were reserved and not written.
            let (length, is_written) =
                if length > 32_768 { (length - 32_768, false) } else { (length, true) };
            if first >= length {
                return Ok(hole);
            }
            let place = u64::from(le16(line, 6)) << 32 | u64::from(le32(line, 8));
            let place = is_written.then_some(place + first);
            return Ok(Run { place, count: length - first });
        }
    }

    fn mapped(&self, inode: &Inode, number: u64) -> Result<Run, UnfoldError> {
        let per_block = self.block / 4;
        let one = |block: u32| Run { place: (block != 0).then_some(block.into()), count: 1 };
        if number < 12 {
            return Ok(one(le32(inode.body(), number as usize * 4)));
        }
        let mut inside = number - 12;
        let mut covered = per_block;
        for level in 0..3usize {
            if inside < covered {
                let mut block = le32(inode.body(), 48 + level * 4);
                for _ in 0..=level {
                    if block == 0 {
                        return Ok(Run { place: None, count: covered - inside % covered });
                    }
                    covered /= per_block;
                    let table = self.block(block.into())?;
                    block = le32(&table, (inside / covered % per_block) as usize * 4);
                }
                return Ok(one(block));
            }
            inside -= covered;
            covered = covered.saturating_mul(per_block);
        }
        Err(malformed("a file is longer than its map can be", 0))
    }
}
