//! What is read from front to back: a stream, or bytes in which what is not wanted is jumped over.

use crate::{Bytes, UnfoldError};
use std::io::{self, BufRead, Read};

/// How much is read at once.
const BUFFER: usize = 64 << 10;
/// How much is read after a jump: often a header alone is wanted, and the next jump follows.
const AFTER_JUMP: usize = 4 << 10;

/// Something read from front to back, that knows where it is.
pub(crate) struct Source<'a> {
    origin: Origin<'a>,
    buffer: Vec<u8>,
    /// What of the buffer is not taken yet.
    start: usize,
    end: usize,
    /// Bytes taken.
    at: u64,
    jumped: bool,
}

enum Origin<'a> {
    Stream(&'a mut dyn Read),
    /// Bytes, and where the next are read.
    Bytes(&'a dyn Bytes, u64),
}

impl<'a> Source<'a> {
    pub(crate) fn of_stream(stream: &'a mut dyn Read) -> Self {
        Self {
            origin: Origin::Stream(stream),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at: 0,
            jumped: false,
        }
    }

    pub(crate) fn of_bytes(bytes: &'a dyn Bytes) -> Self {
        Self {
            origin: Origin::Bytes(bytes, 0),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at: 0,
            jumped: false,
        }
    }

    /// How many bytes were taken.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Jumps over so many bytes, which must be there.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        let held = count.min((self.end - self.start) as u64);
        self.start += held as usize;
        self.at += held;
        let left = count - held;
        if let Origin::Bytes(bytes, next) = &mut self.origin {
            let end = next.checked_add(left).filter(|end| *end <= bytes.len());
            *next = end.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.at += left;
            self.jumped |= left > 0;
            return Ok(());
        }
        let skipped = io::copy(&mut self.by_ref().take(left), &mut io::sink())?;
        if skipped < left { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Reads what is left of a stream, so that whoever hashes it sees all; bytes are left alone.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        match self.origin {
            Origin::Bytes(..) => Ok(()),
            Origin::Stream(_) => io::copy(self, &mut io::sink()).map(drop),
        }
    }

    /// Exactly so many bytes, or none at the end; fewer are an error.
    pub(crate) fn block<const N: usize>(&mut self) -> Result<Option<[u8; N]>, UnfoldError> {
        let mut block = [0; N];
        if self.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.read_exact(&mut block)?;
        Ok(Some(block))
    }

    /// So many bytes, which the caller has found to be few.
    pub(crate) fn vec(&mut self, count: usize) -> Result<Vec<u8>, UnfoldError> {
        let mut read = Vec::new();
        if self.by_ref().take(count as u64).read_to_end(&mut read)? < count {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(read)
    }

    /// Reads from the origin; 0 at its end.
    fn fetch(origin: &mut Origin<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        match origin {
            Origin::Stream(stream) => loop {
                match stream.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            },
            Origin::Bytes(bytes, next) => {
                let left = bytes.len().saturating_sub(*next);
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let Some(buffer) = buffer.get_mut(..most) else { return Ok(0) };
                bytes.read_at(*next, buffer)?;
                *next += most as u64;
                Ok(most)
            }
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && buffer.len() >= BUFFER {
            let count = Self::fetch(&mut self.origin, buffer)?;
            self.at += count as u64;
            return Ok(count);
        }
        let held = self.fill_buf()?;
        let count = held.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), held.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.buffer.resize(BUFFER, 0);
            (self.start, self.end) = (0, 0);
            let most = if std::mem::take(&mut self.jumped) { AFTER_JUMP } else { BUFFER };
            let buffer = self.buffer.get_mut(..most).unwrap_or_default();
            self.end = Self::fetch(&mut self.origin, buffer)?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.at += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_and_bytes_give_the_same() {
        let bytes: Vec<u8> = (0..200_000u32).map(|number| (number % 251) as u8).collect();
        let mut slice = &bytes[..];
        let mut sources = [Source::of_bytes(&bytes), Source::of_stream(&mut slice)];
        for source in &mut sources {
            assert_eq!(source.vec(3).unwrap(), &bytes[..3]);
            source.skip(100_000).unwrap();
            assert_eq!(
                (source.at(), source.vec(2).unwrap()),
                (100_003, bytes[100_003..][..2].into())
            );
            let mut rest = Vec::new();
            source.read_to_end(&mut rest).unwrap();
            assert_eq!((rest.len(), source.at()), (99_995, 200_000));
            assert!(source.skip(1).is_err() && source.vec(1).is_err());
            assert!(source.block::<4>().unwrap().is_none());
        }
    }
}
