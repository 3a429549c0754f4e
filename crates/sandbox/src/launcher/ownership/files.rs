//! Changes of owner and mode, by the kernel's rules for root and for others.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::Mode;

use super::people::Person;
use super::{Answer, Desk, Found, PROC, Reply, Stop, place};
use crate::ownership::Record;
use crate::sys::Question;

/// Gives a file the nine bits that stand on disk.
pub(super) fn set_disk_mode(file: &OwnedFd, mode: u32) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode & 0o777);
    Ok(rustix::fs::chmodat(
        PROC,
        place::by_number(file).as_c_str(),
        mode,
        rustix::fs::AtFlags::empty(),
    )?)
}

fn refuse_read_only(found: &Found) -> Result<(), Stop> {
    let flags = rustix::fs::fstatvfs(&found.file)?.f_flag;
    if flags.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        return Err(Stop::Errno(libc::EROFS));
    }
    Ok(())
}

impl Desk {
    pub(super) fn chown(
        &mut self,
        question: &Question,
        directory: u64,
        path: u64,
        owner: (u64, u64),
        flags: i32,
    ) -> Answer {
        let found = self.found(question, directory, path, flags)?;
        self.chown_found(question, &found, owner)
    }

    pub(super) fn fchown(&mut self, question: &Question, number: u64, owner: (u64, u64)) -> Answer {
        let found = place::opened(question, number)?;
        self.chown_found(question, &found, owner)
    }

    fn chown_found(
        &mut self,
        question: &Question,
        found: &Found,
        (uid, gid): (u64, u64),
    ) -> Answer {
        refuse_read_only(found)?;
        let person = self.people.of(question.pid);
        let mode = found.status.mode();
        let (is_directory, is_link) = (found.status.is_directory(), found.status.is_link());
        let record = self.record_to_change(found)?;
        let (uid, gid) = (chosen(uid, record.uid), chosen(gid, record.gid));
        if !may_give(&person, record, uid, gid) {
            return Err(Stop::Errno(libc::EPERM));
        }
        (record.uid, record.gid) = (uid, gid);
        if !is_directory {
            // What the kernel does on every change of owner, for root too (`chown_common`).
            record.capability = None;
            record.special &= !libc::S_ISUID;
            if mode & libc::S_IXGRP != 0 {
                record.special &= !libc::S_ISGID;
            }
        }
        if mode & 0o7000 != 0 && !is_link {
            // Bits that a file was created with.
            let kept = if is_directory { mode & 0o7000 } else { mode & libc::S_ISVTX };
            record.special |= kept;
            set_disk_mode(&found.file, mode)?;
        }
        Ok(Reply::Value(0))
    }

    pub(super) fn chmod(
        &mut self,
        question: &Question,
        directory: u64,
        path: u64,
        mode: u64,
        flags: i32,
    ) -> Answer {
        let found = self.found(question, directory, path, flags)?;
        self.chmod_found(question, &found, mode as u32)
    }

    pub(super) fn fchmod(&mut self, question: &Question, number: u64, mode: u64) -> Answer {
        let found = place::opened(question, number)?;
        self.chmod_found(question, &found, mode as u32)
    }

    fn chmod_found(&mut self, question: &Question, found: &Found, mode: u32) -> Answer {
        if found.status.is_link() {
            return Err(Stop::Errno(libc::EOPNOTSUPP));
        }
        refuse_read_only(found)?;
        let person = self.people.of(question.pid);
        let is_directory = found.status.is_directory();
        let record = self.record(found)?;
        let (owner, group) = record.map_or((0, 0), |record| (record.uid, record.gid));
        if !person.is_root() && person.fsuid() != owner {
            return Err(Stop::Errno(libc::EPERM));
        }
        let mut special = mode & 0o7000;
        if !person.is_root() {
            if !person.is_in(group) {
                special &= !libc::S_ISGID;
            }
            if !is_directory {
                special &= !libc::S_ISVTX;
            }
        }
        if special != 0 || record.is_some() {
            self.record_to_change(found)?.special = special;
        }
        set_disk_mode(&found.file, mode)?;
        Ok(Reply::Value(0))
    }

    /// The owner of what this process makes in this directory, and the bit that a directory passes on;
    /// `None` where it is root's as the disk shows it.
    pub(super) fn inherited(
        &self,
        person: &Person,
        parent: &Found,
    ) -> Result<Option<(u32, u32, u32)>, Stop> {
        if parent.status.device() != self.device {
            return Ok(None);
        }
        let record = self.record(parent)?;
        let bits = parent.status.mode() | record.map_or(0, |record| record.special);
        let passes_on = bits & libc::S_ISGID != 0;
        let gid = match record {
            Some(record) if passes_on => record.gid,
            _ if passes_on => 0,
            _ => person.fsgid(),
        };
        let special = if passes_on { libc::S_ISGID } else { 0 };
        let plain = person.fsuid() == 0 && gid == 0 && special == 0;
        Ok((!plain).then_some((person.fsuid(), gid, special)))
    }

    /// Notes who has what was just made.
    pub(super) fn note_made(
        &mut self,
        made: OwnedFd,
        (uid, gid, special): (u32, u32, u32),
    ) -> Result<(), Stop> {
        let status = crate::ownership::raw::Status::of(made.as_fd(), crate::ownership::raw::BASIC)?;
        let special = if status.is_directory() { special } else { 0 };
        let found = Found { file: made, status };
        *self.record_to_change(&found)? = Record { uid, gid, special, ..Record::default() };
        Ok(())
    }
}

/// `-1` leaves an id as it is.
fn chosen(asked: u64, now: u32) -> u32 {
    if asked as u32 == u32::MAX { now } else { asked as u32 }
}

/// Others than root may give a file of theirs to a group of theirs.
fn may_give(person: &Person, record: &Record, uid: u32, gid: u32) -> bool {
    person.is_root()
        || (person.fsuid() == record.uid
            && uid == record.uid
            && (gid == record.gid || person.is_in(gid)))
}
