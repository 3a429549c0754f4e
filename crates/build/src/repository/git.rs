//! Asking git which files it tracks. The host's git only lists names; contents are read by us.

use super::RepositoryError;
use groundup_store::Basis;
use std::{
    ffi::OsStr,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

#[derive(Debug)]
pub(super) struct Git {
    pub(super) root: PathBuf,
    /// The top of the work tree, which `.git` is in.
    top: PathBuf,
    /// Whether git ignores the root, as it does what others make below a build directory.
    ignored: bool,
}

impl Git {
    /// Git at `root`; none if no directory from there up has a `.git`.
    pub(super) fn open(root: &Path) -> Option<Self> {
        let absolute = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let top = absolute.ancestors().find(|dir| dir.join(".git").exists())?.to_owned();
        let mut git = Self { root: root.to_owned(), top, ignored: false };
        git.ignored = git.top != absolute && git.run(&["check-ignore", "-q", "."]).is_ok();
        Some(git)
    }

    /// Whether the root is no part of the work tree although it lies in it.
    pub(super) fn ignores_root(&self) -> bool {
        self.ignored
    }

    /// Adds what git's lists and the commit rest on, beside the files themselves.
    pub(super) fn observe(&self, home: Option<&Path>, config: Option<&Path>, basis: &mut Basis) {
        let dot = self.top.join(".git");
        // In a linked work tree `.git` is a file that names the directory. The directory itself
        // changes with each lock that git takes in it.
        if !dot.is_dir() {
            basis.path(&dot);
        }
        let named = |path: &Path, key: &str| {
            let text = std::fs::read_to_string(path).ok()?;
            let name = text.trim_end().strip_prefix(key)?;
            Some(path.parent()?.join(name))
        };
        let own = if dot.is_dir() { Some(dot) } else { named(&dot, "gitdir: ") };
        let Some(own) = own else { return basis.spoil() };
        let shared = named(&own.join("commondir"), "").unwrap_or_else(|| own.clone());
        basis.path_in_busy_directory(&own.join("index"));
        basis.path_in_busy_directory(&own.join("HEAD"));
        if let Some(branch) = named(&own.join("HEAD"), "ref: ") {
            let branch = branch.strip_prefix(&own).unwrap_or(&branch).to_owned();
            basis.path_in_busy_directory(&shared.join(branch));
        }
        for name in ["packed-refs", "config", "info/exclude", "commondir"] {
            basis.path_in_busy_directory(&shared.join(name));
        }
        basis.path(Path::new("/etc/gitconfig"));
        home.into_iter().for_each(|home| basis.path(&home.join(".gitconfig")));
        for name in ["git/config", "git/ignore"] {
            config.into_iter().for_each(|config| basis.path(&config.join(name)));
        }
        for dir in self.root.ancestors().take_while(|dir| dir.starts_with(&self.top)) {
            basis.path(&dir.join(".gitignore"));
        }
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, RepositoryError> {
        self.run_with(arguments, None, &[])
    }

    /// The same with an index of its own, and with something to read.
    pub(super) fn run_with(
        &self,
        arguments: &[&str],
        index: Option<&Path>,
        said: &[u8],
    ) -> Result<Vec<u8>, RepositoryError> {
        let no_git = |source| RepositoryError::NoGit { root: self.root.clone(), source };
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root);
        // Listing names of files is safe in a work tree of another owner.
        command.args(["-c", "safe.directory=*", "-c", "core.quotepath=off"]);
        command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").args(arguments);
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(no_git)?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Beside reading what it answers: either side may be full.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(said)));
            child.wait_with_output()
        })
        .map_err(no_git)?;
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
