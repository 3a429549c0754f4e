//! LZ4: blocks (`lz4_Block_format.md`), frames (`lz4_Frame_format.md` 1.6.4) and the older frames that
//! kernels and initramfs are packed in. Checksums of frames are not compared.

use crate::numbers::{byte, le16, le32};
use std::io::{self, BufRead, Read};

/// How far back a match may reach.
const WINDOW: usize = 64 << 10;
/// The uncompressed size of a block of the older frames.
const OLD_BLOCK: usize = 8 << 20;
const OLD_MAGIC: u32 = 0x184c_2102;

/// Appends what a block holds until `out` has `most` bytes; matches may reach into what `out` has.
/// Nothing if it is damaged, or would become more.
pub(crate) fn block(input: &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    match partial(input, out, most)? {
        true => Some(()),
        false => None,
    }
}

/// As [`block`], but what is beyond `most` is left; says whether the whole block was taken.
pub(crate) fn partial(input: &[u8], out: &mut Vec<u8>, most: usize) -> Option<bool> {
    let mut input = input.iter().as_slice();
    loop {
        let (token, rest) = input.split_first()?;
        input = rest;
        let literals = length(usize::from(token >> 4), &mut input)?;
        let (taken, rest) = input.split_at_checked(literals)?;
        let room = most.saturating_sub(out.len());
        if literals > room {
            out.extend_from_slice(taken.get(..room)?);
            return Some(false);
        }
        out.extend_from_slice(taken);
        input = rest;
        if input.is_empty() {
            return Some(true);
        }
        if out.len() >= most {
            return Some(false);
        }
        let (distance, rest) = input.split_at_checked(2)?;
        input = rest;
        let distance = usize::from(le16(distance, 0));
        let mut count = length(usize::from(token & 15), &mut input)?.checked_add(4)?;
        let room = most.saturating_sub(out.len());
        let whole = count <= room;
        count = count.min(room);
        let mut from = out.len().checked_sub(distance).filter(|_| distance > 0)?;
        while count > 0 {
            let step = count.min(out.len() - from);
            out.extend_from_within(from..from + step);
            from += step;
            count -= step;
        }
        if !whole {
            return Some(false);
        }
    }
}

fn length(start: usize, input: &mut &[u8]) -> Option<usize> {
    let mut length = start;
    if start == 15 {
        loop {
            let (more, rest) = input.split_first()?;
            *input = rest;
            length = length.checked_add(usize::from(*more))?;
            if *more != 255 {
                break;
            }
        }
    }
    Some(length)
}

/// Reads frames one after the other.
pub(crate) struct Frames<R> {
    input: R,
    frame: Frame,
    /// What was unpacked: what earlier blocks leave to reach into, and what is not given yet.
    out: Vec<u8>,
    given: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Between,
    Old,
    New { block: usize, linked: bool, block_sums: bool, content_sum: bool },
    Ended,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("lz4: {what}"))
}

