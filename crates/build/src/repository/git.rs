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
    pub(super) fn open(root: &Path) -> Option<Self> {
        let absolute = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        if !absolute.ancestors().any(|dir| dir.join(".git").exists()) {
            return None;
        }
        Some(Self { root: root.to_owned() })
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

    fn list(&self, options: &[&str], paths: &[&str]) -> Result<Vec<PathBuf>, RepositoryError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["--literal-pathspecs", "ls-files", "-z"];
        arguments.extend(options);
        arguments.push("--");
        arguments.extend(paths);
        let listed = self.run(&arguments)?;
        let mut names: Vec<PathBuf> = listed
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(OsStr::from_bytes(name)))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Tracked files at or below `paths`, relative to the root.
    pub(super) fn tracked(&self, paths: &[&str]) -> Result<Vec<PathBuf>, RepositoryError> {
        self.list(&[], paths)
    }

    /// Files at or below `paths` that are neither tracked nor ignored.
    pub(super) fn untracked(&self, paths: &[&str]) -> Result<Vec<String>, RepositoryError> {
        let names = self.list(&["--others", "--exclude-standard"], paths)?;
        Ok(names.iter().map(|name| name.display().to_string()).collect())
    }

    /// The commit, with `-dirty` if tracked files differ from it; none before the first commit.
    pub(super) fn describe(&self) -> Option<String> {
        // No tag fits the pattern, so what is described is the commit.
        let arguments = ["describe", "--always", "--dirty", "--abbrev=40", "--match", "/"];
        let described = self.run(&arguments).ok()?;
        Some(String::from_utf8_lossy(&described).trim().to_owned())
    }
}
