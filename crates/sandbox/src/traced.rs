//! The system calls by which a program can learn of a path or change what is there, as a table.
//!
//! Where [`crate::Spec::look_ups`] asks for it, the filter passes each of them to the launcher, which
//! notes the paths and lets the call go on. The table is complete for the native interface: a call of
//! Linux 6.18 that takes a path (`include/linux/syscalls.h`) stands here, or among those that the
//! filter refuses, or is found missing as all that came late (`LATER`).

/// What a traced call does with its paths; the numbers are those of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Asks what is there.
    Look(Place),
    /// Executes it.
    Execute(Place),
    /// The same, but with `AT_EMPTY_PATH` in the argument it may be about a descriptor alone.
    LookUnlessEmpty(Place, u32),
    /// Opens it, with these flags.
    Open(Place, Flags),
    /// Makes, changes or removes what is there.
    Change(Place),
    /// Takes it from one place to another, or gives it a second name.
    Move(Place, Place),
    /// Lists a directory that it opened.
    List,
    /// Changes the working directory, perhaps to the path in this argument.
    Enter(Option<u32>),
    /// Something whose effect cannot be noted.
    Unknown,
}

/// Which arguments hold a path: the directory that it starts from, and the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) from: Option<u32>,
    pub(crate) path: u32,
}

/// Where the flags of an open call are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    Argument(u32),
    /// At the start of what the argument points to (openat2(2)).
    Behind(u32),
    /// `O_WRONLY | O_CREAT | O_TRUNC`: creat(2).
    Creat,
}

const fn at(from: u32) -> Place {
    Place { from: Some(from), path: from + 1 }
}

/// `AT_EMPTY_PATH`.
pub(crate) const EMPTY_PATH: u32 = 0x1000;
/// `AT_FDCWD` as the 32-bit number that it is.
pub(crate) const WORKING_DIRECTORY: u32 = libc::AT_FDCWD as u32;

/// Calls that every architecture has.
const COMMON: &[(libc::c_long, Does)] = &[
    (libc::SYS_openat, Does::Open(at(0), Flags::Argument(2))),
    (libc::SYS_openat2, Does::Open(at(0), Flags::Behind(2))),
    (libc::SYS_newfstatat, Does::LookUnlessEmpty(at(0), 3)),
    (libc::SYS_statx, Does::LookUnlessEmpty(at(0), 2)),
    (libc::SYS_faccessat, Does::Look(at(0))),
    (libc::SYS_faccessat2, Does::Look(at(0))),
    (libc::SYS_readlinkat, Does::Look(at(0))),
    (libc::SYS_execve, Does::Execute(Place { from: None, path: 0 })),
    (libc::SYS_execveat, Does::Execute(at(0))),
    (libc::SYS_statfs, Does::Look(Place { from: None, path: 0 })),
    (libc::SYS_getxattr, Does::Look(Place { from: None, path: 0 })),
    (libc::SYS_lgetxattr, Does::Look(Place { from: None, path: 0 })),
    (libc::SYS_listxattr, Does::Look(Place { from: None, path: 0 })),
    (libc::SYS_llistxattr, Does::Look(Place { from: None, path: 0 })),
    (libc::SYS_getdents64, Does::List),
    (libc::SYS_chdir, Does::Enter(Some(0))),
    (libc::SYS_fchdir, Does::Enter(None)),
    (libc::SYS_mkdirat, Does::Change(at(0))),
    (libc::SYS_mknodat, Does::Change(at(0))),
    (libc::SYS_unlinkat, Does::Change(at(0))),
    (libc::SYS_symlinkat, Does::Change(at(1))),
    (libc::SYS_truncate, Does::Change(Place { from: None, path: 0 })),
    (libc::SYS_fchmodat, Does::Change(at(0))),
    (libc::SYS_fchmodat2, Does::Change(at(0))),
    (libc::SYS_fchownat, Does::Change(at(0))),
    (libc::SYS_utimensat, Does::Change(at(0))),
    (libc::SYS_setxattr, Does::Change(Place { from: None, path: 0 })),
    (libc::SYS_lsetxattr, Does::Change(Place { from: None, path: 0 })),
    (libc::SYS_removexattr, Does::Change(Place { from: None, path: 0 })),
    (libc::SYS_lremovexattr, Does::Change(Place { from: None, path: 0 })),
    (libc::SYS_renameat2, Does::Move(at(0), at(2))),
    (libc::SYS_linkat, Does::Move(at(0), at(2))),
    // Asking in other ways than by paths, or others. (What sends to a socket has connected it; init
    // itself must be able to send.)
    (libc::SYS_name_to_handle_at, Does::Unknown),
    (libc::SYS_inotify_add_watch, Does::Unknown),
    (libc::SYS_bind, Does::Unknown),
    (libc::SYS_connect, Does::Unknown),
    (libc::SYS_ptrace, Does::Unknown),
    (libc::SYS_process_vm_writev, Does::Unknown),
];

/// Calls of older interfaces.
#[cfg(target_arch = "x86_64")]
const OLD: &[(libc::c_long, Does)] = {
    const fn only(path: u32) -> Place {
        Place { from: None, path }
    }
    &[
        (libc::SYS_open, Does::Open(only(0), Flags::Argument(1))),
        (libc::SYS_getdents, Does::List),
        (libc::SYS_creat, Does::Open(only(0), Flags::Creat)),
        (libc::SYS_stat, Does::Look(only(0))),
        (libc::SYS_lstat, Does::Look(only(0))),
        (libc::SYS_access, Does::Look(only(0))),
        (libc::SYS_readlink, Does::Look(only(0))),
        (libc::SYS_mkdir, Does::Change(only(0))),
        (libc::SYS_rmdir, Does::Change(only(0))),
        (libc::SYS_mknod, Does::Change(only(0))),
        (libc::SYS_unlink, Does::Change(only(0))),
        (libc::SYS_symlink, Does::Change(only(1))),
        (libc::SYS_chmod, Does::Change(only(0))),
        (libc::SYS_chown, Does::Change(only(0))),
        (libc::SYS_lchown, Does::Change(only(0))),
        (libc::SYS_utime, Does::Change(only(0))),
        (libc::SYS_utimes, Does::Change(only(0))),
        (libc::SYS_futimesat, Does::Change(at(0))),
        (libc::SYS_rename, Does::Move(only(0), only(1))),
        (libc::SYS_link, Does::Move(only(0), only(1))),
        (libc::SYS_renameat, Does::Move(at(0), at(2))),
        (libc::SYS_uselib, Does::Unknown),
    ]
};
#[cfg(target_arch = "aarch64")]
const OLD: &[(libc::c_long, Does)] = &[(libc::SYS_renameat, Does::Move(at(0), at(2)))];
#[cfg(target_arch = "riscv64")]
const OLD: &[(libc::c_long, Does)] = &[];

/// `setxattrat` (Linux 6.13), the first of the calls that nothing needs yet: programs find it and all
/// later ones missing. (From 424 on the numbers are the same on every architecture.)
pub(crate) const LATER: u32 = 463;

/// Every traced call.
pub(crate) fn calls() -> impl Iterator<Item = (u32, Does)> {
    COMMON.iter().chain(OLD).map(|(call, does)| (*call as u32, *does))
}

/// What this call does.
pub(crate) fn find(call: i32) -> Option<Does> {
    calls().find(|(number, _)| *number == call as u32).map(|(_, does)| does)
}
