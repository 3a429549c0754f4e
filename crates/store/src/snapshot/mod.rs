//! A person's files become a tree: copied into the store, with git's modes.
//!
//! The files stay the person's: they are never linked or moved. Whoever lists them (git, or
//! [`Store::walk_all`] where there is no git) decides what belongs to the tree. A file is read once
//! and not again while its stamp stays ([`stat_cache`] says when that is safe); a file that changes
//! while it is read is read again, and a few such attempts are an error.

mod list;
mod put;
mod stamp;
mod stat_cache;

pub use list::Listed;
pub(crate) use stamp::{Instant, Stamp};
pub(crate) use stat_cache::{is_settled, round_trip as stat_cache_round_trip};

use crate::{
    Executable, Store,
    below::{open_dir, shown},
    disk,
    error::{StoreError, Tried},
};
use groundup_digest::{BlobId, ObjectId, TreeId};
use groundup_tree::{FileTree, Name, Node, TreePath};
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use stat_cache::StatCache;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file that belongs to a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotEntry {
    /// Its path below the root.
    pub path: TreePath,
    /// Whether it is executable, where version control knows; otherwise its owner's bit says.
    pub executable: Option<Executable>,
}

/// Whether hashes of an earlier snapshot may stand for files that look unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum KnownHashes {
    /// A file whose stamp is known is not read.
    #[default]
    Trust,
    /// Every file is read.
    Ignore,
    /// Every file is read, and nothing is remembered of a directory that will soon be gone.
    Forget,
}

/// Files of a person as a tree of the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The tree's id.
    pub id: TreeId,
    /// The tree.
    pub tree: FileTree,
    /// Paths that were listed and are not there, in walk order.
    pub missing: Vec<TreePath>,
    /// How many files were read; the others were known.
    pub read: usize,
}

/// Why files could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store or a file could not be used.
    #[error("cannot take in the files")]
    Store(#[from] StoreError),
    /// What is listed is neither a file nor a symbolic link.
    #[error("{} is a {noun}; only files and symbolic links can be taken in", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        noun: &'static str,
    },
    /// A file changed each time that it was read.
    #[error("{} keeps changing while it is read", .0.display())]
    Changing(PathBuf),
}

impl Store {
    /// Takes the listed files below `root` into the store and gives them as a tree: root-owned,
    /// mode 0644 or 0755, directories 0755.
    pub fn snapshot(
        &self,
        root: &Path,
        files: &[SnapshotEntry],
        known: KnownHashes,
    ) -> Result<Snapshot, SnapshotError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = fs::open(root, flags, Mode::empty()).tried("open", root)?;
        let absolute = std::path::absolute(root).tried("find", root)?;
        let folder = self.path().join("stat-cache");
        let place = folder.join(BlobId::of(absolute.as_os_str().as_bytes()).to_string());
        let cache = match known {
            KnownHashes::Trust => StatCache::load(&place),
            KnownHashes::Ignore | KnownHashes::Forget => StatCache::default(),
        };
        let start = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let take = Take {
            store: self,
            at: root,
            root: open,
            cache: &cache,
            start: (start.tv_sec, u32::try_from(start.tv_nsec).unwrap_or(0)),
        };
        let taken = take.all(files)?;
        let (mut seen, mut read, mut missing) = (Vec::new(), 0, Vec::new());
        let mut tree = FileTree::new();
        for (path, taken) in taken {
            let node = match taken {
                Taken::Missing => {
                    missing.push(path.clone());
                    continue;
                }
                Taken::Link(target) => Node::symlink(target),
                Taken::File { blob, size, mode, stamp, source } => {
                    read += usize::from(source == ReadFrom::Disk);
                    seen.extend(stamp.map(|stamp| (stamp, blob)));
                    Node::file(blob, size, mode)
                }
            };
            tree.insert_with_parents(path.clone(), node)
                .map_err(|_| SnapshotError::Changing(shown(root, path)))?;
        }
        missing.sort();
        if known != KnownHashes::Forget
            && let Some(cache) = cache.updated(&seen)
        {
            disk::make_dir(&folder)?;
            let scratch = self.tmp_dir()?;
            disk::replace_file(&scratch.fresh_path(), &place, &cache.to_bytes())?;
        }
        let id = self.put_tree(&tree)?;
        Ok(Snapshot { id, tree, missing, read })
    }
}

/// What is needed to take in files.
struct Take<'a> {
    store: &'a Store,
    at: &'a Path,
    root: OwnedFd,
    cache: &'a StatCache,
    start: stamp::Instant,
}

/// One listed file, taken in.
enum Taken {
    Missing,
    Link(Vec<u8>),
    File {
        blob: BlobId,
        size: u64,
        mode: u32,
        /// Set where it may be remembered.
        stamp: Option<Stamp>,
        source: ReadFrom,
    },
}

/// Where a hash comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadFrom {
    Cache,
    Disk,
}

/// How often a file that changes is read.
const ATTEMPTS: usize = 4;

