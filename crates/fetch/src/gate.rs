//! How many connections one host gets at once.

use crate::http::HttpError;
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often a wait looks whether it was cancelled.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Counts the connections of each host.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: u32,
    open: Mutex<BTreeMap<String, u32>>,
    closed_one: Condvar,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    gate: &'a Gate,
    host: String,
}

impl Gate {
    pub(crate) fn new(limit: NonZeroU32) -> Self {
        Self { limit: limit.get(), open: Mutex::default(), closed_one: Condvar::new() }
    }

    /// Waits for a place at `host`. A thread holds one place at a time, so nobody waits in a circle.
    pub(crate) fn enter(&self, host: &str, cancel: &AtomicBool) -> Result<Permit<'_>, HttpError> {
        let mut open = self.lock();
        while open.get(host).is_some_and(|count| *count >= self.limit) {
            if cancel.load(Ordering::Relaxed) {
                return Err(HttpError::Cancelled);
            }
            let woken = self.closed_one.wait_timeout(open, TICK);
            open = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *open.entry(host.to_owned()).or_default() += 1;
        Ok(Permit { gate: self, host: host.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut open = self.gate.lock();
        if let Some(count) = open.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.host);
            }
        }
        self.gate.closed_one.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_host_lets_nobody_in_and_others_are_free() {
        let gate = Gate::new(NonZeroU32::new(1).unwrap());
        let cancelled = AtomicBool::new(true);
        let first = gate.enter("a", &cancelled).unwrap();
        assert!(matches!(gate.enter("a", &cancelled), Err(HttpError::Cancelled)));
        gate.enter("b", &cancelled).unwrap();
        drop(first);
        gate.enter("a", &cancelled).unwrap();
    }
}
