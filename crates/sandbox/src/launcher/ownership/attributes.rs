//! Extended attributes: file capabilities from the record, `user.*` from the disk, nothing else.
//!
//! A tree holds no others, so a program is told what it hears from a file system without them.

use super::{Answer, Desk, Found, Reply, Stop, place};
use crate::sys::Question;

const CAPABILITY: &[u8] = b"security.capability";
const USER: &[u8] = b"user.";

/// `XATTR_CREATE`, `XATTR_REPLACE`.
const CREATE: u64 = 1;
const REPLACE: u64 = 2;

impl Desk {
    pub(super) fn set_attribute(&mut self, question: &Question) -> Answer {
        let [_, name, value, size, flags, _] = question.args;
        let name = place::text(question, name)?;
        if name.starts_with(USER) {
            return Ok(Reply::Kernel);
        }
        if name != CAPABILITY {
            return Err(Stop::Errno(libc::EOPNOTSUPP));
        }
        let found = self.attributed(question)?;
        if found.status.is_link() || found.status.is_directory() {
            return Err(Stop::Errno(libc::EINVAL));
        }
        if !self.people.of(question.pid).is_root() {
            return Err(Stop::Errno(libc::EPERM));
        }
        // `struct vfs_cap_data` of revision 2 (linux/capability.h): the only form that a tree holds.
        let mut bytes = vec![0; 20];
        if size != 20 {
            return Err(Stop::Unknown(format!(
                "it set file capabilities in {size} bytes, where 20 are known"
            )));
        }
        let read = crate::ownership::raw::read_memory(question.pid, value, &mut bytes);
        if !read.is_ok_and(|length| length == 20) {
            return Err(Stop::Errno(libc::EFAULT));
        }
        if bytes[3] != 2 {
            return Err(Stop::Errno(libc::EINVAL));
        }
        let record = self.record_to_change(&found)?;
        match (record.capability.is_some(), flags) {
            (true, CREATE) => return Err(Stop::Errno(libc::EEXIST)),
            (false, REPLACE) => return Err(Stop::Errno(libc::ENODATA)),
            _ => record.capability = Some(bytes),
        }
        Ok(Reply::Value(0))
    }

    pub(super) fn get_attribute(&self, question: &Question) -> Answer {
        let [_, name, value, size, ..] = question.args;
        let name = place::text(question, name)?;
        if name.starts_with(USER) {
            return Ok(Reply::Kernel);
        }
        if name != CAPABILITY {
            return Err(Stop::Errno(libc::EOPNOTSUPP));
        }
        let found = self.attributed(question)?;
        let Some(bytes) = self.record(&found)?.and_then(|record| record.capability.clone()) else {
            return Err(Stop::Errno(libc::ENODATA));
        };
        counted(value, size, bytes)
    }

    pub(super) fn list_attributes(&self, question: &Question) -> Answer {
        let [_, list, size, ..] = question.args;
        let found = self.attributed(question)?;
        let mut names = vec![0_u8; 1 << 16];
        let length =
            match rustix::fs::listxattr(place::by_number(&found.file).as_c_str(), &mut names) {
                Ok(length) => length,
                Err(rustix::io::Errno::OPNOTSUPP) => 0,
                Err(error) => return Err(error.into()),
            };
        let names = names[..length].split_inclusive(|byte| *byte == 0);
        let mut shown: Vec<u8> =
            names.filter(|name| name.starts_with(USER)).flatten().copied().collect();
        if self.record(&found)?.is_some_and(|record| record.capability.is_some()) {
            shown.extend_from_slice(CAPABILITY);
            shown.push(0);
        }
        counted(list, size, shown)
    }

    pub(super) fn remove_attribute(&mut self, question: &Question) -> Answer {
        let name = place::text(question, question.args[1])?;
        if name.starts_with(USER) {
            return Ok(Reply::Kernel);
        }
        if name != CAPABILITY {
            return Err(Stop::Errno(libc::EOPNOTSUPP));
        }
        let found = self.attributed(question)?;
        if self.record(&found)?.is_none_or(|record| record.capability.is_none()) {
            return Err(Stop::Errno(libc::ENODATA));
        }
        self.record_to_change(&found)?.capability = None;
        Ok(Reply::Value(0))
    }

    /// The file of a call on attributes: its first argument is a path or a descriptor.
    fn attributed(&self, question: &Question) -> Result<Found, Stop> {
        let first = question.args[0];
        let last = match i64::from(question.call) {
            libc::SYS_fsetxattr
            | libc::SYS_fgetxattr
            | libc::SYS_flistxattr
            | libc::SYS_fremovexattr => return place::opened(question, first),
            libc::SYS_lsetxattr
            | libc::SYS_lgetxattr
            | libc::SYS_llistxattr
            | libc::SYS_lremovexattr => place::Last::Itself,
            _ => place::Last::Followed,
        };
        let path = place::text(question, first)?;
        place::find(question, libc::AT_FDCWD as u64, &path, last)
    }
}

/// A value for a buffer of this size; a size of 0 asks for the length alone.
fn counted(to: u64, size: u64, bytes: Vec<u8>) -> Answer {
    match size {
        0 => Ok(Reply::Value(bytes.len() as i64)),
        size if size < bytes.len() as u64 => Err(Stop::Errno(libc::ERANGE)),
        _ => Ok(Reply::Counted(to, bytes)),
    }
}
