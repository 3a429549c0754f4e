//! Why a thing could not be walked to its end.

use std::io;

/// Why an archive or image could not be walked to its end.
#[derive(Debug, thiserror::Error)]
pub enum UnfoldError {
    /// Its bytes could not be read, or whoever took the entries gave up.
    #[error("it could not be read")]
    Read(#[from] io::Error),
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
