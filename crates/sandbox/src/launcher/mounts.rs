//! Mounts as values: make one that is attached nowhere, restrict it, attach it inside the new root.
//!
//! Paths inside are resolved by the kernel with the new root as their end (`RESOLVE_IN_ROOT`), so a
//! link in a lower tree cannot lead a mount out to the host.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure};

pub(super) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
pub(super) const NO_SETUID: u64 = libc::MOUNT_ATTR_NOSUID;
pub(super) const NO_DEVICES: u64 = libc::MOUNT_ATTR_NODEV;
pub(super) const NO_EXEC: u64 = libc::MOUNT_ATTR_NOEXEC;

const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Opens a host directory.
pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, Failure> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))
}

/// A file system of the kernel's, attached nowhere yet.
pub(super) fn filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failure> {
    let doing = || format!("making a {kind} file system");
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).doing(doing)?;
    for (key, value) in options {
        if value.is_empty() {
            fsconfig_set_flag(&context, *key).doing(doing)?;
        } else {
            fsconfig_set_string(&context, *key, *value)
                .doing(|| format!("{} with {key}={value}", doing()))?;
        }
    }
    fsconfig_create(&context).doing(doing)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).doing(doing)
}

/// A copy of the mount at `path`, with all below it, attached nowhere yet.
pub(super) fn copy_of(from: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(from, path, flags)?)
}

/// Forbids things on a mount and on all below it.
pub(super) fn restrict(mount: &OwnedFd, attributes: u64) -> io::Result<()> {
    sys::set_mount_attributes(mount.as_fd(), c"", attributes, Recurse::Below)
}

/// The new root while it is being built.
pub(super) struct Inside {
    root: OwnedFd,
}

impl Inside {
    /// Starts from the mounted root.
    pub(super) fn new(root: OwnedFd) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens what is at this path inside; `None` when nothing is.
    pub(super) fn find(&self, path: &str) -> Result<Option<OwnedFd>, Failure> {
        match self.open(path, PATH) {
            Err(Errno::NOENT) => Ok(None),
            found => found.map(Some).doing(|| format!("opening {path} in the sandbox")),
        }
    }

    fn open(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve)
    }

    /// Opens this directory inside, making it and its parents when missing.
    pub(super) fn directory(&self, path: &str) -> Result<OwnedFd, Failure> {
        let doing = || format!("making the directory {path} in the sandbox");
        match self.open(path, PATH | OFlags::DIRECTORY) {
            Err(Errno::NOENT) => {}
            found => return found.doing(doing),
        }
        let (parent, name) = split(path);
        let parent = self.directory(parent)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => self.open(path, PATH | OFlags::DIRECTORY).doing(doing),
            Err(error) => Err(error).doing(doing),
        }
    }

    /// Opens this file inside, making an empty one when missing.
    pub(super) fn file(&self, path: &str) -> Result<OwnedFd, Failure> {
        if let Some(found) = self.find(path)? {
            return Ok(found);
        }
        let (parent, name) = split(path);
        let parent = self.directory(parent)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644))
            .doing(|| format!("making the file {path} in the sandbox"))
    }

    /// Attaches a mount at this path, which is made when missing, as a directory or a file.
    pub(super) fn attach(&self, mount: &OwnedFd, path: &str) -> Result<(), Failure> {
        let stat = rustix::fs::fstat(mount).doing(|| format!("looking at a mount for {path}"))?;
        let target = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            self.directory(path)?
        } else {
            self.file(path)?
        };
        attach_at(mount, &target).doing(|| format!("mounting on {path} in the sandbox"))
    }
}

/// Moves what is mounted at a path of the host to an opened place.
pub(super) fn move_to(path: &str, target: &OwnedFd) -> io::Result<()> {
    Ok(move_mount(CWD, path, target, "", MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH)?)
}

/// Attaches a mount on an opened place.
pub(super) fn attach_at(mount: &OwnedFd, target: &OwnedFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", target, "", flags)?)
}

fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => ("/", path),
    }
}
