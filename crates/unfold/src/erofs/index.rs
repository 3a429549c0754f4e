//! The index of a compressed file: for each cluster of its content, whether something compressed
//! starts in it, and where that stands.

use super::{
    Erofs, NAME,
    inode::{Inode, Layout},
    malformed,
};
use crate::{
    UnfoldError,
    numbers::{byte, le16, le32, le64, read},
};

/// The header behind the attributes.
pub(super) struct Header {
    /// Where it is.
    pub(super) at: u64,
    pub(super) advice: u16,
    /// The two algorithms that a cluster may choose between.
    algorithms: u8,
    /// The size of clusters as a power of two.
    bits: u32,
    /// The length of the last compressed piece, if it stands behind the index.
    pub(super) inline: u64,
    /// Whether the whole file is packed with others.
    pub(super) is_fragment: bool,
}

const SHORT: u16 = 0x1;
const LARGE: [u16; 2] = [0x2, 0x4];
pub(super) const INLINE: u16 = 0x8;
pub(super) const INTERLACED: u16 = 0x10;
pub(super) const FRAGMENT: u16 = 0x20;

/// In a distance: it is a number of blocks instead.
const IS_COUNT: u16 = 0x800;

/// Something compressed, or stored, and the content it becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Where its content starts in the file.
    pub(super) start: u64,
    /// Stored as it is, or by which algorithm.
    pub(super) algorithm: Option<u8>,
    pub(super) block: u64,
    pub(super) blocks: u64,
}

/// One cluster as the index has it.
#[derive(Debug, Clone, Copy)]
enum Cluster {
    /// Something starts at this offset of it.
    Head { kind: u8, offset: u16, block: u32 },
    /// It belongs to what started before; the first one may say of how many blocks.
    Tail { blocks: Option<u16> },
}

impl Erofs<'_> {
    pub(super) fn index_header(&self, inode: &Inode) -> Result<Header, UnfoldError> {
        let at = inode.end().next_multiple_of(8);
        let raw = read(self.bytes, at, 8)?;
        let shape = byte(&raw, 7);
        let advice = le16(&raw, 4);
        let header = Header {
            at,
            advice,
            algorithms: byte(&raw, 6),
            bits: self.bits + u32::from(shape & 0xf),
            inline: if advice & INLINE != 0 { le16(&raw, 2).into() } else { 0 },
            is_fragment: shape & 0x80 != 0,
        };
        if header.bits > 24 && !header.is_fragment {
            return Err(malformed("clusters have an impossible size", at));
        }
        Ok(header)
    }

    /// All extents of a file in their order, and where the index ends.
    pub(super) fn extents(
        &self,
        inode: &Inode,
        header: &Header,
    ) -> Result<(Vec<Extent>, u64), UnfoldError> {
        let count = inode.size.div_ceil(1 << header.bits);
        let (clusters, end) = match inode.layout {
            Layout::Full => self.full(header, count)?,
            _ => self.compact(header, count)?,
        };
        let mut extents: Vec<Extent> = Vec::new();
        for (number, cluster) in clusters.iter().enumerate() {
            let Cluster::Head { kind, offset, block } = *cluster else { continue };
            let start = ((number as u64) << header.bits) + u64::from(offset);
            // Where a file ends inside its last cluster, a head of nothing stands there.
            if start >= inode.size {
                break;
            }
            let large = header.advice & LARGE[usize::from(kind == 3)] != 0;
            let blocks = match clusters.get(number + 1) {
                Some(Cluster::Tail { blocks: Some(blocks) }) if large => (*blocks).into(),
                _ => 1,
            };
            let algorithm = match kind {
                0 => None,
                3 => Some(header.algorithms >> 4),
                _ => Some(header.algorithms & 0xf),
            };
            if extents.last().is_some_and(|last| last.start >= start) {
                return Err(malformed("the index of a compressed file is not in order", header.at));
            }
            extents.push(Extent { start, algorithm, block: block.into(), blocks });
        }
        Ok((extents, end))
    }

    fn full(&self, header: &Header, count: u64) -> Result<(Vec<Cluster>, u64), UnfoldError> {
        let start = header.at + 16;
        let raw = self.index_bytes(start, count, 8)?;
        let clusters = raw.chunks_exact(8).map(|line| match (le16(line, 0) & 3) as u8 {
            2 => {
                let distance = le16(line, 4);
                Cluster::Tail { blocks: (distance & IS_COUNT != 0).then_some(distance & !IS_COUNT) }
            }
            kind => Cluster::Head { kind, offset: le16(line, 2), block: le32(line, 4) },
        });
        Ok((clusters.collect(), start + raw.len() as u64))
    }

    fn index_bytes(&self, at: u64, count: u64, width: u64) -> Result<Vec<u8>, UnfoldError> {
        let length = count.checked_mul(width).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| malformed("a compressed file is too long", at))?;
        let raw = read(self.bytes, at, length)?;
        self.work.spend(length)?;
        Ok(raw)
    }

    /// Packs of two clusters in eight bytes or of sixteen in 32. Each ends with the block before the
    /// first that starts in it.
    fn compact(&self, header: &Header, count: u64) -> Result<(Vec<Cluster>, u64), UnfoldError> {
        let start = header.at + 8;
        // Short packs stand at multiples of 32 only; before and behind them are the longer.
        let before = (((32 - start % 32) / 4) & 7).min(count);
        let short = match header.advice & SHORT {
            0 => 0,
            _ => (count - before) / 16 * 16,
        };
        let behind = count - before - short;
        if header.bits > 14 || (short > 0 && header.bits > 12) {
            return Err(UnfoldError::unsupported(NAME, "a compact index of large clusters"));
        }
        let mut clusters = Vec::new();
        let mut at = start;
        for (count, pack, width) in [(before, 2, 8), (short, 16, 32), (behind, 2, 8)] {
            let raw = self.index_bytes(at, count.div_ceil(pack), width)?;
            let first = clusters.len() as u64;
            for bytes in raw.chunks_exact(width as usize) {
                unpack(bytes, pack as usize, header, &mut clusters)?;
            }
            clusters.truncate((first + count) as usize);
            at += count * width / pack;
        }
        Ok((clusters, at.next_multiple_of(8)))
    }
}

