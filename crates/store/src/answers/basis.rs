//! The paths that an answer rests on, gathered while it is made.

use super::MAGIC;
use super::state::{Directory, Seen};
use crate::snapshot::{Instant, Stamp, is_settled};
use groundup_digest::{BlobId, Writer};
use rayon::prelude::*;
use rustix::fs;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The paths that an answer rests on.
///
/// Only paths are gathered; their state is taken when the answer is kept. That is safe although
/// they were read before: whatever changed meanwhile has a time that is later than the beginning,
/// and then no answer is kept. A directory that is moved gets a new time as well, so those between
/// the root and each path are looked at too.
#[derive(Debug)]
pub struct Basis {
    root: PathBuf,
    root_at: Option<(u64, u64)>,
    start: Instant,
    /// By the bytes of their paths: comparing those of `Path` takes many times as long.
    directories: BTreeMap<OsString, Watched>,
    is_usable: bool,
}

#[derive(Debug, Default)]
struct Watched {
    listing: bool,
    /// Others make and remove files here all the time.
    busy: bool,
    names: Vec<OsString>,
}

/// Names of a large directory that are looked at in one go.
const CHUNK: usize = 4096;

impl Basis {
    /// Begins before anything is read. `root` is the directory that most paths lie in.
    pub fn begin(root: &Path) -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let start = (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0));
        let root_at = fs::stat(root).ok().map(|stat| Stamp::of(&stat).place());
        let directories = BTreeMap::new();
        Self { root: root.to_owned(), root_at, start, directories, is_usable: true }
    }

    /// The answer rests on what is at this absolute path, or on nothing being there.
    pub fn path(&mut self, path: &Path) {
        if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
            self.watched(dir).names.push(name.to_owned());
        } else {
            self.listing(path);
        }
        // The content of a link is what it points to.
        if path.is_symlink()
            && let Ok(target) = path.canonicalize()
            && target != path
        {
            self.path(&target);
        }
    }

    /// The same for a path in a directory where others make and remove files all the time, as git
    /// does with its locks; that such a directory was moved meanwhile goes unseen.
    pub fn path_in_busy_directory(&mut self, path: &Path) {
        self.path(path);
        if let Some(dir) = path.parent() {
            self.watched(dir).busy = true;
        }
    }

    /// The answer rests on these files below the root.
    pub fn files<'a>(&mut self, paths: impl IntoIterator<Item = &'a groundup_tree::TreePath>) {
        // Paths come directory by directory: each is looked up once for a row of its files.
        let (mut last, mut row) = (None, Vec::new());
        for path in paths {
            if let (Some(dir), Some(name)) = (path.parent(), path.name()) {
                if last.as_ref() != Some(&dir) {
                    self.put(last.replace(dir), &mut row);
                }
                row.push(OsString::from(std::ffi::OsStr::from_bytes(name.as_bytes())));
            }
        }
        self.put(last, &mut row);
    }

    /// Takes these names of files in one directory below the root.
    fn put(&mut self, dir: Option<groundup_tree::TreePath>, names: &mut Vec<OsString>) {
        if let Some(dir) = dir {
            let dir = crate::below::shown(&self.root, &dir);
            self.watched(&dir).names.append(names);
        }
    }

    /// The answer rests on which names are in this directory.
    pub fn listing(&mut self, dir: &Path) {
        self.watched(dir).listing = true;
    }

    /// This basis; what is left in its place keeps no answer.
    pub fn take(&mut self) -> Self {
        let mut left = Self::begin(&self.root);
        left.spoil();
        std::mem::replace(self, left)
    }

    /// The answer rests on something that `stat` does not tell: it will not be kept.
    pub fn spoil(&mut self) {
        self.is_usable = false;
    }

    fn watched(&mut self, dir: &Path) -> &mut Watched {
        let dir = dir.as_os_str();
        if !self.directories.contains_key(dir) {
            self.directories.insert(dir.to_owned(), Watched::default());
        }
        self.directories.get_mut(dir).expect("it was just put there")
    }

    /// The file of an answer, taking the state of every path; none if one is too new.
    pub(super) fn into_bytes(mut self, answer: &[u8]) -> Option<Vec<u8>> {
        if !self.is_usable || !self.are_directories_settled()? {
            return None;
        }
        let watched = std::mem::take(&mut self.directories).into_iter().collect::<Vec<_>>();
        let seen: Vec<_> = watched
            .into_par_iter()
            .map(|(path, watched)| self.look(Path::new(&path), watched))
            .collect::<Option<_>>()?;
        let mut writer = Writer::new();
        let seen: Vec<_> = seen.iter().flatten().collect();
        writer.seq(&seen, |writer, (path, listing, names, states)| {
            Directory::write(writer, path.as_os_str().as_bytes(), *listing, states, names);
        });
        writer.bytes(answer);
        let mut bytes = [MAGIC, writer.as_bytes()].concat();
        bytes.extend(BlobId::of(&bytes).as_bytes());
        Some(bytes)
    }

    /// Whether each directory between the root and a watched path is the one that it was.
    fn are_directories_settled(&self) -> Option<bool> {
        if fs::stat(&self.root).ok().map(|stat| Stamp::of(&stat).place()) != self.root_at {
            return Some(false);
        }
        let mut looked_at = std::collections::BTreeSet::new();
        let root = self.root.as_os_str().as_bytes();
        for (path, _) in self.directories.iter().filter(|(_, watched)| !watched.busy) {
            let mut dir = path.as_bytes();
            // From the directory up to the root.
            while dir.strip_prefix(root).is_some_and(|below| below.starts_with(b"/"))
                && looked_at.insert(dir)
            {
                // A directory that is not there is fine: so was nothing in it.
                let stat = fs::lstat(dir).ok();
                if stat.is_some_and(|stat| !is_settled(&Stamp::of(&stat), self.start)) {
                    return Some(false);
                }
                let end = dir.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                dir = &dir[..end];
            }
        }
        Some(true)
    }

    fn is_root_settled(&self) -> bool {
        let stat = fs::stat(&self.root);
        stat.is_ok_and(|stat| is_settled(&Stamp::of(&stat), self.start))
    }

    #[allow(clippy::type_complexity, reason = "the parts of one encoded directory")]
    fn look(
        &self,
        path: &Path,
        mut watched: Watched,
    ) -> Option<Vec<(PathBuf, bool, Vec<u8>, [u8; 32])>> {
        watched.names.sort();
        watched.names.dedup();
        let mut parts: Vec<&[OsString]> = watched.names.chunks(CHUNK).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let mut taken = Vec::new();
        for (number, part) in parts.into_iter().enumerate() {
            let listing = watched.listing && number == 0;
            let mut names = Vec::new();
            for name in part {
                names.extend(name.as_encoded_bytes());
                names.push(0);
            }
            let seen = Seen::look(path.as_os_str().as_bytes(), listing, &names);
            if !seen.newest.is_none_or(|stamp| is_settled(&stamp, self.start)) {
                return None;
            }
            // What is absent now may have been there, if names in the directory changed. The root
            // is the one where that is usual: a build makes its output directory there.
            if seen.lacks_some && path == self.root && !self.is_root_settled() {
                return None;
            }
            taken.push((path.to_owned(), listing, names, seen.states));
        }
        Some(taken)
    }
}
