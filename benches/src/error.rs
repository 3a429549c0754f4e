//! Why a benchmark could not be run.

use std::{io, path::PathBuf};

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file or folder could not be used.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program could not be run, or failed.
    #[error("cannot run {what}")]
    Run {
        /// What.
        what: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The answer of a program is not as it should be.
    #[error("{0}")]
    Answer(String),
    /// A generated workspace could not be written.
    #[error("cannot write a workspace")]
    Generate(#[from] crate::shape::WriteError),
    /// A raw run is no JSON of this program.
    #[error("cannot read `{}` as a run", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// What can fail as a benchmark does.
pub type Result<T> = std::result::Result<T, BenchError>;

/// Says what was tried on which file.
pub(crate) trait Tried<T> {
    fn tried(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T, E: Into<io::Error>> Tried<T> for std::result::Result<T, E> {
    fn tried(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| BenchError::File { action, path: path.into(), source: source.into() })
    }
}
