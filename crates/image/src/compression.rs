//! How layers are compressed, and what `compat` freezes of it.
//!
//! Compression is derived, never identity: a layer is known by its uncompressed bytes. The
//! compressed bytes depend on the encoder, so [`Compat`] names one set of encoder choices that no
//! release changes; better choices get a new number.

use crate::gzip::GzipWriter;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Version of the layer encoders as a whole; enters the key of every step that makes a layer.
pub const ENCODER_VERSION: u32 = 2;

/// A compressor of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// The tar stream as it is.
    None,
    /// Read by every engine.
    Gzip,
    /// Smaller and faster to read; engines before Docker 23 refuse it.
    Zstd,
}

/// One frozen set of encoder choices, chosen by the number `compat` of a workspace.
///
/// | compat | tar | gzip | zstd |
/// |---|---|---|---|
/// | 1 | ustar with PAX records, `docs/formats/layers.md` | own framing, blocks of 1 MiB deflated by `zlib-rs`, default level 5 | checksum, no content size, one worker or more, no long distance matching, default level 3 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum Compat {
    /// `compat = 1`.
    V1,
}

/// A number that names no set of encoder choices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this release knows no `compat = {0}`: it knows 1")]
pub struct UnknownCompat(pub u32);

/// A level that the compressor does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{compression:?} has no level {level}: expected {lowest} to {highest}")]
pub struct LevelError {
    /// The compressor.
    pub compression: Compression,
    /// What was asked for.
    pub level: i32,
    /// Its lowest level.
    pub lowest: i32,
    /// Its highest level.
    pub highest: i32,
}

impl TryFrom<u32> for Compat {
    type Error = UnknownCompat;

    fn try_from(number: u32) -> Result<Self, UnknownCompat> {
        if number == 1 { Ok(Compat::V1) } else { Err(UnknownCompat(number)) }
    }
}

impl From<Compat> for u32 {
    fn from(Compat::V1: Compat) -> u32 {
        1
    }
}

impl Compat {
    /// The level that is taken when none is said.
    pub fn default_level(self, compression: Compression) -> i32 {
        match (self, compression) {
            (Compat::V1, Compression::None) => 0,
            (Compat::V1, Compression::Gzip) => 5,
            (Compat::V1, Compression::Zstd) => 3,
        }
    }

    /// Begins a compressed stream into `out`.
    pub(crate) fn compressor<W: Write>(
        self,
        compression: Compression,
        level: Option<i32>,
        out: W,
    ) -> io::Result<Compressor<W>> {
        let Compat::V1 = self;
        let level = level.unwrap_or(self.default_level(compression));
        compression.check_level(level).map_err(io::Error::other)?;
        Ok(match compression {
            Compression::None => Compressor::None(out),
            Compression::Gzip => Compressor::Gzip(GzipWriter::new(out, level as u8)?),
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
                // Any number of workers gives the same bytes, none gives others.
                encoder.multithread(2)?;
                encoder.include_checksum(true)?;
                encoder.include_contentsize(false)?;
                encoder.long_distance_matching(false)?;
                Compressor::Zstd(encoder)
            }
        })
    }
}

impl Compression {
    /// The media type of a layer compressed so.
    pub const fn media_type(self) -> &'static str {
        match self {
            Compression::None => "application/vnd.oci.image.layer.v1.tar",
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }

    /// Whether the compressor has this level.
    pub fn check_level(self, level: i32) -> Result<(), LevelError> {
        let (lowest, highest) = match self {
            Compression::None => (0, 0),
            Compression::Gzip => (1, 9),
            Compression::Zstd => (1, 19),
        };
        if (lowest..=highest).contains(&level) {
            return Ok(());
        }
        Err(LevelError { compression: self, level, lowest, highest })
    }
}

/// A compressed stream that is being written.
pub(crate) enum Compressor<W: Write> {
    None(W),
    Gzip(GzipWriter<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Ends the stream and gives the inner writer back.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Compressor::None(out) => Ok(out),
            Compressor::Gzip(gzip) => gzip.finish(),
            Compressor::Zstd(zstd) => zstd.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Compressor::None(out) => out.write(bytes),
            Compressor::Gzip(gzip) => gzip.write(bytes),
            Compressor::Zstd(zstd) => zstd.write(bytes),
        }
    }

    /// Does nothing: a flush would leave its mark in the compressed bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::Sha256;

    fn sample() -> Vec<u8> {
        (0u32..900_000)
            .flat_map(|n| ((n / 7).wrapping_mul(2_654_435_761) >> 9).to_le_bytes())
            .collect()
    }

    fn pack(compression: Compression, level: Option<i32>, chunk: usize) -> Vec<u8> {
        let mut out = Compat::V1.compressor(compression, level, Vec::new()).unwrap();
        for chunk in sample().chunks(chunk) {
            out.write_all(chunk).unwrap();
            out.flush().unwrap();
        }
        out.finish().unwrap()
    }

    #[test]
    fn bytes_do_not_depend_on_the_cutting_of_writes() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let whole = pack(compression, None, usize::MAX);
            assert!(pack(compression, None, 999) == whole, "{compression:?}");
            assert!(pack(compression, None, 1 << 16) == whole, "{compression:?}");
        }
    }

    #[test]
    fn zstd_bytes_are_pinned_and_read_back() {
        let packed = pack(Compression::Zstd, None, 1 << 16);
        assert!(zstd::decode_all(&packed[..]).unwrap() == sample());
        let high = pack(Compression::Zstd, Some(12), 1 << 16);
        let digests = [packed, high].map(|bytes| Sha256::of(&bytes).to_string());
        let expected = [
            "78a489302c6575192aa9b5d041eef1fe13cd1aabf21588e5b84646ee3b1111f2",
            "9b561db376e755c0453174a52089f145d370acd486d5be05575f3cd07b7ced32",
        ];
        assert_eq!(digests, expected);
    }

    #[test]
    fn unknown_levels_and_compat_numbers_are_refused() {
        assert!(Compression::Gzip.check_level(10).is_err());
        assert!(Compression::Zstd.check_level(19).is_ok());
        assert_eq!(Compat::try_from(2), Err(UnknownCompat(2)));
        assert_eq!(serde_json::to_string(&Compat::V1).unwrap(), "1");
    }
}
