//! Recipe files from a revision of git.

use groundup_build::Revision;
use groundup_recipe::{LoadError, Loader, glob_matches};

/// Reads the files of a workspace as a revision has them.
pub(crate) struct RevisionLoader<'a>(pub(crate) &'a Revision);

fn unreadable(
    path: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), source: source.into() }
}

impl Loader for RevisionLoader<'_> {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        let bytes = self.0.read(path).map_err(|error| unreadable(path, error))?;
        let bytes = bytes.ok_or_else(|| LoadError::NotFound(path.to_owned()))?;
        String::from_utf8(bytes).map_err(|error| unreadable(path, error))
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, LoadError> {
        let fixed = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{']));
        let fixed = fixed.count();
        // As in a work tree: what is hidden below the fixed part is not looked at.
        let hidden = |path: &&str| path.split('/').skip(fixed).any(|name| name.starts_with('.'));
        let paths = self.0.paths().filter(|path| glob_matches(pattern, path));
        Ok(paths.filter(|path| !hidden(path)).map(str::to_owned).collect())
    }

    fn exists(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path == "." || self.0.paths().any(|file| file == path || file.starts_with(&below))
    }
}
