//! The launcher's one loop: hears init and the builder, answers the filter, holds the limits.
//!
//! Whatever ends a run, the loop goes on until init is gone, and the kernel lets init go only when
//! every other process of the sandbox is dead.

mod answering;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open};

use super::Prepared;
use super::log::{Copied, Log};
use super::measure::{self, Precision};
use super::ownership::Desk;
use super::tracer::Tracer;
use crate::ownership::raw::answer_in_turn;
use crate::scratch::bytes_on_disk;
use crate::wire::{self, Doing, Failure, Group, GroupKind, Note, Reply, Work};
use crate::{
    Ending, Enforced, Enforcement, LimitKind, Limits, LookUps, Outcome, Ownership, Progress, Spec,
    Usage, sys,
};

/// A cgroup, opened: the files that tell of limits that were hit.
pub(super) struct Entrance {
    events: Vec<(File, &'static str, LimitKind)>,
}

impl Entrance {
    pub(super) fn open(group: &Group) -> Self {
        let memory = |file| (file, "oom_kill ", LimitKind::Memory);
        let pids = ("pids.events", "max ", LimitKind::Processes);
        let events = match group.kind {
            GroupKind::Unified => vec![memory("memory.events"), pids],
            GroupKind::MemoryV1 => vec![memory("memory.oom_control")],
            GroupKind::PidsV1 => vec![pids],
        };
        let events = events.into_iter().filter_map(|(file, key, limit)| {
            // A unified group has only the files of the controllers that were asked for.
            Some((File::open(group.path.join(file)).ok()?, key, limit))
        });
        Self { events: events.collect() }
    }

    /// The limit that the kernel enforced here, if it did.
    fn hit(&self) -> Option<LimitKind> {
        self.events.iter().find(|(file, key, _)| count(file, key) > 0).map(|found| found.2)
    }
}

/// The number after `key` in a file of the kernel's.
fn count(file: &File, key: &str) -> u64 {
    let mut text = [0; 1024];
    let length = file.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..length]);
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
    value.unwrap_or(0)
}

/// Everything that the loop looks at.
pub(super) struct Watch<'a> {
    limits: &'a Limits,
    hostname: &'a str,
    builder: &'a OwnedFd,
    progress: bool,
    host_root: bool,
    entrances: Vec<Entrance>,
    scratch: OwnedFd,
    /// Until init has closed its side.
    notes: Option<OwnedFd>,
    init: Pid,
    init_fd: OwnedFd,
    /// From when the sandbox stands: its `/proc`.
    proc: Option<OwnedFd>,
    listener: Option<OwnedFd>,
    tracer: Option<Tracer>,
    ownership: &'a Ownership,
    /// Where ownership is data: who answers.
    desk: Option<Desk>,
    /// Why everything was killed.
    stopped: Option<Ending>,
    /// How the command ended by itself.
    over: Option<i32>,
    failure: Option<Failure>,
    started: Instant,
    /// Where output goes; else the command has the caller's streams.
    log: Option<Log>,
    /// How often memory and processes are looked at.
    look: Duration,
    next_look: Instant,
    next_disk: Instant,
    next_progress: Instant,
    last: Progress,
    most: measure::Count,
}

/// How often limits are looked at, when looking is cheap.
const LOOK: Duration = Duration::from_millis(5);
/// The same where the kernel holds them.
const LOOK_AT_GROUPS: Duration = Duration::from_millis(100);
const LOOK_AT_DISK: Duration = Duration::from_millis(100);
/// Looking takes at most one part in so many of the launcher's time.
const COST: u32 = 10;
const TELL: Duration = Duration::from_secs(1);

