//! The canonical encoding: one way to write a value as bytes, and a reader that takes no other.
//!
//! Integers are fixed-width little-endian. A byte string is its length (`u64`) and its bytes. A
//! sequence is its count (`u64`) and its items. An option is a byte 0, or a byte 1 and the value.
//! Sets and maps are written sorted by whoever writes them; the reader of that type checks it.
//! See `docs/formats/encoding.md`.

/// Writes values in canonical form.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Writes two bytes, little-endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Writes four bytes, little-endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Writes eight bytes, little-endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Writes a length and the bytes.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.u64(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Writes a text as its UTF-8 bytes.
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// Writes the 32 bytes of a digest, without a length.
    pub fn digest(&mut self, value: &[u8; 32]) -> &mut Self {
        self.bytes.extend_from_slice(value);
        self
    }

    /// Writes a count and then each item by `write`.
    pub fn seq<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let items = items.into_iter();
        self.u64(items.len() as u64);
        for item in items {
            write(self, item);
        }
        self
    }

    /// Writes 0 for nothing, or 1 and the value by `write`.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
                self
            }
        }
    }

    /// The bytes written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Why bytes are not the canonical encoding of the expected value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the encoding ends at byte {at} inside {what}")]
    Truncated {
        /// Offset of the value that is cut.
        at: usize,
        /// What was being read.
        what: &'static str,
    },
    /// Bytes follow the end of the value.
    #[error("{0} bytes follow the end of the value")]
    TrailingBytes(usize),
    /// A value is there but is not allowed.
    #[error("invalid {what} before byte {at}")]
    Invalid {
        /// Offset behind the offending value.
        at: usize,
        /// What was being read.
        what: &'static str,
    },
}

/// Reads values in canonical form; every read can fail, none can panic or allocate more than the
/// input holds.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(DecodeError::Truncated { at: self.at, what })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    /// Reads one byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>("a byte")?[0])
    }

    /// Reads two bytes.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array("a 16-bit number")?))
    }

    /// Reads four bytes.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array("a 32-bit number")?))
    }

    /// Reads eight bytes.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array("a 64-bit number")?))
    }

    /// Reads a length and as many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let at = self.at;
        let length = self.u64()?;
        let what = "a byte string";
        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated { at, what })?;
        self.take(length, what)
    }

    /// Reads a text.
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("UTF-8 text"))
    }

    /// Reads the 32 bytes of a digest.
    pub fn digest(&mut self) -> Result<[u8; 32], DecodeError> {
        self.array("a digest")
    }

    /// Reads a count and as many items by `read`.
    pub fn seq<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u64()?;
        let mut items = Vec::new();
        for _ in 0..count {
            if self.at == self.bytes.len() {
                return Err(DecodeError::Truncated { at: self.at, what: "a sequence" });
            }
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Reads an optional value.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(self.invalid("option tag")),
        }
    }

    /// An error that names what was just read.
    pub fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid { at: self.at, what }
    }

    /// Checks that nothing follows.
    pub fn end(self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            rest => Err(DecodeError::TrailingBytes(rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_the_documented_one() {
        let mut writer = Writer::new();
        writer.u8(1).u16(2).u32(3).str("ab").option(Some(7u8), |w, v| {
            w.u8(v);
        });
        writer.seq([5u8, 6], |w, v| {
            w.u8(v);
        });
        let expected = [
            &[1, 2, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', 1, 7][..],
            &[2, 0, 0, 0, 0, 0, 0, 0, 5, 6],
        ]
        .concat();
        assert_eq!(writer.as_bytes(), expected);
    }

    #[test]
    fn a_huge_count_is_refused_without_allocating() {
        let mut writer = Writer::new();
        writer.u64(u64::MAX);
        let bytes = writer.finish();
        assert!(matches!(Reader::new(&bytes).bytes(), Err(DecodeError::Truncated { .. })));
        assert!(matches!(Reader::new(&bytes).seq(|r| r.u8()), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut reader = Reader::new(&[1, 2]);
        reader.u8().unwrap();
        assert_eq!(reader.end(), Err(DecodeError::TrailingBytes(1)));
    }
}
