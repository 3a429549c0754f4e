//! Commits of git repositories, by the host's `git`: it knows every transport and the user's keys.
//!
//! What it brings is checked by git's own hashes, from the commit's id down to every file. The files
//! are written byte for byte: no attribute, filter or configuration of the host changes them.

mod pack;

use crate::{FetchError, Fetcher, Offline, gate::TICK};
use groundup_store::{Store, StoreError, TempDir};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

pub use pack::GitPack;

/// A commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitPin {
    /// Commit, hexadecimal.
    pub commit: String,
    /// The commit's git tree, hexadecimal.
    pub tree: String,
}

/// The files of a commit on disk, without `.git`; they are removed when this is dropped.
#[derive(Debug)]
pub struct GitCheckout {
    dir: TempDir,
    path: PathBuf,
    /// What it is.
    pub pin: GitPin,
    /// Paths of submodules: empty directories here, since they are repositories of their own.
    pub submodules: Vec<String>,
}

impl GitCheckout {
    /// Where the files are, on the store's file system.
    pub fn path(&self) -> &Path {
        debug_assert!(self.path.starts_with(self.dir.path()));
        &self.path
    }
}

/// Why a commit was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error(
        "cannot run `git`, which fetches git sources: install it (on Debian, the package `git`)"
    )]
    Missing(#[source] io::Error),
    /// Git says no.
    #[error("cannot {action} {url}: git says: {}", output.trim())]
    Failed {
        /// What was tried.
        action: &'static str,
        /// On what.
        url: String,
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote.
        output: String,
    },
    /// No branch, tag or commit of that name.
    #[error("{url} has no branch, tag or commit `{rev}`")]
    NoRevision {
        /// The repository.
        url: String,
        /// What was asked for.
        rev: String,
    },
    /// Not a commit id.
    #[error("`{0}` is not a commit: 40 or 64 lower-case hexadecimal digits")]
    NotCommit(String),
    /// The commit has another tree than pinned.
    #[error(
        "commit {commit} of {url} has tree {got}, the lock says {expected}: run `groundup lock`"
    )]
    WrongTree {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
        /// By the lock.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A file cannot be used.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The store has no scratch space.
    #[error("cannot make scratch space for {url}")]
    Store {
        /// The repository.
        url: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// Offline, or cancelled.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// A bare repository in scratch space.
struct Repository<'a> {
    fetcher: &'a Fetcher,
    url: &'a str,
    dir: TempDir,
    git: PathBuf,
    cancel: &'a AtomicBool,
}

impl Fetcher {
    /// The commit that `rev` (a branch, tag or commit) stands for now. For `lock` only.
    pub fn resolve_git(
        &self,
        store: &Store,
        url: &str,
        rev: &str,
        cancel: &AtomicBool,
    ) -> Result<GitPin, GitError> {
        let repository = Repository::create(self, store, url, rev, cancel)?;
        repository.check_online(rev)?;
        if is_commit(rev) {
            repository.fetch_commit(rev)?;
        } else if repository.fetch(&["--depth=1"], rev).is_err() {
            // Tells a name that is missing from a repository that is.
            repository.run("reach", &["ls-remote", "--quiet", "--", url, "HEAD"])?;
            return Err(GitError::NoRevision { url: shown(url), rev: rev.to_owned() });
        }
        repository.pin(if is_commit(rev) { rev } else { "FETCH_HEAD" })
    }

    /// Gets the files of a pinned commit into scratch space of the store.
    pub fn fetch_git(
        &self,
        store: &Store,
        url: &str,
        pin: &GitPin,
        cancel: &AtomicBool,
    ) -> Result<GitCheckout, GitError> {
        if !is_commit(&pin.commit) {
            return Err(GitError::NotCommit(pin.commit.clone()));
        }
        let repository = self.repository_of(store, url, pin, cancel)?;
        repository.export(pin.clone())
    }

    /// A repository with the pinned commit: from a pack of the user's own, or from `url`.
    fn repository_of<'a>(
        &'a self,
        store: &Store,
        url: &'a str,
        pin: &GitPin,
        cancel: &'a AtomicBool,
    ) -> Result<Repository<'a>, GitError> {
        let mut damaged = None;
        if let Some(pack) = self.vendored_pack(store, &pin.commit, cancel)? {
            let repository = Repository::create(self, store, url, &pin.commit, cancel)?;
            match repository.unpack(pack.path()).and_then(|()| repository.check(pin)) {
                Ok(()) => return Ok(repository),
                Err(error @ GitError::Fetch(_)) => return Err(error),
                // What is damaged does not count; the world may have it.
                Err(error) => damaged = Some(error),
            }
        }
        let repository = Repository::create(self, store, url, &pin.commit, cancel)?;
        if let Err(error) = repository.check_online(&pin.commit) {
            return Err(damaged.unwrap_or(error));
        }
        repository.fetch_commit(&pin.commit)?;
        repository.check(pin)?;
        Ok(repository)
    }
}

