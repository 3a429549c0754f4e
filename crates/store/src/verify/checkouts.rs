//! Comparing check-outs with their trees: names, kinds, modes, links' targets and contents.
//!
//! Steps use check-outs unread, so a byte that flips in one would flip in what they make.

use super::{Problem, Report};
use crate::{
    Store, StoreError,
    below::{open_dir, shown, sorted_names},
    checkout::{has_mode, on_disk},
};
use groundup_digest::{BlobId, TreeId};
use groundup_tree::{FileTree, Kind, Name, Node, TreePath};
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// The inodes of blobs, by device and number.
type Inodes = HashMap<(u64, u64), BlobId>;

impl Store {
    /// Compares every check-out with its tree. Files that are inodes of blobs that are whole are not
    /// read again.
    pub(super) fn verify_checkouts(&self, report: &mut Report) -> Result<(), StoreError> {
        let damaged: Vec<_> = report
            .problems
            .iter()
            .filter_map(|problem| match problem {
                Problem::DamagedBlob { path, .. } | Problem::UnreadableBlob { path, .. } => {
                    Some(path.clone())
                }
                _ => None,
            })
            .collect();
        let mut inodes = Inodes::new();
        for blob in self.blob_files()?.blobs.iter().filter(|blob| !damaged.contains(&blob.path)) {
            if let Ok(metadata) = blob.path.symlink_metadata() {
                inodes.insert((metadata.dev(), metadata.ino()), blob.id);
            }
        }
        let problems = self.checkout_folders()?.into_par_iter().map(|(id, path)| {
            let differs = match self.load_tree(id) {
                // A second look: the first may have met one that was collected and made again.
                Ok(tree) => differs(&tree, &path, &inodes)
                    .and_then(|_| path.exists().then(|| differs(&tree, &path, &inodes)).flatten()),
                // The index is looked at by itself.
                Err(StoreError::DamagedIndex { .. }) => None,
                Err(_) => Some(TreePath::root()),
            };
            // It may have been collected meanwhile.
            let differs = differs.filter(|_| path.exists())?;
            Some(Problem::DamagedCheckout { tree: id, path: shown(&path, &differs) })
        });
        report.problems.extend(problems.collect::<Vec<_>>().into_iter().flatten());
        Ok(())
    }

    /// Removes a check-out, unless a living process may be using it.
    pub(super) fn drop_checkout(&self, tree: TreeId) -> Result<bool, StoreError> {
        let _lock = crate::leases::lock_sweep(self.path())?;
        let leased = crate::leases::leased(self.path())?;
        if leased.iter().any(|entry| entry.keeps_checkout_of(tree)) {
            return Ok(false);
        }
        let moved = self.move_checkout_away(&tree)?;
        moved.iter().try_for_each(|path| crate::below::remove_all(path))?;
        Ok(true)
    }
}

/// The first path at which a check-out is not what its tree says.
fn differs(tree: &FileTree, at: &Path, inodes: &Inodes) -> Option<TreePath> {
    let mut folders: BTreeMap<TreePath, BTreeMap<Name, &Node>> = BTreeMap::new();
    for (path, node) in tree.iter() {
        if node.is_directory() {
            folders.entry(path.clone()).or_default();
        }
        if let (Some(parent), Some(name)) = (path.parent(), path.name()) {
            folders.entry(parent).or_default().insert(name, node);
        }
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(root) = fs::open(at, flags, Mode::empty()) else { return Some(TreePath::root()) };
    let mode = fs::fstat(&root).map(|stat| Mode::from_raw_mode(stat.st_mode & 0o7777));
    if !mode.is_ok_and(|mode| has_mode(mode, tree)) {
        return Some(TreePath::root());
    }
    for (folder, entries) in folders {
        let Ok(dir) = open_dir(&root, &folder) else { return Some(folder) };
        let Ok(names) = sorted_names(&dir) else { return Some(folder) };
        if let Some(stranger) = names.iter().find(|name| !entries.contains_key(*name)) {
            return Some(folder.join(stranger));
        }
        let wrong = entries.iter().find(|(name, node)| !is_as(&dir, name, node, inodes));
        if let Some((name, _)) = wrong {
            return Some(folder.join(name));
        }
    }
    None
}

/// Whether an entry is what its node says.
fn is_as(dir: &OwnedFd, name: &Name, node: &Node, inodes: &Inodes) -> bool {
    let name = name.as_bytes();
    let Ok(stat) = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let (kind, mode) = (FileType::from_raw_mode(stat.st_mode), stat.st_mode & 0o7777);
    let usual_mode = Mode::from_raw_mode(mode) == on_disk(&node.meta);
    match &node.kind {
        Kind::Directory => kind == FileType::Directory && usual_mode,
        Kind::Fifo => kind == FileType::Fifo && usual_mode,
        Kind::Symlink { target } => {
            kind == FileType::Symlink
                && fs::readlinkat(dir, name, Vec::new())
                    .is_ok_and(|found| found.as_bytes() == &target[..])
        }
        Kind::CharDevice(_) | Kind::BlockDevice(_) => {
            kind == FileType::RegularFile && stat.st_size == 0 && mode == 0
        }
        Kind::File { blob, size } => {
            kind == FileType::RegularFile
                && usual_mode
                && u64::try_from(stat.st_size) == Ok(*size)
                && (inodes.get(&crate::snapshot::Stamp::of(&stat).place()) == Some(blob)
                    || holds(dir, name, *blob))
        }
    }
}

/// Whether a file holds the bytes of a blob. One that its owner may not read is opened all the same
/// where that is possible, and taken for whole elsewhere: its inode is no blob's.
fn holds(dir: impl AsFd, name: &[u8], blob: BlobId) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match fs::openat(dir, name, flags, Mode::empty()) {
        Err(rustix::io::Errno::ACCESS) => return true,
        Err(_) => return false,
        Ok(file) => File::from(file),
    };
    crate::BlobReader::new(blob, Path::new("").to_owned(), file).into_content().is_ok()
}
