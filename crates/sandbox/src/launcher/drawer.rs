//! One small file system in memory for all that is not from a tree: places to mount on, fixed files,
//! the frames of `/dev` and `/sys`. Parts of it are mounted, read-only, where they belong.
//!
//! It is mounted below the root while the sandbox is built, and goes with the host's mounts.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::mounts::{READ_ONLY, attach_at, copy_of, filesystem, open_directory, restrict};
use crate::scratch::ROOT;
use crate::wire::{Doing, Failure};

/// The opened file system.
pub(super) struct Drawer {
    dir: OwnedFd,
}

/// The directory that is the lowest layer of the root, seen from the scratch.
pub(super) const SKELETON: &str = "root/skeleton";

impl Drawer {
    /// Mounts an empty one on the place of the root.
    pub(super) fn open() -> Result<Self, Failure> {
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let dir = filesystem("tmpfs", &[("mode", "0755"), ("size", "8m")], attributes)?;
        let place = open_directory(Path::new(ROOT))?;
        attach_at(&dir, &place).doing(|| "mounting a drawer for fixed files".into())?;
        Ok(Self { dir })
    }

    /// Makes places to mount on, for where the trees have none: cheaper here than on disk.
    pub(super) fn skeleton<'a>(
        &self,
        places: impl Iterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        self.directory("skeleton")?;
        for place in places {
            self.directory(&format!("skeleton/{place}"))?;
        }
        Ok(())
    }

    /// Makes a directory with its parents.
    pub(super) fn directory(&self, path: &str) -> Result<(), Failure> {
        let mode = Mode::from_raw_mode(0o755);
        let mut ends: Vec<_> = path.match_indices('/').map(|(end, _)| end).collect();
        ends.push(path.len());
        for part in ends.into_iter().map(|end| &path[..end]) {
            match rustix::fs::mkdirat(&self.dir, part, mode) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error).doing(|| format!("making the place {path}")),
            }
        }
        Ok(())
    }

    /// Makes a file with this content, unless it is there.
    pub(super) fn file(&self, path: &str, content: &str) -> Result<(), Failure> {
        match self.write(path, content) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.doing(|| format!("making the fixed file {path}")),
        }
    }

    fn write(&self, path: &str, content: &str) -> io::Result<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, path, flags, Mode::from_raw_mode(0o444))?;
        let mut rest = content.as_bytes();
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(&file, rest)?..];
        }
        Ok(())
    }

    /// Makes a link.
    pub(super) fn link(&self, path: &str, target: &str) -> Result<(), Failure> {
        rustix::fs::symlinkat(target, &self.dir, path).doing(|| format!("linking {path}"))
    }

    /// A read-only mount of a file or directory in here.
    pub(super) fn mount(&self, path: &str) -> Result<OwnedFd, Failure> {
        let doing = || format!("mounting the fixed {path}");
        let mount = copy_of(self.dir.as_fd(), Path::new(path)).doing(doing)?;
        restrict(&mount, READ_ONLY).doing(doing)?;
        Ok(mount)
    }
}
