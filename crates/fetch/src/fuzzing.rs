//! Private parsers, for the fuzz targets alone; no promise of stability.

use crate::{
    http,
    registry::{self, ManifestError},
    transfer,
};

/// Reads a manifest or an index of a registry; gives how many parts it names.
pub fn manifest(bytes: &[u8]) -> Result<usize, ManifestError> {
    registry::parts_of_manifest(bytes)
}

/// Reads a `WWW-Authenticate` header: the realm, where it is a token service.
pub fn challenge(header: &str) -> Option<String> {
    registry::realm_of_challenge(header)
}

/// Reads a `Content-Range` header: the first byte.
pub fn content_range(header: &str) -> Option<u64> {
    transfer::first_byte(header)
}

/// Where a `Location` header leads to from a URL.
pub fn redirect(from: &str, to: &[u8]) -> Option<String> {
    http::redirect_for_fuzzing(from, to)
}
