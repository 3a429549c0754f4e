//! The builder's side: start a launcher, hand it the spec, wait for its answer or the caller's stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio as Stream};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cgroup::Groups;
use crate::launcher::{LAUNCHER, Streams, is_ordinary};
use crate::wire::{self, Reply, Request, Tried, Work};
use crate::{Control, Outcome, SandboxError, Spec, Stdio, scratch, sys, warm};

/// Runs the command of `spec` and returns when it and all that it started are dead.
///
/// Call [`crate::launcher_entry`] first in `main` of the program. Any thread may call this; the run
/// ends when the program dies. The first run starts a process that prepares the next ones; it ends with
/// the program.
pub fn run(spec: &Spec, control: &Control) -> Result<Outcome, SandboxError> {
    spec.check()?;
    scratch::prepare(&spec.scratch)?;
    // Dropped last: the groups can be removed when all is dead.
    let groups = Groups::create(&spec.limits);
    let mut launcher = match &spec.stdio {
        Stdio::Log(log) if is_ordinary(spec) => Launcher::ready(log.as_fd())?,
        Stdio::Log(log) => {
            let copy = || log.try_clone().map(Stream::from).map_err(SandboxError::Talk);
            Launcher::start([copy()?, copy()?])?
        }
        Stdio::Inherit => Launcher::start([Stream::inherit(), Stream::inherit()])?,
    };
    let input = io::stdin();
    let (streams, mut fds) = match &spec.stdio {
        Stdio::Inherit => (Streams::Inherited, vec![input.as_fd()]),
        Stdio::Log(_) => (Streams::Logged, vec![]),
    };
    fds.extend(groups.members.iter().map(AsFd::as_fd));
    let progress = control.wants_progress();
    let request = Request::Run(Work { spec, groups: groups.groups.clone(), streams, progress });
    launcher.ask(&request, &fds)?;
    loop {
        match launcher.answer(Some(control))? {
            Reply::Progress(progress) => control.report(progress),
            Reply::Done(mut outcome) => {
                launcher.finish();
                if let Some(peak) = groups.peak_memory() {
                    outcome.usage.peak_memory = peak;
                }
                outcome.enforced.memory = with_group(outcome.enforced.memory, groups.memory);
                outcome.enforced.processes =
                    with_group(outcome.enforced.processes, groups.processes);
                return Ok(outcome);
            }
            Reply::Failed(failure) => {
                launcher.finish();
                return Err(SandboxError::from_failure(failure));
            }
            Reply::Probed(_) => return Err(launcher.died()),
        }
    }
}

/// What a cgroup holds is not the launcher's to say.
fn with_group(said: crate::Enforcement, group: crate::Enforcement) -> crate::Enforcement {
    if group == crate::Enforcement::NotAsked { said } else { group }
}

/// Lets a launcher try what this host permits.
pub(crate) fn try_features() -> Result<Vec<Tried>, SandboxError> {
    let mut launcher = Launcher::start([Stream::null(), Stream::null()])?;
    launcher.ask(&Request::<&Spec>::Probe, &[])?;
    match launcher.answer(None)? {
        Reply::Probed(tried) => {
            launcher.finish();
            Ok(tried)
        }
        _ => Err(launcher.died()),
    }
}

/// Starts this program again under another name, with a socket as its input.
pub(crate) fn execute_self(
    name: &str,
    socket: OwnedFd,
    [output, errors]: [Stream; 2],
) -> Result<Child, SandboxError> {
    if !sys::knows_launcher() {
        return Err(SandboxError::NoLauncher);
    }
    let program = PathBuf::from("/proc/self/exe");
    // Nothing that needs code between fork and exec: std then uses the fast path.
    Command::new(&program)
        .arg0(name)
        .env_clear()
        .stdin(Stream::from(socket))
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|source| SandboxError::Launch { program, source })
}

/// A launcher and the line to it. Dropping kills it, and with it the whole sandbox.
struct Launcher {
    /// None is one of the nursery's: it ends when the line does.
    child: Option<Child>,
    socket: OwnedFd,
    stopping: bool,
}

impl Launcher {
    fn start(streams: [Stream; 2]) -> Result<Self, SandboxError> {
        let (socket, theirs) = wire::pair().map_err(SandboxError::Talk)?;
        let child = Some(execute_self(LAUNCHER, theirs, streams)?);
        Ok(Self { child, socket, stopping: false })
    }

    /// One that stands ready and writes to this log.
    fn ready(log: BorrowedFd<'_>) -> Result<Self, SandboxError> {
        Ok(Self { child: None, socket: warm::ask(log)?, stopping: false })
    }

    fn ask(
        &mut self,
        request: &Request<&Spec>,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SandboxError> {
        match wire::send(&self.socket, request, fds) {
            // A launcher that died is told apart from one that cannot be heard by its exit.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.died()),
            other => other.map_err(SandboxError::Talk),
        }
    }

    /// The next reply; a stop of the caller's is passed on, once, while waiting.
    fn answer(&mut self, control: Option<&Control>) -> Result<Reply, SandboxError> {
        loop {
            let mut fds = vec![PollFd::new(&self.socket, PollFlags::IN)];
            if let Some(control) = control.filter(|_| !self.stopping) {
                fds.push(PollFd::from_borrowed_fd(control.stop_fd(), PollFlags::IN));
            }
            // Once asked to stop, a launcher has this long to see everything dead.
            let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
            match poll(&mut fds, self.stopping.then_some(&patience)) {
                Ok(0) => return Err(self.died()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(SandboxError::Talk(error.into())),
            }
            let stop = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
            let reply = !fds[0].revents().is_empty();
            if reply {
                return match wire::receive(&self.socket).map_err(SandboxError::Talk)? {
                    Some((reply, _)) => Ok(reply),
                    None => Err(self.died()),
                };
            }
            if stop {
                self.stopping = true;
                let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write);
            }
        }
    }

    /// Waits for a launcher that has said its last word.
    fn finish(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }

    fn died(&mut self) -> SandboxError {
        let Some(child) = &mut self.child else {
            return SandboxError::LauncherDied { status: None };
        };
        let _ = child.kill();
        match child.wait() {
            Ok(status) => SandboxError::LauncherDied { status: Some(status) },
            Err(error) => SandboxError::Talk(error),
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
