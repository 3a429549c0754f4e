//! The builder's end of the nursery: one for this process, started with the first run that it can
//! serve, and again when what it prepared may be stale.

use std::fs::File;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use rustix::process::{Gid, Uid};

use crate::launcher::NURSERY;
use crate::{SandboxError, run, wire};

/// The nursery of this process.
static NURSERY_HERE: Mutex<Option<Nursery>> = Mutex::new(None);

struct Nursery {
    requests: OwnedFd,
    child: Child,
    /// As whom it was started.
    user: (Uid, Gid),
    /// Tells when the host's mounts change: the launchers that wait have the old ones.
    mounts: Option<File>,
}

/// A line to a launcher that stands ready, or will in a moment.
pub(crate) fn ask(log: BorrowedFd<'_>) -> Result<OwnedFd, SandboxError> {
    let (ours, theirs) = wire::pair().map_err(SandboxError::Talk)?;
    let mut here = NURSERY_HERE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(nursery) = &*here
        && !nursery.is_stale()
        && nursery.send(&theirs, log).is_ok()
    {
        return Ok(ours);
    }
    if let Some(old) = here.take() {
        old.retire();
    }
    let nursery = here.insert(Nursery::start()?);
    nursery.send(&theirs, log).map_err(SandboxError::Talk)?;
    Ok(ours)
}

fn user() -> (Uid, Gid) {
    (rustix::process::geteuid(), rustix::process::getegid())
}

impl Nursery {
    fn start() -> Result<Self, SandboxError> {
        let kind = SocketType::SEQPACKET;
        let (requests, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
            .map_err(|error| SandboxError::Talk(error.into()))?;
        let mounts = File::open("/proc/self/mountinfo").ok();
        let streams = [std::process::Stdio::null(), std::process::Stdio::null()];
        let child = run::execute_self(NURSERY, theirs, streams)?;
        let nursery = Self { requests, child, user: user(), mounts };
        // The first look takes note of how things are.
        nursery.is_stale();
        Ok(nursery)
    }

    fn is_stale(&self) -> bool {
        let changed = self.mounts.as_ref().is_some_and(|mounts| {
            let mut fds = [PollFd::new(mounts, PollFlags::PRI)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
        });
        changed || self.user != user()
    }

    fn send(&self, builder: &OwnedFd, log: BorrowedFd<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [builder.as_fd(), log];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg(&self.requests, &[IoSlice::new(&[1])], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Lets it go: it ends after the runs that it serves.
    fn retire(mut self) {
        drop(self.requests);
        // Somebody must wait for it, but nobody for that.
        std::thread::spawn(move || self.child.wait());
    }
}
