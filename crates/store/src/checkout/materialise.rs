//! A tree made on disk, below an empty directory: directories, files, links, modes and times.
//!
//! What is made is private to its maker until it is finished, so directories are open to their
//! owner meanwhile; modes and times come last, children before their directory.
//!
//! Files of one content and mode share the store's inode, but only the first path of a tree does,
//! with the paths that the tree's link table joins to it: a linked pair that the tree does not
//! have would make `cp` and `tar` behave differently.

use super::{
    CheckoutError,
    copy::{Copier, CopyError, Verify, create_file},
    earlier::Earlier,
};
use crate::below::{file_times, open_dir, shown};
use crate::error::{StoreError, Tried};
use crate::{BlobReader, Executable, Store};
use groundup_digest::BlobId;
use groundup_tree::{FileTree, Kind, Meta, Name, Node, TreePath};
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How files come to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Files {
    /// The store's inode where the tree allows it, a copy where not.
    Shared,
    /// Always a copy.
    Copied,
}

/// The inode of a blob that a file with this metadata may share: only plain modes, no attributes.
fn twin(meta: &Meta) -> Option<Executable> {
    match meta.mode.bits() {
        _ if !meta.xattrs.is_empty() => None,
        0o644 => Some(Executable::No),
        0o755 => Some(Executable::Yes),
        _ => None,
    }
}

/// Makes trees on disk.
pub(crate) struct Materialiser<'a> {
    pub(crate) store: &'a Store,
    pub(crate) files: Files,
    pub(crate) copier: Copier,
    /// Where copies that are still right may be taken from.
    pub(crate) earlier: Option<Earlier>,
}

/// One node to make that is no directory.
struct Work<'t> {
    path: &'t TreePath,
    name: Name,
    node: &'t Node,
    twin: Option<Executable>,
}

/// How many files of one directory one worker takes at a time.
const CHUNK: usize = 256;

