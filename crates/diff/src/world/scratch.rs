//! One file without a name, in which contents from outside stand in pieces. What turns out not to be
//! wanted leaves its place to what comes next.

use groundup_digest::{BlobHasher, BlobId};
use groundup_unfold::Bytes;
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// How much is kept in memory before it is written: most files are smaller.
const PIECE: usize = 1 << 18;

/// The file.
pub(super) struct Scratch {
    file: File,
    end: AtomicU64,
    /// Where pieces of full size were that nobody wants any more.
    free: Mutex<Vec<u64>>,
}

/// Where a content stands: pieces one after the other, each with where it starts in the content, where
/// in the file, and its size.
#[derive(Clone, Default)]
pub(crate) struct Pieces {
    list: Arc<[Piece]>,
    size: u64,
}

#[derive(Clone, Copy)]
struct Piece {
    at: u64,
    start: u64,
    size: u64,
}

impl Scratch {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self { file, end: AtomicU64::new(0), free: Mutex::default() })
    }

    /// Begins a content; several may be written at a time. One of more than `most` bytes is hashed
    /// and not kept.
    pub(super) fn begin(&self, most: u64) -> Writing<'_> {
        let (pieces, buffer, hasher) = (Vec::new(), Vec::new(), BlobHasher::new());
        Writing { scratch: self, pieces, buffer, hasher, written: 0, most }
    }

    /// A place for so many bytes.
    fn place(&self, size: u64) -> u64 {
        let free = (size == PIECE as u64)
            .then(|| self.free.lock().unwrap_or_else(PoisonError::into_inner).pop());
        free.flatten().unwrap_or_else(|| self.end.fetch_add(size, Ordering::Relaxed))
    }

    pub(super) fn content(&self, pieces: Pieces) -> Stored<'_> {
        Stored { file: &self.file, pieces }
    }
}

/// A content that is being written.
pub(super) struct Writing<'a> {
    scratch: &'a Scratch,
    pieces: Vec<Piece>,
    buffer: Vec<u8>,
    hasher: BlobHasher,
    written: u64,
    most: u64,
}

impl Writing<'_> {
    /// Gives back what was written.
    fn discard(&mut self) {
        self.buffer.clear();
        let mut free = self.scratch.free.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in self.pieces.drain(..) {
            let full = piece.size / PIECE as u64;
            free.extend((0..full).map(|index| piece.start + index * PIECE as u64));
        }
    }

    fn flush_piece(&mut self) -> io::Result<()> {
        let size = self.buffer.len() as u64;
        if size == 0 {
            return Ok(());
        }
        let start = self.scratch.place(size);
        self.scratch.file.write_all_at(&self.buffer, start)?;
        self.buffer.clear();
        match self.pieces.last_mut() {
            Some(last) if last.start + last.size == start => last.size += size,
            _ => self.pieces.push(Piece { at: self.written, start, size }),
        }
        self.written += size;
        Ok(())
    }

    /// Ends it: its id and size, and where it stands if it was kept and `wanted` says so of the id.
    pub(super) fn end(
        mut self,
        wanted: impl FnOnce(BlobId) -> bool,
    ) -> io::Result<(BlobId, u64, Option<Pieces>)> {
        let (id, size) = (self.hasher.id(), self.hasher.size());
        if size > self.most || !wanted(id) {
            self.discard();
            return Ok((id, size, None));
        }
        self.flush_piece()?;
        Ok((id, size, Some(Pieces { list: self.pieces.into(), size })))
    }
}

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        if self.hasher.size() > self.most {
            self.discard();
            return Ok(bytes.len());
        }
        let mut left = bytes;
        while !left.is_empty() {
            if self.buffer.len() == PIECE {
                self.flush_piece()?;
            }
            let (now, later) = left.split_at(left.len().min(PIECE - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            left = later;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A content that was written.
pub(super) struct Stored<'a> {
    file: &'a File,
    pieces: Pieces,
}

impl Bytes for Stored<'_> {
    fn len(&self) -> u64 {
        self.pieces.size
    }

    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let after = self.pieces.list.partition_point(|piece| piece.at <= offset);
            let piece = after.checked_sub(1).and_then(|index| self.pieces.list.get(index));
            let piece = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
            let inside = offset - piece.at;
            let left = piece.size.checked_sub(inside).filter(|left| *left > 0);
            let left = left.ok_or(io::ErrorKind::UnexpectedEof)?;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let (now, rest) = buffer.split_at_mut(count);
            self.file.read_exact_at(now, piece.start + inside)?;
            buffer = rest;
            offset += count as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_that_are_written_at_once_come_back_whole() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let (mut a, mut b) = (scratch.begin(u64::MAX), scratch.begin(u64::MAX));
        let content = |seed: u8| -> Vec<u8> {
            (0..1_000_000_u32).map(|number| (number / 7) as u8 ^ seed).collect()
        };
        for (one, two) in content(1).chunks(100_000).zip(content(2).chunks(100_000)) {
            a.write_all(one).unwrap();
            b.write_all(two).unwrap();
        }
        for (writing, seed) in [(a, 1), (b, 2)] {
            let (id, size, pieces) = writing.end(|_| true).unwrap();
            assert_eq!((id, size), (BlobId::of(&content(seed)), 1_000_000));
            let stored = scratch.content(pieces.unwrap());
            let mut read = vec![0; 1_000_000];
            stored.read_at(0, &mut read).unwrap();
            assert!(read == content(seed));
            stored.read_at(399_990, &mut read[..20]).unwrap();
            assert_eq!(read[..20], content(seed)[399_990..400_010]);
            assert!(stored.read_at(999_999, &mut read[..2]).is_err());
        }
    }

    #[test]
    fn an_empty_content_is_one() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let (_, size, pieces) = scratch.begin(u64::MAX).end(|_| true).unwrap();
        assert_eq!(size, 0);
        let stored = scratch.content(pieces.unwrap());
        assert!(stored.read_at(0, &mut []).is_ok());
        assert!(stored.read_at(0, &mut [0]).is_err());
    }

    #[test]
    fn what_is_not_wanted_leaves_its_place_to_the_next() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 3) as u8).collect();
        let write = |most, wanted| {
            let mut writing = scratch.begin(most);
            content.chunks(70_000).for_each(|chunk| writing.write_all(chunk).unwrap());
            writing.end(|_| wanted).unwrap()
        };
        assert!(write(u64::MAX, false).2.is_none());
        let taken = scratch.end.load(Ordering::Relaxed);
        assert!(taken > 2_000_000);
        let (id, size, pieces) = write(1_000_000, true);
        assert_eq!((id, size), (BlobId::of(&content), 3_000_000));
        assert!(pieces.is_none());
        let kept = write(u64::MAX, true).2.unwrap();
        assert!(scratch.end.load(Ordering::Relaxed) < taken + 600_000);
        let mut read = vec![0; 3_000_000];
        scratch.content(kept).read_at(0, &mut read).unwrap();
        assert!(read == content);
    }
}
