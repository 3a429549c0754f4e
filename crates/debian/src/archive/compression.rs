//! Unpacking index files, with a limit on what comes out.

use std::io::{self, Read};

/// How an index file is compressed; its name says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// `.xz`
    Xz,
    /// `.gz`
    Gzip,
    /// No compression.
    None,
}

/// Why a file could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The bytes are not of the format that the name says.
    #[error("`{path}` cannot be unpacked")]
    Format {
        /// The path in the archive.
        path: String,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
    /// More comes out than is allowed.
    #[error("`{path}` unpacks to more than {limit} bytes")]
    TooLarge {
        /// The path in the archive.
        path: String,
        /// The most that may come out.
        limit: u64,
    },
    /// The name ends in the suffix of a format that is not read.
    #[error("`{path}` is compressed in a way that is not read here (xz and gz are)")]
    Unknown {
        /// The path in the archive.
        path: String,
    },
}

impl Compression {
    /// All that are read, the densest first.
    pub const ALL: [Self; 3] = [Self::Xz, Self::Gzip, Self::None];

    /// The suffix of file names, with its dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Xz => ".xz",
            Self::Gzip => ".gz",
            Self::None => "",
        }
    }

    /// The compression that a path names.
    fn of(path: &str) -> Option<Self> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        match name.rsplit_once('.') {
            Some((_, "xz")) => Some(Self::Xz),
            Some((_, "gz")) => Some(Self::Gzip),
            Some((_, "bz2" | "lzma" | "zst" | "lz4")) => None,
            _ => Some(Self::None),
        }
    }
}

/// Unpacks the bytes of `path` to at most `limit` bytes.
pub fn unpack(path: &str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, UnpackError> {
    let compression =
        Compression::of(path).ok_or_else(|| UnpackError::Unknown { path: path.to_owned() })?;
    let reader: Box<dyn Read + '_> = match compression {
        Compression::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Compression::None => Box::new(bytes),
    };
    let mut text = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut text);
    read.map_err(|source| UnpackError::Format { path: path.to_owned(), source })?;
    match text.len() as u64 > limit {
        true => Err(UnpackError::TooLarge { path: path.to_owned(), limit }),
        false => Ok(text),
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

    #[test]
    fn the_name_says_the_format_and_the_limit_holds() {
        let zeros = vec![0; 100_000];
        assert_eq!(unpack("a/Packages.xz", &xz(&zeros), 100_000).unwrap(), zeros);
        assert!(matches!(
            unpack("a/Packages.xz", &xz(&zeros), 99_999),
            Err(UnpackError::TooLarge { limit: 99_999, .. })
        ));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"text").unwrap();
        assert_eq!(unpack("Packages.gz", &gzip.finish().unwrap(), 9).unwrap(), b"text");
        assert_eq!(unpack("a.b/Packages", b"text", 4).unwrap(), b"text");
        assert!(matches!(unpack("Packages.xz", b"text", 9), Err(UnpackError::Format { .. })));
        assert!(matches!(unpack("Packages.bz2", b"", 9), Err(UnpackError::Unknown { .. })));
    }

    #[test]
    fn a_cut_stream_is_refused() {
        let whole = xz(b"some text");
        let cut = &whole[..whole.len() - 4];
        assert!(matches!(unpack("a.xz", cut, 99), Err(UnpackError::Format { .. })));
    }
}