impl<R: BufRead> Frames<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, frame: Frame::Between, out: Vec::new(), given: 0 }
    }

    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn begin(&mut self) -> io::Result<()> {
        self.out.clear();
        self.given = 0;
        if self.input.fill_buf()?.is_empty() {
            self.frame = Frame::Ended;
            return Ok(());
        }
        self.frame = match self.number()? {
            OLD_MAGIC => Frame::Old,
            0x184d_2204 => self.header()?,
            magic if magic >> 4 == 0x0184_d2a5 => {
                let length = u64::from(self.number()?);
                if io::copy(&mut self.input.by_ref().take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Frame::Between
            }
            _ => return Err(bad("a frame does not start with its magic number")),
        };
        Ok(())
    }

    fn header(&mut self) -> io::Result<Frame> {
        let mut start = [0; 2];
        self.input.read_exact(&mut start)?;
        let [flags, sizes] = start;
        if flags >> 6 != 1 || flags & 1 != 0 {
            return Err(bad("a frame of this version or with a dictionary is not supported"));
        }
        let block = match sizes >> 4 & 7 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return Err(bad("the size of blocks is unknown")),
        };
        let mut rest = [0; 9];
        let length = if flags & 8 != 0 { 9 } else { 1 };
        self.input.read_exact(rest.get_mut(..length).unwrap_or_default())?;
        Ok(Frame::New {
            block,
            linked: flags & 0x20 == 0,
            block_sums: flags & 0x10 != 0,
            content_sum: flags & 4 != 0,
        })
    }

    /// Reads one block; what was given is forgotten, but for what the next may reach into.
    fn next_block(&mut self) -> io::Result<()> {
        let (most, linked, sums) = match self.frame {
            Frame::New { block, linked, block_sums, .. } => (block, linked, block_sums),
            _ => (OLD_BLOCK, false, false),
        };
        let keep = if linked { self.out.len().min(WINDOW) } else { 0 };
        self.out.drain(..self.out.len() - keep);
        self.given = keep;
        if self.frame == Frame::Old && self.input.fill_buf()?.is_empty() {
            self.frame = Frame::Ended;
            return Ok(());
        }
        let mut size = self.number()?;
        match self.frame {
            Frame::Old if size == OLD_MAGIC => size = self.number()?,
            // Kernels have their uncompressed size behind the last block.
            Frame::Old if size as usize > OLD_BLOCK + OLD_BLOCK / 255 + 16 => {
                self.frame = Frame::Ended;
                return Ok(());
            }
            Frame::New { content_sum, .. } if size == 0 => {
                if content_sum {
                    self.number()?;
                }
                self.frame = Frame::Between;
                return Ok(());
            }
            _ => {}
        }
        let stored = matches!(self.frame, Frame::New { .. }) && size >> 31 == 1;
        let size = (size & 0x7fff_ffff) as usize;
        if size > most + most / 255 + 16 {
            return Err(bad("a block is too large"));
        }
        let mut packed = Vec::new();
        self.input.by_ref().take(size as u64).read_to_end(&mut packed)?;
        if packed.len() < size {
            // The size of a small kernel looks like that of a block.
            if self.frame == Frame::Old && packed.is_empty() {
                self.frame = Frame::Ended;
                return Ok(());
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if sums {
            self.number()?;
        }
        if stored {
            self.out.extend_from_slice(&packed);
            return Ok(());
        }
        block(&packed, &mut self.out, keep + most).ok_or_else(|| bad("a block is damaged"))
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let held = self.out.get(self.given..).unwrap_or_default();
            if !held.is_empty() || buffer.is_empty() {
                let count = held.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..count), held.get(..count)) {
                    to.copy_from_slice(from);
                }
                self.given += count;
                return Ok(count);
            }
            match self.frame {
                Frame::Ended => return Ok(0),
                Frame::Between => self.begin()?,
                Frame::Old | Frame::New { .. } => self.next_block()?,
            }
        }
    }
}

/// Whether these bytes start a frame.
pub(crate) fn is_frame(start: &[u8]) -> bool {
    start.len() > 6 && matches!(le32(start, 0), OLD_MAGIC | 0x184d_2204) && byte(start, 4) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "abcabcabc…" as one literal run and one match that overlaps itself, then five literals.
    const PACKED: &[u8] = &[0x3f, b'a', b'b', b'c', 3, 0, 5, 0x50, b'e', b'n', b'd', b'!', b'!'];

    #[test]
    fn matches_overlap_themselves() {
        let mut out = Vec::new();
        block(PACKED, &mut out, 100).unwrap();
        assert_eq!(out, b"abcabcabcabcabcabcabcabcabcend!!");
        let mut out = Vec::new();
        assert_eq!(partial(PACKED, &mut out, 7), Some(false));
        assert_eq!(out, b"abcabca");
        assert!(block(PACKED, &mut Vec::new(), 31).is_none());
    }

    #[test]
    fn damaged_blocks_are_refused() {
        for end in 0..PACKED.len() {
            let taken = block(&PACKED[..end], &mut Vec::new(), 100);
            assert!(taken.is_none() || end == 4, "{end}");
        }
        assert!(block(&[0x10, b'a', 2, 0, 0], &mut Vec::new(), 100).is_none());
        assert!(block(&[0x10, b'a', 0, 0, 0], &mut Vec::new(), 100).is_none());
    }

    #[test]
    fn frames_of_both_kinds_are_read() {
        let length = (PACKED.len() as u32).to_le_bytes();
        let old = [&OLD_MAGIC.to_le_bytes()[..], &length, PACKED, &[0x7f; 4]].concat();
        let stored = [&(3u32 | 1 << 31).to_le_bytes()[..], b"raw"].concat();
        let new = [&0x184d_2204u32.to_le_bytes()[..], &[0x40, 0x40, 0], &length, PACKED];
        let new = [&new.concat()[..], &stored, &[0; 4]].concat();
        let mut read = String::new();
        Frames::new(&old[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, "abcabcabcabcabcabcabcabcabcend!!");
        Frames::new(&[&new[..], &new].concat()[..]).read_to_string(&mut read).unwrap();
        assert!(read.ends_with("end!!rawabcabcabcabcabcabcabcabcabcend!!raw"));
        assert!(Frames::new(&new[..new.len() - 2]).read_to_end(&mut Vec::new()).is_err());
    }
}
