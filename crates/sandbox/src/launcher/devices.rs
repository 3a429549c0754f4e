//! `/dev` of a sandbox: the harmless nodes of the host, terminals and shared memory of its own.

use rustix::fs::CWD;
use rustix::mount::{MountFlags, mount, mount_bind};

use super::drawer::Drawer;
use super::mounts::{NO_EXEC, NO_SETUID, READ_ONLY};
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure, Feature};

/// Bound from the host: nobody may make nodes in a user namespace.
const NODES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Puts places and links into the drawer, before it is frozen.
pub(super) fn fill(drawer: &Drawer) -> Result<(), Failure> {
    // Not sticky and not writable by all: a bound node could not be opened with O_CREAT there.
    for place in ["fixed/dev", "fixed/dev/pts", "fixed/dev/shm"] {
        drawer.directory(place)?;
    }
    for name in NODES {
        drawer.file(&format!("dev/{name}"), "")?;
    }
    for (name, target) in LINKS {
        drawer.link(&format!("dev/{name}"), target)?;
    }
    Ok(())
}

/// Mounts `/dev` in the frozen drawer.
pub(super) fn mount_in(drawer: &Drawer) -> Result<(), Failure> {
    drawer.frame("dev")?;
    for name in NODES {
        let (host, place) = (format!("/dev/{name}"), format!("fixed/dev/{name}"));
        mount_bind(host.as_str(), place.as_str())
            .doing(|| format!("mounting the device {host} on /dev/{name}"))?;
        // Read-only, so that nobody changes the mode of the host's node; its device still takes writes.
        let path = std::ffi::CString::new(place).map_err(std::io::Error::from);
        let attributes = READ_ONLY | NO_SETUID | NO_EXEC;
        path.and_then(|path| sys::set_mount_attributes(CWD, &path, attributes, Recurse::Here))
            .doing(|| format!("restricting /dev/{name}"))?;
    }
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let options = c"newinstance,ptmxmode=0666,mode=0620";
    mount("devpts", "fixed/dev/pts", "devpts", flags, options)
        .map_err(|error| Failure::missing(Feature::Devpts, &error.into()))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", "fixed/dev/shm", "tmpfs", flags, c"mode=1777,size=64m")
        .doing(|| "mounting /dev/shm".into())
}
