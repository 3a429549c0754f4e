//! Finds everything in a directory that a step left, level by level, without following a link.

use super::{IngestError, Oddity};
use crate::below::{open_dir, shown, sorted_names};
use crate::error::{StoreError, Tried};
use groundup_tree::{MAX_DEPTH, Name, TreePath};
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// A directory that a step left, open.
pub(crate) struct Origin<'a> {
    pub(crate) at: &'a Path,
    pub(crate) root: OwnedFd,
    /// The top directory as the step left it.
    pub(crate) top: Stat,
}

/// One thing found.
pub(crate) struct Found {
    pub(crate) path: TreePath,
    pub(crate) kind: FileType,
    pub(crate) stat: Stat,
}

impl Found {
    /// The 12 permission bits.
    pub(crate) fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }
}

impl<'a> Origin<'a> {
    pub(crate) fn open(at: &'a Path) -> Result<Self, StoreError> {
        let top = fs::lstat(at).tried("look at", at)?;
        if FileType::from_raw_mode(top.st_mode) == FileType::Directory && lacks(&top, 0o700) {
            fs::chmod(at, Mode::from_raw_mode(top.st_mode & 0o7777 | 0o700))
                .tried("get read access to", at)?;
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = fs::open(at, flags, Mode::empty()).tried("open", at)?;
        Ok(Self { at, root, top })
    }

    pub(crate) fn dir(&self, path: &TreePath) -> Result<OwnedFd, StoreError> {
        open_dir(&self.root, path).map_err(|error| self.error("open", path, error))
    }

    pub(crate) fn error(&self, action: &'static str, path: &TreePath, source: Errno) -> StoreError {
        StoreError::Io { action, path: shown(self.at, path), source: source.into() }
    }

    /// Everything below the root, in walk order; what no tree can hold is an error.
    pub(crate) fn walk(&self) -> Result<Vec<Found>, IngestError> {
        let mut all = Vec::new();
        let mut level = vec![TreePath::root()];
        let mut depth = 0;
        while !level.is_empty() {
            depth += 1;
            if depth > MAX_DEPTH {
                let names = level[0].names().take(5);
                let start = names.filter_map(|name| Name::new(name).ok());
                let path = start.fold(TreePath::root(), |path, name| path.join(&name));
                return Err(IngestError::Deep { path, most: MAX_DEPTH });
            }
            let found: Vec<Vec<Found>> =
                level.par_iter().map(|dir| self.list(dir)).collect::<Result<_, StoreError>>()?;
            let found: Vec<Found> = found.into_iter().flatten().collect();
            let directories = found.iter().filter(|found| found.kind == FileType::Directory);
            level = directories.map(|found| found.path.clone()).collect();
            all.extend(found);
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        match all.iter().find_map(oddity) {
            Some((path, oddity)) => Err(IngestError::Odd { path: path.clone(), oddity }),
            None => Ok(all),
        }
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Found>, StoreError> {
        let fd = self.dir(dir)?;
        let names = sorted_names(&fd).map_err(|error| self.error("list", dir, error))?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let path = dir.join(&name);
            let look = || {
                fs::statat(&fd, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|error| self.error("look at", &path, error))
            };
            let mut stat = look()?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            let needed = match kind {
                // Files are moved out of it.
                FileType::Directory => 0o700,
                FileType::RegularFile => 0o400,
                _ => 0,
            };
            if lacks(&stat, needed) {
                let opened = grant(&fd, &name, stat.st_mode & 0o7777 | needed);
                opened.map_err(|error| self.error("get read access to", &path, error))?;
                // The mode that the step gave stays, the time of change is that of ours.
                let mode = stat.st_mode;
                stat = look()?;
                stat.st_mode = mode;
            }
            found.push(Found { path, kind, stat });
        }
        Ok(found)
    }
}

/// Whether the owner has not all of these rights, and needs them: root needs none.
fn lacks(stat: &Stat, rights: u32) -> bool {
    stat.st_mode & rights != rights && !rustix::process::geteuid().is_root()
}

/// Gives the owner the rights that a step took from it.
fn grant(dir: &OwnedFd, name: &Name, mode: u32) -> Result<(), Errno> {
    // By descriptor, since changing the mode by name would follow a link put there meanwhile.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(dir, name.as_bytes(), flags, Mode::empty())?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    fs::chmod(path, Mode::from_raw_mode(mode))
}

fn oddity(found: &Found) -> Option<(&TreePath, Oddity)> {
    #[allow(clippy::useless_conversion, reason = "the width differs between architectures")]
    let number = u64::from(found.stat.st_rdev);
    let oddity = match found.kind {
        FileType::Directory | FileType::RegularFile | FileType::Symlink | FileType::Fifo => {
            return None;
        }
        FileType::CharacterDevice if number == 0 => Oddity::Whiteout,
        FileType::CharacterDevice | FileType::BlockDevice => Oddity::Device,
        _ => Oddity::Socket,
    };
    Some((&found.path, oddity))
}

/// The target of the symbolic link `path`.
pub(crate) fn read_link(origin: &Origin<'_>, path: &TreePath) -> Result<Box<[u8]>, StoreError> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
        return Err(origin.error("read the link", path, Errno::INVAL));
    };
    let dir = origin.dir(&parent)?;
    let target = fs::readlinkat(dir, name.as_bytes(), Vec::with_capacity(256))
        .map_err(|error| origin.error("read the link", path, error))?;
    Ok(target.into_bytes().into())
}
