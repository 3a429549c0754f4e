//! `/proc` and `/sys`: fresh, with the host's facts replaced and its switches out of reach.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::MountAttrFlags;

use super::drawer::Drawer;
use super::facts;
use super::mounts::{
    Inside, NO_DEVICES, NO_EXEC, NO_SETUID, READ_ONLY, attach_at, copy_of, filesystem, restrict,
};
use crate::Privilege;
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure};

/// Mounts both and returns `/proc`, opened, for the launcher to count processes in.
pub(super) fn mount(
    inside: &Inside,
    drawer: &Drawer,
    privilege: Privilege,
) -> Result<OwnedFd, Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc = filesystem("proc", &[], attributes)?;
    inside.attach(&proc, "/proc")?;
    match privilege {
        Privilege::None => {
            cover_proc(inside, drawer)?;
            // After covering: what is not covered must not change either, and where the caller is
            // root outside, the files of `/proc` are the step's own.
            sys::set_mount_attributes(proc.as_fd(), READ_ONLY, Recurse::Here)
                .doing(|| "making /proc read-only".into())?;
            fixed_sys(inside, drawer)?;
        }
        // Nested namespaces may mount these two only where the outer ones are whole.
        Privilege::NamespaceRoot => {
            let doing = || "mounting /sys".to_owned();
            let sys = copy_of(CWD, Path::new("/sys")).doing(doing)?;
            restrict(&sys, READ_ONLY | NO_SETUID | NO_DEVICES | NO_EXEC).doing(doing)?;
            inside.attach(&sys, "/sys")?;
        }
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(&proc, ".", flags, Mode::empty()).doing(|| "opening /proc".into())
}

fn cover_proc(inside: &Inside, drawer: &Drawer) -> Result<(), Failure> {
    drawer.directory("proc/empty")?;
    drawer.file("proc/nothing", "")?;
    let cover = |name: &str, with: &str| {
        // What this host's kernel does not have needs no cover.
        let Some(place) = inside.find(&format!("/proc/{name}"))? else { return Ok(()) };
        attach_at(&drawer.mount(with)?, &place).doing(|| format!("covering /proc/{name}"))
    };
    for (name, content) in facts::proc_files() {
        let fixed = format!("proc/{}", name.replace('/', "-"));
        drawer.file(&fixed, &content)?;
        cover(name, &fixed)?;
    }
    for name in facts::EMPTY_FILES {
        cover(name, "proc/nothing")?;
    }
    for name in facts::EMPTY_DIRECTORIES {
        cover(name, "proc/empty")?;
    }
    Ok(())
}

/// A `/sys` that holds the processors and nothing else.
fn fixed_sys(inside: &Inside, drawer: &Drawer) -> Result<(), Failure> {
    for (name, content) in facts::sys_files() {
        let path = format!("sys/{name}");
        if let Some((dir, _)) = path.rsplit_once('/') {
            drawer.directory(dir)?;
        }
        drawer.file(&path, &content)?;
    }
    inside.attach(&drawer.mount("sys")?, "/sys")
}
