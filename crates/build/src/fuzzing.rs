//! Private parsers, for the fuzz targets alone; no promise of stability.

use crate::reuse::{Reads, definitions, scan};

/// Reads what a child step read. Panics where it is not written as it was.
pub fn reads(bytes: &[u8]) {
    if let Ok(reads) = Reads::from_bytes(bytes) {
        let written = reads.to_bytes();
        assert_eq!(Reads::from_bytes(&written).as_ref(), Ok(&reads));
    }
}

/// Looks for symbols in a text, and reads it as a header of them.
pub fn symbols(text: &[u8]) {
    let named = scan(text);
    assert!(named.names.iter().all(|name| name.starts_with("CONFIG_")));
    if let Some(definitions) = definitions(text) {
        assert!(definitions.keys().all(|name| name.starts_with("CONFIG_")));
    }
}
