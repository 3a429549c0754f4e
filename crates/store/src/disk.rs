//! File system calls in the form that the store needs them: no mode left to the umask, no file
//! replaced by accident, nothing that stops at a directory without write permission.

use crate::error::{StoreError, Tried};
use rustix::fs::{CWD, Mode, RenameFlags, Timespec, Timestamps, UTIME_OMIT};
use std::{
    ffi::OsString,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Makes a directory with mode 0755, unless it is there.
pub(crate) fn make_dir(path: &Path) -> Result<(), StoreError> {
    match fs::create_dir(path) {
        Ok(()) => {
            let mode = Permissions::from_mode(0o755);
            fs::set_permissions(path, mode).tried("set the mode of", path)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).tried("make directory", path),
    }
}

/// Makes a directory and those above it.
pub(crate) fn make_dirs(path: &Path) -> Result<(), StoreError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
        && !parent.is_dir()
    {
        make_dirs(parent)?;
    }
    make_dir(path)
}

/// Whether a rename put the file in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It did.
    Now,
    /// Another file has the name; the source is where it was.
    Before,
}

/// Renames `from` to `to`, never replacing; makes the one directory above `to` when it is missing.
pub(crate) fn place(from: &Path, to: &Path) -> Result<Placed, StoreError> {
    match rename_new(from, to) {
        Err(rustix::io::Errno::NOENT) => {
            make_dir(to.parent().expect("a place inside the store has a parent"))?;
            rename_new(from, to)
        }
        done => done,
    }
    .tried("move a file to", to)
}

fn rename_new(from: &Path, to: &Path) -> rustix::io::Result<Placed> {
    use rustix::io::Errno;
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Placed::Now),
        Err(Errno::EXIST) => Ok(Placed::Before),
        // Some file systems know no flags: a hard link refuses to replace as well.
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::link(from, to) {
            Ok(()) => rustix::fs::unlink(from).map(|()| Placed::Now),
            Err(Errno::EXIST) => Ok(Placed::Before),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Writes a small file that appears whole: a new file in `tmp`, renamed over `to`.
pub(crate) fn replace_file(tmp: &Path, to: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let file = create_file(tmp)?;
    io::Write::write_all(&mut &file, bytes).tried("write", tmp)?;
    file.sync_data().tried("sync", tmp)?;
    fs::rename(tmp, to).tried("move a file to", to)
}

/// Creates a new file, mode 0644 whatever the umask.
pub(crate) fn create_file(path: &Path) -> Result<File, StoreError> {
    let file = File::options().read(true).write(true).create_new(true).open(path);
    let file = file.tried("create", path)?;
    set_mode(&file, path, 0o644)?;
    Ok(file)
}

/// Opens a file for appending, creating it with mode 0644 when missing.
pub(crate) fn open_append(path: &Path) -> Result<File, StoreError> {
    let file = File::options().read(true).append(true).create(true).open(path);
    let file = file.tried("open", path)?;
    set_mode(&file, path, 0o644)?;
    Ok(file)
}

/// Sets the permission bits of an open file.
pub(crate) fn set_mode(file: &File, path: &Path, mode: u32) -> Result<(), StoreError> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode)).tried("set the mode of", path)
}

/// Sets the modification time of an open file to that of every file of a tree.
pub(crate) fn set_file_time(file: &File, path: &Path) -> Result<(), StoreError> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: groundup_tree::FILE_TIME, tv_nsec: 0 },
    };
    rustix::fs::futimens(file, &times).tried("set the time of", path)
}

/// Copies bytes from one open file to another new one, sharing extents where the file system can.
pub(crate) fn copy_bytes(from: &File, to: &File, path: &Path) -> Result<u64, StoreError> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(to.metadata().tried("look at", path)?.len());
    }
    io::copy(&mut &*from, &mut &*to).tried("copy to", path)
}

/// The names in a directory, sorted; none if it does not exist.
pub(crate) fn names(path: &Path) -> Result<Vec<OsString>, StoreError> {
    #[allow(clippy::disallowed_methods, reason = "sorted below, before anybody sees it")]
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.tried("list", path)?,
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<Result<Vec<_>, _>>().tried("list", path)?;
    names.sort();
    Ok(names)
}

/// Removes a file; that it is gone already is fine.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.tried("remove", path),
    }
}
