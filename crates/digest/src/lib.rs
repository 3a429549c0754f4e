//! Identities: BLAKE3 ids with one type per meaning, and the canonical encoding that they hash.
//!
//! An `…Id` is the hash of an answer (content), a `…Key` the hash of a question (inputs); the types
//! cannot be mixed. A [`BlobId`] is the plain BLAKE3-256 of the content, so `b3sum` checks it.
//! Everything structured is hashed under the [`Domain`] of its type (BLAKE3 `derive_key` mode),
//! over bytes written by [`Writer`] and read back by [`Reader`]. The byte layout is documented in
//! `docs/formats/encoding.md` and pinned by golden tests.
//!
//! SHA-256 ([`Sha256`]) stands only where the outside world demands it; [`ContentHasher`] computes
//! both in one pass. This crate does no IO.

mod content;
mod domain;
mod encoding;
mod hex;
mod id;
mod object;

pub use content::{BlobHasher, Content, ContentHasher, Sha256, Sha256Hasher};
pub use domain::Domain;
pub use encoding::{DecodeError, Reader, Writer};
pub use hex::ParseHexError;
pub use id::{BlobId, BuildId, DirId, PlanId, RecordId, StepKey, TreeId};
pub use object::{ObjectId, ParseObjectIdError};
