//! The outer archive of a `.deb`: `ar`, read as a stream, strictly (`deb(5)`).
//!
//! A member is a header of 60 bytes and its content, padded to an even length. Only plain short
//! names occur; anything else is refused.

use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Reads members one after the other.
#[derive(Debug)]
pub(super) struct Ar<R> {
    input: R,
    /// Bytes of the current member that were not read yet, and whether a padding byte follows.
    left: u64,
    padded: bool,
}

/// Why bytes are not such an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArError {
    /// Reading failed, or the archive ends inside a member.
    #[error("cannot read the ar archive")]
    Read(#[from] io::Error),
    /// The first eight bytes are wrong.
    #[error("it does not start with `!<arch>`")]
    Magic,
    /// A member's header is malformed.
    #[error("a member's header is malformed: {0}")]
    Header(&'static str),
}

impl<R: Read> Ar<R> {
    pub(super) fn open(mut input: R) -> Result<Self, ArError> {
        let mut magic = [0; 8];
        match input.read_exact(&mut magic) {
            Ok(()) if &magic == MAGIC => Ok(Self { input, left: 0, padded: false }),
            Ok(()) => Err(ArError::Magic),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ArError::Magic),
            Err(error) => Err(error.into()),
        }
    }

    /// The name and size of the next member; what is left of the current one is skipped.
    pub(super) fn next_member(&mut self) -> Result<Option<(String, u64)>, ArError> {
        let left = self.left + u64::from(self.padded);
        if io::copy(&mut (&mut self.input).take(left), &mut io::sink())? < left {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        (self.left, self.padded) = (0, false);
        let mut header = [0; 60];
        if self.input.read(&mut header[..1])? == 0 {
            return Ok(None);
        }
        self.input.read_exact(&mut header[1..])?;
        if &header[58..] != b"`\n" {
            return Err(ArError::Header("it does not end with a backquote and a newline"));
        }
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range])
                .map(|text| text.trim_end_matches(' '))
                .map_err(|_| ArError::Header("it is not text"))
        };
        let name = text(0..16)?;
        let name = name.strip_suffix('/').unwrap_or(name);
        let size = text(48..58)?;
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ArError::Header("its size is not a number"));
        }
        let size = size.parse().map_err(|_| ArError::Header("its size is not a number"))?;
        (self.left, self.padded) = (size, size % 2 == 1);
        Ok(Some((name.to_owned(), size)))
    }
}

/// Reads the current member; an archive that ends inside it is an error.
impl<R: Read> Read for Ar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
