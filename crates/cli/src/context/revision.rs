//! Recipe files from a revision of git.

use groundup_build::Revision;
use groundup_recipe::{LoadError, Loader, glob_matches};
use std::{cell::RefCell, collections::BTreeMap};

/// Reads the files of a workspace as a revision has them.
pub(crate) struct RevisionLoader<'a> {
    revision: &'a Revision,
    /// Files that a pattern found and that were not asked for yet: git is asked for all at once.
    found: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl<'a> RevisionLoader<'a> {
    pub(crate) fn new(revision: &'a Revision) -> Self {
        Self { revision, found: RefCell::default() }
    }
}

fn unreadable(
    path: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), source: source.into() }
}

impl Loader for RevisionLoader<'_> {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        let found = self.found.borrow_mut().remove(path);
        let bytes = match found {
            Some(bytes) => Some(bytes),
            None => self.revision.read(path).map_err(|error| unreadable(path, error))?,
        };
        let bytes = bytes.ok_or_else(|| LoadError::NotFound(path.to_owned()))?;
        String::from_utf8(bytes).map_err(|error| unreadable(path, error))
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, LoadError> {
        let fixed = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{']));
        let fixed = fixed.count();
        // As in a work tree: what is hidden below the fixed part is not looked at.
        let hidden = |path: &&str| path.split('/').skip(fixed).any(|name| name.starts_with('.'));
        let paths = self.revision.paths().filter(|path| glob_matches(pattern, path));
        let paths: Vec<&str> = paths.filter(|path| !hidden(path)).collect();
        let read = self.revision.read_all(paths.iter().copied());
        self.found.borrow_mut().append(&mut read.map_err(|error| unreadable(pattern, error))?);
        Ok(paths.into_iter().map(str::to_owned).collect())
    }

    fn exists(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path == "." || self.revision.paths().any(|file| file == path || file.starts_with(&below))
    }
}
