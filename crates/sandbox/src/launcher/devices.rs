//! `/dev` of a sandbox: the harmless nodes of the host, terminals and shared memory of its own.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::mount::MountAttrFlags;

use super::mounts::{
    Inside, NO_EXEC, NO_SETUID, READ_ONLY, attach_at, copy_of, filesystem, remove_file, restrict,
    write_file,
};
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure};

/// Bound from the host: nobody may make nodes in a user namespace.
const NODES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// A drawer in `/dev` for the files that are bound over others while the sandbox is being built.
pub(super) struct Drawer {
    dev: OwnedFd,
    dir: OwnedFd,
    names: std::cell::RefCell<Vec<&'static str>>,
}

const DRAWER: &str = ".groundup";

/// Mounts `/dev`; it can be written to until the drawer is closed.
pub(super) fn mount(inside: &Inside) -> Result<Drawer, Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    // Not sticky and not writable by all: a bound node could not be opened with O_CREAT there.
    let dev = filesystem("tmpfs", &[("mode", "0755"), ("size", "1m")], attributes)?;
    inside.attach(&dev, "/dev")?;
    for name in NODES {
        let host = Path::new("/dev").join(name);
        let node = copy_of(CWD, &host).doing(|| format!("taking the device {}", host.display()))?;
        // Read-only, so that nobody changes the mode of the host's node; its device still takes writes.
        restrict(&node, READ_ONLY | NO_SETUID | NO_EXEC)
            .doing(|| format!("restricting /dev/{name}"))?;
        let doing = || format!("mounting the device /dev/{name}");
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let place =
            rustix::fs::openat(&dev, name, flags, Mode::from_raw_mode(0o666)).doing(doing)?;
        attach_at(&node, &place).doing(doing)?;
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(target, &dev, name).doing(|| format!("linking /dev/{name}"))?;
    }
    let terminals = [("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    inside.attach(&filesystem("devpts", &terminals, attributes)?, "/dev/pts")?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let shared = [("mode", "1777"), ("size", "64m")];
    inside.attach(&filesystem("tmpfs", &shared, attributes)?, "/dev/shm")?;

    let doing = || "making a place for fixed files".to_owned();
    rustix::fs::mkdirat(&dev, DRAWER, Mode::from_raw_mode(0o755)).doing(doing)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(&dev, DRAWER, flags, Mode::empty()).doing(doing)?;
    Ok(Drawer { dev, dir, names: Vec::new().into() })
}

impl Drawer {
    /// A read-only mount of a file with this content, for any number of places.
    pub(super) fn file(&self, name: &'static str, content: &str) -> Result<OwnedFd, Failure> {
        let doing = || format!("making the fixed file {name}");
        if !self.names.borrow().contains(&name) {
            write_file(&self.dir, name, content).doing(doing)?;
            self.names.borrow_mut().push(name);
        }
        let path = format!("{DRAWER}/{name}");
        let mount = copy_of(rustix::fd::AsFd::as_fd(&self.dev), Path::new(&path)).doing(doing)?;
        restrict(&mount, READ_ONLY | NO_EXEC).doing(doing)?;
        Ok(mount)
    }

    /// Removes the drawer (what was bound stays) and makes `/dev` read-only.
    pub(super) fn close(self) -> Result<(), Failure> {
        let doing = || "closing /dev".to_owned();
        for name in self.names.into_inner() {
            remove_file(&self.dir, name).doing(doing)?;
        }
        rustix::fs::unlinkat(&self.dev, DRAWER, AtFlags::REMOVEDIR).doing(doing)?;
        let dev = rustix::fd::AsFd::as_fd(&self.dev);
        sys::set_mount_attributes(dev, READ_ONLY, Recurse::Here).doing(doing)
    }
}
