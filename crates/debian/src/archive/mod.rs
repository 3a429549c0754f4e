//! Archive metadata and its chain of trust: keyring -> `InRelease` -> `Packages` -> `.deb` digest.
//!
//! [`Archive::verify`] turns the bytes of an `InRelease` file into a [`VerifiedRelease`], which
//! turns the bytes of an index file into a [`VerifiedIndex`], which reads as [`Index`] (binary
//! packages) or [`Sources`]. Each link that does not hold is an error variant of its own. Bytes
//! come from the caller; no clock is read.

mod chain;
mod compression;
mod date;
pub mod deb822;
mod inrelease;
mod keyring;
mod known_keys;
mod packages;
mod relation;
mod release;
mod sources;
mod version;

pub use chain::{Archive, ArchiveError, VerifiedIndex, VerifiedRelease, VerifyIndexError};
pub use compression::{Compression, UnpackError, unpack};
pub use date::{DateError, parse_date};
pub use inrelease::{SignatureError, Signer};
pub use keyring::{Keyring, KeyringError, check_keyring};
pub use known_keys::{KNOWN_KEYS, KnownKey, known_key};
pub use packages::{Field, Index, IndexError, MultiArch, Package, Preference, Priority};
pub use relation::{Operator, Relation, RelationError, Relations, relations};
pub use release::{CLOCK_TOLERANCE, Release, ReleaseError, ReleaseFile};
pub use sources::{SourceFile, SourcePackage, Sources, SourcesError};
pub use version::{Version, VersionError, compare};

#[cfg(test)]
mod trust_tests;
