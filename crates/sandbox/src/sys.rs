//! The system calls that have no safe wrapper: with `ownership/raw.rs` the only place with `unsafe`.
#![allow(unsafe_code, reason = "raw system calls; each block says why it is sound")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Whether a launcher started from this program would know that it is one.
static KNOWS_LAUNCHER: AtomicBool = AtomicBool::new(false);

pub(crate) fn knows_launcher() -> bool {
    KNOWS_LAUNCHER.load(Ordering::Relaxed)
}

/// Remembers that the check for the launcher's name has been made.
pub(crate) fn mark_launcher_known() {
    KNOWS_LAUNCHER.store(true, Ordering::Relaxed);
}

/// Enters the launcher before `main`, so that test harnesses and forgetful programs are safe: a
/// program that did not look would run its own `main` again for every sandbox.
///
/// Only glibc gives the arguments this early; elsewhere `launcher_entry` in `main` does it.
#[cfg(target_env = "gnu")]
#[used]
// SAFETY: glibc calls each pointer of this section once, on the only thread, after it set up the C
// library and (by an earlier priority) std's copy of the arguments. The function ignores what it is
// passed, which the C calling convention permits, and does not unwind: a panic aborts at the border.
#[unsafe(link_section = ".init_array")]
static ENTER: extern "C" fn() = {
    extern "C" fn enter() {
        crate::launcher_entry();
    }
    enter
};

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Forks; `None` is the child. Only for the launcher.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the launcher has one thread, so the child's copy of every lock and of the allocator is
    // in a consistent state and the child may go on as the parent does.
    let pid = check(unsafe { libc::fork() }.into())?;
    Ok(Pid::from_raw(pid as i32))
}

/// Bytes of a page. Asks the C library: with rustix's own question, limited runs died on Linux 6.1,
/// probably because it reads `/proc/self/auxv` there, which a launcher may not.
pub(crate) fn page_size() -> u64 {
    // SAFETY: `sysconf` has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).expect("every host has a size of pages")
}

/// Ends this process now, without what `exit` would run.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Leaves shared namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: unsound only with `CLONE_FILES`, which no caller passes.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Sets attributes of the mount at `path` (of the one behind `dir` when it is empty), and of those
/// below it.
pub(crate) fn set_mount_attributes(
    dir: BorrowedFd<'_>,
    path: &CStr,
    attributes: u64,
    recurse: Recurse,
) -> io::Result<()> {
    #[repr(C)]
    struct MountAttr {
        attr_set: u64,
        attr_clr: u64,
        propagation: u64,
        userns_fd: u64,
    }
    let attr = MountAttr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let recursive = match recurse {
        Recurse::Below => libc::AT_RECURSIVE,
        Recurse::Here => 0,
    };
    // SAFETY: the path is zero-terminated, it and `attr` live through the call, and `attr` has the
    // layout of `struct mount_attr` (mount_setattr(2)) in the size that is passed.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            dir.as_raw_fd(),
            path.as_ptr(),
            libc::AT_EMPTY_PATH | recursive,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// How far a change of mount attributes reaches.
#[derive(Clone, Copy)]
pub(crate) enum Recurse {
    Here,
    Below,
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: called first thing in the launcher, before anything in this process owns a descriptor
    // in that range; what was inherited has no owner here.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) }).map(drop)
}

/// Moves the launcher's socket from descriptor 0 to 3 and forgets what else was inherited.
pub(crate) fn take_socket() -> io::Result<OwnedFd> {
    // SAFETY: plain integers; whatever had descriptor 3 was inherited and has no owner here.
    check(unsafe { libc::dup3(0, 3, libc::O_CLOEXEC) }.into())?;
    close_from(4)?;
    // SAFETY: descriptor 3 was just made and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(3) })
}

/// What a signal does to a process that does not handle it.
#[derive(Clone, Copy)]
pub(crate) enum Reaction {
    Default,
    Ignore,
}

/// Takes every handler away from these signals.
pub(crate) fn reset_signals(signals: impl IntoIterator<Item = i32>, reaction: Reaction) {
    // The kernel's form of `struct sigaction`: handler, flags, restorer, mask. The C library's own
    // call would leave out the two signals that it keeps for itself.
    const MASK_BYTES: libc::c_long = 8;
    let handler = match reaction {
        Reaction::Default => libc::SIG_DFL,
        Reaction::Ignore => libc::SIG_IGN,
    };
    let action = [handler as u64, 0, 0, 0];
    for signal in signals {
        // SAFETY: `action` is at least as large as the kernel's struct and lives through the call,
        // which sets no handler; signals that cannot be set are refused.
        unsafe {
            let none = 0_usize;
            libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), none, MASK_BYTES)
        };
    }
}

/// Sets the execution domain of this process (`personality(2)`).
pub(crate) fn set_personality(persona: libc::c_ulong) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::personality(persona) }.into()).map(drop)
}

/// Joins a new, empty session keyring.
pub(crate) fn join_new_keyring() -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a null name asks for an anonymous keyring.
    check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0_usize) })
        .map(drop)
}

/// Which version of Landlock the kernel speaks.
pub(crate) fn landlock_version() -> io::Result<i64> {
    const LANDLOCK_CREATE_RULESET_VERSION: libc::c_long = 1;
    // SAFETY: with this flag the kernel reads no attributes; null and zero are what it asks for.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            0_usize,
            0_usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    })
}

