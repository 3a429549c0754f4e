//! The desk at which the calls of a run whose ownership is data are answered.
//!
//! The launcher stands in the sandbox's root (not in its namespaces) and looks at files itself, by the
//! paths and descriptors of the process that asks; what it says of them is the disk's answer with the
//! record over it. A call that it cannot answer ends the run by name. Programs here are trusted to lie
//! about their own output only: between the question and the kernel's own answer a path may change.

mod attributes;
mod creation;
mod files;
mod people;
mod place;
mod status;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};

use crate::filter::{FCHMODAT2, NATIVE};
use crate::ownership::raw::{self, BASIC, Status};
use crate::ownership::{Key, OWNERS, OwnedPath, Record, Register};
use crate::scratch::UPPER;
use crate::sys::{self, Question};
use crate::wire::{Doing, Failure};
use people::People;

/// What becomes of a call.
pub(super) enum Reply {
    /// It returns this.
    Value(i64),
    /// It fails so.
    Errno(i32),
    /// The kernel answers.
    Kernel,
    /// It returns 0, and this is written at the address.
    Bytes(u64, Vec<u8>),
    /// It returns the length of this, which is written at the address.
    Counted(u64, Vec<u8>),
    /// It returns a descriptor for this, closed on exec where the flag says so.
    Descriptor(OwnedFd, u32),
    /// Nobody can say.
    Unknown(String),
}

/// What an answer may end with early.
pub(super) enum Stop {
    /// The call fails so.
    Errno(i32),
    /// It is the kernel's.
    Kernel,
    Unknown(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<rustix::io::Errno> for Stop {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Errno(error.raw_os_error())
    }
}

type Answer = Result<Reply, Stop>;

/// Where questions are answered.
pub(super) struct Desk {
    register: Register,
    people: People,
    /// Of the sandbox's root: the file system that records are for.
    device: (u32, u32),
}

/// A file that a question is about.
pub(super) struct Found {
    file: OwnedFd,
    status: Status,
}

impl Desk {
    /// Enters the root of a sandbox that stands and takes its seeds.
    pub(super) fn open(
        root: &OwnedFd,
        scratch: &OwnedFd,
        seeds: &[OwnedPath],
    ) -> Result<Self, Failure> {
        let doing = || "entering the root to answer for its files".to_owned();
        // Relative paths are of the host's `/proc` from now on, absolute ones of the sandbox.
        rustix::process::chdir("/proc").doing(doing)?;
        let proc = rustix::fs::open(".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let proc = proc.doing(doing)?;
        rustix::process::fchdir(root).doing(doing)?;
        rustix::process::chroot(".").doing(doing)?;
        rustix::process::fchdir(&proc).doing(doing)?;
        let status = Status::of(root.as_fd(), BASIC).doing(doing)?;
        if raw::handle(root.as_fd()).doing(doing)?.is_none() {
            let what = "knowing files by handles, which the file system of the scratch directory does \
                        not give (ext4, xfs, btrfs and tmpfs do, and overlayfs from Linux 6.6 on)";
            return Err(Failure::SetUp { doing: what.into(), errno: libc::EOPNOTSUPP });
        }
        let mut desk = Self {
            register: Register::default(),
            people: People::default(),
            device: status.device(),
        };
        // Not through the sandbox's root, where places of its own cover some.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let top = rustix::fs::openat(scratch, UPPER, flags, Mode::empty()).doing(doing)?;
        for seed in seeds {
            desk.plant(&top, seed)
                .doing(|| format!("noting whose /{} is", String::from_utf8_lossy(&seed.path)))?;
        }
        Ok(desk)
    }

    fn plant(&mut self, top: &OwnedFd, seed: &OwnedPath) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path: &[u8] = if seed.path.is_empty() { b"." } else { &seed.path };
        let file = rustix::fs::openat(top, path, flags, Mode::empty())?;
        let status = Status::of(file.as_fd(), BASIC)?;
        if seed.owner.device.is_some() {
            files::set_disk_mode(&file, seed.owner.mode)?;
        }
        if let Some(key) = Key::of(&file, &status)? {
            self.register.put(key, Record::of(&seed.owner));
        }
        Ok(())
    }

