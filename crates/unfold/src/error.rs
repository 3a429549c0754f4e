//! Why a thing could not be walked to its end.

use std::io;

/// Why an archive or image could not be walked to its end.
#[derive(Debug, thiserror::Error)]
pub enum UnfoldError {
    /// Its bytes could not be read, or whoever took the entries gave up.
    #[error("it could not be read")]
    Read(#[source] io::Error),
    /// It is not what its first bytes say.
    #[error("it is no well-formed {format}: {what} at byte {offset}")]
    Malformed {
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        what: String,
        /// Where.
        offset: u64,
    },
    /// It uses something that is not read here.
    #[error("{format}: {what} is not supported")]
    Unsupported {
        /// What it is.
        format: &'static str,
        /// What is not read.
        what: String,
    },
    /// It would take more than is allowed.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
}

/// An error of a reader in here passes through readers of the standard library unchanged.
impl From<io::Error> for UnfoldError {
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Read)
    }
}

impl From<UnfoldError> for io::Error {
    fn from(error: UnfoldError) -> Self {
        match error {
            UnfoldError::Read(error) => error,
            error => io::Error::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl UnfoldError {
    pub(crate) fn malformed(format: &'static str, what: impl Into<String>, offset: u64) -> Self {
        Self::Malformed { format, what: what.into(), offset }
    }

    pub(crate) fn unsupported(format: &'static str, what: impl Into<String>) -> Self {
        Self::Unsupported { format, what: what.into() }
    }

    /// The error with its causes, in one line.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "it ends too early".to_owned()
            }
            Self::Read(error) => format!("it could not be read: {error}"),
            other => other.to_string(),
        }
    }
}
