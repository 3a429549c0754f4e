//! The directory that one run writes to: made before, measured meanwhile, thrown away after.
//!
//! ```text
//! scratch/
//!   upper  work   what the command changes of its root, and overlayfs's own working space
//!   build tmp out /build, /tmp and /out inside
//!   lower-N       links to lowers whose paths are too long for the kernel
//! ```

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps};

/// A directory of a run could not be made or removed.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub struct ScratchError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What a step sees as its own places.
pub(crate) const PLACES: [&str; 3] = ["build", "tmp", "out"];
pub(crate) const UPPER: &str = "upper";
pub(crate) const WORK: &str = "work";

/// Makes what is missing, with modes that do not depend on the caller's umask. A run does it by
/// itself; callers that look into the directory before, call it before.
pub fn prepare(scratch: &Path) -> Result<(), ScratchError> {
    for name in PLACES.into_iter().chain([UPPER, WORK]) {
        let path = scratch.join(name);
        let mode = mode_of(name);
        match fs::create_dir(&path) {
            Ok(()) => {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(|source| {
                    ScratchError { doing: "setting the mode of", path, source }
                })?;
            }
            // Overlayfs refuses the working space of an earlier run that did not sync.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && name == WORK => {
                clear(&path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(ScratchError { doing: "making", path, source }),
        }
    }
    Ok(())
}

/// The mode of a directory that is made for a run.
fn mode_of(name: &str) -> u32 {
    if name == "tmp" { 0o1777 } else { 0o755 }
}

/// Whether a scratch can serve another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recycled {
    /// No run can tell it from a fresh one.
    AsNew,
    /// Something is left that cannot be taken away: attributes, the size of a directory.
    Used,
}

/// Empties a scratch after a run, for another: cheaper than removing it and making one.
pub fn recycle(scratch: &Path) -> Result<Recycled, ScratchError> {
    let fail = |error: rustix::io::Errno| ScratchError {
        doing: "emptying",
        path: scratch.into(),
        source: error.into(),
    };
    let top = rustix::fs::open(scratch, DIRECTORY, Mode::empty()).map_err(fail)?;
    let known = |name: &CStr| {
        PLACES.into_iter().chain([UPPER, WORK]).any(|n| n.as_bytes() == name.to_bytes())
    };
    let names = entries(&top).map_err(|source| ScratchError {
        doing: "listing",
        path: scratch.into(),
        source,
    })?;
    if !names.iter().all(|(name, _)| known(name)) {
        return Ok(Recycled::Used);
    }
    // Where a file system has no such flags, nobody could set them.
    let plain = rustix::fs::ioctl_getflags(&top).ok();
    for name in PLACES.into_iter().chain([UPPER, WORK]) {
        clear(&scratch.join(name))?;
        if name == WORK {
            continue;
        }
        let dir = rustix::fs::openat(&top, name, DIRECTORY, Mode::empty()).map_err(fail)?;
        let stat = rustix::fs::fstat(&dir).map_err(fail)?;
        if name == UPPER {
            forget_overlay(&dir).map_err(fail)?;
        }
        // More than fits is an error, and some attribute.
        let attributes = rustix::fs::flistxattr(&dir, &mut [0_u8; 64]) != Ok(0);
        // A directory that held much stays large.
        if attributes || rustix::fs::ioctl_getflags(&dir).ok() != plain || stat.st_size > 4096 {
            return Ok(Recycled::Used);
        }
        rustix::fs::fchmod(&dir, Mode::from_raw_mode(mode_of(name))).map_err(fail)?;
        let now = || Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = Timestamps { last_access: now(), last_modification: now() };
        rustix::fs::futimens(&dir, &times).map_err(fail)?;
    }
    Ok(Recycled::AsNew)
}

