//! `/proc` and `/sys`: fresh, with the host's facts replaced and its switches out of reach.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::MountAttrFlags;

use super::devices::Drawer;
use super::facts;
use super::mounts::{
    Inside, NO_DEVICES, NO_EXEC, NO_SETUID, READ_ONLY, attach_at, copy_of, filesystem, restrict,
};
use crate::Privilege;
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure};

/// Mounts both and returns the plain `/proc`, which the launcher counts processes in.
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
            fixed_sys(inside)?;
        }
        // Nested namespaces may mount these two only where the outer ones are whole.
        Privilege::NamespaceRoot => {
            let doing = || "mounting /sys".to_owned();
            let sys = copy_of(CWD, Path::new("/sys")).doing(doing)?;
            restrict(&sys, READ_ONLY | NO_SETUID | NO_DEVICES | NO_EXEC).doing(doing)?;
            inside.attach(&sys, "/sys")?;
        }
    }
    Ok(proc)
}

fn cover_proc(inside: &Inside, drawer: &Drawer) -> Result<(), Failure> {
    let cover = |mount: &OwnedFd, place: &OwnedFd, name: &str| {
        attach_at(mount, place).doing(|| format!("covering /proc/{name}"))
    };
    for (name, content) in facts::proc_files() {
        if let Some(place) = inside.find(&format!("/proc/{name}"))? {
            let file_name = name.rsplit('/').next().unwrap_or(name);
            let file_name = if name == "sys/kernel/version" { "kernel-version" } else { file_name };
            cover(&drawer.file(file_name, &content)?, &place, name)?;
        }
    }
    for name in facts::EMPTY_FILES {
        if let Some(place) = inside.find(&format!("/proc/{name}"))? {
            cover(&drawer.file("empty", "")?, &place, name)?;
        }
    }
    for name in facts::EMPTY_DIRECTORIES {
        if let Some(place) = inside.find(&format!("/proc/{name}"))? {
            cover(&empty_directory()?, &place, name)?;
        }
    }
    Ok(())
}

fn empty_directory() -> Result<OwnedFd, Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    filesystem("tmpfs", &[("mode", "0555"), ("size", "4k")], attributes)
}

/// A `/sys` that holds the processors and nothing else.
fn fixed_sys(inside: &Inside) -> Result<(), Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let sys = filesystem("tmpfs", &[("mode", "0755"), ("size", "1m")], attributes)?;
    inside.attach(&sys, "/sys")?;
    for (name, content) in facts::sys_files() {
        let (dir, name) = name.rsplit_once('/').unwrap_or(("", &name));
        let dir = inside.directory(&format!("/sys/{dir}"))?;
        super::mounts::write_file(&dir, name, &content).doing(|| format!("writing /sys/{name}"))?;
    }
    restrict(&sys, READ_ONLY).doing(|| "making /sys read-only".into())
}
