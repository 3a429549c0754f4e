//! Making what was written durable: one `syncfs` for all who ask at the same time.

use crate::{
    error::{StoreError, Tried},
    recover,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
};

/// Counts what is written and what is synced.
#[derive(Debug)]
pub(crate) struct Durability {
    folder: File,
    path: PathBuf,
    state: Mutex<State>,
    finished: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Raised by each write.
    written: u64,
    /// What `written` was when the last sync that succeeded began.
    durable: u64,
    /// A sync is running.
    running: bool,
}

impl Durability {
    pub(crate) fn open(store: &Path) -> Result<Self, StoreError> {
        let folder = File::open(store).tried("open", store)?;
        let (state, finished) = (Mutex::default(), Condvar::new());
        Ok(Self { folder, path: store.to_owned(), state, finished })
    }

    /// Notes that something was written.
    pub(crate) fn wrote(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).written += 1;
    }

    /// Returns when everything that was written before the call is on the disk, by whomever.
    ///
    /// A caller joins the next sync to begin, even if it knows of no write of its own: it may rely on
    /// what it found in its place, which another thread or process put there a moment before and has
    /// not counted or synced yet.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.written += 1;
        let wanted = state.written;
        loop {
            if state.durable >= wanted {
                return Ok(());
            }
            if state.running {
                state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.running = true;
            let covers = state.written;
            drop(state);
            let mark = recover::about_to_sync(&self.path);
            let synced = rustix::fs::syncfs(&self.folder).tried("sync", &self.path);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.running = false;
            self.finished.notify_all();
            synced?;
            recover::synced(&self.path, mark);
            state.durable = state.durable.max(covers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_covers_what_was_written_before_it_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let durability = Durability::open(folder.path()).unwrap();
        // Found in its place, written by others: relied upon, so synced as well.
        for turn in 1..=2 {
            durability.sync().unwrap();
            assert_eq!(durability.state.lock().unwrap().durable, turn);
        }
        durability.wrote();
        assert_eq!(durability.state.lock().unwrap().durable, 2);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    durability.wrote();
                    durability.sync().unwrap();
                });
            }
        });
        let state = durability.state.lock().unwrap();
        assert_eq!(state.durable, state.written);
    }
}
