//! The chain of trust when building: from pinned bytes to the rows that an archive vouches for.
//!
//! Three pure functions over blobs, each an assembler: [`keyring`] takes the keys out of their
//! package, [`index`] verifies the release file and its indexes and writes all their rows as one
//! table, [`select`] checks that pinned packages are rows of it. No clock is read: with the keyring
//! pinned, keys are judged at the time of signing.
//!
//! A table is text, one row a line, sorted by its bytes, each row once:
//!
//! ```text
//! package TAB version TAB arch TAB path TAB size TAB sha256 LF
//! ```
//!
//! Of a source package there is a row for each file, with `source` as its architecture.

mod index;
mod keyring;
mod packets;
mod select;

pub use index::index;
pub(crate) use index::index_path;
pub use keyring::keyring;
pub(crate) use keyring::{known_keys, member};
pub use select::{Claim, select};

use groundup_debian::{
    archive::{ArchiveError, KeyringError, ReleaseError, VerifyIndexError},
    package::UnpackError,
};
use groundup_digest::Sha256;
use groundup_recipe::lock::IndexKey;
use groundup_store::StoreError;

/// Which keys of a keyring count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Those of Debian that are built in; the others are left out.
    Known,
    /// All of them.
    All,
}

/// Why pinned bytes are not trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store does not give or take something.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The package of the keyring cannot be unpacked.
    #[error("cannot unpack the package of the keyring")]
    Package(#[from] UnpackError),
    /// The package has no such file.
    #[error("the package of the keyring has no file `{member}`{}", but_has(.found))]
    NoMember {
        /// The path that was looked for.
        member: String,
        /// Keyrings that it has.
        found: Vec<String>,
    },
    /// The keyring cannot be read.
    #[error("cannot use the keyring")]
    Keyring(#[from] KeyringError),
    /// The keyring is not a sequence of OpenPGP packets.
    #[error("the keyring is no binary OpenPGP keyring: bad packet at byte {offset}")]
    Packets {
        /// Where.
        offset: usize,
    },
    /// No key of the keyring is built in.
    #[error("no key of the keyring is one of Debian's that are built in: {}", .found.join(", "))]
    NoKnownKey {
        /// The fingerprints of its keys.
        found: Vec<String>,
    },
    /// The release file is not trusted.
    #[error("the pinned InRelease file cannot be trusted")]
    Release(#[from] ArchiveError),
    /// The release file is of another suite.
    #[error("the pinned InRelease file is not the one of the suite")]
    Suite(#[source] ReleaseError),
    /// The release file does not vouch for an index.
    #[error(
        "the InRelease file does not vouch for the pinned index `{key}` (sha256 {sha256}, {size} bytes); run `groundup lock`"
    )]
    NotListed {
        /// Which index.
        key: IndexKey,
        /// Its digest.
        sha256: Sha256,
        /// Its bytes.
        size: u64,
    },
    /// An index cannot be used.
    #[error("cannot use the index `{key}`")]
    Index {
        /// Which index.
        key: IndexKey,
        /// Why not.
        #[source]
        source: VerifyIndexError,
    },
    /// A name or path of an index would break the table.
    #[error("the index `{key}` has a field with a blank in it: `{field}`")]
    Field {
        /// Which index.
        key: IndexKey,
        /// The field.
        field: String,
    },
    /// The archive does not vouch for a package.
    #[error("the archive does not offer what is pinned: {claim}\n  {answer}")]
    NotOffered {
        /// What is pinned.
        claim: Claim,
        /// What the archive offers instead, in words.
        answer: String,
    },
}

fn but_has(found: &[String]) -> String {
    if found.is_empty() { String::new() } else { format!("; it has {}", found.join(", ")) }
}