impl<'a> Repository<'a> {
    fn create(
        fetcher: &'a Fetcher,
        store: &Store,
        url: &'a str,
        rev: &str,
        cancel: &'a AtomicBool,
    ) -> Result<Self, GitError> {
        let dir = store.tmp_dir();
        let dir = dir.map_err(|source| GitError::Store { url: shown(url), source })?;
        let git = dir.path().join("git");
        let repository = Self { fetcher, url, dir, git, cancel };
        let format = if rev.len() == 64 && is_commit(rev) { "sha256" } else { "sha1" };
        let format = format!("--object-format={format}");
        let path = repository.git.clone();
        let arguments: [&OsStr; 5] = [
            "init".as_ref(),
            "--quiet".as_ref(),
            "--bare".as_ref(),
            format.as_ref(),
            path.as_ref(),
        ];
        repository.run("make a repository for", &arguments)?;
        // These come before the attributes of the repository, which may ask for conversions.
        let attributes = path.join("info/attributes");
        let text = "* -text -ident -filter -working-tree-encoding\n";
        let written =
            fs::create_dir_all(path.join("info")).and_then(|()| fs::write(&attributes, text));
        written.map_err(|source| GitError::Io { action: "write", path: attributes, source })?;
        Ok(repository)
    }

    /// Fails if it takes a network to reach the repository, and that may not be used.
    fn check_online(&self, rev: &str) -> Result<(), GitError> {
        let local = self.url.starts_with('/') || self.url.starts_with("file:");
        if self.fetcher.settings().offline == Offline::Yes && !local {
            let missing = vec![format!("commit {rev} of {}", shown(self.url))];
            return Err(FetchError::Offline { missing }.into());
        }
        Ok(())
    }

    /// Fails if the pinned commit is not there, or has another tree.
    fn check(&self, pin: &GitPin) -> Result<(), GitError> {
        let found = self.pin(&pin.commit)?;
        if found.tree == pin.tree {
            return Ok(());
        }
        let (expected, got) = (pin.tree.clone(), found.tree);
        let (url, commit) = (shown(self.url), found.commit);
        Err(GitError::WrongTree { url, commit, expected, got })
    }

    /// The commit alone where the server allows that, or else everything.
    fn fetch_commit(&self, commit: &str) -> Result<(), GitError> {
        if self.fetch(&["--depth=1"], commit).is_ok() {
            return Ok(());
        }
        self.check_cancelled()?;
        self.fetch(&[], "+refs/*:refs/remotes/origin/*")?;
        let object = format!("{commit}^{{commit}}");
        let found = self.run("look for the commit in", &["cat-file", "-e", &object]);
        found.map(drop).map_err(|error| match error {
            GitError::Failed { url, .. } => GitError::NoRevision { url, rev: commit.to_owned() },
            error => error,
        })
    }

    fn fetch(&self, options: &[&str], what: &str) -> Result<(), GitError> {
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-commit-graph"];
        arguments.extend(options);
        arguments.extend(["--", self.url, what]);
        self.run("fetch from", &arguments).map(drop)
    }

    fn pin(&self, rev: &str) -> Result<GitPin, GitError> {
        let (commit, tree) = (format!("{rev}^{{commit}}"), format!("{rev}^{{tree}}"));
        let text = self.run("read a commit of", &["rev-parse", "--verify", &commit])?;
        let commit = text.trim().to_owned();
        let text = self.run("read a commit of", &["rev-parse", "--verify", &tree])?;
        Ok(GitPin { commit, tree: text.trim().to_owned() })
    }

