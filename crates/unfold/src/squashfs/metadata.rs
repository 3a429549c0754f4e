//! Metadata blocks: 8 KiB of inodes, names or tables, each behind its size.

use super::{Squashfs, malformed};
use crate::{
    UnfoldError,
    codec::Beyond,
    numbers::{le16, read},
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// What a block unpacks to at most.
const SIZE: usize = 8192;
/// How many unpacked blocks are kept.
const KEPT: usize = 512;

/// What a block unpacked to, and where the next one starts.
pub(super) struct Block {
    data: Vec<u8>,
    next: u64,
}

/// Unpacked blocks by their place.
#[derive(Default)]
pub(super) struct Blocks(RefCell<BTreeMap<u64, Rc<Block>>>);

/// A place in metadata that is read on from there, over the ends of blocks.
#[derive(Clone)]
pub(super) struct Position<'s> {
    squashfs: &'s Squashfs<'s>,
    block: u64,
    inside: usize,
}

impl Squashfs<'_> {
    pub(super) fn position(&self, block: u64, inside: u64) -> Position<'_> {
        Position { squashfs: self, block, inside: usize::try_from(inside).unwrap_or(usize::MAX) }
    }

    /// The place that a reference means: the block's start in the table, and how far into it.
    pub(super) fn reference(&self, table: u64, reference: u64) -> Position<'_> {
        self.position(table.saturating_add(reference >> 16), reference & 0xffff)
    }

    fn block(&self, at: u64) -> Result<Rc<Block>, UnfoldError> {
        if let Some(block) = self.blocks.0.borrow().get(&at) {
            return Ok(Rc::clone(block));
        }
        let header = le16(&read(self.bytes, at, 2)?, 0);
        let size = usize::from(header & 0x7fff);
        if size == 0 || size > SIZE {
            return Err(malformed("a metadata block has an impossible size", at));
        }
        let stored = read(self.bytes, at + 2, size)?;
        let data = match header & 0x8000 {
            0 => self.codec.block(&stored, SIZE, Beyond::Refused),
            _ => Some(stored),
        };
        let data = data.ok_or_else(|| malformed("a metadata block is damaged", at))?;
        self.work.spend(data.len())?;
        let block = Rc::new(Block { data, next: at + 2 + size as u64 });
        let mut kept = self.blocks.0.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(at, Rc::clone(&block));
        Ok(block)
    }
}

impl Position<'_> {
    pub(super) fn read(&mut self, mut buffer: &mut [u8]) -> Result<(), UnfoldError> {
        while !buffer.is_empty() {
            let block = self.squashfs.block(self.block)?;
            let Some(held) = block.data.get(self.inside..) else {
                return Err(malformed("a place is behind the end of its block", self.block));
            };
            let count = held.len().min(buffer.len());
            let (now, later) = buffer.split_at_mut(count);
            now.copy_from_slice(held.get(..count).unwrap_or_default());
            buffer = later;
            self.inside += count;
            if self.inside == block.data.len() {
                (self.block, self.inside) = (block.next, 0);
            }
        }
        Ok(())
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], UnfoldError> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes, of which no more are held than are there.
    pub(super) fn vec(&mut self, count: usize) -> Result<Vec<u8>, UnfoldError> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let start = bytes.len();
            bytes.resize(count.min(start + SIZE), 0);
            self.read(bytes.get_mut(start..).unwrap_or_default())?;
        }
        Ok(bytes)
    }

    /// Where it is, to come back to.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.block, self.inside as u64)
    }
}
