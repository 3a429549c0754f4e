//! The name of one entry of a directory.

use std::{borrow::Borrow, fmt};

/// A valid file name: 1 to 255 bytes, without `/` and NUL, neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// Why bytes cannot be a file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There are no bytes.
    #[error("a file name is empty")]
    Empty,
    /// The name is `.` or `..`.
    #[error("`{0}` is not a file name")]
    Dots(&'static str),
    /// The name holds a slash or a NUL byte.
    #[error("the file name {0:?} holds a slash or a NUL byte")]
    Byte(String),
    /// The name is longer than Linux allows.
    #[error("a file name of {0} bytes is longer than 255")]
    Long(usize),
}

impl Name {
    /// The longest name in bytes (`NAME_MAX` of Linux).
    pub const MAX: usize = 255;

    /// Checks and takes a name.
    pub fn new(bytes: &[u8]) -> Result<Self, NameError> {
        Self::check(bytes)?;
        Ok(Self(bytes.into()))
    }

    pub(crate) fn check(bytes: &[u8]) -> Result<(), NameError> {
        match bytes {
            b"" => Err(NameError::Empty),
            b"." => Err(NameError::Dots(".")),
            b".." => Err(NameError::Dots("..")),
            _ if bytes.len() > Self::MAX => Err(NameError::Long(bytes.len())),
            _ if bytes.iter().any(|byte| matches!(byte, b'/' | 0)) => {
                Err(NameError::Byte(String::from_utf8_lossy(bytes).into_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The bytes of the name; file names are bytes, not text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_linux_rejects() {
        assert_eq!(Name::new(b""), Err(NameError::Empty));
        assert_eq!(Name::new(b".."), Err(NameError::Dots("..")));
        assert!(matches!(Name::new(b"a/b"), Err(NameError::Byte(_))));
        assert!(matches!(Name::new(b"a\0"), Err(NameError::Byte(_))));
        assert_eq!(Name::new(&[b'a'; 256]), Err(NameError::Long(256)));
        assert!(Name::new(&[b'a'; 255]).is_ok());
        assert!(Name::new(b"\xff...").is_ok());
    }
}
