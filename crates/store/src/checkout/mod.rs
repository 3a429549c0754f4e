//! Trees on disk: check-outs, which sandboxes use as lower layers, and exports, which people get.
//!
//! A check-out stands at `checkouts/<tree id>`, is made once and never changed; that it is
//! read-only is a convention, since its files are the store's own inodes. An export is a copy in a
//! place of the user's.
//!
//! On disk everything belongs to the store's owner, set-id bits are off and device nodes are empty
//! files: owners, devices and privileges are data of the tree ([`unrepresented`] lists what is not
//! on disk). Times are [`groundup_tree::FILE_TIME`].

mod copy;
mod earlier;
mod export;
mod materialise;
mod unrepresented;

pub use export::{Existing, ExportError, ExportOptions, Exported};
pub use unrepresented::{Missing, Unrepresented, unrepresented};

use crate::{
    Access, Store,
    error::{StoreError, Tried},
};
use copy::Copier;
use groundup_digest::{BlobId, TreeId};
use groundup_tree::{FileTree, TreePath};
pub(crate) use materialise::on_disk;
use materialise::{Files, Materialiser};
use rustix::fs::{self, Mode};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// A tree on disk, kept there until the process closes the store.
#[derive(Debug)]
pub struct Checkout {
    id: TreeId,
    path: PathBuf,
    store: Store,
}

/// Why a tree could not be made on disk.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The store or the file system failed.
    #[error("cannot make a tree on disk")]
    Store(#[from] StoreError),
    /// A file's content is not in the store.
    #[error("the content of {path} (blob {blob}) is not in the store")]
    MissingBlob {
        /// The content.
        blob: BlobId,
        /// The file.
        path: TreePath,
    },
    /// A file's content is not what its id says.
    #[error(
        "the content of {path} (blob {blob}) is damaged in the store; \
         `groundup store verify` finds every damaged object, `groundup store repair` removes them"
    )]
    DamagedBlob {
        /// The content.
        blob: BlobId,
        /// The file.
        path: TreePath,
    },
}

impl Checkout {
    /// The tree.
    pub fn id(&self) -> TreeId {
        self.id
    }

    /// The directory that is the tree's root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the tree says and the directory does not show, ownership apart.
    pub fn unrepresented(&self) -> Result<Vec<Unrepresented>, StoreError> {
        Ok(unrepresented(&self.store.load_tree(self.id)?))
    }
}

/// Stands on the top directory of a check-out until its own mode is set; the sticky bit never
/// occurs in a check-out otherwise.
const UNSETTLED: Mode = Mode::SVTX;

/// Lets a check-out be moved away: a directory that its owner may not write cannot be. Who finds it
/// in its place after all sets its mode again.
pub(crate) fn make_movable(path: &Path) -> std::io::Result<()> {
    Ok(fs::chmod(path, Mode::RWXU | UNSETTLED)?)
}

/// Whether the mode of a check-out's top directory is what its tree says, or about to be set.
pub(crate) fn has_mode(mode: Mode, tree: &FileTree) -> bool {
    mode.contains(UNSETTLED) || mode == on_disk(&tree.root().meta)
}

impl Store {
    /// Gives the tree on disk, made now if it is not there yet.
    pub fn checkout(&self, id: TreeId) -> Result<Checkout, CheckoutError> {
        // Before looking: what is there when it is leased stays.
        if self.access() == Access::ReadWrite {
            self.session()?.hold_checkout(id)?;
        }
        let path = self.path().join("checkouts").join(id.to_string());
        let mode = match fs::lstat(&path) {
            Ok(stat) => Mode::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => {
                self.make_checkout(&self.load_tree(id)?, &path)?;
                UNSETTLED
            }
            Err(error) => return Err(error).tried("look at", &path)?,
        };
        if mode.contains(UNSETTLED) {
            let mode = on_disk(&self.load_tree(id)?.root().meta);
            // A directory that its owner may not write cannot be moved, so this comes after the
            // move; whoever finds it undone does it.
            fs::chmod(&path, mode).tried("set the mode of", &path)?;
        }
        Ok(Checkout { id, path, store: self.clone() })
    }

    fn make_checkout(&self, tree: &FileTree, path: &Path) -> Result<(), CheckoutError> {
        // In the scratch of the process: many small check-outs need no directory of their own each.
        let made = self.scratch()?.fresh_path();
        fs::mkdir(&made, Mode::RWXU).tried("make directory", &made)?;
        let copier = Copier::new();
        let maker = Materialiser { store: self, files: Files::Shared, copier, earlier: None };
        if let Err(error) = maker.make(tree, &made, UNSETTLED) {
            // What stays is swept with the scratch.
            let _ = crate::below::remove_all(&made);
            return Err(error);
        }
        // It is used unread from now on. It need not be on the disk for that: after a crash of the
        // machine check-outs that were made since the last sync are removed.
        self.0.durability.wrote();
        match fs::rename(&made, path) {
            Ok(()) => Ok(()),
            // Another process was faster; its tree is the same.
            Err(Errno::EXIST | Errno::NOTEMPTY) => {
                crate::below::remove_all(&made)?;
                Ok(())
            }
            Err(error) => Err(error).tried("move a tree to", path)?,
        }
    }
}
