//! A program run under watch: each call with which it changes a file can be let through, refused,
//! cut short, or be its last.
//!
//! All threads of the program are watched, but not other programs that it starts. Calls come one at
//! a time: while one is looked at, every other thread stands at its next call at the latest.

mod calls;
mod ptrace;

pub use calls::Change;

use ptrace::{Register, Stop, Thread};
use std::{
    collections::HashMap,
    fs::File,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

/// A call that changes a file below the watched folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site {
    /// What it does.
    pub change: Change,
    /// To which file, below the folder.
    pub path: PathBuf,
    /// For a rename, the name before, if it is below the folder.
    pub from: Option<PathBuf>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is made.
    Go,
    /// The program is killed before it.
    Kill,
    /// It is not made and fails with this error number.
    Fail(i32),
    /// Half of its bytes are written. What writes no bytes is made.
    Half,
    /// As [`Deed::Half`], and the program is killed after it.
    HalfAndKill,
}

/// Who watches a program.
pub trait Watch: Send {
    /// The program is about to make this call.
    fn enters(&mut self, site: &Site) -> Deed;

    /// The call was made and gave this, an error as a negative number.
    fn leaves(&mut self, _site: &Site, _result: i64) {}
}

impl<F: FnMut(&Site) -> Deed + Send> Watch for F {
    fn enters(&mut self, site: &Site) -> Deed {
        self(site)
    }
}

/// How a watched program ended.
#[derive(Debug)]
pub struct Watched {
    /// What it said, and its end.
    pub output: Output,
    /// The calls that it was in the middle of when it was killed.
    pub amid: Vec<Site>,
}

/// Runs a program and shows its changes of files below `folder` to `watch`. It is killed after
/// `kill_after`, if it runs that long.
pub fn run(
    command: Command,
    folder: &Path,
    kill_after: Option<Duration>,
    watch: &mut dyn Watch,
) -> Watched {
    // The program is bound to the thread that starts it.
    thread::scope(|scope| {
        let tracer = scope.spawn(|| run_here(command, folder, kill_after, watch));
        tracer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What is under way in a thread.
struct Pending {
    site: Site,
    /// What the call gives, whatever the kernel says.
    result: Option<i64>,
    kill: bool,
}

fn run_here(
    mut command: Command,
    folder: &Path,
    kill_after: Option<Duration>,
    watch: &mut dyn Watch,
) -> Watched {
    let [out, err] = [(); 2].map(|()| tempfile::NamedTempFile::new().expect("a temporary file"));
    let handle = |file: &tempfile::NamedTempFile| {
        Stdio::from(File::options().append(true).open(file.path()).expect("it was just made"))
    };
    command.stdin(Stdio::null()).stdout(handle(&out)).stderr(handle(&err));
    ptrace::ask_for(&mut command);
    let child = command.spawn().expect("the program starts");
    let program = child.id() as Thread;
    let process = rustix::process::Pid::from_raw(program).expect("a process");
    let no_flags = rustix::process::PidfdFlags::empty();
    let process = rustix::process::pidfd_open(process, no_flags).expect("it is there");
    let kill = || {
        // It may have ended meanwhile.
        let _ = rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL);
    };
    let mut status = None;
    let mut pending: HashMap<Thread, Pending> = HashMap::new();
    let mut following = false;
    thread::scope(|scope| {
        let (ended, end) = std::sync::mpsc::channel::<()>();
        if let Some(after) = kill_after {
            let kill = &kill;
            scope.spawn(move || {
                if end.recv_timeout(after) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    kill();
                }
            });
        }
        while let Some((thread, stop)) = ptrace::wait() {
            if !following {
                ptrace::follow_threads(program);
                following = true;
            }
            let mut signal = 0;
            match stop {
                Stop::Ended(ended) => {
                    if thread == program {
                        status = Some(ended);
                    }
                    continue;
                }
                Stop::Entry { number, arguments } => {
                    let call = calls::read(thread, number, &arguments);
                    let site = call.as_ref().and_then(|call| site(call, folder));
                    if let (Some(call), Some(site)) = (call, site) {
                        let deed = watch.enters(&site);
                        let mut under_way = Pending { site, result: None, kill: false };
                        match deed {
                            Deed::Go => {}
                            Deed::Kill => kill(),
                            Deed::Fail(error) => {
                                ptrace::set(thread, Register::Number, u64::MAX);
                                under_way.result = Some(-i64::from(error));
                            }
                            Deed::Half | Deed::HalfAndKill => {
                                under_way.kill = deed == Deed::HalfAndKill;
                                if let Some((argument, length)) = call.length {
                                    let half = length.div_ceil(2);
                                    ptrace::set(thread, Register::Argument(argument), half);
                                }
                            }
                        }
                        pending.insert(thread, under_way);
                    }
                }
                Stop::Exit(result) => {
                    if let Some(done) = pending.remove(&thread) {
                        if let Some(result) = done.result {
                            ptrace::set(thread, Register::Result, result as u64);
                        }
                        watch.leaves(&done.site, done.result.unwrap_or(result));
                        if done.kill {
                            kill();
                        }
                    }
                }
                // A new thread starts with this.
                Stop::Signal(libc::SIGSTOP | libc::SIGTRAP) | Stop::Event => {}
                Stop::Signal(other) => signal = other,
            }
            ptrace::go_on(thread, signal);
        }
        drop(ended);
    });
    drop(child);
    let read = |file: &tempfile::NamedTempFile| std::fs::read(file.path()).expect("it is ours");
    let status = ExitStatus::from_raw(status.expect("the program was waited for"));
    let output = Output { status, stdout: read(&out), stderr: read(&err) };
    Watched { output, amid: pending.into_values().map(|pending| pending.site).collect() }
}

fn site(call: &calls::Call, folder: &Path) -> Option<Site> {
    let below = |path: &Path| path.strip_prefix(folder).ok().map(Path::to_owned);
    let from = call.from.as_deref().and_then(below);
    below(&call.path).map(|path| Site { change: call.change, path, from })
}
