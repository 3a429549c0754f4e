//! One small file system in memory for all that is not from a tree: places to mount on, fixed files,
//! the frames of `/dev` and `/sys`, and the mounts on them until they are moved where they belong.
//!
//! ```text
//! fixed/      read-only once filled: mounts of it and of what is in it are so too
//! proc        the sandbox's own /proc
//! skeleton/   the lowest layer of the root
//! root        where the root is mounted while it is built
//! ```
//!
//! It covers the host's `/proc` in the sandbox's own mount namespace (a place that every host has and
//! no tree lies below), and goes with the host's mounts. Paths are relative to it, the working
//! directory meanwhile: the fewer calls, the sooner a step starts.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind};

use super::mounts::{self, READ_ONLY};
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure};

/// Where it is.
pub(super) const DRAWER: &str = "/proc";
/// The directory that is the lowest layer of the root.
pub(super) const SKELETON: &str = "/proc/skeleton";
/// Where the root is mounted.
pub(super) const ROOT: &str = "/proc/root";

/// The opened file system.
pub(super) struct Drawer {
    dir: OwnedFd,
}

impl Drawer {
    /// Mounts an empty one and makes it the working directory.
    pub(super) fn open() -> Result<Self, Failure> {
        let doing = || "mounting a drawer for fixed files".to_owned();
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("tmpfs", DRAWER, "tmpfs", flags, c"mode=0755,size=8m").doing(doing)?;
        let dir = mounts::open_directory(Path::new(DRAWER))?;
        rustix::process::fchdir(&dir).doing(doing)?;
        let drawer = Self { dir };
        for name in ["fixed", "proc", "skeleton", "root"] {
            drawer.directory(name)?;
        }
        Ok(drawer)
    }

    /// Makes a directory with its parents, unless it is there.
    pub(super) fn directory(&self, path: &str) -> Result<(), Failure> {
        self.make(path).doing(|| format!("making the place {path}"))
    }

    /// Makes an empty file to mount on, with its parents, unless something is there.
    pub(super) fn mount_point(&self, path: &str) -> Result<(), Failure> {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.directory(parent)?;
        }
        let mode = Mode::from_raw_mode(0o644);
        match rustix::fs::mknodat(&self.dir, path, FileType::RegularFile, mode, 0) {
            Err(Errno::EXIST) => Ok(()),
            other => other.doing(|| format!("making the place {path}")),
        }
    }

    fn make(&self, path: &str) -> io::Result<()> {
        let path = path.trim_end_matches('/');
        match rustix::fs::mkdirat(&self.dir, path, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => match path.rsplit_once('/') {
                Some((parent, _)) if error == Errno::NOENT && !parent.is_empty() => {
                    self.make(parent)?;
                    self.make(path)
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Makes a fixed file with this content.
    pub(super) fn file(&self, path: &str, content: &str) -> Result<(), Failure> {
        self.write(&format!("fixed/{path}"), content)
            .doing(|| format!("making the fixed file {path}"))
    }

    fn write(&self, path: &str, content: &str) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o444);
        if content.is_empty() {
            return Ok(rustix::fs::mknodat(&self.dir, path, FileType::RegularFile, mode, 0)?);
        }
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, path, flags, mode)?;
        let mut rest = content.as_bytes();
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(&file, rest)?..];
        }
        Ok(())
    }

    /// Makes a fixed link.
    pub(super) fn link(&self, path: &str, target: &str) -> Result<(), Failure> {
        rustix::fs::symlinkat(target, &self.dir, format!("fixed/{path}"))
            .doing(|| format!("linking {path}"))
    }

    /// From now on nothing below `fixed/` can be written to.
    pub(super) fn freeze(&self) -> Result<(), Failure> {
        let doing = || "making fixed files read-only".to_owned();
        mount_bind("fixed", "fixed").doing(doing)?;
        sys::set_mount_attributes(CWD, c"fixed", READ_ONLY, Recurse::Here).doing(doing)
    }

    /// Makes a fixed directory a mount of its own, on which others can be mounted.
    pub(super) fn frame(&self, name: &str) -> Result<(), Failure> {
        let path = format!("fixed/{name}");
        mount_bind(path.as_str(), path.as_str()).doing(|| format!("mounting the frame of /{name}"))
    }

    /// Opens a directory of it, through what is mounted there.
    pub(super) fn open_place(&self, path: &str) -> Result<OwnedFd, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, path, flags, Mode::empty())
            .doing(|| format!("opening {path}"))
    }
}