/// Whether the kernel knows this seccomp action.
pub(crate) fn seccomp_action_available(action: u32) -> io::Result<()> {
    // SAFETY: `action` lives through the call, which reads four bytes.
    check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action)
    })
    .map(drop)
}

/// Puts this process and its children under a filter; with the flag `NEW_LISTENER` it returns the
/// listener for the filter's questions.
pub(crate) fn install_filter(
    program: &[libc::sock_filter],
    flags: libc::c_ulong,
) -> io::Result<Option<OwnedFd>> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program, which lives through the call, and does not write to it.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    })?;
    let listens = flags & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0;
    // SAFETY: with that flag the result is a descriptor that the kernel just made for us.
    Ok(listens.then(|| unsafe { OwnedFd::from_raw_fd(fd as RawFd) }))
}

/// A question of a filtered process: it waits until [`answer`] is called with its id.
pub(crate) struct Question {
    pub(crate) id: u64,
    pub(crate) pid: i32,
    pub(crate) call: i32,
    /// `AUDIT_ARCH_*` of the interface that it uses.
    pub(crate) arch: u32,
    pub(crate) args: [u64; 6],
}

/// Takes the next question.
pub(crate) fn next_question(listener: BorrowedFd<'_>) -> io::Result<Question> {
    // SAFETY: all-zero is a valid value of this plain struct, and what the kernel demands.
    let mut notif: libc::seccomp_notif = unsafe { mem::zeroed() };
    // SAFETY: the ioctl fills a struct of this type, which lives through the call.
    check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notif)
        }
        .into(),
    )?;
    let libc::seccomp_data { nr: call, arch, args, .. } = notif.data;
    Ok(Question { id: notif.id, pid: notif.pid as i32, call, arch, args })
}

/// Whether the process that asked still waits, so that its pid is still its own.
pub(crate) fn still_asking(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    // SAFETY: the ioctl reads eight bytes of `id`, which lives through the call.
    check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id)
        }
        .into(),
    )
    .map(drop)
}

/// Lets the process that asked go on: its call returns 0 or fails with `errno`.
pub(crate) fn answer(listener: BorrowedFd<'_>, id: u64, errno: i32) -> io::Result<()> {
    let mut response = libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 };
    // SAFETY: the ioctl reads a struct of this type, which lives through the call.
    check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response)
        }
        .into(),
    )
    .map(drop)
}

/// Lets the call that was asked about happen as if nobody had asked.
pub(crate) fn let_happen(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let mut response = libc::seccomp_notif_resp { id, val: 0, error: 0, flags };
    // SAFETY: the ioctl reads a struct of this type, which lives through the call.
    check(
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response)
        }
        .into(),
    )
    .map(drop)
}

/// Reads the zero-terminated text at `address` of another process, without the zero.
pub(crate) fn read_text(pid: i32, address: u64) -> io::Result<Vec<u8>> {
    // In parts that do not cross a page: the next one may not be there.
    const PAGE: u64 = 4096;
    let mut text = Vec::with_capacity(256);
    let mut at = address;
    while text.len() < libc::PATH_MAX as usize {
        let length = (PAGE - at % PAGE).min(256) as usize;
        let start = text.len();
        text.resize(start + length, 0);
        let read = read_memory(pid, at, &mut text[start..])?;
        text.truncate(start + read);
        if let Some(end) = text[start..].iter().position(|byte| *byte == 0) {
            text.truncate(start + end);
            return Ok(text);
        }
        at += read as u64;
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// Reads up to `bytes.len()` bytes at `address` of another process; at least one.
pub(crate) fn read_memory(pid: i32, address: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as usize as *mut _, iov_len: bytes.len() };
    // SAFETY: the kernel writes at most as many bytes as the exclusively borrowed local buffer has; the
    // remote address is in another process and checked there.
    let read =
        check(
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) }
                as libc::c_long,
        )?;
    if read == 0 { Err(io::Error::from_raw_os_error(libc::EFAULT)) } else { Ok(read as usize) }
}

/// Writes `bytes` at `address` of another process; fails like a bad pointer in a system call.
pub(crate) fn write_memory(pid: i32, address: u64, bytes: &[u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as usize as *mut _, iov_len: bytes.len() };
    // SAFETY: the kernel only reads the local bytes, which live through the call; the remote address
    // is in another process and checked there.
    let written =
        check(
            unsafe { libc::process_vm_writev(pid, &raw const local, 1, &raw const remote, 1, 0) }
                as libc::c_long,
        )?;
    if written as usize == bytes.len() {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EFAULT))
    }
}

/// What all children that were waited for have used: user and system time, peak bytes of one.
pub(crate) fn children_usage() -> io::Result<(Duration, Duration, u64)> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills a struct of this type.
    check(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) }.into())?;
    // SAFETY: all-zero was valid already, and the call succeeded.
    let usage = unsafe { usage.assume_init() };
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    Ok((time(usage.ru_utime), time(usage.ru_stime), usage.ru_maxrss as u64 * 1024))
}

/// Executes `argv[0]` (a path) with `argv` and `env`; returns only why it failed.
pub(crate) fn execute(program: &CString, argv: &[CString], env: &[CString]) -> io::Error {
    let pointers = |words: &[CString]| -> Vec<*const libc::c_char> {
        words.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists end with null and point to zero-terminated strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Unblocks every signal.
pub(crate) fn unblock_signals() {
    let mut none = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `sigemptyset` fills the set, which `sigprocmask` then reads.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}
