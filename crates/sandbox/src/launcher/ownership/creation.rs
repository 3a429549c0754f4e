//! New files: devices as data, and owners of what somebody else than root makes, or what is made in a
//! directory that hands on its group.
//!
//! Everything else is the kernel's.

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Answer, Desk, Found, Reply, Stop, files, place};
use crate::ownership::raw::{BASIC, Status, read_memory};
use crate::ownership::{DeviceKind, DeviceNode, Record};
use crate::sys::Question;
use std::os::fd::AsFd;

impl Desk {
    pub(super) fn mknod(
        &mut self,
        question: &Question,
        directory: u64,
        path: u64,
        mode: u32,
        device: u64,
    ) -> Answer {
        let kind = match mode & libc::S_IFMT {
            libc::S_IFCHR => Some(DeviceKind::Character),
            libc::S_IFBLK => Some(DeviceKind::Block),
            libc::S_IFDIR => return Ok(Reply::Kernel),
            _ => None,
        };
        let path = place::text(question, path)?;
        let (parent, name) = place::parent(question, directory, &path)?;
        let person = self.people.of(question.pid);
        let owner = self.inherited(&person, &parent)?;
        let Some(umask) = place::Life::of(question.pid).map(|life| life.umask) else {
            return Ok(Reply::Kernel);
        };
        let bits = Mode::from_raw_mode(mode & 0o777 & !umask);
        match (kind, owner) {
            (None, None) => return Ok(Reply::Kernel),
            (Some(_), _) if !person.is_root() => return Err(Stop::Errno(libc::EPERM)),
            // Records are for the root's file system; elsewhere there are no devices.
            (Some(_), _) if parent.status.device() != self.device => return Ok(Reply::Kernel),
            (Some(_), _) => {
                let kind = rustix::fs::FileType::RegularFile;
                rustix::fs::mknodat(&parent.file, &name, kind, bits, 0)?;
            }
            (None, Some(_)) => {
                let kind = rustix::fs::FileType::from_raw_mode(mode);
                rustix::fs::mknodat(&parent.file, &name, kind, bits, 0)?;
            }
        }
        let made = open_made(&parent, &name)?;
        files::set_disk_mode(&made.file, bits.as_raw_mode())?;
        let (uid, gid, _) = owner.unwrap_or_default();
        let device = kind.map(|kind| DeviceNode {
            kind,
            // The calls pass 32 bits of it.
            major: libc::major(u64::from(device as u32)),
            minor: libc::minor(u64::from(device as u32)),
        });
        let special = if person.is_root() { mode & 0o7000 } else { 0 };
        *self.record_to_change(&made)? = Record { uid, gid, special, device, capability: None };
        Ok(Reply::Value(0))
    }

    pub(super) fn mkdir(
        &mut self,
        question: &Question,
        directory: u64,
        path: u64,
        mode: u32,
    ) -> Answer {
        let path = place::text(question, path)?;
        let (parent, name) = place::parent(question, directory, &path)?;
        let person = self.people.of(question.pid);
        let Some(owner) = self.inherited(&person, &parent)? else { return Ok(Reply::Kernel) };
        let Some(umask) = place::Life::of(question.pid).map(|life| life.umask) else {
            return Ok(Reply::Kernel);
        };
        let bits = mode & 0o777 & !umask;
        rustix::fs::mkdirat(&parent.file, &name, Mode::from_raw_mode(bits))?;
        let made = open_made(&parent, &name)?;
        files::set_disk_mode(&made.file, bits)?;
        let (uid, gid, special) = owner;
        self.note_made(made.file, (uid, gid, special | mode & libc::S_ISVTX))?;
        Ok(Reply::Value(0))
    }

    pub(super) fn symlink(
        &mut self,
        question: &Question,
        target: u64,
        directory: u64,
        path: u64,
    ) -> Answer {
        let path = place::text(question, path)?;
        let (parent, name) = place::parent(question, directory, &path)?;
        let person = self.people.of(question.pid);
        let Some(owner) = self.inherited(&person, &parent)? else { return Ok(Reply::Kernel) };
        let target = place::text(question, target)?;
        rustix::fs::symlinkat(target, &parent.file, &name)?;
        let made = open_made(&parent, &name)?;
        self.note_made(made.file, owner)?;
        Ok(Reply::Value(0))
    }

    /// `open` with `O_CREAT` or `O_TMPFILE`.
    pub(super) fn create(
        &mut self,
        question: &Question,
        directory: u64,
        path: u64,
        flags: i32,
        mode: u32,
    ) -> Answer {
        let person = self.people.of(question.pid);
        let path = place::text(question, path)?;
        if flags & libc::O_TMPFILE == libc::O_TMPFILE {
            let parent = place::find(question, directory, &path, place::Last::Followed)?;
            return match self.inherited(&person, &parent)? {
                None => Ok(Reply::Kernel),
                Some(_) => Err(Stop::Unknown(
                    "it made a file without a name as somebody else than root, or where the \
                     directory hands on its group"
                        .into(),
                )),
            };
        }
        let (parent, name) = match place::parent(question, directory, &path) {
            Ok(found) => found,
            // The kernel fails in the same way.
            Err(Stop::Errno(_)) => return Ok(Reply::Kernel),
            Err(other) => return Err(other),
        };
        let Some(owner) = self.inherited(&person, &parent)? else { return Ok(Reply::Kernel) };
        let Some(umask) = place::Life::of(question.pid).map(|life| life.umask) else {
            return Ok(Reply::Kernel);
        };
        let mode = mode & 0o777 & !umask;
        let open = OFlags::from_bits_retain(flags as u32) | OFlags::EXCL | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&parent.file, &name, open, Mode::from_raw_mode(mode)) {
            Ok(file) => file,
            // It is there already, or is a link: nothing is made, or at another place.
            Err(Errno::EXIST) if flags & libc::O_EXCL == 0 => {
                return match rustix::fs::statat(&parent.file, &name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) if stat.st_mode & libc::S_IFMT == libc::S_IFLNK => {
                        let whole = place::find(question, directory, &path, place::Last::Followed);
                        match whole {
                            Ok(_) => Ok(Reply::Kernel),
                            Err(_) => Err(Stop::Unknown(
                                "it made a file through a link that led nowhere, as somebody else \
                                 than root"
                                    .into(),
                            )),
                        }
                    }
                    _ => Ok(Reply::Kernel),
                };
            }
            Err(error) => return Err(error.into()),
        };
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        self.note_made(open_made(&parent, &name)?.file, owner)?;
        Ok(Reply::Descriptor(file, (flags & libc::O_CLOEXEC) as u32))
    }

    /// What it would create cannot be seen without its structure.
    pub(super) fn openat2(&self, question: &Question, how: u64) -> Answer {
        let mut flags = [0; 8];
        match read_memory(question.pid, how, &mut flags) {
            Ok(8) if u64::from_ne_bytes(flags) & libc::O_CREAT as u64 != 0 => {
                Err(Stop::Errno(libc::ENOSYS))
            }
            _ => Ok(Reply::Kernel),
        }
    }
}

/// What was made a moment ago.
fn open_made(parent: &Found, name: &[u8]) -> Result<Found, Stop> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&parent.file, name, flags, Mode::empty())?;
    let status = Status::of(file.as_fd(), BASIC)?;
    Ok(Found { file, status })
}
