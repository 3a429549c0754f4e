//! Directories below a root, by descriptor: paths of any length, never through a symbolic link.
//!
//! A tree may be deeper than `PATH_MAX` allows in one path, and a directory that a step or a person
//! left may hold symbolic links anywhere. So everything here starts from an open directory, goes
//! down by whole names, and works on one name in the directory it reached.

use crate::error::{StoreError, Tried};
use groundup_tree::{FILE_TIME, Name, TreePath};
use rustix::fs::{self, AtFlags, Dir, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The path of `path` in the directory `root`, for messages.
pub(crate) fn shown(root: &Path, path: &TreePath) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    if path.is_root() {
        return root.to_owned();
    }
    root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// One step of a descent stays well below `PATH_MAX` (4096).
const STRIDE: usize = 3000;

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Opens the directory `path` below `root`; a symbolic link on the way is an error (`ELOOP` or
/// `ENOTDIR`).
pub(crate) fn open_dir(root: impl AsFd, path: &TreePath) -> Result<OwnedFd, Errno> {
    let mut current = fs::openat(&root, c".", DIRECTORY, Mode::empty())?;
    let mut stride = Vec::with_capacity(path.as_bytes().len().min(STRIDE));
    for name in path.names() {
        if stride.len() + name.len() > STRIDE {
            current = descend(&current, &stride)?;
            stride.clear();
        }
        if !stride.is_empty() {
            stride.push(b'/');
        }
        stride.extend_from_slice(name);
    }
    if stride.is_empty() { Ok(current) } else { descend(&current, &stride) }
}

fn descend(from: &OwnedFd, names: &[u8]) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match fs::openat2(from, names, DIRECTORY, Mode::empty(), resolve) {
        // Old kernels and some container filters do not have `openat2`.
        Err(Errno::NOSYS | Errno::PERM) => {
            let mut names = names.split(|byte| *byte == b'/');
            let first = names.next().unwrap_or(b".");
            let first = fs::openat(from, first, DIRECTORY, Mode::empty())?;
            names.try_fold(first, |dir, name| fs::openat(&dir, name, DIRECTORY, Mode::empty()))
        }
        other => other,
    }
}

/// The names in a directory, sorted by their bytes.
pub(crate) fn sorted_names(dir: impl AsFd) -> Result<Vec<Name>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        // `.` and `..` are the only names of a directory that are not valid.
        names.extend(Name::new(entry.file_name().to_bytes()));
    }
    names.sort();
    Ok(names)
}

/// A path by which `name` in the open directory `dir` can be handed to what wants a path.
pub(crate) fn proc_path(dir: impl AsFd, name: &Name) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let dir = PathBuf::from(format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd()));
    dir.join(std::ffi::OsStr::from_bytes(name.as_bytes()))
}

/// The times that everything on disk gets.
pub(crate) fn file_times() -> Timestamps {
    let time = Timespec { tv_sec: FILE_TIME, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

/// Removes what `path` is, a whole tree too, whatever the modes of its directories; nothing there
/// is fine.
pub(crate) fn remove_all(path: &Path) -> Result<(), StoreError> {
    remove(path).tried("remove", path)
}

fn remove(path: &Path) -> Result<(), Errno> {
    let stat = match fs::lstat(path) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error),
    };
    if fs::FileType::from_raw_mode(stat.st_mode) != fs::FileType::Directory {
        return fs::unlink(path);
    }
    // Renaming a directory and emptying it need write permission on it.
    fs::chmod(path, Mode::RWXU)?;
    let top = fs::open(path, DIRECTORY, Mode::empty())?;
    let mut moved = 0;
    loop {
        let before = moved;
        empty(&top, &top, 0, &mut moved)?;
        if moved == before {
            return fs::rmdir(path);
        }
    }
}

/// How many nested directories are held open at once.
const MAX_OPEN: usize = 200;

/// Removes all that is in `dir`; what lies too deep is moved up to `top` for another pass, so that the
/// time grows with the number of things, not with their depth.
fn empty(top: &OwnedFd, dir: &OwnedFd, depth: usize, moved: &mut u64) -> Result<(), Errno> {
    for name in sorted_names(dir)? {
        let name = name.as_bytes();
        match fs::unlinkat(dir, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => {}
            other => {
                other?;
                continue;
            }
        }
        fs::chmodat(dir, name, Mode::RWXU, AtFlags::empty())?;
        if depth >= MAX_OPEN {
            *moved += 1;
            let above = format!(".groundup-deep-{moved}");
            match fs::renameat(dir, name, top, above) {
                // A step used that name; the next number is tried in the next pass.
                Ok(()) | Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                Err(error) => return Err(error),
            }
            continue;
        }
        empty(top, &fs::openat(dir, name, DIRECTORY, Mode::empty())?, depth + 1, moved)?;
        match fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_symbolic_link_on_the_way_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("a/b")).unwrap();
        symlink("a", temp.path().join("link")).unwrap();
        let root = std::fs::File::open(temp.path()).unwrap();
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        assert!(open_dir(&root, &path("a/b")).is_ok());
        assert!(open_dir(&root, &TreePath::root()).is_ok());
        assert!(open_dir(&root, &path("link/b")).is_err());
        assert!(open_dir(&root, &path("link")).is_err());
    }

    #[test]
    fn trees_deeper_than_a_path_can_say_are_opened_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().join("top");
        std::fs::create_dir(&top).unwrap();
        let root = std::fs::File::open(&top).unwrap();
        let name = Name::new(&[b'n'; 255]).unwrap();
        let mut at = TreePath::root();
        for _ in 0..40 {
            let dir = open_dir(&root, &at).unwrap();
            fs::mkdirat(&dir, name.as_bytes(), Mode::RWXU).unwrap();
            at = at.join(&name);
        }
        let last = open_dir(&root, &at).unwrap();
        fs::fchmod(&last, Mode::empty()).unwrap();
        remove_all(&top).unwrap();
        assert!(!top.exists());
        remove_all(&top).unwrap();
    }
}
