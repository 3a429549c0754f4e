//! Every form of `stat`: the disk's answer with the record over it.

use std::os::fd::AsFd;

use super::{Answer, Desk, Found, Reply, Stop, place};
use crate::ownership::raw::{self, Status};
use crate::ownership::{DeviceNode, Record};
use crate::sys::Question;

/// Owner, mode with the file's type, and device number where it is another than the disk's.
struct Shown {
    uid: u32,
    gid: u32,
    mode: u32,
    device: Option<(u32, u32)>,
}

fn shown(status: &Status, record: Option<&Record>) -> Shown {
    let none = Record::default();
    let record = record.unwrap_or(&none);
    let mode = status.mode() | record.special;
    match record.device {
        None => Shown { uid: record.uid, gid: record.gid, mode, device: None },
        Some(DeviceNode { kind, major, minor }) => Shown {
            uid: record.uid,
            gid: record.gid,
            mode: (mode & !libc::S_IFMT) | kind.bits(),
            device: Some((major, minor)),
        },
    }
}

impl Desk {
    pub(super) fn stat(
        &self,
        question: &Question,
        directory: u64,
        path: u64,
        to: u64,
        flags: i32,
    ) -> Answer {
        let found = self.found(question, directory, path, flags)?;
        self.stat_of(&found, to)
    }

    pub(super) fn fstat(&self, question: &Question, number: u64, to: u64) -> Answer {
        self.stat_of(&place::opened(question, number)?, to)
    }

    fn stat_of(&self, found: &Found, to: u64) -> Answer {
        let record = self.record(found)?;
        if record.is_none() && found.status.is_roots() {
            return Ok(Reply::Kernel);
        }
        let Shown { uid, gid, mode, device } = shown(&found.status, record);
        let bytes = raw::stat_bytes(found.file.as_fd(), uid, gid, mode, device)?;
        Ok(Reply::Bytes(to, bytes))
    }

    pub(super) fn statx(
        &self,
        question: &Question,
        directory: u64,
        path: u64,
        flags: i32,
        mask: u32,
        to: u64,
    ) -> Answer {
        let found = self.found(question, directory, path, flags)?;
        let record = self.record(&found)?;
        if record.is_none() && found.status.is_roots() {
            return Ok(Reply::Kernel);
        }
        let mut status = Status::of(found.file.as_fd(), mask)?;
        let Shown { uid, gid, mode, device } = shown(&found.status, record);
        status.set(uid, gid, mode, device);
        Ok(Reply::Bytes(to, status.0.to_vec()))
    }

    /// What a path with flags of the `at` calls means; an empty path may mean the directory itself.
    pub(super) fn found(
        &self,
        question: &Question,
        directory: u64,
        path: u64,
        flags: i32,
    ) -> Result<Found, Stop> {
        let empty = flags & libc::AT_EMPTY_PATH != 0;
        let path = if path == 0 && empty { Vec::new() } else { place::text(question, path)? };
        if path.is_empty() && empty {
            return match directory as i32 {
                libc::AT_FDCWD => place::find(question, directory, b".", place::Last::Followed),
                _ => place::opened(question, directory),
            };
        }
        place::find(question, directory, &path, place::Last::of(flags))
    }
}
