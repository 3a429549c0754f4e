//! Hashing content: BLAKE3 for ourselves and SHA-256 for the outside world, in one pass.

use crate::{BlobId, ParseHexError, hex, id::typed_id};
use sha2::Digest;
use std::{fmt, str::FromStr};

typed_id! {
    /// A SHA-256 (FIPS 180-4), used where OCI or Debian demand it.
    Sha256
}

impl Sha256 {
    /// The SHA-256 of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self::from_bytes(sha2::Sha256::digest(content).into())
    }

    /// The OCI form, `sha256:` and 64 digits.
    pub fn oci(&self) -> String {
        format!("sha256:{self}")
    }
}

/// What one pass over some bytes tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// BLAKE3 of the bytes.
    pub blob: BlobId,
    /// SHA-256 of the same bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
}

impl Content {
    /// Hashes bytes that are in memory.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.update(content);
        hasher.finish()
    }
}

/// Computes BLAKE3 and SHA-256 over a stream of bytes.
#[derive(Clone, Default)]
pub struct ContentHasher {
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    size: u64,
}

impl ContentHasher {
    /// A hasher that has seen no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes; how a stream is cut does not matter.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The digests of all bytes seen.
    pub fn finish(self) -> Content {
        Content {
            blob: BlobId::from_bytes(*self.blake3.finalize().as_bytes()),
            sha256: Sha256::from_bytes(self.sha256.finalize().into()),
            size: self.size,
        }
    }
}

/// Computes the BLAKE3 of a stream of bytes, for those who need no more: a third of the work.
#[derive(Clone, Default)]
pub struct BlobHasher {
    blake3: blake3::Hasher,
    size: u64,
}

impl BlobHasher {
    /// A hasher that has seen no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes; how a stream is cut does not matter.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes it has seen.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The id of all bytes seen so far.
    pub fn id(&self) -> BlobId {
        BlobId::from_bytes(*self.blake3.finalize().as_bytes())
    }
}

impl fmt::Debug for BlobHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobHasher({} bytes)", self.size)
    }
}

/// Computes the SHA-256 of a stream of bytes.
#[derive(Clone, Default)]
pub struct Sha256Hasher {
    sha256: sha2::Sha256,
    size: u64,
}

impl Sha256Hasher {
    /// A hasher that has seen no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes; how a stream is cut does not matter.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The digest of all bytes seen, and their number.
    pub fn finish(self) -> (Sha256, u64) {
        (Sha256::from_bytes(self.sha256.finalize().into()), self.size)
    }
}

impl fmt::Debug for Sha256Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Hasher({} bytes)", self.size)
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHasher({} bytes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_gives_the_digests_of_both_kinds() {
        let mut hasher = ContentHasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        let content = hasher.finish();
        assert_eq!(content.blob, BlobId::of(b"abc"));
        // FIPS 180-4 example for "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(content.sha256.to_string(), expected);
        assert_eq!(content.size, 3);
    }

    #[test]
    fn hashers_of_one_digest_agree_with_the_one_of_both() {
        let content = Content::of(b"abc");
        let (mut blob, mut sha256) = (BlobHasher::new(), Sha256Hasher::new());
        for part in [&b"a"[..], b"", b"bc"] {
            blob.update(part);
            sha256.update(part);
        }
        assert_eq!((blob.id(), blob.size()), (content.blob, content.size));
        assert_eq!(sha256.finish(), (content.sha256, content.size));
    }
}
