//! Which system calls change files, and what they change.

use super::ptrace::Thread;
use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::{ffi::OsStringExt, fs::FileExt},
    path::{Component, Path, PathBuf},
};

/// What a call does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Makes it when it is missing, or empties it.
    Create,
    /// Writes to it.
    Write,
    /// Gives it another name.
    Rename,
    /// Gives it one more name, or makes a symbolic link.
    Link,
    /// Takes a name away, of a directory too.
    Remove,
    /// Makes a directory or a pipe.
    Make,
    /// Sets its length or reserves room.
    Resize,
    /// Sets its mode, owner, times or attributes.
    Mark,
    /// Brings it, or its whole file system, to the disk.
    Sync,
}

/// A call that changes a file.
pub(super) struct Call {
    pub(super) change: Change,
    pub(super) path: PathBuf,
    /// For [`Change::Rename`], the name before.
    pub(super) from: Option<PathBuf>,
    /// Which argument says how many bytes are written, where it can be made smaller.
    pub(super) length: Option<(usize, u64)>,
}

/// Where a call says which file it is about.
enum Subject {
    /// An open file: the argument with its number.
    Open(usize),
    /// A path from the current directory.
    Path(usize),
    /// A path from an open directory: the arguments with both.
    At(usize, usize),
    /// As [`Subject::At`]; without a path the open file itself.
    AtOrOpen(usize, usize),
}

const FICLONE: u64 = 0x4004_9409;
const CREATES: u64 = (libc::O_CREAT | libc::O_TRUNC) as u64;

/// Reads a call that stands at its entry; none if it changes no file.
pub(super) fn read(thread: Thread, number: u64, arguments: &[u64; 6]) -> Option<Call> {
    use Change::{Create, Link, Make, Mark, Remove, Rename, Resize, Sync, Write};
    use Subject::{At, AtOrOpen, Open, Path};
    let number = i64::try_from(number).ok()?;
    let mut from = None;
    let (change, subject) = match number {
        libc::SYS_write
        | libc::SYS_pwrite64
        | libc::SYS_writev
        | libc::SYS_pwritev
        | libc::SYS_pwritev2
        | libc::SYS_sendfile => (Write, Open(0)),
        libc::SYS_copy_file_range => (Write, Open(2)),
        libc::SYS_ioctl if arguments[1] == FICLONE => (Write, Open(0)),
        libc::SYS_creat => (Create, Path(0)),
        libc::SYS_open if arguments[1] & CREATES != 0 => (Create, Path(0)),
        libc::SYS_openat if arguments[2] & CREATES != 0 => (Create, At(0, 1)),
        libc::SYS_openat2 if flags_of_how(thread, arguments[2]) & CREATES != 0 => {
            (Create, At(0, 1))
        }
        libc::SYS_rename => {
            from = Some(Path(0));
            (Rename, Path(1))
        }
        libc::SYS_renameat | libc::SYS_renameat2 => {
            from = Some(At(0, 1));
            (Rename, At(2, 3))
        }
        libc::SYS_link | libc::SYS_symlink => (Link, Path(1)),
        libc::SYS_linkat => (Link, At(2, 3)),
        libc::SYS_symlinkat => (Link, At(1, 2)),
        libc::SYS_unlink | libc::SYS_rmdir => (Remove, Path(0)),
        libc::SYS_unlinkat => (Remove, At(0, 1)),
        libc::SYS_mkdir => (Make, Path(0)),
        libc::SYS_mkdirat | libc::SYS_mknodat => (Make, At(0, 1)),
        libc::SYS_truncate => (Resize, Path(0)),
        libc::SYS_ftruncate | libc::SYS_fallocate => (Resize, Open(0)),
        libc::SYS_chmod | libc::SYS_setxattr | libc::SYS_lsetxattr => (Mark, Path(0)),
        libc::SYS_fchmod | libc::SYS_fchown | libc::SYS_fsetxattr => (Mark, Open(0)),
        libc::SYS_fchmodat | libc::SYS_fchmodat2 | libc::SYS_fchownat => (Mark, At(0, 1)),
        libc::SYS_utimensat => (Mark, AtOrOpen(0, 1)),
        libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs => (Sync, Open(0)),
        _ => return None,
    };
    let length = match number {
        libc::SYS_write | libc::SYS_pwrite64 => Some((2, arguments[2])),
        libc::SYS_sendfile => Some((3, arguments[3])),
        libc::SYS_copy_file_range => Some((4, arguments[4])),
        _ => None,
    };
    let resolve = |subject| resolve(thread, arguments, subject);
    let from = match from {
        Some(from) => Some(resolve(from)?),
        None => None,
    };
    Some(Call { change, path: resolve(subject)?, from, length })
}

fn resolve(thread: Thread, arguments: &[u64; 6], subject: Subject) -> Option<PathBuf> {
    // Directories are passed as 32-bit numbers, -100 for the current one.
    let open = |at: usize| match arguments[at] as i32 {
        libc::AT_FDCWD => fs::read_link(format!("/proc/{thread}/cwd")).ok(),
        number => fs::read_link(format!("/proc/{thread}/fd/{number}")).ok(),
    };
    match subject {
        Subject::Open(at) => open(at),
        Subject::Path(at) => {
            let from = fs::read_link(format!("/proc/{thread}/cwd")).ok()?;
            Some(plain(thread, &from.join(text(thread, arguments[at])?)))
        }
        Subject::AtOrOpen(dir, path) if arguments[path] == 0 => open(dir),
        Subject::At(dir, path) | Subject::AtOrOpen(dir, path) => {
            let path = text(thread, arguments[path])?;
            match path.is_absolute() {
                true => Some(plain(thread, &path)),
                false => Some(plain(thread, &open(dir)?.join(path))),
            }
        }
    }
}

/// A path without `.`, `..` and names of open files.
fn plain(thread: Thread, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
        let number = out.strip_prefix("/proc/self/fd").ok().and_then(|rest| rest.to_str());
        if let Some(number) = number.filter(|number| !number.is_empty())
            && let Ok(open) = fs::read_link(format!("/proc/{thread}/fd/{number}"))
        {
            out = open;
        }
    }
    out
}

/// A text in the memory of a thread.
fn text(thread: Thread, address: u64) -> Option<PathBuf> {
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = Vec::new();
    while bytes.len() < 4096 {
        // No read goes beyond the end of a page: the next one may not be there.
        let at = address + bytes.len() as u64;
        let mut part = vec![0; 4096 - (at % 4096) as usize];
        let count = memory.read_at(&mut part, at).ok()?;
        bytes.extend_from_slice(&part[..count]);
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
            return Some(PathBuf::from(OsString::from_vec(bytes)));
        }
    }
    None
}

/// The flags in the structure that `openat2` takes.
fn flags_of_how(thread: Thread, address: u64) -> u64 {
    let mut flags = [0; 8];
    let memory = File::open(format!("/proc/{thread}/mem"));
    let read = memory.and_then(|memory| memory.read_exact_at(&mut flags, address));
    if read.is_ok() { u64::from_le_bytes(flags) } else { 0 }
}
