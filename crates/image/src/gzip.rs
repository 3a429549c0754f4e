//! The gzip encoder, frozen: the same bytes for every number of threads and every cutting of writes.
//!
//! The input is cut into blocks of [`BLOCK`] bytes. Each is deflated for itself by `zlib-rs`, whose
//! version is pinned and whose choices depend on no processor, ended by a sync flush (which aligns
//! it to a byte), and all of them together with an empty last block are one deflate stream in one
//! gzip member (RFC 1951, RFC 1952). So blocks are made in parallel, and no other crate's choice of
//! a codec can reach these bytes.
//!
//! Whoever writes goes on while a few threads deflate: a block is waited for only when as many are
//! under way as the threads can have before them.

use std::{
    collections::VecDeque,
    io::{self, Write},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};
use zlib_rs::{Deflate, DeflateFlush};

/// Bytes of input in one block.
const BLOCK: usize = 1 << 20;
/// The most threads of one stream; layers are made side by side as well.
const MOST_THREADS: usize = 8;
/// Method deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The empty last block of a deflate stream, with fixed Huffman codes.
const END: [u8; 2] = [3, 0];
/// The largest window of deflate, 32 KiB.
const WINDOW_BITS: u8 = 15;

/// Compresses what is written to it; [`finish`](Self::finish) ends the member.
pub(crate) struct GzipWriter<W: Write> {
    out: W,
    level: u8,
    block: Vec<u8>,
    crew: Option<Crew>,
    checksum: crc32fast::Hasher,
    size: u32,
}

impl<W: Write> GzipWriter<W> {
    /// Begins a gzip member at `level` (1 to 9).
    pub(crate) fn new(mut out: W, level: u8) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let checksum = crc32fast::Hasher::new();
        Ok(Self { out, level, block: Vec::new(), crew: None, checksum, size: 0 })
    }

    /// Ends the member and gives the inner writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.account();
        let last = std::mem::take(&mut self.block);
        if let Some(mut crew) = self.crew.take() {
            while let Some(block) = crew.next() {
                self.out.write_all(&block?)?;
            }
        }
        if !last.is_empty() {
            self.out.write_all(&deflate(&last, self.level)?)?;
        }
        self.out.write_all(&END)?;
        self.out.write_all(&self.checksum.finalize().to_le_bytes())?;
        self.out.write_all(&self.size.to_le_bytes())?;
        Ok(self.out)
    }

    /// Counts the block that is full, or the last one.
    fn account(&mut self) {
        self.checksum.update(&self.block);
        // The format keeps the size modulo 2^32.
        self.size = self.size.wrapping_add(self.block.len() as u32);
    }

    /// Hands a full block to the threads.
    fn pass_on(&mut self) -> io::Result<()> {
        self.account();
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let crew = match &mut self.crew {
            Some(crew) => crew,
            none => none.insert(Crew::start(self.level)?),
        };
        if crew.is_busy()
            && let Some(done) = crew.next()
        {
            self.out.write_all(&done?)?;
        }
        crew.give(block)
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.pass_on()?;
        }
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: when blocks end must not depend on the writer's habits.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A block, and where its deflated form is awaited.
type Job = (Vec<u8>, SyncSender<io::Result<Vec<u8>>>);

/// Threads that deflate blocks; they end when this is dropped.
struct Crew {
    jobs: Sender<Job>,
    /// What is under way, in the order of the stream.
    under_way: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    threads: usize,
}

impl Crew {
    fn start(level: u8) -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = threads.min(MOST_THREADS);
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("gzip".into()).spawn(move || work(&queue, level))?;
        }
        Ok(Self { jobs, under_way: VecDeque::new(), threads })
    }

    /// Whether there is enough under way; it bounds the memory.
    fn is_busy(&self) -> bool {
        self.under_way.len() > 2 * self.threads
    }

    fn give(&mut self, block: Vec<u8>) -> io::Result<()> {
        let (answer, awaited) = sync_channel(1);
        self.under_way.push_back(awaited);
        self.jobs.send((block, answer)).map_err(|_| gone())
    }

    /// The next deflated block of the stream, if one is under way; waits for it.
    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let awaited = self.under_way.pop_front()?;
        Some(awaited.recv().unwrap_or_else(|_| Err(gone())))
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that compresses is gone")
}

/// Deflates blocks until nobody has more.
fn work(queue: &Mutex<Receiver<Job>>, level: u8) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, answer)) = job else { return };
        // Who does not wait any more has met an error of its own.
        let _ = answer.send(deflate(&block, level));
    }
}

fn deflate(block: &[u8], level: u8) -> io::Result<Vec<u8>> {
    let mut stream = Deflate::new(level.into(), false, WINDOW_BITS);
    // More than what does not compress grows by.
    let mut out = vec![0; block.len() + block.len() / 8 + 64];
    loop {
        let (taken, made) = (stream.total_in() as usize, stream.total_out() as usize);
        stream
            .compress(&block[taken..], &mut out[made..], DeflateFlush::SyncFlush)
            .map_err(|error| io::Error::other(error.as_str()))?;
        let (taken, made) = (stream.total_in() as usize, stream.total_out() as usize);
        if taken == block.len() && made < out.len() {
            out.truncate(made);
            return Ok(out);
        }
        out.resize(2 * out.len(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::Sha256;
    use std::io::Read;

    fn sample(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"groundup "[(state >> 24) as usize % 9]
        };
        (0..length).map(|_| byte()).collect()
    }

    fn gzip(chunks: &[&[u8]], level: u8) -> Vec<u8> {
        let mut writer = GzipWriter::new(Vec::new(), level).unwrap();
        for chunk in chunks {
            writer.write_all(chunk).unwrap();
            writer.flush().unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn other_decoders_read_it() {
        for length in [0, 1, BLOCK - 1, BLOCK, 20 * BLOCK + 5] {
            let input = sample(length);
            let packed = gzip(&[&input], 6);
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == input, "{length} bytes");
        }
    }

    #[test]
    fn bytes_do_not_depend_on_the_cutting_of_writes_or_on_threads() {
        let input = sample(3 * BLOCK + 17);
        let whole = gzip(&[&input], 6);
        assert!(gzip(&input.chunks(1_000).collect::<Vec<_>>(), 6) == whole);
        assert!(gzip(&input.chunks(70_001).collect::<Vec<_>>(), 6) == whole);
        let alone: Vec<u8> =
            input.chunks(BLOCK).flat_map(|block| deflate(block, 6).unwrap()).collect();
        assert_eq!(whole[HEADER.len()..whole.len() - END.len() - 8], alone);
    }

    #[test]
    fn what_does_not_compress_is_read_back_too() {
        let mut state = 1u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let input: Vec<u8> = (0..2 * BLOCK + 3).map(|_| byte()).collect();
        for level in 1..=9 {
            let packed = gzip(&[&input], level);
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == input, "level {level}");
        }
    }

    #[test]
    fn bytes_are_pinned() {
        let input = sample(3 * BLOCK + 17);
        let digests = [1, 6, 9].map(|level| Sha256::of(&gzip(&[&input], level)).to_string());
        let expected = [
            "f418cec0d4ae1f3fc8361b000cd9f1f67cdab339933371346d15a0bc4820d0ee",
            "72309d24944913dccd27e7859e1e6f9c14835aeeea9f59dbab2fcdbe925c8734",
            "78d81bff4b1327263786133532af9bed279bbdf2dbf692115fc9c5d58683706e",
        ];
        assert_eq!(digests, expected);
    }
}
