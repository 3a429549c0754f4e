//! The content of compressed files, piece by piece.

use super::{
    Erofs, NAME, ZERO_PADDING,
    index::{Extent, FRAGMENT, Header, INLINE, INTERLACED},
    inode::Inode,
    malformed,
};
use crate::{
    UnfoldError,
    codec::Beyond,
    numbers::read,
    volume::{Piece, Pieces},
};
use std::io::Read;

/// The most that one piece becomes (`Z_EROFS_PCLUSTER_MAX_DSIZE` of Linux).
const MAX_PIECE: u64 = 12 << 20;

fn fragments() -> UnfoldError {
    UnfoldError::unsupported(NAME, "a file whose end is packed with others (fragments)")
}

impl Erofs<'_> {
    pub(super) fn compressed<'s>(
        &'s self,
        inode: &'s Inode,
    ) -> Result<Box<dyn Read + 's>, UnfoldError> {
        let header = self.index_header(inode)?;
        if header.is_fragment {
            return Err(fragments());
        }
        let (extents, index_end) = self.extents(inode, &header)?;
        let mut number = 0;
        let next = move |offset: u64| {
            while extents.get(number + 1).is_some_and(|next: &Extent| next.start <= offset) {
                number += 1;
            }
            let extent = extents.get(number).filter(|extent| extent.start <= offset);
            let extent =
                extent.ok_or_else(|| malformed("a piece of a file is missing", header.at))?;
            let is_last = number + 1 == extents.len();
            let end = extents.get(number + 1).map_or(inode.size, |next| next.start);
            let length = end - extent.start;
            if is_last && header.advice & FRAGMENT != 0 {
                return Err(fragments());
            }
            if length > MAX_PIECE {
                return Err(malformed("a compressed piece becomes too long", header.at));
            }
            let (at, stored) = match is_last && header.advice & INLINE != 0 {
                true => (index_end, header.inline),
                false => (extent.block << self.bits, extent.blocks << self.bits),
            };
            let mut piece = self.piece(extent, &header, at, stored, length as usize)?;
            piece.drain(..(offset - extent.start).min(piece.len() as u64) as usize);
            Ok(Piece::Bytes(piece))
        };
        Ok(Box::new(Pieces::new(inode.size, next)))
    }

    fn piece(
        &self,
        extent: &Extent,
        header: &Header,
        at: u64,
        stored: u64,
        length: usize,
    ) -> Result<Vec<u8>, UnfoldError> {
        self.work.spend(length)?;
        let packed = read(self.bytes, at, stored as usize)?;
        let damaged = || malformed("a compressed piece is damaged", at);
        let codec = match extent.algorithm {
            None => {
                let block = self.block_size() as usize;
                // Interlaced: the content is turned so that it stands where it does in its block.
                let turn = match header.advice & INTERLACED {
                    0 => 0,
                    _ => extent.start as usize % block,
                };
                let mut content = packed;
                if turn > 0 && turn < content.len() {
                    content.rotate_left(turn);
                }
                content.truncate(length);
                return if content.len() < length { Err(damaged()) } else { Ok(content) };
            }
            Some(0) => &self.lz4,
            Some(1) => return Err(UnfoldError::unsupported(NAME, "compression by lzma")),
            Some(2) => &self.deflate,
            Some(3) => &self.zstd,
            Some(_) => return Err(malformed("the compression is unknown", header.at)),
        };
        // Zeros are filled in before what is compressed, so that it ends with its block.
        let zeros = match self.features & ZERO_PADDING {
            0 => 0,
            _ => packed.iter().take_while(|byte| **byte == 0).count(),
        };
        let content = codec.block(packed.get(zeros..).unwrap_or_default(), length, Beyond::Left);
        content.filter(|content| content.len() == length).ok_or_else(damaged)
    }
}
