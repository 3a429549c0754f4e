//! Decompressing streams, told apart by the ending of a file's name.

use std::io::{self, BufReader, Read};

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
        // Room for several buffers of a decoder; few calls below it.
        let input = BufReader::with_capacity(256 << 10, input);
        Ok(match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Xz => {
                let stream = liblzma::stream::MtStreamBuilder::new()
                    .threads(resources.threads.max(1))
                    .memlimit_threading(resources.memory)
                    .memlimit_stop(resources.memory)
                    .decoder()?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
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
        })
    }
}
