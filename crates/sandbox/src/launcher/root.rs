//! The file system of a step: lowers under an overlay, places on disk, the caller's mounts.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount_change,
};

use rustix::thread::UnshareFlags;

use super::drawer::{DRAWER, Drawer, ROOT, SKELETON};
use super::mounts::{
    Inside, NO_DEVICES, NO_SETUID, READ_ONLY, attach_at, copy_of, move_to, open_directory, restrict,
};
use super::{Kind, devices, proc};
use crate::scratch::{PLACES, UPPER, WORK};
use crate::sys::{self, Recurse};
use crate::wire::{Doing, Failure, Feature};
use crate::{MountMode, Ownership, RootMode, Spec};

/// The kernel's file systems, and where they stand in the drawer until they are moved.
const KERNEL: [(&str, &str); 3] = [("dev", "fixed/dev"), ("proc", "proc"), ("sys", "fixed/sys")];

/// All of a root that does not depend on the spec.
pub(super) struct Parts {
    drawer: Drawer,
    /// The fresh `/proc`.
    pub(super) proc: OwnedFd,
}

/// Mounts the parts in the drawer. Called by init, whose working directory this changes.
pub(super) fn prepare(kind: &Kind) -> Result<Parts, Failure> {
    sys::unshare(UnshareFlags::NEWNS)
        .map_err(|error| Failure::missing(Feature::MountNamespace, &error))?;
    // What the host mounts or unmounts until the step starts is seen; nothing goes the other way.
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", slave).map_err(|error| match error {
        // The first thing that AppArmor refuses where it restricts user namespaces.
        rustix::io::Errno::ACCESS | rustix::io::Errno::PERM => {
            Failure::missing(Feature::UserNamespace, &error.into())
        }
        error => Failure::set_up("keeping mounts from the host", &error.into()),
    })?;
    let drawer = Drawer::open()?;
    devices::fill(&drawer)?;
    proc::fill(&drawer, kind.privilege)?;
    for (name, _) in KERNEL {
        drawer.directory(&format!("skeleton/{name}"))?;
    }
    for name in PLACES {
        drawer.directory(&format!("skeleton/{name}"))?;
    }
    drawer.freeze()?;
    devices::mount_in(&drawer)?;
    proc::mount_in(&drawer, kind.privilege)?;
    let proc = drawer.open_place("proc")?;
    Ok(Parts { drawer, proc })
}

/// Builds the root and moves into it. Called by init.
pub(super) fn enter(spec: &Spec, parts: Parts) -> Result<OwnedFd, Failure> {
    // Overlayfs gets short relative paths: it takes at most 255 bytes each.
    let scratch = &spec.scratch;
    rustix::process::chdir(scratch).doing(|| format!("entering {}", scratch.display()))?;
    // Cheaper here than on disk, and no change of the root.
    let place = |target: &str| format!("skeleton/{}", target.trim_matches('/'));
    for mount in &spec.mounts {
        match mount.source.is_dir() {
            true => parts.drawer.directory(&place(&mount.target))?,
            false => parts.drawer.mount_point(&place(&mount.target))?,
        }
    }
    parts.drawer.directory(&place(&spec.cwd))?;
    let root = match spec.ownership {
        Ownership::OneUser => {
            let mut lowers: Vec<&Path> = spec.lowers.iter().map(PathBuf::as_path).collect();
            lowers.push(Path::new(SKELETON));
            overlay(&lowers, ROOT)?
        }
        // Not an overlay: it has no handles of files before Linux 6.6, and changes their numbers.
        Ownership::Data(_) => {
            let doing = || format!("taking {}/{UPPER} as the root", scratch.display());
            let root = copy_of(CWD, Path::new(UPPER)).doing(doing)?;
            restrict(&root, NO_SETUID | NO_DEVICES).doing(doing)?;
            root
        }
    };
    let place = open_directory(Path::new(ROOT))?;
    attach_at(&root, &place).doing(|| format!("mounting the root on {}", scratch.display()))?;
    drop(place);

    let inside = Inside::new(root);
    for (name, place) in KERNEL {
        let target = inside.directory(&format!("/{name}"))?;
        move_to(&format!("{DRAWER}/{place}"), &target).doing(|| format!("mounting /{name}"))?;
    }
    for name in PLACES {
        bind(&inside, Path::new(name), &format!("/{name}"), MountMode::ReadWrite)?;
    }
    for mount in &spec.mounts {
        bind(&inside, &mount.source, &mount.target, mount.mode)?;
    }
    inside.directory(&spec.cwd)?;
    if spec.root == RootMode::ReadOnly {
        sys::set_mount_attributes(inside.root(), c"", READ_ONLY, Recurse::Here)
            .doing(|| "making the root read-only".into())?;
    }
    rustix::process::fchdir(inside.root()).doing(|| "entering the new root".into())?;
    rustix::process::pivot_root(".", ".").doing(|| "changing the root".into())?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)
        .doing(|| "leaving the host's file systems".into())?;
    rustix::process::chdir("/").doing(|| "entering /".into())?;
    Ok(parts.proc)
}