    /// Answers the next question; false when there will be none any more.
    pub(super) fn next(&mut self, listener: &OwnedFd, hostname: &str) -> Result<bool, Failure> {
        let fd = listener.as_fd();
        let question = match sys::next_question(fd) {
            Ok(question) => question,
            // The asker died, or a signal came: there may be another question.
            Err(error) => {
                return Ok(matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)));
            }
        };
        let reply = match self.answer(&question, hostname) {
            Ok(reply) => reply,
            Err(Stop::Errno(errno)) => Reply::Errno(errno),
            Err(Stop::Kernel) => Reply::Kernel,
            Err(Stop::Unknown(why)) => Reply::Unknown(why),
        };
        let id = question.id;
        let write = |address, bytes: &[u8]| {
            // Only now is it sure that the number means the process that asked.
            let written = sys::still_asking(fd, id)
                .and_then(|()| sys::write_memory(question.pid, address, bytes));
            if written.is_ok() { 0 } else { libc::EFAULT }
        };
        // Who died meanwhile needs no answer.
        let _ = match reply {
            Reply::Value(value) => raw::give(fd, id, value, 0),
            Reply::Errno(errno) => raw::give(fd, id, 0, errno),
            Reply::Kernel => raw::go_on(fd, id),
            Reply::Bytes(address, bytes) => raw::give(fd, id, 0, write(address, &bytes)),
            Reply::Counted(address, bytes) => {
                raw::give(fd, id, bytes.len() as i64, write(address, &bytes))
            }
            Reply::Descriptor(file, close) => {
                match raw::add_descriptor(fd, id, file.as_fd(), close) {
                    Ok(number) => raw::give(fd, id, number.into(), 0),
                    Err(error) => {
                        raw::give(fd, id, 0, error.raw_os_error().unwrap_or(libc::EMFILE))
                    }
                }
            }
            Reply::Unknown(why) => {
                let program = place::program(question.pid);
                return Err(Failure::Ownership { program, why });
            }
        };
        Ok(true)
    }

    fn answer(&mut self, question: &Question, hostname: &str) -> Answer {
        if question.arch != NATIVE {
            return Err(Stop::Unknown("it is a 32-bit program".into()));
        }
        let [a, b, c, d, e, _] = question.args;
        let (q, here) = (question, libc::AT_FDCWD as u64);
        match i64::from(question.call) {
            libc::SYS_uname | libc::SYS_sysinfo => {
                Ok(Reply::Bytes(a, super::answers::bytes(question, hostname)))
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_stat => self.stat(q, here, a, b, 0),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lstat => self.stat(q, here, a, b, libc::AT_SYMLINK_NOFOLLOW),
            libc::SYS_fstat => self.fstat(q, a, b),
            libc::SYS_newfstatat => self.stat(q, a, b, c, d as i32),
            libc::SYS_statx => self.statx(q, a, b, c as i32, d as u32, e),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chown => self.chown(q, here, a, (b, c), 0),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lchown => self.chown(q, here, a, (b, c), libc::AT_SYMLINK_NOFOLLOW),
            libc::SYS_fchown => self.fchown(q, a, (b, c)),
            libc::SYS_fchownat => self.chown(q, a, b, (c, d), e as i32),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chmod => self.chmod(q, here, a, b, 0),
            libc::SYS_fchmod => self.fchmod(q, a, b),
            libc::SYS_fchmodat => self.chmod(q, a, b, c, 0),
            FCHMODAT2 => self.chmod(q, a, b, c, d as i32),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mknod => self.mknod(q, here, a, b as u32, c),
            libc::SYS_mknodat => self.mknod(q, a, b, c as u32, d),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mkdir => self.mkdir(q, here, a, b as u32),
            libc::SYS_mkdirat => self.mkdir(q, a, b, c as u32),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_symlink => self.symlink(q, a, here, b),
            libc::SYS_symlinkat => self.symlink(q, a, b, c),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => self.create(q, here, a, b as i32, c as u32),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_creat => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
                self.create(q, here, a, flags, b as u32)
            }
            libc::SYS_openat => self.create(q, a, b, c as i32, d as u32),
            libc::SYS_openat2 => self.openat2(q, c),
            libc::SYS_setxattr | libc::SYS_lsetxattr | libc::SYS_fsetxattr => self.set_attribute(q),
            libc::SYS_getxattr | libc::SYS_lgetxattr | libc::SYS_fgetxattr => self.get_attribute(q),
            libc::SYS_listxattr | libc::SYS_llistxattr | libc::SYS_flistxattr => {
                self.list_attributes(q)
            }
            libc::SYS_removexattr | libc::SYS_lremovexattr | libc::SYS_fremovexattr => {
                self.remove_attribute(q)
            }
            _ => self.people.answer(q),
        }
    }

    /// The record of a file, if it has one.
    fn record(&self, found: &Found) -> Result<Option<&Record>, Stop> {
        if found.status.device() != self.device {
            return Ok(None);
        }
        Ok(self.register.of(&found.file, &found.status)?)
    }

    /// The record of a file that is about to be changed. Files of other file systems than the root's are
    /// the kernel's.
    fn record_to_change(&mut self, found: &Found) -> Result<&mut Record, Stop> {
        if found.status.device() != self.device {
            return Err(Stop::Kernel);
        }
        match Key::of(&found.file, &found.status)? {
            Some(key) => Ok(self.register.entry(key)),
            None => Err(Stop::Kernel),
        }
    }

    /// Leaves the records where [`crate::ownership::collect`] finds them.
    pub(super) fn leave(&self, scratch: &OwnedFd) -> Result<(), Failure> {
        let doing = || "writing down whose files are".to_owned();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let file = rustix::fs::openat(scratch, OWNERS, flags, mode).doing(doing)?;
        let bytes = serde_json::to_vec(&self.register.rows()).map_err(io::Error::other);
        File::from(file).write_all(&bytes.doing(doing)?).doing(doing)
    }
}

/// The directory that relative paths of the launcher's start from: the host's `/proc`.
const PROC: rustix::fd::BorrowedFd<'static> = CWD;

/// Numbers of processes that were looked up, by name of what they are for.
type ByProcess<T> = HashMap<(i32, u64), T>;
