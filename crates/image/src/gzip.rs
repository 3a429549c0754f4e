//! The gzip encoder, frozen: the same bytes for every number of threads and every cutting of writes.
//!
//! The input is cut into blocks of [`BLOCK`] bytes. Each is deflated for itself by `miniz_oxide`,
//! ended by a sync flush (which aligns it to a byte), and all of them together with an empty last
//! block are one deflate stream in one gzip member (RFC 1951, RFC 1952). So blocks are made in
//! parallel, and no other crate's choice of a codec can reach these bytes.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};
use rayon::prelude::*;
use std::io::{self, Write};

/// Bytes of input in one block.
const BLOCK: usize = 1 << 20;
/// Blocks that are collected before they are compressed together; bounds the memory.
const BATCH: usize = 8;
/// Method deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The empty last block of a deflate stream, with fixed Huffman codes.
const END: [u8; 2] = [3, 0];

/// Compresses what is written to it; [`finish`](Self::finish) ends the member.
pub(crate) struct GzipWriter<W: Write> {
    out: W,
    level: u8,
    pending: Vec<u8>,
    checksum: crc32fast::Hasher,
    size: u32,
}

impl<W: Write> GzipWriter<W> {
    /// Begins a gzip member at `level` (0 to 9).
    pub(crate) fn new(mut out: W, level: u8) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let pending = Vec::with_capacity(BLOCK * BATCH);
        Ok(Self { out, level, pending, checksum: crc32fast::Hasher::new(), size: 0 })
    }

    /// Ends the member and gives the inner writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.compress_pending()?;
        self.out.write_all(&END)?;
        self.out.write_all(&self.checksum.finalize().to_le_bytes())?;
        self.out.write_all(&self.size.to_le_bytes())?;
        Ok(self.out)
    }

    fn compress_pending(&mut self) -> io::Result<()> {
        self.checksum.update(&self.pending);
        // The format keeps the size modulo 2^32.
        self.size = self.size.wrapping_add(self.pending.len() as u32);
        let level = self.level;
        let blocks = self.pending.par_chunks(BLOCK).map(|block| deflate(block, level));
        for block in blocks.collect::<Vec<_>>() {
            self.out.write_all(&block)?;
        }
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == BLOCK * BATCH {
            self.compress_pending()?;
        }
        let taken = bytes.len().min(BLOCK * BATCH - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: when blocks end must not depend on the writer's habits.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn deflate(block: &[u8], level: u8) -> Vec<u8> {
    // Negative window bits mean a raw deflate stream; strategy 0 is the default one.
    let flags = create_comp_flags_from_zip_params(level.into(), -15, 0);
    let mut compressor = CompressorOxide::new(flags);
    let mut out = Vec::with_capacity(block.len() / 2);
    let (status, taken) =
        compress_to_output(&mut compressor, block, TDEFLFlush::Sync, |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            true
        });
    assert!(
        status == TDEFLStatus::Okay && taken == block.len(),
        "invariant: deflate takes a whole block when its output is never refused"
    );
    out
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
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK * BATCH + 5] {
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
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(one.install(|| gzip(&[&input], 6)) == whole);
    }

    #[test]
    fn bytes_are_pinned() {
        let input = sample(3 * BLOCK + 17);
        let digests = [1, 6, 9].map(|level| Sha256::of(&gzip(&[&input], level)).to_string());
        let expected = [
            "be8ce3a988e9a3afb7d1450c54a08431de527de9c88f86d03dc40d0dda3db973",
            "e834470a55b1bf63111c6d7b485ccaa8b3d45830dba6ba629f29b5b88825bfdb",
            "8df99eecdef9205133a5a47af49bc07724c1bc1b94af1bd2f06b7f1394b6a70d",
        ];
        assert_eq!(digests, expected);
    }
}
