//! The chain of trust from a keyring to the text of an index.

use super::{
    compression::{UnpackError, unpack},
    inrelease::{self, SignatureError, Signer},
    keyring::{Keyring, KeyringError},
    packages::{Index, IndexError},
    release::{Release, ReleaseError},
    sources::{Sources, SourcesError},
};
use groundup_digest::Sha256;

/// The start of the chain.
#[derive(Debug, Clone, Copy)]
pub enum Archive {}

/// A `Release` file whose signature was verified; its only constructor is [`Archive::verify`].
#[derive(Debug, Clone)]
pub struct VerifiedRelease {
    release: Release,
    signers: Vec<Signer>,
}

/// An index file whose bytes are those that a verified `Release` names.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedIndex<'a> {
    path: &'a str,
    bytes: &'a [u8],
    release: &'a Release,
}

/// Why a `Release` file is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The keyring cannot be used.
    #[error("cannot use the keyring of the archive")]
    Keyring(#[from] KeyringError),
    /// The signature is missing or not good.
    #[error("cannot trust the InRelease file")]
    Signature(#[from] SignatureError),
    /// The signed text cannot be used.
    #[error("cannot use the signed Release file")]
    Release(#[from] ReleaseError),
}

/// Why an index file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VerifyIndexError {
    /// The `Release` file does not list it.
    #[error("the Release file of {suite} does not list `{path}`")]
    NotListed {
        /// The suite.
        suite: String,
        /// The path.
        path: String,
    },
    /// It has another size than listed.
    #[error("`{path}` has {found} bytes instead of {expected}")]
    Size {
        /// The path.
        path: String,
        /// The listed size.
        expected: u64,
        /// The size found.
        found: u64,
    },
    /// It has another digest than listed.
    #[error("`{path}` has the SHA-256 {found} instead of {expected}")]
    Digest {
        /// The path.
        path: String,
        /// The listed digest.
        expected: Sha256,
        /// The digest found.
        found: Sha256,
    },
    /// It cannot be unpacked.
    #[error("cannot unpack the index")]
    Unpack(#[from] UnpackError),
    /// It is no index of binary packages.
    #[error("cannot read `{path}`")]
    Packages {
        /// The path.
        path: String,
        /// What is wrong.
        #[source]
        source: IndexError,
    },
    /// It is no index of source packages.
    #[error("cannot read `{path}`")]
    Sources {
        /// The path.
        path: String,
        /// What is wrong.
        #[source]
        source: SourcesError,
    },
}

/// No index unpacks to more than this many bytes.
const LARGEST_INDEX: u64 = 2 << 30;

impl Archive {
    /// Verifies the signature of an `InRelease` file by a key of `keyring` (binary or armoured).
    ///
    /// `at` is the time of locking, in seconds since 1970: keys, signature and the `Release` file
    /// itself must be valid then. A build gives none: with the keyring pinned, everything is
    /// judged at the time at which the signature was made, and no clock is read.
    pub fn verify(
        inrelease: &[u8],
        keyring: &[u8],
        at: Option<u64>,
    ) -> Result<VerifiedRelease, ArchiveError> {
        Self::verify_with(inrelease, &Keyring::parse(keyring)?, at)
    }

    /// The same with a keyring that is parsed already.
    pub fn verify_with(
        inrelease: &[u8],
        keyring: &Keyring,
        at: Option<u64>,
    ) -> Result<VerifiedRelease, ArchiveError> {
        let (text, signers) = inrelease::verify(inrelease, keyring, at)?;
        let release = Release::parse(text.as_bytes())?;
        if let Some(now) = at {
            release.check_dates(now)?;
        }
        Ok(VerifiedRelease { release, signers })
    }
}

impl VerifiedRelease {
    /// What the signed text says.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The keys whose signatures are good, at least one.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Checks that `bytes` are the file that the `Release` lists as `path`.
    pub fn check_index<'a>(
        &'a self,
        path: &'a str,
        bytes: &'a [u8],
    ) -> Result<VerifiedIndex<'a>, VerifyIndexError> {
        let listed = self.release.file(path).ok_or_else(|| VerifyIndexError::NotListed {
            suite: self.release.suite().to_owned(),
            path: path.to_owned(),
        })?;
        let path_text = || path.to_owned();
        if listed.size != bytes.len() as u64 {
            let (expected, found) = (listed.size, bytes.len() as u64);
            return Err(VerifyIndexError::Size { path: path_text(), expected, found });
        }
        let found = Sha256::of(bytes);
        if listed.sha256 != found {
            let expected = listed.sha256;
            return Err(VerifyIndexError::Digest { path: path_text(), expected, found });
        }
        Ok(VerifiedIndex { path, bytes, release: &self.release })
    }
}

impl VerifiedIndex<'_> {
    /// The unpacked text; the size that the `Release` lists for it is the limit.
    pub fn text(&self) -> Result<Vec<u8>, VerifyIndexError> {
        let plain = self.path.strip_suffix(".xz").or(self.path.strip_suffix(".gz"));
        let listed = plain.and_then(|path| self.release.file(path)).map(|file| file.size);
        Ok(unpack(self.path, self.bytes, listed.unwrap_or(LARGEST_INDEX).min(LARGEST_INDEX))?)
    }

    /// The binary packages that it lists.
    pub fn packages(&self) -> Result<Index, VerifyIndexError> {
        let index = Index::parse(&self.text()?)
            .map_err(|source| VerifyIndexError::Packages { path: self.path.to_owned(), source })?;
        Ok(index.with_preference(self.release.preference()))
    }

    /// The source packages that it lists.
    pub fn sources(&self) -> Result<Sources, VerifyIndexError> {
        let path = self.path.to_owned();
        Sources::parse(&self.text()?).map_err(|source| VerifyIndexError::Sources { path, source })
    }
}
