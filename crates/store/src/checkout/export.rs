//! A tree as a copy for people: never the store's inodes, every content verified on the way.

use super::{
    CheckoutError, Unrepresented,
    copy::Copier,
    earlier::Earlier,
    materialise::{Files, Materialiser},
    unrepresented,
};
use crate::{
    Access, Store, below,
    error::{StoreError, Tried},
    held,
};
use groundup_digest::{ObjectId, TreeId};
use rustix::fs::{self, CWD, Mode, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What to do when something stands at the destination.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Existing {
    /// Fail, unless it is an empty directory.
    #[default]
    Refuse,
    /// Put the export in its place and remove it.
    Replace,
}

/// How a tree is exported.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ExportOptions {
    /// What to do when something stands at the destination.
    pub existing: Existing,
}

/// A tree that was exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// What the tree says and the copy does not show, ownership apart.
    pub unrepresented: Vec<Unrepresented>,
}

/// Why a tree could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The copy could not be made.
    #[error("cannot export the tree to {}", path.display())]
    Make {
        /// The destination.
        path: PathBuf,
        /// Why not.
        #[source]
        source: CheckoutError,
    },
    /// Something is in the way.
    #[error("{} is there already and is not an empty directory", .0.display())]
    Exists(PathBuf),
}

impl Store {
    /// Copies the tree to `dest`: made next to it under another name, then moved there in one step.
    ///
    /// What was there is removed after the move, so `dest` is at every moment the old thing or the
    /// whole new one, where the file system can exchange two names; elsewhere it is missing for a
    /// moment. Large files of an earlier export that still have the right bytes are kept rather than
    /// written again, so that what is written is what has changed.
    pub fn export(
        &self,
        id: TreeId,
        dest: &Path,
        options: ExportOptions,
    ) -> Result<Exported, ExportError> {
        // `.` and a trailing slash name no entry that could be replaced.
        let dest = std::path::absolute(dest)
            .tried("find", dest)
            .map_err(|source| failed(dest, source.into()))?;
        self.export_to(id, &dest, options)
    }

    /// Removes what exports into this directory could not remove themselves: those of processes
    /// that were killed, and rests that could not be removed at the time.
    pub fn sweep_exports(&self, parent: &Path) -> Result<(), StoreError> {
        held::sweep_named(parent, SCRATCH)
    }

    fn export_to(
        &self,
        id: TreeId,
        dest: &Path,
        options: ExportOptions,
    ) -> Result<Exported, ExportError> {
        let store = |source: StoreError| failed(dest, source.into());
        if options.existing == Existing::Refuse && !is_free(dest).map_err(store)? {
            return Err(ExportError::Exists(dest.to_owned()));
        }
        let parent = dest.parent().unwrap_or(Path::new("/"));
        self.sweep_exports(parent).map_err(store)?;
        let (path, lock) =
            held::create_named(parent, SCRATCH, held::EntryKind::Directory).map_err(store)?;
        let scratch = Scratch { path, _lock: lock };
        let made = scratch.path.join("new");
        let lease = match self.access() {
            Access::ReadWrite => Some(self.lease().map_err(store)?),
            Access::ReadOnly => None,
        };
        lease.as_ref().map_or(Ok(()), |lease| lease.add(ObjectId::Tree(id))).map_err(store)?;
        let tree = self.load_tree(id).map_err(store)?;
        fs::mkdir(&made, Mode::RWXU).tried("make directory", &made).map_err(store)?;
        let earlier = match options.existing {
            Existing::Refuse => None,
            Existing::Replace => Earlier::at(dest),
        };
        Materialiser { store: self, files: Files::Copied, copier: Copier::new(), earlier }
            .make(&tree, &made, Mode::empty())
            .map_err(|source| failed(dest, source))?;
        put_in_place(&made, dest, options.existing)?;
        let mode = super::on_disk(&tree.root().meta);
        fs::chmod(dest, mode).tried("set the mode of", dest).map_err(store)?;
        Ok(Exported { unrepresented: unrepresented(&tree) })
    }
}

fn failed(dest: &Path, source: CheckoutError) -> ExportError {
    ExportError::Make { path: dest.to_owned(), source }
}

/// How the names of directories start in which exports are made.
const SCRATCH: &str = ".groundup-export-";

/// The directory in which an export is made; dropped, it goes with all that is left in it.
struct Scratch {
    path: PathBuf,
    /// Held as long as the directory is in use.
    _lock: File,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The export itself is in place; [`Store::sweep_exports`] removes a rest that cannot be now.
        let _ = below::remove_all(&self.path);
    }
}

/// Whether nothing stands at `dest`, or an empty directory.
fn is_free(dest: &Path) -> Result<bool, StoreError> {
    match fs::lstat(dest) {
        Err(Errno::NOENT) => return Ok(true),
        other => other.tried("look at", dest)?,
    };
    let flags = fs::OFlags::DIRECTORY | fs::OFlags::NOFOLLOW | fs::OFlags::CLOEXEC;
    match fs::open(dest, flags, Mode::empty()) {
        Ok(dir) => Ok(below::sorted_names(dir).tried("list", dest)?.is_empty()),
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(false),
        Err(error) => Err(error).tried("open", dest),
    }
}

/// Moves `made` to `dest`; what was there is in the place of `made` afterwards, or next to it.
fn put_in_place(made: &Path, dest: &Path, existing: Existing) -> Result<(), ExportError> {
    let failed = |error: Errno| {
        let source = StoreError::Io {
            action: "move a tree to",
            path: dest.to_owned(),
            source: error.into(),
        };
        failed(dest, source.into())
    };
    match (fs::rename(made, dest), existing) {
        (Ok(()), _) => return Ok(()),
        (Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR), Existing::Refuse) => {
            return Err(ExportError::Exists(dest.to_owned()));
        }
        (Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR), Existing::Replace) => {}
        (Err(error), _) => return Err(failed(error)),
    }
    // To move a directory its owner needs to be allowed to write it.
    let stat = fs::lstat(dest).map_err(failed)?;
    if fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::Directory {
        fs::chmod(dest, Mode::from_raw_mode(stat.st_mode) | Mode::RWXU).map_err(failed)?;
    }
    match fs::renameat_with(CWD, made, CWD, dest, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::rename(dest, made.with_file_name("old")).map_err(failed)?;
            fs::rename(made, dest).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}