/// Removes what the kernel's overlay file system noted about itself; a command inside cannot give
/// such attributes (Linux, Documentation/filesystems/overlayfs.rst, "User xattr").
fn forget_overlay(upper: &OwnedFd) -> Result<(), rustix::io::Errno> {
    let mut names = [0_u8; 1024];
    let length = match rustix::fs::flistxattr(upper, &mut names) {
        Ok(length) => length,
        // A file system without attributes, or more of them than are ever ours.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::RANGE) => 0,
        Err(error) => return Err(error),
    };
    for name in names[..length].split_inclusive(|byte| *byte == 0) {
        if name.starts_with(b"user.overlay.") {
            rustix::fs::fremovexattr(upper, CStr::from_bytes_with_nul(name).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Removes a directory whatever the modes and depth of what a step left in it; no link is followed.
pub fn discard(path: &Path) -> Result<(), ScratchError> {
    let fail = |source: io::Error| ScratchError { doing: "removing", path: path.into(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(fail)?,
    };
    clear(path)?;
    fs::remove_dir(path).map_err(fail)
}

/// Removes all that is in a directory, as [`discard`] does; its own mode is 0700 then.
fn clear(path: &Path) -> Result<(), ScratchError> {
    let fail = |source: io::Error| ScratchError { doing: "emptying", path: path.into(), source };
    let top = match rustix::fs::open(path, DIRECTORY, Mode::empty()) {
        Ok(top) => top,
        // A mode without `r` or `x`, as overlayfs gives its working space.
        Err(rustix::io::Errno::ACCESS) => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(fail)?;
            rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(|e| fail(e.into()))?
        }
        Err(error) => return Err(fail(error.into())),
    };
    let mut moved = 0;
    loop {
        let before = moved;
        empty(&top, &top, 0, &mut moved).map_err(fail)?;
        if moved == before {
            return Ok(());
        }
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How many descriptors of nested directories are held at once.
const MAX_DEPTH: usize = 200;

/// Removes all that is in `dir`; what lies too deep is moved up to `top` for another pass.
fn empty(top: &OwnedFd, dir: &OwnedFd, depth: usize, moved: &mut u64) -> io::Result<()> {
    rustix::fs::fchmod(dir, Mode::RWXU)?;
    for (name, kind) in entries(dir)? {
        if kind != FileType::Directory {
            rustix::fs::unlinkat(dir, &name, AtFlags::empty())?;
            continue;
        }
        if depth >= MAX_DEPTH {
            *moved += 1;
            let name_above = CString::new(format!(".deep-{moved}")).map_err(io::Error::other)?;
            rustix::fs::renameat(dir, &name, top, &name_above)?;
            continue;
        }
        let below = match rustix::fs::openat(dir, &name, DIRECTORY, Mode::empty()) {
            Err(rustix::io::Errno::ACCESS) => {
                rustix::fs::chmodat(dir, &name, Mode::RWXU, AtFlags::empty())?;
                rustix::fs::openat(dir, &name, DIRECTORY, Mode::empty())
            }
            other => other,
        }?;
        empty(top, &below, depth + 1, moved)?;
        rustix::fs::unlinkat(dir, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// The names in a directory with their kinds.
fn entries(dir: impl AsFd) -> io::Result<Vec<(CString, FileType)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        found.push((name.to_owned(), kind));
    }
    Ok(found)
}

/// Bytes on disk below the places of a scratch; `None` when it is nested too deep to count, which
/// no honest output is. What vanishes meanwhile counts nothing.
pub(crate) fn bytes_on_disk(scratch: impl AsFd) -> Option<u64> {
    let mut total = 0;
    for name in PLACES.into_iter().chain([UPPER]) {
        if let Ok(dir) = rustix::fs::openat(&scratch, name, DIRECTORY, Mode::empty()) {
            total += measure(&dir, 0)?;
        }
    }
    Some(total)
}

/// What anything counts for, were it empty: inodes and names can be used up like bytes.
const LEAST: u64 = 512;

fn measure(dir: &OwnedFd, depth: usize) -> Option<u64> {
    let mut total = 0;
    for (name, kind) in entries(dir).unwrap_or_default() {
        if kind == FileType::Directory {
            if depth >= MAX_DEPTH {
                return None;
            }
            if let Ok(below) = rustix::fs::openat(dir, &name, DIRECTORY, Mode::empty()) {
                total += measure(&below, depth + 1)?;
            }
        }
        if let Ok(stat) = rustix::fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            total += (u64::try_from(stat.st_blocks).unwrap_or(0) * 512).max(LEAST);
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discards_what_has_no_permissions_and_no_end() {
        let top = tempfile::tempdir().unwrap();
        let scratch = top.path().join("scratch");
        fs::create_dir(&scratch).unwrap();
        prepare(&scratch).unwrap();
        let shut = scratch.join("work/shut");
        fs::create_dir(&shut).unwrap();
        fs::write(shut.join("file"), "x").unwrap();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let mut dir = rustix::fs::open(&scratch, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..1500 {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).unwrap();
            dir = rustix::fs::openat(&dir, "d", DIRECTORY, Mode::empty()).unwrap();
        }
        std::os::unix::fs::symlink("/etc", scratch.join("link")).unwrap();
        discard(&scratch).unwrap();
        assert!(!scratch.exists());
    }

    #[test]
    fn a_recycled_scratch_is_as_new_or_given_up() {
        let top = tempfile::tempdir().unwrap();
        prepare(top.path()).unwrap();
        let out = top.path().join("out");
        fs::create_dir(out.join("dir")).unwrap();
        fs::write(out.join("dir/file"), "x").unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o500)).unwrap();
        fs::create_dir_all(top.path().join("work/incompat/volatile")).unwrap();
        assert_eq!(recycle(top.path()).unwrap(), Recycled::AsNew);
        for (name, mode) in [("out", 0o755), ("tmp", 0o1777), ("build", 0o755), ("upper", 0o755)] {
            let dir = top.path().join(name);
            assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, mode, "{name}");
            assert_eq!(entries(fs::File::open(&dir).unwrap()).unwrap().len(), 0, "{name}");
        }
        prepare(top.path()).unwrap();
        // What overlayfs leaves on its upper directory.
        let flags = rustix::fs::XattrFlags::empty();
        let upper = top.path().join("upper");
        if rustix::fs::setxattr(&upper, "user.overlay.uuid", &[1; 16], flags).is_ok() {
            assert_eq!(recycle(top.path()).unwrap(), Recycled::AsNew);
            assert_eq!(rustix::fs::listxattr(&upper, &mut [0_u8; 64]), Ok(0));
        }
        // What a step could leave for the next: an attribute, a directory that was large, a new name.
        if rustix::fs::setxattr(&out, "user.left", b"behind", flags).is_ok() {
            assert_eq!(recycle(top.path()).unwrap(), Recycled::Used);
            rustix::fs::removexattr(&out, "user.left").unwrap();
        }
        fs::write(top.path().join("lower-0"), "").unwrap();
        assert_eq!(recycle(top.path()).unwrap(), Recycled::Used);
    }

    #[test]
    fn counts_blocks_of_all_places() {
        let top = tempfile::tempdir().unwrap();
        prepare(top.path()).unwrap();
        let open = || rustix::fs::open(top.path(), DIRECTORY, Mode::empty()).unwrap();
        let before = bytes_on_disk(open()).unwrap();
        for place in ["build", "tmp", "out", "upper"] {
            fs::write(top.path().join(place).join("file"), vec![1; 100_000]).unwrap();
            fs::File::open(top.path().join(place).join("file")).unwrap().sync_all().unwrap();
        }
        assert!(bytes_on_disk(open()).unwrap() >= before + 400_000);
    }
}