/// The clusters of one pack: numbers of the same width with two bits of kind above them.
fn unpack(
    bytes: &[u8],
    pack: usize,
    header: &Header,
    clusters: &mut Vec<Cluster>,
) -> Result<(), UnfoldError> {
    let number_bits = header.bits.max(12);
    let width = (bytes.len() - 4) * 8 / pack;
    let is_large = header.advice & LARGE[0] != 0;
    let raw: Vec<(u16, u8)> = (0..pack)
        .map(|number| {
            let at = number * width;
            let value = le64(&extended(bytes, at / 8), 0) >> (at % 8);
            ((value & ((1 << number_bits) - 1)) as u16, (value >> number_bits & 3) as u8)
        })
        .collect();
    let base = le32(bytes, bytes.len() - 4);
    // Without large pieces each takes one block, and the base is the block before the first.
    let mut taken = u32::from(!is_large);
    for (number, (value, kind)) in raw.iter().enumerate() {
        clusters.push(match kind {
            2 if value & IS_COUNT != 0 => {
                if !is_large {
                    return Err(malformed("the index of a compressed file is damaged", header.at));
                }
                taken += u32::from(value & !IS_COUNT);
                Cluster::Tail { blocks: Some(value & !IS_COUNT) }
            }
            2 => Cluster::Tail { blocks: None },
            _ => {
                let block = base.wrapping_add(taken);
                let counted = raw
                    .get(number + 1)
                    .is_some_and(|(next, kind)| *kind == 2 && next & IS_COUNT != 0);
                taken += u32::from(!counted);
                Cluster::Head { kind: *kind, offset: *value, block }
            }
        });
    }
    Ok(())
}

/// Eight bytes from a place, zeros behind the end.
fn extended(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut out = [0; 8];
    let held = bytes.get(at..bytes.len().min(at + 8)).unwrap_or_default();
    out.iter_mut().zip(held).for_each(|(to, from)| *to = *from);
    out
}