impl Materialiser<'_> {
    /// Makes `tree` in the empty directory `at`. The top directory keeps all rights for its owner,
    /// so that it can still be moved, and gets the bits of `top` besides; its own mode is left to
    /// the caller.
    pub(crate) fn make(&self, tree: &FileTree, at: &Path, top: Mode) -> Result<(), CheckoutError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::open(at, flags, Mode::empty()).tried("open", at)?;
        let target = Target { at, root };
        let work = self.plan(tree);
        target.make_directories(tree)?;
        let chunks: Vec<_> =
            work.iter().flat_map(|(dir, work)| work.chunks(CHUNK).map(move |c| (dir, c))).collect();
        chunks.into_par_iter().try_for_each(|(dir, work)| -> Result<(), CheckoutError> {
            let fd = target.open(dir)?;
            work.iter().try_for_each(|work| self.make_node(&target, fd.as_fd(), work))
        })?;
        for set in tree.links().sets() {
            for path in &set[1..] {
                self.make_link(&target, tree, set[0], path)?;
            }
        }
        target.finish_directories(tree, top)
    }

    /// The nodes to make by directory; decides which files share the store's inode, in walk order.
    fn plan<'t>(&self, tree: &'t FileTree) -> Vec<(TreePath, Vec<Work<'t>>)> {
        let mut places: HashMap<TreePath, usize> = HashMap::new();
        let mut plan: Vec<(TreePath, Vec<Work<'_>>)> = Vec::new();
        let mut shared = HashSet::new();
        for (path, node) in tree.iter() {
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            let joined = tree.links().first(path).is_some_and(|first| first != path);
            if node.is_directory() || joined {
                continue;
            }
            let twin = match (&node.kind, self.files) {
                (Kind::File { blob, .. }, Files::Shared) => {
                    twin(&node.meta).filter(|twin| shared.insert((*blob, *twin)))
                }
                _ => None,
            };
            let place = *places.entry(parent).or_insert_with_key(|parent| {
                plan.push((parent.clone(), Vec::new()));
                plan.len() - 1
            });
            plan[place].1.push(Work { path, name, node, twin });
        }
        plan
    }

    fn make_node(
        &self,
        target: &Target<'_>,
        dir: BorrowedFd<'_>,
        work: &Work<'_>,
    ) -> Result<(), CheckoutError> {
        let fail = |source: Errno| target.error("make", work.path, source);
        let name = work.name.as_bytes();
        match &work.node.kind {
            Kind::Directory => return Ok(()),
            Kind::File { blob, size } => {
                return self.make_file(target, dir, work, *blob, *size);
            }
            Kind::Symlink { target } => fs::symlinkat(&**target, dir, name).map_err(fail)?,
            Kind::Fifo => {
                let mode = on_disk(&work.node.meta);
                fs::mknodat(dir, name, fs::FileType::Fifo, mode, 0).map_err(fail)?;
                // `mknodat` obeys the umask.
                fs::chmodat(dir, name, mode, AtFlags::empty()).map_err(fail)?;
            }
            // Device nodes need privileges: an empty file that nobody can open stands in.
            Kind::CharDevice(_) | Kind::BlockDevice(_) => {
                let file = create_file(dir, name).map_err(fail)?;
                fs::fchmod(&file, Mode::empty()).map_err(fail)?;
            }
        }
        fs::utimensat(dir, name, &file_times(), AtFlags::SYMLINK_NOFOLLOW).map_err(fail)
    }

    fn make_file(
        &self,
        target: &Target<'_>,
        dir: BorrowedFd<'_>,
        work: &Work<'_>,
        blob: BlobId,
        size: u64,
    ) -> Result<(), CheckoutError> {
        let Some(twin) = work.twin else {
            return self.copy_file(target, dir, work, blob, size);
        };
        let from = self.store.blob_path(blob, twin).map_err(|error| missing(error, work.path))?;
        self.check(&from, blob, work.path)?;
        match fs::linkat(fs::CWD, &from, dir, work.name.as_bytes(), AtFlags::empty()) {
            Ok(()) => Ok(()),
            // The inode has no room for another link, or lies on another file system.
            Err(Errno::MLINK | Errno::XDEV | Errno::PERM | Errno::OPNOTSUPP) => {
                self.copy_file(target, dir, work, blob, size)
            }
            Err(Errno::NOENT) => Err(CheckoutError::MissingBlob { blob, path: work.path.clone() }),
            Err(error) => Err(target.error("make", work.path, error)),
        }
    }

    /// Reads a file of the store that is about to be used unread, once in the life of a process.
    fn check(&self, from: &Path, blob: BlobId, path: &TreePath) -> Result<(), CheckoutError> {
        if self.store.known_whole(blob) {
            return Ok(());
        }
        let lost = || CheckoutError::MissingBlob { blob, path: path.clone() };
        let file = match File::open(from) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(lost()),
            file => file.tried("open", from)?,
        };
        match BlobReader::new(blob, from.to_owned(), file).into_content() {
            Ok(_) => {
                self.store.note_whole(blob);
                Ok(())
            }
            Err(StoreError::DamagedBlob { .. }) => {
                Err(CheckoutError::DamagedBlob { blob, path: path.clone() })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn copy_file(
        &self,
        target: &Target<'_>,
        dir: BorrowedFd<'_>,
        work: &Work<'_>,
        blob: BlobId,
        size: u64,
    ) -> Result<(), CheckoutError> {
        let fail = |source: Errno| target.error("make", work.path, source);
        let earlier = self.earlier.as_ref();
        let taken = earlier.and_then(|it| it.take_over(work.path, (blob, size), dir, &work.name));
        let is_new = taken.is_none();
        let file = match taken {
            Some(file) => file,
            None => File::from(create_file(dir, work.name.as_bytes()).map_err(fail)?),
        };
        if size > 0 && is_new {
            let lost = || CheckoutError::MissingBlob { blob, path: work.path.clone() };
            let (from, _) = self.store.find_blob(blob)?.ok_or_else(lost)?;
            let mut source = File::open(&from).tried("open", &from)?;
            // What people get is always read; what the store links to once in the life of a process.
            let verify = match self.files {
                Files::Shared if self.store.known_whole(blob) => Verify::Size,
                Files::Shared | Files::Copied => Verify::Hash,
            };
            let copied = self.copier.copy(&mut source, &file, blob, size, verify);
            copied.map_err(|error| match error {
                CopyError::Damaged => CheckoutError::DamagedBlob { blob, path: work.path.clone() },
                CopyError::Io(source) => {
                    StoreError::Io { action: "write", path: shown(target.at, work.path), source }
                        .into()
                }
            })?;
        }
        set_xattrs(&file, &work.node.meta).map_err(fail)?;
        fs::fchmod(&file, on_disk(&work.node.meta)).map_err(fail)?;
        fs::futimens(&file, &file_times()).map_err(fail)
    }

    /// Makes `path` one inode with `first`, which is there.
    fn make_link(
        &self,
        target: &Target<'_>,
        tree: &FileTree,
        first: &TreePath,
        path: &TreePath,
    ) -> Result<(), CheckoutError> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Ok(()) };
        let (Some(first_parent), Some(first_name)) = (first.parent(), first.name()) else {
            return Ok(());
        };
        let Some(node) = tree.get(path) else { return Ok(()) };
        let (from, to) = (target.open(&first_parent)?, target.open(&parent)?);
        let made = fs::linkat(&from, first_name.as_bytes(), &to, name.as_bytes(), AtFlags::empty());
        match made {
            Ok(()) => Ok(()),
            Err(Errno::MLINK) => {
                let work = Work { path, name, node, twin: None };
                self.make_node(target, to.as_fd(), &work)
            }
            Err(error) => Err(target.error("link", path, error)),
        }
    }
}

