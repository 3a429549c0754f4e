//! What the steps of one build share: how they are stopped, and directories to work in.

use crate::Reuse;
use groundup_sandbox::{Control, Recycled, recycle};
use groundup_store::{Store, StoreError, TempDir};
use std::{
    io,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The tools of a build; `cancel` stops it.
pub(crate) struct Workshop<'a> {
    pub(crate) cancel: &'a AtomicBool,
    pub(crate) reuse: Reuse,
    over: AtomicBool,
    /// How many steps are being executed.
    working: AtomicUsize,
    control: OnceLock<Control>,
    /// Scratch directories: making one costs more than a small step.
    scratches: Mutex<Scratches>,
}

#[derive(Default)]
struct Scratches {
    /// As good as new.
    clean: Vec<TempDir>,
    /// Of commands that are over.
    used: Vec<TempDir>,
}

/// A step is being executed as long as this lives.
pub(crate) struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(cancel: &'a AtomicBool, reuse: Reuse) -> Self {
        Self {
            cancel,
            reuse,
            over: AtomicBool::new(false),
            working: AtomicUsize::new(0),
            control: OnceLock::new(),
            scratches: Mutex::default(),
        }
    }

    /// A step begins.
    pub(crate) fn work(&self) -> Working<'_> {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(&self.working)
    }

    /// What stops all commands once the build is cancelled.
    pub(crate) fn control(&self) -> io::Result<Control> {
        if self.control.get().is_none() {
            // Where two make one, one of them is everybody's.
            let _ = self.control.set(Control::new()?);
        }
        Ok(self.control.get().expect("it was just set").clone())
    }

    /// Stops the commands when the build is cancelled; returns when no step runs any more after
    /// [`Workshop::close`], whose caller must unpark the thread.
    pub(crate) fn watch(&self) {
        let goes_on =
            || !self.over.load(Ordering::Relaxed) || self.working.load(Ordering::Relaxed) > 0;
        while goes_on() {
            if self.cancel.load(Ordering::Relaxed)
                && let Ok(control) = self.control()
            {
                return control.cancel();
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// No step is started any more.
    pub(crate) fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// A directory for one command.
    pub(crate) fn scratch(&self, store: &Store) -> Result<TempDir, StoreError> {
        let clean = self.scratches().clean.pop();
        clean.map_or_else(|| store.tmp_dir(), Ok)
    }

    /// Takes a directory back when its command is over and its output taken in.
    pub(crate) fn put_back(&self, scratch: TempDir) {
        self.scratches().used.push(scratch);
    }

    /// Empties what was put back, when nobody waits for it.
    pub(crate) fn tidy(&self) {
        loop {
            let Some(scratch) = self.scratches().used.pop() else { return };
            // What cannot be as new is removed.
            if matches!(recycle(scratch.path()), Ok(Recycled::AsNew)) {
                self.scratches().clean.push(scratch);
            }
        }
    }

    fn scratches(&self) -> MutexGuard<'_, Scratches> {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
