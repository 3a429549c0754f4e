//! The rules of runs whose ownership is data: what the launcher answers beside the usual.
//!
//! 32-bit programs are not answered at all: each of their calls is passed on, and ends the run by name.

use super::{Rule, Verdict, When};

/// The calls that see or change owners, modes, devices and attributes, or who a process is.
const ASKED: &[libc::c_long] = &[
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_mknodat,
    libc::SYS_mkdirat,
    libc::SYS_symlinkat,
    libc::SYS_openat2,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_fgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_flistxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
];

/// The same of older interfaces, which not every machine has.
#[cfg(target_arch = "x86_64")]
const ASKED_OF_OLD: &[libc::c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_chmod,
    libc::SYS_mknod,
    libc::SYS_mkdir,
    libc::SYS_symlink,
    libc::SYS_creat,
];
#[cfg(not(target_arch = "x86_64"))]
const ASKED_OF_OLD: &[libc::c_long] = &[];

pub(crate) const FCHMODAT2: libc::c_long = 452;

/// Calls with a form that is answered: their users know how to do without. The attribute calls with
/// a directory (from Linux 6.13 on), and `file_getattr`, `file_setattr`.
const ABSENT: &[libc::c_long] = &[463, 464, 465, 466, 468, 469];

/// `PR_SET_KEEPCAPS`, `PR_SET_SECUREBITS`: who calls them keeps rights when it becomes somebody else.
const KEEPING: &[u32] = &[8, 28];

/// Nothing of a run outlives a crash of the machine, so waiting for the disk is for nobody.
const AT_ONCE: &[libc::c_long] = &[
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync,
    libc::SYS_syncfs,
    libc::SYS_sync_file_range,
];

/// All of them.
pub(super) fn rules() -> Vec<Rule> {
    let asked = ASKED.iter().chain(ASKED_OF_OLD).map(|&call| (call, When::Always, Verdict::Ask));
    let absent = ABSENT.iter().map(|&call| (call, When::Always, Verdict::Errno(libc::ENOSYS)));
    let done = AT_ONCE.iter().map(|&call| (call, When::Always, Verdict::Errno(0)));
    // A file without a name gets one later.
    let mask = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;
    let creating = |argument| When::AnyBit { argument, mask };
    let mut rules: Vec<_> = asked.chain(absent).chain(done).collect();
    rules.push((libc::SYS_openat, creating(2), Verdict::Ask));
    let keeping = When::OneOf { argument: 0, values: KEEPING };
    rules.push((libc::SYS_prctl, keeping, Verdict::Ask));
    #[cfg(target_arch = "x86_64")]
    rules.push((libc::SYS_open, creating(1), Verdict::Ask));
    rules.into_iter().map(|(call, when, verdict)| (call as u32, when, verdict)).collect()
}
