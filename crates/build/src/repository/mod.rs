//! The repository: which of its files are sources, and taking them in.
//!
//! A source tree is what git would track, with git's modes: tracked files as they are in the work
//! tree. Untracked files that are not ignored are left out and named. Outside git, every file is
//! taken. Steps use the ingested copy only.

mod git;

use git::Git;
use groundup_digest::ObjectId;
use groundup_plan::{Leaf, LeafRequest, Leaves};
use groundup_recipe::{RepoPath, glob_matches};
use groundup_store::{KnownHashes, SnapshotEntry, SnapshotError, Store, StoreError};
use groundup_tree::{FileTree, Kind, PathError, TreePath};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A work tree that sources are taken from.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    git: Option<Git>,
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
    /// The work tree at `root`; asks git if it is one of git's.
    pub fn open(root: &Path) -> Result<Self, RepositoryError> {
        let git = Git::open(root)?;
        Ok(Self { root: root.to_owned(), git })
    }

    /// The commit that is checked out, with `-dirty` behind it if tracked files differ; none
    /// outside git or before the first commit.
    pub fn commit(&self) -> Option<String> {
        self.git.as_ref()?.describe()
    }

    /// Takes in the leaves of a plan.
    pub fn take(&self, store: &Store, leaves: &[Leaf]) -> Result<Taken, RepositoryError> {
        let mut taken = Taken::default();
        for leaf in leaves {
            let id = match &leaf.request {
                LeafRequest::File(path) => self.take_file(store, path)?,
                LeafRequest::Tree { path, include, exclude } => {
                    let tree = self.take_tree(store, path, include, exclude, &mut taken)?;
                    ObjectId::Tree(store.put_tree(&tree)?)
                }
            };
            taken.leaves.insert(leaf.label.clone(), id);
        }
        taken.left_out.sort();
        taken.left_out.dedup();
        Ok(taken)
    }

    fn take_file(&self, store: &Store, path: &RepoPath) -> Result<ObjectId, RepositoryError> {
        let on_disk = self.root.join(path.as_str());
        if on_disk.is_dir() {
            return Err(RepositoryError::Directory(path.clone()));
        }
        if !on_disk.exists() {
            return Err(RepositoryError::Missing(path.clone()));
        }
        if let Some(git) = &self.git
            && !git.is_tracked(path.as_str())?
        {
            return Err(RepositoryError::Untracked(path.clone()));
        }
        let inner = TreePath::parse(path.as_str().as_bytes())?;
        let entry = SnapshotEntry { path: inner.clone(), executable: None };
        let taken = store.snapshot(&self.root, &[entry], KnownHashes::Trust)?;
        match taken.tree.get(&inner).map(|node| &node.kind) {
            Some(Kind::File { blob, .. }) => Ok(ObjectId::Blob(*blob)),
            _ => Err(RepositoryError::Missing(path.clone())),
        }
    }

    fn take_tree(
        &self,
        store: &Store,
        path: &RepoPath,
        include: &[String],
        exclude: &[String],
        taken: &mut Taken,
    ) -> Result<FileTree, RepositoryError> {
        let at = TreePath::parse(path.as_str().as_bytes())?;
        let files = self.files_below(store, path, taken)?;
        let wanted = |path: &TreePath| {
            let inner = path.strip(&at).unwrap_or_default();
            let text = String::from_utf8_lossy(inner.as_bytes()).into_owned();
            let any = |globs: &[String]| globs.iter().any(|glob| glob_matches(glob, &text));
            (include.is_empty() || any(include)) && !any(exclude)
        };
        let files = files.into_iter().filter(wanted);
        let files: Vec<_> = files.map(|path| SnapshotEntry { path, executable: None }).collect();
        let tree = store.snapshot(&self.root, &files, KnownHashes::Trust)?.tree;
        if let Some(inner) = tree.subtree(&at) {
            return Ok(inner);
        }
        // A single file is a tree with that file at its top.
        match (tree.get(&at), at.name()) {
            (Some(node), Some(name)) => {
                let mut single = FileTree::new();
                single
                    .insert(TreePath::root().join(&name), node.clone())
                    .expect("a file at the top of an empty tree is valid");
                Ok(single)
            }
            _ => Err(RepositoryError::Missing(path.clone())),
        }
    }

    fn files_below(
        &self,
        store: &Store,
        path: &RepoPath,
        taken: &mut Taken,
    ) -> Result<Vec<TreePath>, RepositoryError> {
        if !self.root.join(path.as_str()).exists() {
            return Err(RepositoryError::Missing(path.clone()));
        }
        match &self.git {
            Some(git) => {
                taken.left_out.extend(git.untracked(path.as_str())?);
                let tracked = git.tracked(path.as_str())?;
                let there = |file: &PathBuf| self.root.join(file).symlink_metadata().is_ok();
                tracked
                    .into_iter()
                    .filter(there)
                    .map(|file| Ok(TreePath::parse(file.as_os_str().as_encoded_bytes())?))
                    .collect()
            }
            None => {
                let root = self.root.join(path.as_str());
                let at = TreePath::parse(path.as_str().as_bytes())?;
                if root.is_file() {
                    return Ok(vec![at]);
                }
                let files = store.walk_all(&root)?;
                Ok(files.into_iter().map(|file| at.join_path(&file.path)).collect())
            }
        }
    }
}
