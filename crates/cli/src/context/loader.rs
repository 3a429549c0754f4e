//! Recipe files from disk.

use groundup_recipe::{LoadError, Loader, glob_matches};
use groundup_store::Basis;
use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
};

/// Reads the files of a workspace.
pub(crate) struct DiskLoader {
    root: PathBuf,
    /// What was looked at.
    basis: RefCell<Basis>,
}

impl DiskLoader {
    /// A loader of the workspace at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), basis: RefCell::new(Basis::begin(root)) }
    }

    /// Everything that was looked at.
    pub(crate) fn into_basis(self) -> Basis {
        self.basis.into_inner()
    }
}

fn unreadable(
    path: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), source: source.into() }
}

impl Loader for DiskLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        let place = self.root.join(path);
        self.basis.borrow_mut().path(&place);
        std::fs::read_to_string(place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound(path.to_owned()),
            _ => unreadable(path, error),
        })
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, LoadError> {
        // Only the part of the workspace that the pattern can reach is walked.
        let fixed: Vec<_> = pattern.split('/').take_while(|part| !is_glob(part)).collect();
        let top = self.root.join(fixed.join("/"));
        self.basis.borrow_mut().path(&top);
        if top.is_file() {
            return Ok(vec![pattern.to_owned()]);
        }
        if !top.exists() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let hidden = |entry: &walkdir::DirEntry| {
            entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
        };
        let walk = walkdir::WalkDir::new(&top).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| !hidden(entry)) {
            let entry = entry.map_err(|error| unreadable(pattern, error))?;
            if entry.file_type().is_dir() {
                self.basis.borrow_mut().listing(entry.path());
            }
            let relative = entry.path().strip_prefix(&self.root).ok().and_then(Path::to_str);
            if let Some(path) = relative
                && entry.file_type().is_file()
                && glob_matches(pattern, path)
            {
                found.push(path.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    fn exists(&self, path: &str) -> bool {
        let place = self.root.join(path);
        self.basis.borrow_mut().path(&place);
        place.exists()
    }
}

fn is_glob(part: &str) -> bool {
    part.contains(['*', '?', '[', '{'])
}
