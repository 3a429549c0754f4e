//! Every file of a directory that no version control knows.

use super::{SnapshotEntry, Stamp};
use crate::{
    Store,
    below::{open_dir, shown, sorted_names},
    error::{StoreError, Tried},
};
use groundup_tree::TreePath;
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use std::os::fd::OwnedFd;
use std::path::Path;

/// What is below a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Everything that is no directory, in walk order.
    pub files: Vec<SnapshotEntry>,
    /// Every directory, the top one included.
    pub directories: Vec<TreePath>,
}

impl Store {
    /// Lists everything below `root` that is no directory, in walk order, and all directories; the store itself, should
    /// it lie there, is left out.
    pub fn walk_all(&self, root: &Path) -> Result<Listed, StoreError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = fs::open(root, flags, Mode::empty()).tried("open", root)?;
        let stat = fs::stat(self.path()).tried("look at", self.path())?;
        let walk = Walk { at: root, root: open, store: Stamp::of(&stat).place() };
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        let mut level = vec![TreePath::root()];
        while !level.is_empty() {
            let found: Vec<_> =
                level.par_iter().map(|dir| walk.list(dir)).collect::<Result<_, _>>()?;
            directories.append(&mut level);
            for (path, kind) in found.into_iter().flatten() {
                match kind {
                    FileType::Directory => level.push(path),
                    _ => files.push(SnapshotEntry { path, executable: None }),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Listed { files, directories })
    }
}

struct Walk<'a> {
    at: &'a Path,
    root: OwnedFd,
    /// The place of the store's folder.
    store: (u64, u64),
}

impl Walk<'_> {
    fn list(&self, dir: &TreePath) -> Result<Vec<(TreePath, FileType)>, StoreError> {
        let fd = open_dir(&self.root, dir).tried("open", shown(self.at, dir))?;
        let names = sorted_names(&fd).tried("list", shown(self.at, dir))?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let path = dir.join(&name);
            let stat = fs::statat(&fd, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)
                .tried("look at", shown(self.at, &path))?;
            if Stamp::of(&stat).place() != self.store {
                found.push((path, FileType::from_raw_mode(stat.st_mode)));
            }
        }
        Ok(found)
    }
}
