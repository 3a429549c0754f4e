//! From a question's path or descriptor to the file that it means.

use std::ffi::CString;
use std::os::fd::AsFd;

use rustix::fs::{CWD, Mode, OFlags};

use super::{Found, PROC, Stop};
use crate::ownership::raw::{self, BASIC, Status};
use crate::sys::Question;

/// The longest path that the kernel takes, with its end.
const PATH_MAX: usize = 4096;
const PAGE: u64 = 4096;

/// Whether a link at the end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Followed,
    Itself,
}

impl Last {
    pub(super) fn of(flags: i32) -> Self {
        if flags & libc::AT_SYMLINK_NOFOLLOW != 0 { Self::Itself } else { Self::Followed }
    }
}

/// Reads the text at an address of the asker.
pub(super) fn text(question: &Question, address: u64) -> Result<Vec<u8>, Stop> {
    let mut text = Vec::new();
    while text.len() < PATH_MAX {
        let at = address + text.len() as u64;
        // Not over the end of a page, where the next may not be there.
        let mut part = vec![0; (PAGE - at % PAGE).min(256) as usize];
        let length = match raw::read_memory(question.pid, at, &mut part) {
            Ok(length) => length,
            // One that may not be looked into: init's child before it is the command.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => return Err(Stop::Kernel),
            Err(_) => return Err(Stop::Errno(libc::EFAULT)),
        };
        if let Some(end) = part[..length].iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&part[..end]);
            return Ok(text);
        }
        text.extend_from_slice(&part[..length]);
    }
    Err(Stop::Errno(libc::ENAMETOOLONG))
}

/// The file at a path of the asker's.
pub(super) fn find(
    question: &Question,
    directory: u64,
    path: &[u8],
    last: Last,
) -> Result<Found, Stop> {
    if path.is_empty() {
        return Err(Stop::Errno(libc::ENOENT));
    }
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if last == Last::Itself {
        flags |= OFlags::NOFOLLOW;
    }
    let file = if path.starts_with(b"/") {
        rustix::fs::openat(CWD, own_paths(question.pid, path), flags, Mode::empty())?
    } else {
        let base = base(question, directory)?;
        rustix::fs::openat(base, path, flags, Mode::empty())?
    };
    Found::new(file)
}

/// The directory that a relative path of the asker's starts from.
fn base(question: &Question, directory: u64) -> Result<std::os::fd::OwnedFd, Stop> {
    let pid = question.pid;
    let name = match directory as i32 {
        libc::AT_FDCWD => format!("{pid}/cwd"),
        number => format!("{pid}/fd/{number}"),
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match rustix::fs::openat(PROC, name, flags, Mode::empty()) {
        Ok(base) => Ok(base),
        Err(rustix::io::Errno::NOENT) => Err(Stop::Errno(libc::EBADF)),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => Err(Stop::Kernel),
        Err(error) => Err(error.into()),
    }
}

/// The directory in which a path's last name is, and that name.
pub(super) fn parent(
    question: &Question,
    directory: u64,
    path: &[u8],
) -> Result<(Found, Vec<u8>), Stop> {
    let trimmed =
        path.iter().rposition(|byte| *byte != b'/').map_or(&path[..0], |end| &path[..=end]);
    let (above, name) = match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (&b"/"[..], &trimmed[1..]),
        Some(at) => (&trimmed[..at], &trimmed[at + 1..]),
        None => (&b"."[..], trimmed),
    };
    if matches!(name, b"" | b"." | b"..") {
        // The kernel knows which error that is.
        return Err(Stop::Kernel);
    }
    Ok((find(question, directory, above, Last::Followed)?, name.to_vec()))
}

/// The file behind a descriptor of the asker's.
pub(super) fn opened(question: &Question, number: u64) -> Result<Found, Stop> {
    let path = format!("{}/fd/{}", question.pid, number as i32);
    match rustix::fs::openat(PROC, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => Found::new(file),
        Err(rustix::io::Errno::NOENT) => Err(Stop::Errno(libc::EBADF)),
        Err(_) => Err(Stop::Kernel),
    }
}

impl Found {
    fn new(file: std::os::fd::OwnedFd) -> Result<Self, Stop> {
        let status = Status::of(file.as_fd(), BASIC)?;
        Ok(Self { file, status })
    }
}

/// The path with the asker's own places of `/proc` by number: the launcher has none there.
fn own_paths(pid: i32, path: &[u8]) -> Vec<u8> {
    const OWN: [(&[u8], &str); 6] = [
        (b"/proc/self", ""),
        (b"/proc/thread-self", ""),
        (b"/dev/fd", "/fd"),
        (b"/dev/stdin", "/fd/0"),
        (b"/dev/stdout", "/fd/1"),
        (b"/dev/stderr", "/fd/2"),
    ];
    for (prefix, place) in OWN {
        let Some(rest) = path.strip_prefix(prefix) else { continue };
        // The link itself is a link, for whoever asks for it.
        let is_whole = rest.is_empty();
        if is_whole && prefix.starts_with(b"/proc") {
            continue;
        }
        if !is_whole && !rest.starts_with(b"/") {
            continue;
        }
        let Some(number) = Life::of(pid).map(|life| life.inside) else { continue };
        let mut own = format!("/proc/{number}{place}").into_bytes();
        own.extend_from_slice(rest);
        return own;
    }
    path.to_vec()
}

/// What `/proc` says of a process.
pub(super) struct Life {
    /// Its thread group.
    pub(super) group: i32,
    pub(super) parent: i32,
    /// Its number inside.
    inside: i32,
    pub(super) umask: u32,
}

impl Life {
    pub(super) fn of(pid: i32) -> Option<Self> {
        let text = read(&format!("{pid}/status"))?;
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line[name.len()..].split_whitespace().last()
        };
        Some(Self {
            group: field("Tgid:")?.parse().ok()?,
            parent: field("PPid:")?.parse().ok()?,
            inside: field("NStgid:")?.parse().ok()?,
            umask: u32::from_str_radix(field("Umask:")?, 8).ok()?,
        })
    }
}

/// When a process started, in ticks: with it a number means one process only.
pub(super) fn started(pid: i32) -> Option<u64> {
    let text = read(&format!("{pid}/stat"))?;
    text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// What a process is called, for messages.
pub(super) fn program(pid: i32) -> String {
    let text = read(&format!("{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&str> = text.split('\0').filter(|word| !word.is_empty()).take(4).collect();
    words.join(" ")
}

fn read(path: &str) -> Option<String> {
    let file = rustix::fs::openat(PROC, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let file = file.ok()?;
    let mut bytes = vec![0; 4096];
    let length = rustix::io::read(&file, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The path by which the launcher's own descriptor is opened again.
pub(super) fn by_number(file: impl AsFd) -> CString {
    use std::os::fd::AsRawFd;
    CString::new(format!("self/fd/{}", file.as_fd().as_raw_fd())).unwrap_or_default()
}
