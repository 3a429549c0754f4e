//! How the pure reader gets at files: a loader that its caller passes in.

use globset::GlobBuilder;
use std::collections::BTreeMap;

/// Gives the reader the files of a workspace. Paths are relative to it, with `/` between parts.
pub trait Loader {
    /// The text of a file.
    fn load(&self, path: &str) -> Result<String, LoadError>;

    /// The files that fit `pattern`, sorted. [`glob_matches`] is how patterns are read.
    fn glob(&self, pattern: &str) -> Result<Vec<String>, LoadError>;

    /// Whether there is a file or directory.
    fn exists(&self, path: &str) -> bool;
}

/// Why a file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is none.
    #[error("there is no file `{0}`")]
    NotFound(String),
    /// It is there but cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Whether `path` fits `pattern`: `*` and `?` do not cross `/`, `**` does.
///
/// A pattern that is not one fits nothing; the reader has checked the patterns of recipes.
pub fn glob_matches(pattern: &str, path: &str) -> bool {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

/// A workspace in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: BTreeMap<String, String>,
}

impl MemoryLoader {
    /// A workspace of these (path, text).
    pub fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Self { files }
    }
}

impl Loader for MemoryLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        self.files.get(path).cloned().ok_or_else(|| LoadError::NotFound(path.to_owned()))
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, LoadError> {
        Ok(self.files.keys().filter(|path| glob_matches(pattern, path)).cloned().collect())
    }

    fn exists(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path == "." || self.files.keys().any(|file| file == path || file.starts_with(&below))
    }
}
