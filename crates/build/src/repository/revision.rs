//! The repository as it was at a revision of git.

use super::{Repository, RepositoryError, git::Git};
use groundup_plan::{Leaf, LeafRequest, Leaves};
use groundup_store::{Basis, KnownHashes, Store};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A revision, with the names of the files that it holds below the workspace.
#[derive(Debug)]
pub struct Revision {
    git: Git,
    name: String,
    commit: String,
    /// Git's names of their contents, by path.
    files: BTreeMap<String, String>,
}

impl Revision {
    /// A revision of the repository that the workspace at `root` is in.
    pub fn open(root: &Path, name: &str) -> Result<Self, RepositoryError> {
        let outside = || RepositoryError::NoRevisions { root: root.to_owned() };
        let git = Git::open(root).filter(|git| !git.ignores_root()).ok_or_else(outside)?;
        let commit = git.commit_of(name)?;
        let files = git.files_of(&commit)?;
        Ok(Self { git, name: name.to_owned(), commit, files })
    }

    /// What the user called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its commit, hexadecimal.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The paths of its files, relative to the workspace, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The content of a file; none if it has no such file.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
        Ok(self.read_all([path])?.remove(path))
    }

    /// The contents of those of the files that it has, asked of git at once.
    pub fn read_all<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, Vec<u8>>, RepositoryError> {
        let known = paths.into_iter().filter_map(|path| Some((path, self.files.get(path)?)));
        let (paths, contents): (Vec<&str>, Vec<&String>) = known.unzip();
        let read = self.git.contents(&contents)?;
        Ok(paths.into_iter().map(str::to_owned).zip(read).collect())
    }

    /// Takes in the leaves of a plan as a work tree of this revision has them.
    pub fn take(&self, store: &Store, leaves: &[Leaf]) -> Result<Leaves, RepositoryError> {
        if leaves.is_empty() {
            return Ok(Leaves::new());
        }
        let mut wanted = Vec::new();
        for leaf in leaves {
            let (LeafRequest::File(path) | LeafRequest::Tree { path, .. }) = &leaf.request;
            let below = format!("{path}/");
            let whole = path.as_str() == ".";
            wanted.extend(
                self.paths()
                    .filter(|file| whole || *file == path.as_str() || file.starts_with(&below)),
            );
        }
        wanted.sort_unstable();
        wanted.dedup();
        let scratch = store.tmp_dir()?;
        let root = self.git.check_out(&self.commit, &wanted, scratch.path())?;
        let there = Repository { root, git: None, known: KnownHashes::Forget };
        Ok(there.take(store, leaves, &mut Basis::begin(scratch.path()))?.leaves)
    }
}

impl Git {
    fn commit_of(&self, name: &str) -> Result<String, RepositoryError> {
        let wanted = format!("{name}^{{commit}}");
        let found = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
        let unknown =
            || RepositoryError::UnknownRevision { name: name.to_owned(), root: self.root.clone() };
        let found = found.map_err(|error| match error {
            RepositoryError::Git { .. } => unknown(),
            other => other,
        })?;
        Ok(String::from_utf8_lossy(&found).trim().to_owned())
    }

    /// The files of a commit below the root, with git's names of their contents.
    fn files_of(&self, commit: &str) -> Result<BTreeMap<String, String>, RepositoryError> {
        let listed = self.run(&["ls-tree", "-r", "-z", commit])?;
        let mut files = BTreeMap::new();
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            // Names that are not UTF-8 are in no recipe; as files of sources they are refused when
            // the work tree is taken.
            let Ok(entry) = std::str::from_utf8(entry) else { continue };
            let Some((head, path)) = entry.split_once('\t') else { continue };
            let words: Vec<&str> = head.split(' ').collect();
            if let [_, "blob", content] = words.as_slice() {
                files.insert(path.to_owned(), (*content).to_owned());
            }
        }
        Ok(files)
    }

    /// The contents of blobs, in their order.
    fn contents(&self, names: &[&String]) -> Result<Vec<Vec<u8>>, RepositoryError> {
        let command = ["cat-file", "--batch"];
        let asked: String = names.iter().map(|name| format!("{name}\n")).collect();
        let answer = self.run_with(&command, None, asked.as_bytes())?;
        let mut rest = answer.as_slice();
        let mut contents = Vec::with_capacity(names.len());
        for name in names {
            // `NAME blob SIZE`, the content, and a line feed, each behind the other.
            let (content, behind) = blob_of(rest).ok_or_else(|| RepositoryError::Git {
                command: command.join(" "),
                message: format!("it did not give the object {name}"),
            })?;
            contents.push(content.to_vec());
            rest = behind;
        }
        Ok(contents)
    }

    /// Writes files of a commit below `scratch` as a check-out would, and says where the root is.
    fn check_out(
        &self,
        commit: &str,
        paths: &[&str],
        scratch: &Path,
    ) -> Result<PathBuf, RepositoryError> {
        let index = scratch.join("index");
        self.run_with(&["read-tree", commit], Some(&index), &[])?;
        let inner = self.run(&["rev-parse", "--show-prefix"])?;
        let inner = String::from_utf8_lossy(&inner).trim_end_matches(['\n', '/']).to_owned();
        let top = scratch.join("tree");
        let prefix = format!("--prefix={}/", top.display());
        let mut names = Vec::new();
        for path in paths {
            names.extend(path.as_bytes());
            names.push(0);
        }
        self.run_with(&["checkout-index", "-z", "--stdin", &prefix], Some(&index), &names)?;
        // There may be nothing of the root.
        let root = top.join(inner);
        std::fs::create_dir_all(&root).map_err(|source| RepositoryError::Scratch { source })?;
        Ok(root)
    }
}

/// The first blob of an answer of `git cat-file --batch`, and what is behind it.
fn blob_of(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let [_, "blob", size] = head.split(' ').collect::<Vec<_>>()[..] else { return None };
    let (content, behind) = answer[end + 1..].split_at_checked(size.parse().ok()?)?;
    Some((content, behind.strip_prefix(b"\n")?))
}

#[cfg(test)]
mod tests {
    use super::blob_of;

    #[test]
    fn blobs_end_where_their_size_says() {
        let answer = b"aa blob 4\na\nb\n\nbb blob 0\n\ncc missing\n";
        let (first, rest) = blob_of(answer).unwrap();
        assert_eq!(first, b"a\nb\n");
        let (second, rest) = blob_of(rest).unwrap();
        assert_eq!((second, rest), (&b""[..], &b"cc missing\n"[..]));
        assert_eq!(blob_of(rest), None);
        assert_eq!(blob_of(b"aa blob 9\nshort\n"), None);
    }
}