impl<'a> Watch<'a> {
    pub(super) fn new(
        work: &'a Work<Spec>,
        prepared: Prepared,
        entrances: Vec<Entrance>,
        scratch: OwnedFd,
        builder: &'a OwnedFd,
    ) -> Result<Self, Failure> {
        let Prepared { init, notes, mut log, host_root } = prepared;
        let init_fd = pidfd_open(init, PidfdFlags::empty()).doing(|| "watching init".into())?;
        let now = Instant::now();
        let held = |asked: bool, kind| {
            !asked
                || work.groups.iter().any(|group| [GroupKind::Unified, kind].contains(&group.kind))
        };
        let limits = &work.spec.limits;
        let held = held(limits.memory.is_some(), GroupKind::MemoryV1)
            && held(limits.processes.is_some(), GroupKind::PidsV1);
        if let Some(log) = &mut log {
            log.start(work.spec.limits.log_bytes, now);
        }
        Ok(Self {
            limits: &work.spec.limits,
            hostname: &work.spec.hostname,
            builder,
            progress: work.progress,
            host_root,
            entrances,
            scratch,
            notes: Some(notes),
            init,
            init_fd,
            proc: None,
            listener: None,
            tracer: (work.spec.look_ups == LookUps::Noted).then(|| Tracer::new(&work.spec, init)),
            ownership: &work.spec.ownership,
            desk: None,
            stopped: None,
            over: None,
            failure: None,
            started: now,
            log,
            look: if held { LOOK_AT_GROUPS } else { LOOK },
            next_look: now + LOOK,
            next_disk: now + LOOK_AT_DISK,
            next_progress: now + TELL,
            last: Progress { elapsed: Duration::ZERO, log_bytes: 0, output_bytes: 0, memory: 0 },
            most: measure::Count::default(),
        })
    }

    /// Follows the run to its end.
    pub(super) fn follow(mut self) -> Result<Outcome, Failure> {
        loop {
            let ready = self.wait();
            if ready.notes {
                self.hear();
            }
            if ready.log {
                self.copy_log();
            }
            match ready.listener {
                Some(Heard::Question) => self.answer(),
                // Polling it again would never wait.
                Some(Heard::End) => self.listener = None,
                None => {}
            }
            if ready.builder {
                // The builder never says more than its request: it closed its side, or died.
                self.stop(Ending::Cancelled);
            }
            if ready.init {
                // Its last words may have come after the look at the notes.
                self.hear();
                while self.copy_log() == Copied::Some {}
                return self.finish();
            }
            self.look();
        }
    }