/// Puts a host path at a path inside.
fn bind(inside: &Inside, source: &Path, target: &str, mode: MountMode) -> Result<(), Failure> {
    let doing = || format!("mounting {} on {target}", source.display());
    let mount = copy_of(CWD, source).doing(doing)?;
    let mut attributes = NO_SETUID | NO_DEVICES;
    if mode == MountMode::ReadOnly {
        attributes |= READ_ONLY;
    }
    restrict(&mount, attributes).doing(doing)?;
    inside.attach(&mount, target)
}

/// The overlay of the lowers, attached nowhere; the working directory is the scratch. Older kernels
/// mount it on `place` for a moment.
pub(super) fn overlay(lowers: &[impl AsRef<Path>], place: &str) -> Result<OwnedFd, Failure> {
    let mounted = match one_by_one(lowers) {
        // Kernels before 6.8 do not know `lowerdir+`.
        Err(Failure::SetUp { errno: libc::EINVAL, .. }) => all_at_once(lowers, place),
        other => other,
    };
    match mounted {
        // Not loaded, or from before user namespaces might mount it.
        Err(Failure::SetUp { errno: errno @ (libc::ENODEV | libc::EPERM), .. }) => {
            Err(Failure::Missing { what: Feature::Overlay, errno })
        }
        other => other,
    }
}

fn one_by_one(lowers: &[impl AsRef<Path>]) -> Result<OwnedFd, Failure> {
    let doing = || format!("mounting an overlay of {} directories", lowers.len());
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).doing(doing)?;
    fsconfig_set_string(&context, "source", "groundup").doing(doing)?;
    fsconfig_set_flag(&context, "userxattr").doing(doing)?;
    for (index, lower) in lowers.iter().enumerate() {
        let lower = lower.as_ref();
        fsconfig_set_string(&context, "lowerdir+", short(lower, index)?.as_ref())
            .doing(|| format!("adding {} to the root", lower.display()))?;
    }
    finish(&context).doing(doing)
}

/// The way of older kernels, which `lowerdir+` fails on.
pub(super) fn all_at_once(lowers: &[impl AsRef<Path>], place: &str) -> Result<OwnedFd, Failure> {
    let doing = || format!("mounting an overlay of {} directories at once", lowers.len());
    let names = lowers
        .iter()
        .enumerate()
        .map(|(index, lower)| link(lower.as_ref(), index))
        .collect::<Result<Vec<_>, _>>()?;
    // One page holds all options of mount(2), and 500 such names.
    let options =
        format!("lowerdir={},upperdir={UPPER},workdir={WORK},userxattr,volatile", names.join(":"));
    let flags = rustix::mount::MountFlags::NOSUID | rustix::mount::MountFlags::NODEV;
    let options = std::ffi::CString::new(options).map_err(io::Error::other).doing(doing)?;
    rustix::mount::mount("groundup", place, "overlay", flags, options.as_c_str()).doing(doing)?;
    let mount = copy_of(CWD, Path::new(place)).doing(doing)?;
    rustix::mount::unmount(place, UnmountFlags::DETACH).doing(doing)?;
    Ok(mount)
}

fn finish(context: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    fsconfig_set_string(context, "upperdir", UPPER)?;
    fsconfig_set_string(context, "workdir", WORK)?;
    // The upper layer is thrown away: syncing it would be for nobody.
    fsconfig_set_flag(context, "volatile")?;
    fsconfig_create(context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// A form of a lower's path that overlayfs takes as it is.
fn short(lower: &Path, index: usize) -> Result<std::borrow::Cow<'_, str>, Failure> {
    match lower.to_str() {
        Some(text) if text.len() < 256 && !text.contains('\\') => Ok(text.into()),
        _ => link(lower, index).map(Into::into),
    }
}

/// Names a lower by a short link in the scratch.
fn link(lower: &Path, index: usize) -> Result<String, Failure> {
    let name = format!("lower-{index}");
    let _ = std::fs::remove_file(&name);
    symlink(lower, &name).doing(|| format!("linking to {}", lower.display()))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_paths_stay_as_they_are() {
        assert_eq!(short(Path::new("/store/a:b,c"), 0).unwrap(), "/store/a:b,c");
    }
}
