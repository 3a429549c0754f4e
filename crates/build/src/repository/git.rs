//! Asking git which files it tracks. The host's git only lists names; contents are read by us.

use super::RepositoryError;
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Debug)]
pub(super) struct Git {
    root: PathBuf,
}

impl Git {
    /// Git at `root`; none if no directory from there up has a `.git`.
    pub(super) fn open(root: &Path) -> Result<Option<Self>, RepositoryError> {
        let absolute = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        if !absolute.ancestors().any(|dir| dir.join(".git").exists()) {
            return Ok(None);
        }
        let git = Self { root: root.to_owned() };
        git.run(&["rev-parse", "--is-inside-work-tree"])?;
        Ok(Some(git))
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, RepositoryError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root);
        // Listing names of files is safe in a work tree of another owner.
        command.args(["-c", "safe.directory=*", "-c", "core.quotepath=off"]);
        command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").args(arguments);
        let output = command
            .output()
            .map_err(|source| RepositoryError::NoGit { root: self.root.clone(), source })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(RepositoryError::Git {
            command: arguments.join(" "),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    fn list(&self, arguments: &[&str], path: &str) -> Result<Vec<PathBuf>, RepositoryError> {
        let mut all = vec!["--literal-pathspecs", "ls-files", "-z"];
        all.extend(arguments);
        all.extend(["--", path]);
        let listed = self.run(&all)?;
        let mut names: Vec<PathBuf> = listed
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(OsStr::from_bytes(name)))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Tracked files at or below `path`, relative to the root, without submodules.
    pub(super) fn tracked(&self, path: &str) -> Result<Vec<PathBuf>, RepositoryError> {
        self.list(&[], path)
    }

    /// Files at or below `path` that are neither tracked nor ignored.
    pub(super) fn untracked(&self, path: &str) -> Result<Vec<String>, RepositoryError> {
        let names = self.list(&["--others", "--exclude-standard"], path)?;
        Ok(names.iter().map(|name| name.display().to_string()).collect())
    }

    pub(super) fn is_tracked(&self, path: &str) -> Result<bool, RepositoryError> {
        Ok(!self.tracked(path)?.is_empty())
    }

    /// The commit, with `-dirty` if tracked files differ from it.
    pub(super) fn describe(&self) -> Option<String> {
        let head = self.run(&["rev-parse", "--verify", "HEAD"]).ok()?;
        let head = String::from_utf8_lossy(&head).trim().to_owned();
        let dirty = self.run(&["status", "--porcelain", "--untracked-files=no"]).ok()?;
        Some(if dirty.is_empty() { head } else { format!("{head}-dirty") })
    }
}
