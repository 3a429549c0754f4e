//! The launcher: this program, executed again under another name, with one thread and no memory of
//! what it was. It makes the namespaces, starts init in them, and watches until all is over.
//!
//! It is either executed for one run (`serve`), or a fork of the nursery, which prepares it before
//! there is a run.

mod answers;
mod attempts;
mod devices;
mod drawer;
mod facts;
mod init;
mod log;
mod measure;
mod mounts;
mod nursery;
mod ownership;
mod proc;
mod root;
mod tracer;
mod watch;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Pid, Signal};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use crate::wire::{self, Doing, Failure, Feature, Reply, Request, Work};
use crate::{Identity, Network, Outcome, Ownership, Privilege, Spec, Stdio, sys};

/// What the keys of a terminal send.
const TERMINAL_KEYS: [i32; 3] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP];

/// The name by which a program knows that it is to be the launcher.
pub(crate) const LAUNCHER: &str = "groundup-sandbox-launcher";
/// The name by which a program knows that it is to keep launchers ready.
pub(crate) const NURSERY: &str = "groundup-sandbox-nursery";

/// Call this first in `main`, before arguments are read and threads are started.
///
/// Returns at once, unless this process was started by [`crate::run`] to be a launcher; then it
/// never returns. Programs linked with glibc get there before `main` in any case.
pub fn launcher_entry() {
    sys::mark_launcher_known();
    let name = std::env::args_os().next();
    // A launcher that cannot be heard has nobody to tell.
    let served = match name {
        Some(name) if name == LAUNCHER => serve(),
        Some(name) if name == NURSERY => nursery::main(),
        _ => return,
    };
    sys::exit_now(if served.is_ok() { 0 } else { 1 });
}

/// What a sandbox is prepared for before its spec is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    identity: Identity,
    network: Network,
    pub(crate) privilege: Privilege,
    pub(crate) streams: Streams,
    /// Whose files are is data.
    pub(crate) owners: bool,
}

/// Where the output of a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Streams {
    /// Through the launcher to its own standard output, a log.
    Logged,
    /// To the caller's own, with its terminal.
    Inherited,
}

impl Kind {
    /// The kind of nearly every step: what a nursery keeps ready.
    fn of_steps() -> Self {
        Self {
            identity: Identity::default(),
            network: Network::None,
            privilege: Privilege::None,
            streams: Streams::Logged,
            owners: false,
        }
    }

    pub(crate) fn of(spec: &Spec, streams: Streams) -> Self {
        let Spec { identity, network, privilege, .. } = *spec;
        let owners = spec.ownership != Ownership::OneUser;
        Self { identity, network, privilege, streams, owners }
    }
}

/// Whether a nursery's launchers can run this.
pub(crate) fn is_ordinary(spec: &Spec) -> bool {
    matches!(spec.stdio, Stdio::Log(_)) && Kind::of(spec, Streams::Logged) == Kind::of_steps()
}

/// Answers one request.
fn serve() -> io::Result<()> {
    // Before anything else: when the builder's thread dies, so does this.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let builder = sys::take_socket()?;
    let Some((request, fds)) = wire::receive::<Request<Spec>>(&builder)? else {
        return Ok(());
    };
    let reply = match request {
        Request::Probe => Reply::Probed(attempts::all()),
        Request::Run(work) => {
            let prepared = settle(work.streams, fds).and_then(|members| {
                let kind = Kind::of(&work.spec, work.streams);
                Ok((prepare(&kind, &mut Vec::new())?, members))
            });
            finish(prepared.and_then(|(prepared, members)| prepared.run(&work, &members, &builder)))
        }
    };
    wire::send(&builder, &reply, &[])
}

/// What came of a run, for the builder.
fn finish(result: Result<Outcome, Failure>) -> Reply {
    match result {
        Ok(outcome) => Reply::Done(outcome),
        Err(failure) => Reply::Failed(failure),
    }
}

/// Gives this process its streams, session and signals; returns the descriptors that are left.
fn settle(streams: Streams, fds: Vec<OwnedFd>) -> Result<Vec<OwnedFd>, Failure> {
    let mut fds = fds.into_iter();
    let input = match streams {
        Streams::Inherited => fds.next(),
        Streams::Logged => None,
    };
    let input = match input {
        Some(input) => input,
        None => File::open("/dev/null").doing(|| "opening /dev/null".into())?.into(),
    };
    rustix::stdio::dup2_stdin(&input).doing(|| "setting the standard input".into())?;
    sys::reset_signals(1..=64, sys::Reaction::Default);
    match streams {
        // No terminal: Ctrl-C is the builder's to handle.
        Streams::Logged => {
            rustix::process::setsid().doing(|| "starting a session".into())?;
        }
        // The command shares the caller's terminal; its keys are for the command.
        Streams::Inherited => sys::reset_signals(TERMINAL_KEYS, sys::Reaction::Ignore),
    }
    Ok(fds.collect())
}

/// A sandbox without a command: init stands in its namespaces and waits for the spec.
struct Prepared {
    init: Pid,
    notes: OwnedFd,
    log: Option<log::Log>,
    /// The caller is root outside.
    host_root: bool,
}

/// Makes namespaces and an init of this kind. `own` is what init shall not have.
fn prepare(kind: &Kind, own: &mut Vec<OwnedFd>) -> Result<Prepared, Failure> {
    let host_root = rustix::process::geteuid().is_root();
    enter_user_namespace(kind.identity)?;
    // Init makes the mount namespace, so that the mounts are gone when it is.
    let mut flags = UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if kind.network == Network::None {
        flags |= UnshareFlags::NEWNET;
    }
    attempts::separate(flags)?;

    let (notes, theirs) = wire::pair().doing(|| "making a socket for init".into())?;
    let (log, output) = match kind.streams {
        Streams::Logged => log::open().doing(|| "making a pipe for the output".into())?,
        Streams::Inherited => (None, None),
    };
    let Some(init) = sys::fork().doing(|| "starting init".into())? else {
        own.clear();
        drop((notes, log));
        init::main(kind, output, &theirs);
    };
    Ok(Prepared { init, notes, log, host_root })
}

impl Prepared {
    /// Lets init start the command and stays until all in the sandbox are dead.
    fn run(
        self,
        work: &Work<Spec>,
        members: &[OwnedFd],
        builder: &OwnedFd,
    ) -> Result<Outcome, Failure> {
        let entrances = work.groups.iter().map(watch::Entrance::open).collect();
        let scratch = mounts::open_directory(&work.spec.scratch)?;
        let members: Vec<_> = members.iter().map(AsFd::as_fd).collect();
        // Where init is gone it has said why.
        let _ = wire::send(&self.notes, &work.spec, &members);
        watch::Watch::new(work, self, entrances, scratch, builder)?.follow()
    }
}

/// Enters a user namespace in which the one user is the caller, whoever that is.
fn enter_user_namespace(identity: Identity) -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    sys::unshare(UnshareFlags::NEWUSER)
        .map_err(|error| Failure::missing(Feature::UserNamespace, &error))?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), &text)
            .doing(|| format!("writing `{}` to /proc/self/{file}", text.trim()))
    };
    // Without this an ordinary user may not map a group; root does the same, to be the same.
    write("setgroups", "deny".into())?;
    write("uid_map", format!("{} {} 1", identity.uid, uid.as_raw()))?;
    write("gid_map", format!("{} {} 1", identity.gid, gid.as_raw()))
}
