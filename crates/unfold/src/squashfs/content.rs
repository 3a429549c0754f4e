//! The content of files: blocks one after the other, and a part of a fragment at the end.

use super::{Squashfs, inode::Inode, malformed};
use crate::{
    UnfoldError,
    codec::Beyond,
    numbers::{le32, le64, read},
    volume::{Piece, Pieces},
};
use std::{cell::RefCell, collections::VecDeque, io::Read, rc::Rc};

/// How many unpacked fragments are kept.
const KEPT: usize = 8;
/// In the size of a block: it is not compressed.
const STORED: u32 = 1 << 24;

/// Unpacked fragments by their number, the oldest first.
#[derive(Default)]
pub(super) struct Fragments(RefCell<VecDeque<(u32, Rc<Vec<u8>>)>>);

impl Squashfs<'_> {
    /// A block of data at a place, of at most `most` bytes.
    fn data(&self, at: u64, size: u32, most: usize) -> Result<Vec<u8>, UnfoldError> {
        let length = (size & (STORED - 1)) as usize;
        if length > self.block_size {
            return Err(malformed("a block is too large", at));
        }
        let stored = read(self.bytes, at, length)?;
        let data = match size & STORED {
            0 => self.codec.block(&stored, most, Beyond::Refused),
            _ => Some(stored),
        };
        let data = data.ok_or_else(|| malformed("a block is damaged", at))?;
        self.work.spend(data.len())?;
        Ok(data)
    }

    fn fragment(&self, index: u32) -> Result<Rc<Vec<u8>>, UnfoldError> {
        let mut kept = self.fragments.0.borrow_mut();
        if let Some((_, data)) = kept.iter().find(|(number, _)| *number == index) {
            return Ok(Rc::clone(data));
        }
        if index >= self.fragment_count || !Self::has(self.fragment_table) {
            return Err(malformed("a fragment is not in the table", self.fragment_table));
        }
        let line: [u8; 16] = self.in_table(self.fragment_table, index.into(), 16)?.take()?;
        let data = Rc::new(self.data(le64(&line, 0), le32(&line, 8), self.block_size)?);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((index, Rc::clone(&data)));
        Ok(data)
    }

    pub(super) fn file<'s>(&'s self, inode: &'s Inode) -> Result<Box<dyn Read + 's>, UnfoldError> {
        let block_size = self.block_size as u64;
        let blocks = match inode.fragment {
            Some(_) => inode.size / block_size,
            None => inode.size.div_ceil(block_size),
        };
        let mut sizes = self.position(inode.list.0, inode.list.1);
        let (mut at, mut met) = (inode.start, 0);
        let mut hole_ends = 0;
        let next = move |offset: u64| {
            if offset < hole_ends {
                return Ok(Piece::Zeros(hole_ends - offset));
            }
            let left = inode.size - offset;
            if met < blocks {
                met += 1;
                let size = u32::from_le_bytes(sizes.take()?);
                let length = left.min(block_size);
                if size == 0 {
                    hole_ends = offset + length;
                    return Ok(Piece::Zeros(length));
                }
                let data = self.data(at, size, self.block_size)?;
                at += u64::from(size & (STORED - 1));
                if data.len() as u64 != length {
                    return Err(malformed("a block is shorter than its file", at));
                }
                return Ok(Piece::Bytes(data));
            }
            let (index, start) = inode.fragment.unwrap_or_default();
            let fragment = self.fragment(index)?;
            let end = (start as usize).saturating_add(left as usize);
            let part = fragment.get(start as usize..end);
            let part = part.ok_or_else(|| malformed("a fragment is too short", at))?;
            Ok(Piece::Bytes(part.to_vec()))
        };
        Ok(Box::new(Pieces::new(inode.size, next)))
    }
}