    fn wait(&self) -> Ready {
        let mut fds = vec![PollFd::new(&self.init_fd, PollFlags::IN)];
        let notes = self.notes.as_ref().map(|notes| {
            fds.push(PollFd::new(notes, PollFlags::IN));
            fds.len() - 1
        });
        let builder = self.stopped.is_none().then(|| {
            fds.push(PollFd::new(self.builder, PollFlags::IN));
            fds.len() - 1
        });
        // When the command is over nobody is left to ask.
        let listener = self.listener.as_ref().filter(|_| self.over.is_none()).map(|listener| {
            fds.push(PollFd::new(listener, PollFlags::IN));
            fds.len() - 1
        });
        let log = self.log.as_ref().filter(|log| !log.ended).map(|log| {
            fds.push(PollFd::new(&log.pipe, PollFlags::IN));
            fds.len() - 1
        });
        let timeout = self.until_next().map(|wait| Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        if poll(&mut fds, timeout.as_ref()).is_err() {
            return Ready::default();
        }
        let ready = |index: usize| !fds[index].revents().is_empty();
        Ready {
            init: ready(0),
            notes: notes.is_some_and(ready),
            builder: builder.is_some_and(ready),
            listener: listener.filter(|&index| ready(index)).map(|index| {
                let question = fds[index].revents().contains(PollFlags::IN);
                if question { Heard::Question } else { Heard::End }
            }),
            log: log.is_some_and(ready),
        }
    }

    /// How long nothing needs to be looked at; `None` is for ever.
    fn until_next(&self) -> Option<Duration> {
        let mut next: Option<Instant> = None;
        let mut at = |time: Instant| next = Some(next.map_or(time, |next| next.min(time)));
        // As in `look`: what is due and not looked at would be due again at once.
        if self.stopped.is_none() && self.over.is_none() {
            if let Some(wall) = self.limits.wall {
                at(self.started + wall);
            }
            if let (Some(log), Some(idle)) = (&self.log, self.limits.idle_output) {
                at(log.last + idle);
            }
            if self.polls() {
                at(self.next_look);
            }
            if self.limits.output_bytes.is_some() {
                at(self.next_disk);
            }
            if self.progress {
                at(self.next_progress);
            }
        }
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    fn polls(&self) -> bool {
        self.limits.memory.is_some() || self.limits.processes.is_some()
    }

    /// Hears what init says, as far as it has said it.
    fn hear(&mut self) {
        while let Some(notes) = &self.notes {
            let mut fds = [PollFd::new(notes, PollFlags::IN)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            if !poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0) {
                return;
            }
            match wire::receive::<Note>(notes) {
                Ok(Some((Note::Ready, fds))) => {
                    let mut fds = fds.into_iter();
                    (self.proc, self.listener) = (fds.next(), fds.next());
                    if let (Some(listener), Some(_)) = (&self.listener, &self.tracer) {
                        answer_in_turn(listener.as_fd());
                    }
                    if let Some(root) = fds.next() {
                        self.answer_for(&root);
                    }
                }
                Ok(Some((Note::Over { status, left }, _))) => {
                    self.over = Some(status);
                    self.most.threads = self.most.threads.max(left);
                }
                Ok(Some((Note::Failed(failure), _))) => {
                    self.failure.get_or_insert(failure);
                }
                // Polling a closed side would never wait.
                Ok(None) | Err(_) => self.notes = None,
            }
        }
    }

    fn stop(&mut self, ending: Ending) {
        // A command that is over already has ended its own way.
        if self.stopped.is_none() && self.over.is_none() {
            self.stopped = Some(ending);
        }
        // Through the descriptor: the number may be another's when init is gone.
        let _ = rustix::process::pidfd_send_signal(&self.init_fd, Signal::KILL);
    }

    /// Copies output to the log; a log that cannot be written ends the run.
    fn copy_log(&mut self) -> Copied {
        let Some(log) = &mut self.log else { return Copied::Nothing };
        match log.copy() {
            Ok(Copied::TooMuch) => {
                self.over = None;
                self.stop(Ending::Limit(LimitKind::LogBytes));
                Copied::Nothing
            }
            Ok(copied) => copied,
            Err(error) => {
                self.failure.get_or_insert(Failure::set_up("writing the log", &error));
                self.stop(Ending::Cancelled);
                self.log = None;
                Copied::Nothing
            }
        }
    }

    /// Looks at what is due and stops the run when a limit is passed.
    fn look(&mut self) {
        if self.stopped.is_some() || self.over.is_some() {
            return;
        }
        let now = Instant::now();
        if self.limits.wall.is_some_and(|wall| now - self.started >= wall) {
            return self.stop(Ending::Limit(LimitKind::Wall));
        }
        if let (Some(log), Some(idle)) = (&self.log, self.limits.idle_output)
            && now - log.last >= idle
        {
            return self.stop(Ending::Limit(LimitKind::IdleOutput));
        }
        if self.polls() && now >= self.next_look {
            if let Some(limit) = self.passed() {
                return self.stop(Ending::Limit(limit));
            }
            self.next_look = now + self.look.max(now.elapsed() * COST);
        }
        if let Some(limit) = self.limits.output_bytes
            && now >= self.next_disk
        {
            let bytes = bytes_on_disk(&self.scratch);
            if bytes.is_none_or(|bytes| bytes > limit) {
                return self.stop(Ending::Limit(LimitKind::OutputBytes));
            }
            self.last.output_bytes = bytes.unwrap_or(0);
            self.next_disk = now + LOOK_AT_DISK.max(now.elapsed() * COST);
        }
        if self.progress && now >= self.next_progress {
            self.last.elapsed = now - self.started;
            self.last.log_bytes = self.log.as_ref().map_or(0, |log| log.bytes);
            let _ = wire::send(self.builder, &Reply::Progress(self.last), &[]);
            self.next_progress = now + TELL;
        }
    }

    /// The limit that is passed, if one is.
    fn passed(&mut self) -> Option<LimitKind> {
        let limits = self.limits;
        if let Some(limit) = self.entrances.iter().find_map(Entrance::hit) {
            return Some(limit);
        }
        let proc = self.proc.as_ref()?;
        let count = match self.count(proc) {
            Ok(count) => count,
            Err(error) => {
                let failure = Failure::set_up("counting the processes of the sandbox", &error);
                self.failure.get_or_insert(failure);
                self.stop(Ending::Cancelled);
                return None;
            }
        };
        self.last.memory = count.memory;
        self.most.memory = self.most.memory.max(count.memory);
        self.most.threads = self.most.threads.max(count.threads);
        if limits.memory.is_some_and(|limit| count.memory > limit) {
            return Some(LimitKind::Memory);
        }
        self.too_many(count.threads).then_some(LimitKind::Processes)
    }

    /// Counts quickly, and exactly where the quick count passes the limit.
    fn count(&self, proc: &OwnedFd) -> io::Result<measure::Count> {
        let mut count = measure::count(proc, Precision::Quick)?;
        if self.limits.memory.is_some_and(|limit| count.memory > limit) {
            count.memory = measure::count(proc, Precision::Exact)?.memory;
        }
        Ok(count)
    }

    fn too_many(&self, threads: u64) -> bool {
        self.limits.processes.is_some_and(|limit| threads > limit)
    }

    /// Init is gone, and with it every process of the sandbox.
    fn finish(mut self) -> Result<Outcome, Failure> {
        let died = loop {
            match rustix::process::waitpid(Some(self.init), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.ok().flatten(),
            }
        };
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some(desk) = &self.desk {
            desk.leave(&self.scratch)?;
        }
        let limited = self.entrances.iter().find_map(Entrance::hit);
        let ending = match (self.stopped, self.over.map(ending)) {
            (Some(stopped), _) => stopped,
            (None, Some(Ending::Exited(0))) => Ending::Exited(0),
            (None, Some(Ending::Signalled(libc::SIGXFSZ)))
                if self.limits.output_bytes.is_some() =>
            {
                Ending::Limit(LimitKind::OutputBytes)
            }
            (None, _) if limited.is_some() => limited.map_or(Ending::Cancelled, Ending::Limit),
            (None, Some(_)) if self.too_many(self.most.threads) => {
                Ending::Limit(LimitKind::Processes)
            }
            (None, Some(ending)) => ending,
            // Something outside killed init itself.
            (None, None) => {
                died.map_or(Ending::Signalled(libc::SIGKILL), |(_, status)| ending(status.as_raw()))
            }
        };
        let (user, system, largest) =
            sys::children_usage().doing(|| "reading the resource usage".into())?;
        let peak_memory = if self.most.memory > 0 { self.most.memory } else { largest };
        let usage = Usage { user, system, wall: self.started.elapsed(), peak_memory };
        let noted = self.tracer.take().map(Tracer::finish);
        Ok(Outcome { ending, usage, enforced: self.enforced(), noted })
    }

    /// How limits were held here; the builder adds what cgroups did.
    fn enforced(&self) -> Enforced {
        let when = |asked: bool, how| if asked { how } else { Enforcement::NotAsked };
        let logged = |asked, how| match (asked, self.log.is_some()) {
            (true, true) => how,
            (true, false) => Enforcement::Inapplicable,
            (false, _) => Enforcement::NotAsked,
        };
        // The kernel exempts the host's root from the resource limit on processes.
        let processes = if self.host_root { Enforcement::Polled } else { Enforcement::Rlimit };
        Enforced {
            memory: when(self.limits.memory.is_some(), Enforcement::Polled),
            processes: when(self.limits.processes.is_some(), processes),
            wall: when(self.limits.wall.is_some(), Enforcement::Timer),
            idle_output: logged(self.limits.idle_output.is_some(), Enforcement::Timer),
            output_bytes: when(self.limits.output_bytes.is_some(), Enforcement::Polled),
            log_bytes: logged(self.limits.log_bytes.is_some(), Enforcement::Counted),
        }
    }
}

/// What woke the loop.
#[derive(Default)]
struct Ready {
    init: bool,
    notes: bool,
    builder: bool,
    listener: Option<Heard>,
    log: bool,
}

/// What a listener has.
enum Heard {
    Question,
    /// Every process under the filter is gone.
    End,
}

fn ending(status: i32) -> Ending {
    if libc::WIFEXITED(status) {
        Ending::Exited(libc::WEXITSTATUS(status))
    } else {
        Ending::Signalled(libc::WTERMSIG(status))
    }
}
