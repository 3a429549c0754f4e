//! `/proc` and `/sys`: fresh, with the host's facts replaced and its switches out of reach.

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive};

use super::drawer::Drawer;
use super::facts;
use super::mounts::{NO_DEVICES, NO_EXEC, NO_SETUID, READ_ONLY};
use crate::Privilege;
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure, Feature};

/// Puts the fixed files into the drawer, before it is frozen.
pub(super) fn fill(drawer: &Drawer, privilege: Privilege) -> Result<(), Failure> {
    for place in ["fixed/empty", "fixed/facts", "fixed/sys"] {
        drawer.directory(place)?;
    }
    drawer.file("nothing", "")?;
    if privilege == Privilege::None {
        for (name, content) in facts::proc_files() {
            drawer.file(&fact(name), &content)?;
        }
        for (name, content) in facts::sys_files() {
            let path = format!("sys/{name}");
            if let Some((dir, _)) = path.rsplit_once('/') {
                drawer.directory(&format!("fixed/{dir}"))?;
            }
            drawer.file(&path, &content)?;
        }
    }
    Ok(())
}

/// Where the content of a file of `/proc` is kept.
fn fact(name: &str) -> String {
    format!("facts/{}", name.replace('/', "-"))
}

/// Mounts both in the frozen drawer: `proc` and `fixed/sys`. Before the host's `/proc` is covered the
/// kernel would refuse, so the host's stays below.
pub(super) fn mount_in(drawer: &Drawer, privilege: Privilege) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "proc", "proc", flags, None).map_err(|error| match error {
        // The kernel shows a fresh one only to whom it shows a whole one already.
        Errno::PERM => Failure::missing(Feature::Proc, &error.into()),
        error => Failure::set_up("making a proc file system", &error.into()),
    })?;
    match privilege {
        Privilege::None => {
            cover_proc()?;
            // After covering: what is not covered must not change either, and where the caller is
            // root outside, the files of `/proc` are the step's own.
            sys::set_mount_attributes(CWD, c"proc", READ_ONLY, Recurse::Here)
                .doing(|| "making /proc read-only".into())?;
            drawer.frame("sys")
        }
        // Nested namespaces may mount these two only where the outer ones are whole.
        Privilege::NamespaceRoot => {
            let doing = || "mounting /sys".to_owned();
            mount_bind_recursive("/sys", "fixed/sys").doing(doing)?;
            let attributes = READ_ONLY | NO_SETUID | NO_DEVICES | NO_EXEC;
            sys::set_mount_attributes(CWD, c"fixed/sys", attributes, Recurse::Below).doing(doing)
        }
    }
}

fn cover_proc() -> Result<(), Failure> {
    let cover = |name: &str, with: &str| {
        match mount_bind(format!("fixed/{with}"), format!("proc/{name}")) {
            // What this host's kernel does not have needs no cover.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).doing(|| format!("covering /proc/{name}")),
        }
    };
    for (name, _) in facts::proc_files() {
        cover(name, &fact(name))?;
    }
    for name in facts::EMPTY_FILES {
        cover(name, "nothing")?;
    }
    for name in facts::EMPTY_DIRECTORIES {
        cover(name, "empty")?;
    }
    Ok(())
}
