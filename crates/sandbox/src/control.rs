//! The caller's hand on runs: stop them from another thread, hear how they go.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use serde::{Deserialize, Serialize};

/// Stops every run that it was given to, also those that start later. Clones are one control.
#[derive(Clone)]
pub struct Control {
    /// Readable once cancelled, and never read: a level that any number of runs can wait for.
    stop: Arc<OwnedFd>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How a run goes, about once a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Time since the start.
    pub elapsed: Duration,
    /// Bytes in the log, where there is one.
    pub log_bytes: u64,
    /// Bytes on disk when last looked at (only with that limit).
    pub output_bytes: u64,
    /// Bytes of memory when last looked at (only with that limit).
    pub memory: u64,
}

impl Control {
    /// A control that stops nothing yet.
    pub fn new() -> io::Result<Self> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { stop: Arc::new(stop), progress: None })
    }

    /// Calls this from the thread in [`crate::run`] while a run goes on.
    #[must_use]
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    /// Kills all processes of all runs of this control; their ending is `Cancelled`.
    pub fn cancel(&self) {
        // A full counter is a cancelled one: nothing is lost when the write would block.
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
    }

    /// Whether [`Control::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        let mut fds = [PollFd::new(&self.stop, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }

    pub(crate) fn stop_fd(&self) -> BorrowedFd<'_> {
        self.stop.as_fd()
    }

    pub(crate) fn wants_progress(&self) -> bool {
        self.progress.is_some()
    }

    pub(crate) fn report(&self, progress: Progress) {
        if let Some(report) = &self.progress {
            report(progress);
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
