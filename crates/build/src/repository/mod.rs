//! The repository: which of its files are sources, and taking them in.
//!
//! A source tree is what git would track, with git's modes: tracked files as they are in the work
//! tree. Untracked files that are not ignored are left out and named. Outside git, every file is
//! taken. Steps use the ingested copy only.

mod blame;
mod git;
mod revision;

pub use blame::{Blame, blame};
pub use revision::Revision;

use git::Git;
use groundup_digest::ObjectId;
use groundup_plan::{Leaf, LeafRequest, Leaves, Presence};
use groundup_recipe::{RepoPath, glob_matches};
use groundup_store::{Basis, KnownHashes, SnapshotEntry, SnapshotError, Store, StoreError};
use groundup_tree::{FileTree, Kind, PathError, TreePath};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// A work tree that sources are taken from.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    git: Option<Git>,
    known: KnownHashes,
}

/// The leaves of a plan, taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Their ids by label.
    pub leaves: Leaves,
    /// Untracked, not ignored files in the taken directories, which were left out.
    pub left_out: Vec<String>,
}

/// Why something of the repository cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// git could not be started.
    #[error(
        "`{root}` is a git work tree, but git cannot be started; install git, or build from a \
         directory without `.git`"
    )]
    NoGit {
        /// The work tree.
        root: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// git failed.
    #[error("`git {command}` failed: {message}")]
    Git {
        /// Its arguments.
        command: String,
        /// What it said.
        message: String,
    },
    /// Revisions are asked of what is no repository.
    #[error("`{root}` is not in a git repository, so it has no revisions")]
    NoRevisions {
        /// The workspace.
        root: PathBuf,
    },
    /// A place for the files of a revision could not be made.
    #[error("cannot make a directory for the files of a revision")]
    Scratch {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no such revision.
    #[error(
        "git knows no revision `{name}` in `{root}`; a shallow clone may lack it: fetch it, for \
         example with `git fetch origin {name}`"
    )]
    UnknownRevision {
        /// What was asked for.
        name: String,
        /// The workspace.
        root: PathBuf,
    },
    /// A file that a recipe names is not there.
    #[error("there is no `{0}` in the repository")]
    Missing(RepoPath),
    /// A file that a recipe names is there, but git does not track it.
    #[error("`{0}` is not tracked by git, so a clone would lack it; run `git add {0}`")]
    Untracked(RepoPath),
    /// A path is a directory where a file is expected.
    #[error("`{0}` is a directory; a file is expected")]
    Directory(RepoPath),
    /// A path cannot be in a tree.
    #[error("a path of the repository cannot be in a tree")]
    Path(#[from] PathError),
    /// Files cannot be taken into the store.
    #[error("cannot take in files of the repository")]
    Snapshot(#[from] SnapshotError),
    /// The store refused.
    #[error("cannot store a tree of the repository")]
    Store(#[from] StoreError),
}

impl Repository {
    /// The work tree at `root`.
    pub fn open(root: &Path) -> Self {
        Self { root: root.to_owned(), git: Git::open(root), known: KnownHashes::Trust }
    }

    /// The commit that is checked out, with `-dirty` behind it if tracked files differ; none
    /// outside git or before the first commit.
    pub fn commit(&self) -> Option<String> {
        self.git()?.describe()
    }

    /// Takes in the leaves of a plan, in one snapshot of all files that they need.
    ///
    /// What their ids rest on is added to `basis`.
    pub fn take(
        &self,
        store: &Store,
        leaves: &[Leaf],
        basis: &mut Basis,
    ) -> Result<Taken, RepositoryError> {
        let mut wanted = Vec::new();
        for leaf in leaves {
            wanted.push(self.wanted(leaf)?);
        }
        let trees: Vec<&str> =
            wanted.iter().filter(|wanted| wanted.is_tree()).map(|wanted| wanted.path).collect();
        for wanted in &wanted {
            basis.path(&self.root.join(wanted.path));
        }
        let files = self.files(store, &wanted, basis)?;
        let mut entries: Vec<SnapshotEntry> = Vec::new();
        for path in files {
            if wanted.iter().any(|wanted| wanted.takes(&path)) {
                entries.push(SnapshotEntry { path, executable: None });
            }
        }
        basis.files(entries.iter().map(|entry| &entry.path));
        let all = store.snapshot(&self.root, &entries, self.known)?.tree;
        let mut taken = Taken::default();
        for wanted in &wanted {
            taken.leaves.insert(wanted.leaf.label.clone(), self.leaf_of(store, wanted, &all)?);
        }
        if let Some(git) = self.git() {
            taken.left_out = git.untracked(&trees)?;
            self.observe_lists(&trees, &entries, &taken.left_out, basis);
        }
        Ok(taken)
    }

    /// Adds the directories in which a new name would be a file that is left out, and the lists of
    /// ignored names in them. Directories that git has nothing of are not looked into: a file that
    /// appears in one is no part of a source, and is named by the next build that does more than
    /// to find that nothing changed.
    fn observe_lists(
        &self,
        trees: &[&str],
        entries: &[SnapshotEntry],
        left_out: &[String],
        basis: &mut Basis,
    ) {
        let mut dirs: BTreeSet<PathBuf> = trees.iter().map(PathBuf::from).collect();
        let tracked = entries.iter().filter_map(|entry| entry.path.parent());
        let tracked = tracked.map(|dir| PathBuf::from(OsStr::from_bytes(dir.as_bytes())));
        let others = left_out.iter().filter_map(|path| Some(Path::new(path).parent()?.to_owned()));
        for dir in tracked.chain(others) {
            for dir in dir.ancestors().filter(|dir| trees.iter().any(|tree| dir.starts_with(tree)))
            {
                if !dirs.insert(dir.to_owned()) {
                    break;
                }
            }
        }
        for dir in dirs {
            let dir = self.root.join(dir);
            basis.path(&dir.join(".gitignore"));
            basis.listing(&dir);
        }
    }

    /// Adds what git's answers rest on beside the files; `home` and `config` are the directories of
    /// the user's own git settings.
    pub fn observe_git(&self, home: Option<&Path>, config: Option<&Path>, basis: &mut Basis) {
        if let Some(git) = &self.git {
            git.observe(home, config, basis);
        }
    }

    /// Git, where the workspace is a part of its work tree.
    fn git(&self) -> Option<&Git> {
        self.git.as_ref().filter(|git| !git.ignores_root())
    }

    fn wanted<'a>(&self, leaf: &'a Leaf) -> Result<Wanted<'a>, RepositoryError> {
        let path = match &leaf.request {
            LeafRequest::File(path) | LeafRequest::Tree { path, .. } => path,
        };
        let on_disk = self.root.join(path.as_str());
        if on_disk.symlink_metadata().is_err() && presence(leaf) == Presence::Needed {
            return Err(RepositoryError::Missing(path.clone()));
        }
        if matches!(leaf.request, LeafRequest::File(_)) && on_disk.is_dir() {
            return Err(RepositoryError::Directory(path.clone()));
        }
        let at = TreePath::parse(path.as_str().as_bytes())?;
        Ok(Wanted { leaf, repo_path: path, path: path.as_str(), at })
    }

    /// The files at or below all wanted paths, sorted, each once.
    fn files(
        &self,
        store: &Store,
        wanted: &[Wanted<'_>],
        basis: &mut Basis,
    ) -> Result<BTreeSet<TreePath>, RepositoryError> {
        let mut files = BTreeSet::new();
        if let Some(git) = self.git() {
            let paths: Vec<&str> = wanted.iter().map(|wanted| wanted.path).collect();
            for file in git.tracked(&paths)? {
                // One that was deleted in the work tree is missing from the snapshot.
                files.insert(TreePath::parse(file.as_os_str().as_encoded_bytes())?);
            }
            return Ok(files);
        }
        for wanted in wanted {
            let on_disk = self.root.join(wanted.path);
            if on_disk.is_dir() {
                let found = store.walk_all(&on_disk)?;
                for file in found.files {
                    files.insert(wanted.at.join_path(&file.path));
                }
                for dir in found.directories {
                    let dir = OsStr::from_bytes(dir.as_bytes()).to_owned();
                    basis.listing(&on_disk.join(dir));
                }
            } else if on_disk.symlink_metadata().is_ok() {
                files.insert(wanted.at.clone());
            }
        }
        Ok(files)
    }

    fn leaf_of(
        &self,
        store: &Store,
        wanted: &Wanted<'_>,
        all: &FileTree,
    ) -> Result<ObjectId, RepositoryError> {
        let node = all.get(&wanted.at);
        if !wanted.is_tree() {
            return match node.map(|node| &node.kind) {
                Some(Kind::File { blob, .. }) => Ok(ObjectId::Blob(*blob)),
                _ => Err(self.lacks(wanted)),
            };
        }
        let tree = match node {
            None if presence(wanted.leaf) == Presence::Optional => FileTree::new(),
            None => return Err(self.lacks(wanted)),
            Some(node) if node.is_directory() => {
                // The snapshot may hold files of other leaves below the same directory.
                let below = all.subtree(&wanted.at).ok_or_else(|| self.lacks(wanted))?;
                let own = match wanted.takes_all() {
                    true => below,
                    false => {
                        below.filter(|path, node| !node.is_directory() && wanted.takes_inner(path))
                    }
                };
                // Nothing but its top directory.
                let is_empty = own.iter().nth(1).is_none();
                if is_empty && presence(wanted.leaf) == Presence::Needed {
                    return Err(self.lacks(wanted));
                }
                own
            }
            // A single file is a tree with that file at its top.
            Some(node) => {
                let name = wanted.at.name().ok_or_else(|| self.lacks(wanted))?;
                let mut single = FileTree::new();
                single
                    .insert(TreePath::root().join(&name), node.clone())
                    .expect("a file at the top of an empty tree is valid");
                single
            }
        };
        Ok(ObjectId::Tree(store.put_tree(&tree)?))
    }

    /// Why nothing of a path was taken, although something is there.
    fn lacks(&self, wanted: &Wanted<'_>) -> RepositoryError {
        let path = wanted.repo_path.clone();
        match self.git() {
            Some(_) => RepositoryError::Untracked(path),
            None => RepositoryError::Missing(path),
        }
    }
}

fn presence(leaf: &Leaf) -> Presence {
    match &leaf.request {
        LeafRequest::File(_) => Presence::Needed,
        LeafRequest::Tree { presence, .. } => *presence,
    }
}

/// A leaf with the path that it asks for.
struct Wanted<'a> {
    leaf: &'a Leaf,
    repo_path: &'a RepoPath,
    path: &'a str,
    at: TreePath,
}

impl Wanted<'_> {
    fn is_tree(&self) -> bool {
        matches!(self.leaf.request, LeafRequest::Tree { .. })
    }

    /// Whether every file below its path belongs to it.
    fn takes_all(&self) -> bool {
        matches!(&self.leaf.request, LeafRequest::Tree { include, exclude, .. }
            if include.is_empty() && exclude.is_empty())
    }

    /// Whether a file of the repository belongs to this leaf.
    fn takes(&self, file: &TreePath) -> bool {
        match self.takes_all() {
            true => file.is_within(&self.at),
            false => file.strip(&self.at).is_some_and(|inner| self.takes_inner(&inner)),
        }
    }

    /// The same of a file by its path below the leaf's own.
    fn takes_inner(&self, inner: &TreePath) -> bool {
        let LeafRequest::Tree { include, exclude, .. } = &self.leaf.request else {
            return inner.is_root();
        };
        let text = String::from_utf8_lossy(inner.as_bytes()).into_owned();
        let any = |globs: &[String]| globs.iter().any(|glob| glob_matches(glob, &text));
        (include.is_empty() || any(include)) && !any(exclude)
    }
}