impl Take<'_> {
    /// Takes all files, directory by directory, in parallel.
    fn all<'f>(
        &self,
        files: &'f [SnapshotEntry],
    ) -> Result<Vec<(&'f TreePath, Taken)>, SnapshotError> {
        const MOST: usize = 256;
        let mut groups: BTreeMap<TreePath, Vec<&SnapshotEntry>> = BTreeMap::new();
        for file in files {
            groups.entry(file.path.parent().unwrap_or_default()).or_default().push(file);
        }
        let chunks: Vec<_> = groups
            .iter()
            .flat_map(|(dir, files)| files.chunks(MOST).map(move |files| (dir, files)))
            .collect();
        let taken = chunks.into_par_iter().map(|(dir, files)| self.some(dir, files));
        let taken: Vec<_> = taken.collect::<Result<_, _>>()?;
        Ok(taken.into_iter().flatten().collect())
    }

    fn some<'f>(
        &self,
        dir: &TreePath,
        files: &[&'f SnapshotEntry],
    ) -> Result<Vec<(&'f TreePath, Taken)>, SnapshotError> {
        let fd = match open_dir(&self.root, dir) {
            // To git, a file behind a symbolic link is not there either.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
            other => Some(other.tried("open", shown(self.at, dir))?),
        };
        let Some(fd) = fd else {
            return Ok(files.iter().map(|file| (&file.path, Taken::Missing)).collect());
        };
        let stats: Vec<_> =
            files.iter().map(|file| self.look(fd.as_fd(), file)).collect::<Result<_, _>>()?;
        // Leased in one go, before anybody looks whether they are there: what is there stays.
        let known = stats.iter().flatten().filter_map(|stat| self.cache.get(&Stamp::of(stat)));
        let known: Vec<_> = known.map(ObjectId::Blob).collect();
        self.store.session()?.add(&known)?;
        let taken = files.iter().zip(stats);
        taken.map(|(file, stat)| Ok((&file.path, self.one(fd.as_fd(), file, stat)?))).collect()
    }

    /// What `stat` says of a listed file; none if it is not there.
    fn look(
        &self,
        dir: BorrowedFd<'_>,
        file: &SnapshotEntry,
    ) -> Result<Option<Stat>, SnapshotError> {
        let Some(name) = file.path.name() else { return Ok(None) };
        match fs::statat(dir, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            other => Ok(Some(other.tried("look at", shown(self.at, &file.path))?)),
        }
    }

    fn one(
        &self,
        dir: BorrowedFd<'_>,
        file: &SnapshotEntry,
        mut stat: Option<Stat>,
    ) -> Result<Taken, SnapshotError> {
        let shown = || shown(self.at, &file.path);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                stat = self.look(dir, file)?;
            }
            let (Some(stat), Some(name)) = (stat, file.path.name()) else {
                return Ok(Taken::Missing);
            };
            let taken = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => {
                    match fs::readlinkat(dir, name.as_bytes(), Vec::with_capacity(256)) {
                        Ok(target) => Some(Taken::Link(target.into_bytes())),
                        Err(Errno::INVAL | Errno::NOENT) => None,
                        Err(error) => Err(error).tried("read the link", shown())?,
                    }
                }
                FileType::RegularFile => self.regular(dir, &name, file, &stat)?,
                other => {
                    return Err(SnapshotError::NotAFile { path: shown(), noun: noun(other) });
                }
            };
            if let Some(taken) = taken {
                return Ok(taken);
            }
        }
        Err(SnapshotError::Changing(shown()))
    }

    /// Takes a regular file; none if it changed meanwhile.
    fn regular(
        &self,
        dir: BorrowedFd<'_>,
        name: &Name,
        file: &SnapshotEntry,
        stat: &Stat,
    ) -> Result<Option<Taken>, SnapshotError> {
        let executable = match file.executable {
            Some(executable) => executable == Executable::Yes,
            None => stat.st_mode & 0o100 != 0,
        };
        let mode = if executable { 0o755 } else { 0o644 };
        let stamp = Stamp::of(stat);
        if let Some(blob) = self.cache.get(&stamp)
            && self.store.has_blob(blob)?
        {
            let (size, source) = (stamp.size, ReadFrom::Cache);
            return Ok(Some(Taken::File { blob, size, mode, stamp: Some(stamp), source }));
        }
        let shown = || shown(self.at, &file.path);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = match fs::openat(dir, name.as_bytes(), flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            other => File::from(other.tried("open", shown())?),
        };
        let content = self.store.put_file(&open, stamp.size, &shown())?;
        let after = fs::fstat(&open).tried("look at", shown())?;
        if Stamp::of(&after) != stamp || content.size != stamp.size {
            return Ok(None);
        }
        let stamp = Some(stamp).filter(|stamp| is_settled(stamp, self.start));
        let (blob, size, source) = (content.id, content.size, ReadFrom::Disk);
        Ok(Some(Taken::File { blob, size, mode, stamp, source }))
    }
}

fn noun(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "directory (a git submodule, perhaps)",
        FileType::Socket => "socket",
        FileType::Fifo => "fifo",
        _ => "device node",
    }
}
