//! Lowercase hexadecimal of 32-byte digests, the one text form of every id.

use std::fmt;

/// Why a text is not a 64-digit lowercase hexadecimal digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexError {
    /// The text does not have 64 digits.
    #[error("a digest has 64 hexadecimal digits, this has {0} characters")]
    Length(usize),
    /// A character is not a lowercase hexadecimal digit.
    #[error("character {position} of a digest must be one of 0-9a-f")]
    Digit {
        /// Position of the character, counted from 1.
        position: usize,
    },
}

pub(crate) fn parse(text: &str) -> Result<[u8; 32], ParseHexError> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return Err(ParseHexError::Length(text.chars().count()));
    }
    let mut out = [0; 32];
    for (index, byte) in bytes.iter().enumerate() {
        let nibble = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return Err(ParseHexError::Digit { position: index + 1 }),
        };
        out[index / 2] = out[index / 2] << 4 | nibble;
    }
    Ok(out)
}

pub(crate) fn write(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