    fn export(self, pin: GitPin) -> Result<GitCheckout, GitError> {
        let path = self.dir.path().join("tree");
        let made = fs::create_dir(&path);
        made.map_err(|source| GitError::Io { action: "make", path: path.clone(), source })?;
        let listed = self.run("list the files of", &["ls-tree", "-r", "-z", &pin.commit])?;
        let submodules = listed.split('\0').filter(|line| line.starts_with("160000 "));
        let submodules = submodules.filter_map(|line| Some(line.split_once('\t')?.1.to_owned()));
        let submodules = submodules.collect();
        self.run("read the files of", &["read-tree", &pin.commit])?;
        let mut work_tree = std::ffi::OsString::from("--work-tree=");
        work_tree.push(&path);
        self.run(
            "write the files of",
            &[&*work_tree, "checkout-index".as_ref(), "--all".as_ref()],
        )?;
        Ok(GitCheckout { dir: self.dir, path, pin, submodules })
    }

    /// Runs git in the repository and gives what it writes to its standard output.
    fn run(
        &self,
        action: &'static str,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<String, GitError> {
        let out = self.dir.path().join("out");
        self.run_with(action, arguments, None, &out)?;
        let bytes = fs::read(&out);
        let bytes = bytes.map_err(|source| GitError::Io { action: "read", path: out, source })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Runs git with a file as its standard input and another as its output.
    fn run_with(
        &self,
        action: &'static str,
        arguments: &[impl AsRef<OsStr>],
        input: Option<&Path>,
        out: &Path,
    ) -> Result<(), GitError> {
        let errors = self.dir.path().join("errors");
        let input = match input {
            None => Stdio::null(),
            Some(path) => File::open(path).map(Stdio::from).map_err(|source| {
                let path = path.to_owned();
                GitError::Io { action: "read", path, source }
            })?,
        };
        let create = |path: &Path| {
            let file = File::create(path);
            file.map_err(|source| GitError::Io { action: "write", path: path.to_owned(), source })
        };
        // The shell is there for the umask: the modes of files must not depend on the caller's.
        let mut command = Command::new("sh");
        command.args(["-c", "umask 022 && exec git \"$@\"", "git"]);
        if self.git.exists() {
            command.arg("--git-dir").arg(&self.git);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let idle = self.fetcher.settings().idle_timeout.as_secs().max(1);
        command.arg("-c").arg(format!("http.lowSpeedTime={idle}"));
        command.args(arguments).current_dir(self.dir.path());
        for name in HIDDEN {
            command.env_remove(name);
        }
        command
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file")
            .env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C");
        let proxies = &self.fetcher.settings().proxies;
        let proxies = [
            ("http_proxy", &proxies.http),
            ("https_proxy", &proxies.https),
            ("no_proxy", &proxies.no_proxy),
        ];
        for (name, value) in proxies {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.stdin(input).stdout(create(out)?).stderr(create(&errors)?);
        let mut child = command.spawn().map_err(GitError::Missing)?;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(source) => {
                    let path = PathBuf::from("git");
                    return Err(GitError::Io { action: "wait for", path, source });
                }
            }
            if let Err(error) = self.check_cancelled() {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
            thread::sleep(TICK / 10);
        };
        match status.code() {
            Some(0) => Ok(()),
            // What the shell says when there is no such program.
            Some(127) => Err(GitError::Missing(io::Error::from(io::ErrorKind::NotFound))),
            _ => {
                let url = shown(self.url);
                let output = fs::read(&errors).unwrap_or_default();
                let output = String::from_utf8_lossy(&output).replace(self.url, &url);
                Err(GitError::Failed { action, url, status, output })
            }
        }
    }

    fn check_cancelled(&self) -> Result<(), GitError> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(FetchError::Cancelled { what: shown(self.url) }.into()),
            false => Ok(()),
        }
    }
}

/// What the host's configuration must not change.
const SETTINGS: &[&str] = &[
    "core.autocrlf=false",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.protectNTFS=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",
    "http.lowSpeedLimit=1",
    "advice.detachedHead=false",
];

/// Variables that point git at another repository, as inside of a hook.
const HIDDEN: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];

pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The URL without a user and password.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') && scheme != "ssh" => {
            format!("{scheme}://{host}")
        }
        _ => url.to_owned(),
    }
}
