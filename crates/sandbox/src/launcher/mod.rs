//! The launcher: this program, executed again under another name, with one thread and no memory of
//! what it was. It makes the namespaces, starts init in them, and watches until all is over.

mod answers;
mod attempts;
mod devices;
mod drawer;
mod facts;
mod init;
mod log;
mod measure;
mod mounts;
mod proc;
mod root;
mod watch;

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use crate::wire::{self, Doing, Failure, Group, Reply, Request};
use crate::{Network, Outcome, Spec, sys};

/// What the keys of a terminal send.
const TERMINAL_KEYS: [i32; 3] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP];

/// The name by which a program knows that it is to be the launcher.
pub(crate) const LAUNCHER: &str = "groundup-sandbox-launcher";

/// Call this first in `main`, before arguments are read and threads are started.
///
/// Returns at once, unless this process was started by [`crate::run`] to be a launcher; then it
/// never returns. Programs linked with glibc get there before `main` in any case.
pub fn launcher_entry() {
    sys::mark_launcher_known();
    if std::env::args_os().next().is_some_and(|name| name == LAUNCHER) {
        // A launcher that cannot be heard has nobody to tell.
        let code = if serve().is_ok() { 0 } else { 1 };
        sys::exit_now(code);
    }
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
        Request::Run { spec, groups, progress } => {
            match launch(&spec, &groups, progress, fds.into_iter().next(), &builder) {
                Ok(outcome) => Reply::Done(outcome),
                Err(failure) => Reply::Failed(failure),
            }
        }
    };
    wire::send(&builder, &reply, &[])
}

/// Makes the sandbox around a fresh init and stays until all in it are dead.
fn launch(
    spec: &Spec,
    groups: &[Group],
    progress: bool,
    input: Option<OwnedFd>,
    builder: &OwnedFd,
) -> Result<Outcome, Failure> {
    let logged = input.is_none();
    let input = match input {
        Some(input) => input,
        None => File::open("/dev/null").doing(|| "opening /dev/null".into())?.into(),
    };
    rustix::stdio::dup2_stdin(&input).doing(|| "setting the standard input".into())?;
    if logged {
        // No terminal: Ctrl-C is the builder's to handle.
        rustix::process::setsid().doing(|| "starting a session".into())?;
    }
    sys::reset_signals(1..=64, sys::Reaction::Default);
    if !logged {
        // The command shares the caller's terminal; its keys are for the command.
        sys::reset_signals(TERMINAL_KEYS, sys::Reaction::Ignore);
    }
    // Opened while this is still an ordinary process: rights are checked at opening.
    let entrances = groups.iter().map(watch::Entrance::open).collect::<Result<Vec<_>, _>>()?;
    let scratch = mounts::open_directory(&spec.scratch)?;

    let host_root = rustix::process::geteuid().is_root();
    enter_user_namespace(spec)?;
    let mut flags =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if spec.network == Network::None {
        flags |= UnshareFlags::NEWNET;
    }
    sys::unshare(flags).doing(|| "making mount, pid, ipc, uts and net namespaces".into())?;

    let (ours, theirs) = wire::pair().doing(|| "making a socket for init".into())?;
    let (log, output) = match logged {
        true => log::open().doing(|| "making a pipe for the output".into())?,
        false => (None, None),
    };
    let Some(init) = sys::fork().doing(|| "starting init".into())? else {
        drop((ours, log));
        init::main(spec, &entrances, output, &theirs);
    };
    drop((theirs, output));
    let caller = watch::Caller { host_root, progress };
    watch::Watch::new(spec, caller, entrances, scratch, builder, ours, log, init)?.follow()
}

/// Enters a user namespace in which the one user is the caller, whoever that is.
fn enter_user_namespace(spec: &Spec) -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    sys::unshare(UnshareFlags::NEWUSER)
        .map_err(|error| Failure::UserNamespace { errno: error.raw_os_error().unwrap_or(0) })?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), &text)
            .doing(|| format!("writing `{}` to /proc/self/{file}", text.trim()))
    };
    // Without this an ordinary user may not map a group; root does the same, to be the same.
    write("setgroups", "deny".into())?;
    write("uid_map", format!("{} {} 1", spec.identity.uid, uid.as_raw()))?;
    write("gid_map", format!("{} {} 1", spec.identity.gid, gid.as_raw()))
}
