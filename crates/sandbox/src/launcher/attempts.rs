//! Tries, in a launcher that is thrown away, what a sandbox needs of the host.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::Mode;
use rustix::mount::{MountAttrFlags, MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;

use super::mounts::{Inside, attach_at, filesystem, open_directory};
use super::root;
use crate::sys;
use crate::wire::{Doing, Failure, Feature, Note, Tried, pair, receive, send};

/// Tries everything; later attempts need earlier ones.
pub(super) fn all() -> Vec<Tried> {
    let mut tried = Vec::new();
    let mut record = |what, result: Result<(), Failure>| {
        let errno = match result {
            Ok(()) => 0,
            Err(Failure::Ownership { .. }) => libc::EINVAL,
            Err(
                Failure::Missing { errno, .. }
                | Failure::SetUp { errno, .. }
                | Failure::Exec { errno, .. },
            ) => errno,
        };
        tried.push(Tried { what, errno });
        errno == 0
    };
    if !record(Feature::UserNamespace, user_namespace()) {
        return tried;
    }
    for (what, flag) in NAMESPACES {
        record(what, sys::unshare(flag).doing(|| "making a namespace".into()));
    }
    if record(Feature::MountNamespace, mount_namespace()) {
        record(Feature::Overlay, overlay(|lowers| root::overlay(lowers, "root")));
        record(Feature::OverlayAtOnce, overlay(|lowers| root::all_at_once(lowers, "root")));
        record(Feature::Devpts, filesystem("devpts", &[], MountAttrFlags::empty()).map(drop));
        record(Feature::Proc, proc());
    }
    tried
}

/// The kinds of namespaces, but for those of users and mounts.
const NAMESPACES: [(Feature, UnshareFlags); 5] = [
    (Feature::PidNamespace, UnshareFlags::NEWPID),
    (Feature::NetNamespace, UnshareFlags::NEWNET),
    (Feature::IpcNamespace, UnshareFlags::NEWIPC),
    (Feature::UtsNamespace, UnshareFlags::NEWUTS),
    (Feature::CgroupNamespace, UnshareFlags::NEWCGROUP),
];

/// Makes these namespaces, all or the first that this host does not give.
pub(super) fn separate(flags: UnshareFlags) -> Result<(), Failure> {
    let Err(error) = sys::unshare(flags) else { return Ok(()) };
    // One by one, to name the one that is missing.
    let wanted = NAMESPACES.into_iter().filter(|(_, flag)| flags.contains(*flag));
    for (what, flag) in wanted {
        if let Err(error) = sys::unshare(flag) {
            return Err(Failure::missing(what, &error));
        }
    }
    Err(Failure::set_up("making namespaces", &error))
}

fn user_namespace() -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    sys::unshare(UnshareFlags::NEWUSER).doing(|| "making a user namespace".into())?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text).doing(|| format!("writing {file}"))
    };
    write("setgroups", "deny".into())?;
    write("uid_map", format!("0 {} 1", uid.as_raw()))?;
    write("gid_map", format!("0 {} 1", gid.as_raw()))
}

fn mount_namespace() -> Result<(), Failure> {
    let doing = || "making a mount namespace".to_owned();
    sys::unshare(UnshareFlags::NEWNS).doing(doing)?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).doing(doing)
}

/// Mounts an overlay on a tmpfs that only this namespace sees.
fn overlay(mount: impl FnOnce(&[&'static str]) -> Result<OwnedFd, Failure>) -> Result<(), Failure> {
    let tmpfs = filesystem("tmpfs", &[("mode", "0755")], MountAttrFlags::empty())?;
    let place = open_directory(Path::new("/tmp"))?;
    attach_at(&tmpfs, &place).doing(|| "mounting a tmpfs".into())?;
    let inside = Inside::new(tmpfs);
    for name in ["upper", "work", "root", "a", "b"] {
        inside.directory(name)?;
    }
    rustix::process::fchdir(inside.root()).doing(|| "entering a tmpfs".into())?;
    mount(&["a", "b"]).map(drop)
}

/// Only a process inside the new pid namespace can mount its `/proc`.
fn proc() -> Result<(), Failure> {
    let (ours, theirs): (OwnedFd, OwnedFd) = pair().doing(|| "making a socket".into())?;
    if sys::fork().doing(|| "starting a process".into())?.is_none() {
        rustix::process::umask(Mode::empty());
        if let Err(failure) = filesystem("proc", &[], MountAttrFlags::empty()) {
            let _ = send(&theirs, &Note::Failed(failure), &[]);
        }
        sys::exit_now(0);
    }
    drop(theirs);
    match receive::<Note>(&ours) {
        Ok(Some((Note::Failed(failure), _))) => Err(failure),
        _ => Ok(()),
    }
}
