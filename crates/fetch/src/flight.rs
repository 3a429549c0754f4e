//! One fetch of each content at a time in this process: whoever comes second waits, and then finds
//! the bytes in the store.

use crate::gate::TICK;
use groundup_digest::Sha256;
use std::{
    collections::BTreeSet,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The contents that are being fetched.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    open: Mutex<BTreeSet<Sha256>>,
    landed: Condvar,
}

/// The right to fetch one content; given up when dropped.
#[derive(Debug)]
pub(crate) struct Flight<'a> {
    flights: &'a Flights,
    sha256: Sha256,
}

impl Flights {
    /// Waits until nobody else fetches `sha256`; nothing if cancelled.
    pub(crate) fn start(&self, sha256: Sha256, cancel: &AtomicBool) -> Option<Flight<'_>> {
        let mut open = self.lock();
        while !open.insert(sha256) {
            if cancel.load(Ordering::Relaxed) {
                return None;
            }
            let woken = self.landed.wait_timeout(open, TICK);
            open = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(Flight { flights: self, sha256 })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Sha256>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.sha256);
        self.flights.landed.notify_all();
    }
}
