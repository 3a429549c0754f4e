//! A process that keeps launchers ready, so that a step need not wait for namespaces to be made.
//!
//! ```text
//!  builder ── requests ──▶ nursery ── fork ──▶ launcher ── init     ready: takes the next request
//!     ╰────────────────────────────────────▶ launcher ── init ── …  at work: talks with the builder
//! ```
//!
//! It has one thread and nothing of the builder's but one end of a socket, which its forks share: each
//! takes one request from it, and the nursery makes another in its place. What they prepare depends on
//! no spec. When the builder is gone the socket ends: those that are ready end, those at work see it on
//! a socket of their own, and the nursery waits for all. When the nursery dies, so do they.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open};

use super::{Kind, Streams, finish, prepare, settle};
use crate::wire::{self, Reply, Request};
use crate::{Spec, sys};

/// How many are ready at most: as many as take work at one moment on most machines.
const MOST: usize = 2;

/// How often the machine may refuse a process before this gives up, a tenth of a second apart.
const PATIENCE: u32 = 50;

/// Keeps launchers ready until the builder is gone.
pub(super) fn main() -> io::Result<()> {
    let requests = sys::take_socket()?;
    let set_up = |_| io::Error::from(io::ErrorKind::Other);
    settle(Streams::Logged, Vec::new()).map_err(set_up)?;
    rustix::process::chdir("/")?;
    let (heard, tell) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let own = rustix::process::getpid();
    let mut ready: Vec<(Pid, OwnedFd)> = Vec::new();
    // The second when the first is taken: many builders have one step to run.
    let mut wanted = 1;
    let mut failures = 0;
    loop {
        while ready.len() < wanted {
            match sys::fork() {
                Ok(Some(pid)) => ready.push((pid, pidfd_open(pid, PidfdFlags::empty())?)),
                Ok(None) => {
                    drop((heard, ready));
                    wait_for_work(own, requests, tell);
                }
                Err(error) if failures == PATIENCE => return Err(error),
                Err(_) => {
                    failures += 1;
                    break;
                }
            }
        }
        let retry = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let retry = (ready.len() < wanted).then_some(&retry);
        let mut fds =
            vec![PollFd::new(&requests, PollFlags::empty()), PollFd::new(&heard, PollFlags::IN)];
        fds.extend(ready.iter().map(|(_, fd)| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, retry) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let gone = !fds[0].revents().is_empty();
        let told = !fds[1].revents().is_empty();
        let died: Vec<_> = fds[2..].iter().map(|fd| !fd.revents().is_empty()).collect();
        if gone {
            // Until the last is dead: it would die with this process.
            drop(requests);
            while !matches!(rustix::process::wait(WaitOptions::empty()), Err(Errno::CHILD)) {}
            return Ok(());
        }
        // Those that have ended, of whose work the kernel then tells this process's parent: what a
        // build took of processors, memory and storage is what its processes took.
        while matches!(rustix::process::wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        // One that is at work when it dies is its builder's to see.
        let mut died = died.into_iter();
        ready.retain(|_| !died.next().unwrap_or(false));
        if told {
            let mut pid = [0; 4];
            rustix::io::read(&heard, &mut pid)?;
            let taken = Pid::from_raw(i32::from_ne_bytes(pid));
            ready.retain(|(pid, _)| Some(*pid) != taken);
            wanted = MOST;
        }
    }
}

/// Prepares a sandbox, then runs the first thing that comes.
fn wait_for_work(nursery: Pid, requests: OwnedFd, tell: OwnedFd) -> ! {
    let bound = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if bound.is_err() || rustix::process::getppid() != Some(nursery) {
        sys::exit_now(1);
    }
    // A process group of its own: nothing that is sent to one reaches another.
    if rustix::process::setsid().is_err() {
        sys::exit_now(1);
    }
    let mut own = vec![requests, tell];
    let prepared = prepare(&Kind::of_steps(), &mut own);
    let Ok(Some([builder, log])) = take(&own[0]) else { sys::exit_now(0) };
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let told = rustix::io::write(&own[1], &pid.to_ne_bytes());
    drop(own);
    let streams = rustix::stdio::dup2_stdout(&log).and(rustix::stdio::dup2_stderr(&log));
    drop(log);
    if told.and(streams.map(|()| 0)).is_err() {
        sys::exit_now(1);
    }
    let reply: Reply = match wire::receive::<Request<Spec>>(&builder) {
        Ok(Some((Request::Run(work), members))) => {
            finish(prepared.and_then(|prepared| prepared.run(&work, &members, &builder)))
        }
        _ => sys::exit_now(1),
    };
    let code = if wire::send(&builder, &reply, &[]).is_ok() { 0 } else { 1 };
    sys::exit_now(code)
}

/// Takes the next request: a socket to its builder, and its log.
fn take(requests: &OwnedFd) -> io::Result<Option<[OwnedFd; 2]>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    loop {
        let mut slices = [IoSliceMut::new(&mut byte)];
        match recvmsg(requests, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(message) if message.bytes == 0 => return Ok(None),
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let fds = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    Ok(<[OwnedFd; 2]>::try_from(fds.collect::<Vec<_>>()).ok())
}