/// Names the file whose content is not there.
fn missing(error: StoreError, path: &TreePath) -> CheckoutError {
    match error {
        StoreError::MissingBlob(blob) => CheckoutError::MissingBlob { blob, path: path.clone() },
        other => other.into(),
    }
}

/// The directory in which a tree is made.
struct Target<'a> {
    at: &'a Path,
    root: OwnedFd,
}

impl Target<'_> {
    fn open(&self, dir: &TreePath) -> Result<OwnedFd, CheckoutError> {
        open_dir(&self.root, dir).map_err(|error| self.error("open", dir, error))
    }

    fn error(&self, action: &'static str, path: &TreePath, source: Errno) -> CheckoutError {
        StoreError::Io { action, path: shown(self.at, path), source: source.into() }.into()
    }

    fn make_directories(&self, tree: &FileTree) -> Result<(), CheckoutError> {
        // Brothers follow each other once what they hold is passed over: one parent stays open.
        let mut parent_open: Option<(TreePath, OwnedFd)> = None;
        for (path, node) in tree.iter() {
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            if !node.is_directory() {
                continue;
            }
            let fd = match parent_open.take() {
                Some((open, fd)) if open == parent => fd,
                _ => self.open(&parent)?,
            };
            fs::mkdirat(&fd, name.as_bytes(), Mode::RWXU)
                .map_err(|error| self.error("make", path, error))?;
            parent_open = Some((parent, fd));
        }
        Ok(())
    }

    fn finish_directories(&self, tree: &FileTree, top: Mode) -> Result<(), CheckoutError> {
        let directories: Vec<_> = tree.iter().filter(|(_, node)| node.is_directory()).collect();
        for (path, node) in directories.into_iter().rev() {
            let fail = |source: Errno| self.error("finish", path, source);
            let fd = self.open(path)?;
            set_xattrs(&fd, &node.meta).map_err(fail)?;
            let extra = if path.is_root() { Mode::RWXU | top } else { Mode::empty() };
            fs::fchmod(&fd, on_disk(&node.meta) | extra).map_err(fail)?;
            fs::futimens(&fd, &file_times()).map_err(fail)?;
        }
        Ok(())
    }
}

/// The permission bits that stand on disk: never set-id or sticky bits.
pub(crate) fn on_disk(meta: &Meta) -> Mode {
    Mode::from_raw_mode(u32::from(meta.mode.bits()) & 0o777)
}

/// Sets the `user.*` attributes where the file system has them.
fn set_xattrs(file: impl AsFd, meta: &Meta) -> Result<(), Errno> {
    for (name, value) in meta.xattrs.iter().filter(|(name, _)| name.starts_with(b"user.")) {
        match fs::fsetxattr(&file, name, value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
