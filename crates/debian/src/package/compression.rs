//! Decompressing streams, told apart by the ending of a file's name.

use groundup_tree::Expansion;
use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How the bytes of an archive are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    /// They are not.
    None,
    /// gzip, several members allowed.
    Gzip,
    /// xz, several streams allowed.
    Xz,
    /// The older `.lzma` container.
    Lzma,
    /// zstd, several frames allowed.
    Zstd,
    /// bzip2, several streams allowed.
    Bzip2,
}

/// What decompression may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    pub(crate) memory: u64,
    pub(crate) threads: u32,
    pub(crate) expansion: Expansion,
}

impl Compression {
    /// Told by the end of a name; `.tar` and what ends like no compression is plain.
    pub(crate) fn of_name(name: &str) -> Self {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "gz" | "tgz" => Self::Gzip,
            "xz" | "txz" => Self::Xz,
            "lzma" => Self::Lzma,
            "zst" | "tzst" => Self::Zstd,
            "bz2" | "tbz2" | "tbz" => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// Told by the first bytes of the content.
    pub(crate) fn of_content(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0x5d, 0, 0, ..] => Self::Lzma,
            _ => Self::None,
        }
    }

    /// The decompressed stream.
    pub(crate) fn open<'a>(
        self,
        input: impl Read + Send + 'a,
        resources: Resources,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        let packed = Arc::new(AtomicU64::new(0));
        let expansion = resources.expansion;
        let input = Counted { input, packed: packed.clone() };
        // Room for several buffers of a decoder; few calls below it.
        let input = BufReader::with_capacity(256 << 10, input);
        let output: Box<dyn Read + Send + 'a> = match self {
            Self::None => return Ok(Box::new(input)),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Xz => {
                // One thread does without the copies and hand-overs of the decoder with threads.
                if resources.threads <= 1 {
                    let several = liblzma::stream::CONCATENATED;
                    let stream =
                        liblzma::stream::Stream::new_stream_decoder(resources.memory, several)?;
                    Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
                } else {
                    let stream = threaded(resources)?;
                    let decoder = liblzma::bufread::XzDecoder::new_stream(input, stream);
                    Box::new(XzStreams { decoder: Some(decoder), resources })
                }
            }
            Self::Lzma => {
                let stream = liblzma::stream::Stream::new_lzma_decoder(resources.memory)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(resources.memory.max(1 << 20).ilog2().min(31))?;
                Box::new(decoder)
            }
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        };
        Ok(Box::new(Measured { output, packed, unpacked: 0, expansion }))
    }
}

/// Counts what goes into a decoder.
struct Counted<R> {
    input: R,
    packed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Ends when more comes out of a decoder than the expansion allows.
struct Measured<'a> {
    output: Box<dyn Read + Send + 'a>,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    expansion: Expansion,
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.output.read(buffer)?;
        self.unpacked += read as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        self.expansion.check(packed, self.unpacked).map_err(io::Error::other)?;
        Ok(read)
    }
}

fn threaded(resources: Resources) -> Result<liblzma::stream::Stream, liblzma::stream::Error> {
    liblzma::stream::MtStreamBuilder::new()
        .threads(resources.threads)
        .memlimit_threading(resources.memory)
        .memlimit_stop(resources.memory)
        .decoder()
}

/// The streams of an xz file one after the other: a decoder with threads ends with the first.
struct XzStreams<R: BufRead> {
    decoder: Option<liblzma::bufread::XzDecoder<R>>,
    resources: Resources,
}

impl<R: BufRead> Read for XzStreams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut input) = self.decoder.take().map(|decoder| decoder.into_inner()) else {
                break;
            };
            if !skip_padding(&mut input)? {
                let stream = threaded(self.resources)?;
                self.decoder = Some(liblzma::bufread::XzDecoder::new_stream(input, stream));
            }
        }
        Ok(0)
    }
}

/// Skips the zeros that may stand between streams; says whether the input ends with them.
fn skip_padding(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ready = input.fill_buf()?;
        if ready.is_empty() {
            return Ok(true);
        }
        let zeros = ready.iter().take_while(|byte| **byte == 0).count();
        let (all, length) = (zeros == ready.len(), zeros);
        input.consume(length);
        if !all {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8], threads: u32) -> io::Result<Vec<u8>> {
        let resources = Resources { memory: 1 << 30, threads, expansion: Expansion::default() };
        let mut bytes = Vec::new();
        Compression::Xz.open(packed, resources)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn xz_of_several_streams_is_read_to_its_end_with_any_number_of_threads() {
        let packed = [xz(b"one, "), xz(b"two")].concat();
        for threads in [0, 1, 2] {
            assert_eq!(unpack(&packed, threads).unwrap(), b"one, two");
            assert!(unpack(&packed[..packed.len() - 1], threads).is_err());
            assert!(unpack(&[&packed[..], b"rest"].concat(), threads).is_err());
        }
    }
}
