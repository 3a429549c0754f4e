//! `/dev` of a sandbox: the harmless nodes of the host, terminals and shared memory of its own.

use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::MountAttrFlags;

use super::drawer::Drawer;
use super::mounts::{
    Inside, NO_EXEC, NO_SETUID, READ_ONLY, attach_at, copy_of, filesystem, restrict,
};
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

/// Mounts `/dev`.
pub(super) fn mount(inside: &Inside, drawer: &Drawer) -> Result<(), Failure> {
    // Not sticky and not writable by all: a bound node could not be opened with O_CREAT there.
    for place in ["dev", "dev/pts", "dev/shm"] {
        drawer.directory(place)?;
    }
    for name in NODES {
        drawer.file(&format!("dev/{name}"), "")?;
    }
    for (name, target) in LINKS {
        drawer.link(&format!("dev/{name}"), target)?;
    }
    let dev = drawer.mount("dev")?;
    inside.attach(&dev, "/dev")?;
    for name in NODES {
        let host = Path::new("/dev").join(name);
        let node = copy_of(CWD, &host).doing(|| format!("taking the device {}", host.display()))?;
        // Read-only, so that nobody changes the mode of the host's node; its device still takes writes.
        restrict(&node, READ_ONLY | NO_SETUID | NO_EXEC)
            .doing(|| format!("restricting /dev/{name}"))?;
        let doing = || format!("mounting the device /dev/{name}");
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let place = rustix::fs::openat(&dev, name, flags, Mode::empty()).doing(doing)?;
        attach_at(&node, &place).doing(doing)?;
    }
    let terminals = [("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    inside.attach(&filesystem("devpts", &terminals, attributes)?, "/dev/pts")?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let shared = [("mode", "1777"), ("size", "64m")];
    inside.attach(&filesystem("tmpfs", &shared, attributes)?, "/dev/shm")
}
