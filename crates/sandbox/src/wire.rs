//! What builder, launcher and init say to each other: frames of JSON over Unix sockets.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::launcher::Streams;
use crate::{Outcome, Progress};

/// What the builder asks of a launcher. `S` is `&Spec` on one side and `Spec` on the other.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request<S> {
    /// Run this.
    Run(Work<S>),
    /// Try what this host permits.
    Probe,
}

/// A run. With the frame come the command's standard input, where it is inherited, and the files by
/// which init enters the groups.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Work<S> {
    pub(crate) spec: S,
    pub(crate) groups: Vec<Group>,
    pub(crate) streams: Streams,
    /// The builder wants to hear how the run goes.
    pub(crate) progress: bool,
}

/// A cgroup made for this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) path: PathBuf,
    pub(crate) kind: GroupKind,
}

/// Which controllers a cgroup has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupKind {
    Unified,
    MemoryV1,
    PidsV1,
}

/// What the launcher says to the builder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Progress(Progress),
    Done(Outcome),
    Failed(Failure),
    Probed(Vec<Tried>),
}

/// What init, or the command before it is executed, says to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// The sandbox stands: the fresh `/proc` and the filter's listener come with the frame.
    Ready,
    Failed(Failure),
    /// The command is over: its wait status, and how many threads it left (where that is limited).
    Over {
        status: i32,
        left: u64,
    },
}

/// Why there was no run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// This host does not give what every sandbox needs.
    Missing {
        what: Feature,
        errno: i32,
    },
    SetUp {
        doing: String,
        errno: i32,
    },
    /// The command asked for what ownership as data has no answer to.
    Ownership {
        program: String,
        why: String,
    },
    Exec {
        command: String,
        errno: i32,
        present: bool,
    },
}

impl Failure {
    /// This host refused something that every sandbox needs.
    pub(crate) fn missing(what: Feature, error: &io::Error) -> Self {
        Self::Missing { what, errno: error.raw_os_error().unwrap_or(libc::EPERM) }
    }

    /// A step of the set-up that failed: `doing` reads like `mounting /a on /b`.
    pub(crate) fn set_up(doing: impl Into<String>, error: &io::Error) -> Self {
        Self::SetUp { doing: doing.into(), errno: error.raw_os_error().unwrap_or(libc::EINVAL) }
    }
}

/// Names the step that an error belongs to.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::set_up(doing(), &error.into()))
    }
}

/// One thing that a probe tried: 0 or the errno.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub(crate) what: Feature,
    pub(crate) errno: i32,
}

/// What a probe tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Feature {
    UserNamespace,
    MountNamespace,
    PidNamespace,
    NetNamespace,
    IpcNamespace,
    UtsNamespace,
    CgroupNamespace,
    Overlay,
    OverlayAtOnce,
    Proc,
    Devpts,
}

/// A connected pair of sockets, closed on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// Descriptors that may come with one frame.
const MAX_FDS: usize = 4;

/// Sends one value, with descriptors that the other side gets copies of.
pub(crate) fn send(
    socket: impl AsFd,
    value: &impl Serialize,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(value)?;
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(body);

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut rest: &[u8] = &frame;
    while !rest.is_empty() {
        let sent = sendmsg(&socket, &[IoSlice::new(rest)], &mut control, SendFlags::NOSIGNAL);
        match sent {
            Ok(sent) => rest = &rest[sent..],
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        control.clear();
    }
    Ok(())
}

/// Receives one value and its descriptors; `None` when the other side is gone.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut fds = Vec::new();
    let mut header = [0; 4];
    if !fill(&socket, &mut header, &mut fds)? {
        return Ok(None);
    }
    let mut body = vec![0; u32::from_le_bytes(header) as usize];
    if !fill(&socket, &mut body, &mut fds)? {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

/// Fills `buffer`, or says that the other side is gone.
fn fill(socket: impl AsFd, mut buffer: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<bool> {
    while !buffer.is_empty() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(buffer)];
        let got = match recvmsg(&socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(message) => message.bytes,
            Err(rustix::io::Errno::INTR) => continue,
            Err(rustix::io::Errno::CONNRESET) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                fds.extend(received);
            }
        }
        if got == 0 {
            return Ok(false);
        }
        buffer = &mut buffer[got..];
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_arrives_with_its_descriptors() {
        let (here, there) = pair().unwrap();
        let (inner, _other) = pair().unwrap();
        send(&here, &Note::Over { status: 7, left: 0 }, &[inner.as_fd()]).unwrap();
        let (note, fds) = receive::<Note>(&there).unwrap().unwrap();
        assert!(matches!(note, Note::Over { status: 7, .. }));
        assert_eq!(fds.len(), 1);
    }

    #[test]
    fn a_closed_socket_is_no_value() {
        let (here, there) = pair().unwrap();
        drop(here);
        assert!(receive::<Note>(&there).unwrap().is_none());
    }

    #[test]
    fn a_long_frame_crosses_in_parts() {
        let (here, there) = pair().unwrap();
        let doing = "x".repeat(2_000_000);
        let sent = Note::Failed(Failure::SetUp { doing, errno: 1 });
        let writer = std::thread::spawn(move || send(&here, &sent, &[]).unwrap());
        let (note, _) = receive::<Note>(&there).unwrap().unwrap();
        writer.join().unwrap();
        assert!(
            matches!(note, Note::Failed(Failure::SetUp { doing, .. }) if doing.len() == 2_000_000)
        );
    }
}
