//! The system calls of ownership as data that have no safe wrapper.
#![allow(unsafe_code, reason = "raw system calls; each block says why it is sound")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// `struct statx` (statx(2)) as the kernel writes it.
#[derive(Clone)]
pub(crate) struct Status(pub(crate) [u8; 256]);

/// Offsets in `struct statx`.
const UID: usize = 20;
const GID: usize = 24;
const MODE: usize = 28;
const INODE: usize = 32;
const RDEV_MAJOR: usize = 128;
const DEV_MAJOR: usize = 136;

/// `STATX_BASIC_STATS | STATX_BTIME`.
pub(crate) const BASIC: u32 = 0xfff;

impl Status {
    /// Of the file behind a descriptor.
    pub(crate) fn of(file: BorrowedFd<'_>, mask: u32) -> io::Result<Self> {
        let mut status = Self([0; 256]);
        // SAFETY: the path is zero-terminated, and the kernel writes 256 bytes, which are there.
        check(unsafe {
            libc::syscall(
                libc::SYS_statx,
                file.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH,
                mask,
                status.0.as_mut_ptr(),
            )
        })?;
        Ok(status)
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = &self.0[at..at + 4];
        u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    pub(crate) fn mode(&self) -> u32 {
        u32::from(u16::from_ne_bytes([self.0[MODE], self.0[MODE + 1]]))
    }

    pub(crate) fn inode(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[INODE..INODE + 8]);
        u64::from_ne_bytes(bytes)
    }

    /// Whether the disk says that it is root's, as this process sees it.
    pub(crate) fn is_roots(&self) -> bool {
        self.word(UID) == 0 && self.word(GID) == 0
    }

    /// Of the file system.
    pub(crate) fn device(&self) -> (u32, u32) {
        (self.word(DEV_MAJOR), self.word(DEV_MAJOR + 4))
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.mode() & libc::S_IFMT == libc::S_IFDIR
    }

    pub(crate) fn is_link(&self) -> bool {
        self.mode() & libc::S_IFMT == libc::S_IFLNK
    }

    /// Says something else about owner, mode and device number.
    pub(crate) fn set(&mut self, uid: u32, gid: u32, mode: u32, device: Option<(u32, u32)>) {
        let mut put = |at: usize, value: u32| {
            self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        };
        put(UID, uid);
        put(GID, gid);
        if let Some((major, minor)) = device {
            put(RDEV_MAJOR, major);
            put(RDEV_MAJOR + 4, minor);
        }
        self.0[MODE..MODE + 2].copy_from_slice(&(mode as u16).to_ne_bytes());
    }
}

/// `struct stat` of the file behind a descriptor with another owner, mode and device number, as bytes.
pub(crate) fn stat_bytes(
    file: BorrowedFd<'_>,
    uid: u32,
    gid: u32,
    mode: u32,
    device: Option<(u32, u32)>,
) -> io::Result<Vec<u8>> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the path is zero-terminated and the call fills a struct of this type.
    check(
        unsafe {
            libc::fstatat(file.as_raw_fd(), c"".as_ptr(), stat.as_mut_ptr(), libc::AT_EMPTY_PATH)
        }
        .into(),
    )?;
    // SAFETY: all-zero was valid already, and the call succeeded.
    let mut stat = unsafe { stat.assume_init() };
    (stat.st_uid, stat.st_gid, stat.st_mode) = (uid, gid, mode);
    if let Some((major, minor)) = device {
        stat.st_rdev = libc::makedev(major, minor);
    }
    // SAFETY: a plain struct of integers, all of whose bytes were set when it was zeroed; on the 64-bit
    // machines that groundup runs on its layout is the kernel's.
    let bytes = unsafe {
        std::slice::from_raw_parts((&raw const stat).cast::<u8>(), size_of::<libc::stat>())
    };
    Ok(bytes.to_vec())
}

/// The kernel's handle of the inode behind a descriptor; `None` where its file system has none.
pub(crate) fn handle(file: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
    const AT_HANDLE_FID: i32 = 0x200;
    // `struct file_handle`: length, type, bytes.
    const MOST: usize = 128;
    let mut failed = None;
    // The second is for those that have handles but cannot open them again, from Linux 6.6 on.
    for flags in [libc::AT_EMPTY_PATH, libc::AT_EMPTY_PATH | AT_HANDLE_FID] {
        let mut buffer = [0_u32; 2 + MOST / 4];
        buffer[0] = MOST as u32;
        let mut mount = 0_i32;
        // SAFETY: the path is zero-terminated, the buffer has room for the header and the length that it
        // states, and `mount` for one integer.
        let result = check(unsafe {
            libc::syscall(
                libc::SYS_name_to_handle_at,
                file.as_raw_fd(),
                c"".as_ptr(),
                buffer.as_mut_ptr(),
                &raw mut mount,
                flags,
            )
        });
        match result {
            Ok(_) => {
                let length = (buffer[0] as usize).min(MOST);
                let bytes = buffer[1..].iter().flat_map(|word| word.to_ne_bytes());
                return Ok(Some(bytes.take(4 + length).collect()));
            }
            Err(error) => failed = failed.or(error.raw_os_error()),
        }
    }
    match failed {
        Some(libc::EOPNOTSUPP | libc::EOVERFLOW) | None => Ok(None),
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Reads what is at `address` of another process, up to the length of `buffer`.
pub(crate) fn read_memory(pid: i32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: address as usize as *mut _, iov_len: buffer.len() };
    // SAFETY: the kernel writes at most as many bytes as the local buffer has; the remote address is in
    // another process and checked there.
    let read =
        check(
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) }
                as libc::c_long,
        )?;
    Ok(read as usize)
}

/// Lets a call that a filter holds return `value`, or fail with `errno` where that is not 0.
pub(crate) fn give(listener: BorrowedFd<'_>, id: u64, value: i64, errno: i32) -> io::Result<()> {
    respond(listener, libc::seccomp_notif_resp { id, val: value, error: -errno, flags: 0 })
}

/// Lets a call that a filter holds go on to the kernel.
pub(crate) fn go_on(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    respond(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags })
}

/// Lets the answering process take over the processor of the asking one, and back: they never run at
/// the same time. Only from Linux 6.6 on, and only faster.
pub(crate) fn answer_in_turn(listener: BorrowedFd<'_>) {
    // `SECCOMP_IOCTL_NOTIF_SET_FLAGS`, `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP` (linux/seccomp.h).
    const SET_FLAGS: libc::Ioctl = 0x4008_2104;
    // SAFETY: the argument is the flags themselves.
    unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS, 1_u64) };
}

fn respond(listener: BorrowedFd<'_>, mut response: libc::seccomp_notif_resp) -> io::Result<()> {
    // SAFETY: the ioctl reads a struct of this type, which lives through the call.
    check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response)
        }
        .into(),
    )
    .map(drop)
}

/// Gives the process that asks a copy of a descriptor; returns its number there.
pub(crate) fn add_descriptor(
    listener: BorrowedFd<'_>,
    id: u64,
    file: BorrowedFd<'_>,
    close_on_exec: u32,
) -> io::Result<RawFd> {
    let add = libc::seccomp_notif_addfd {
        id,
        flags: 0,
        srcfd: file.as_raw_fd() as u32,
        newfd: 0,
        newfd_flags: close_on_exec,
    };
    // SAFETY: the ioctl reads a struct of this type, which lives through the call.
    let number = check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw const add)
        }
        .into(),
    )?;
    Ok(number as RawFd)
}
