//! Results of many steps made durable together.
//!
//! Syncing after each step would make a chain of short steps wait for the disk a thousand times. So
//! results are gathered for a moment and become durable in one go: the objects that they name, then
//! the records of the steps, then the results, with a sync before each of the last two. Until then
//! the lock of each step is held, so that another process that wants the step waits for its result
//! instead of running it again. A process that dies loses the results of that moment, and nothing
//! else.

use crate::{RecordKind, StepLock, StepResult, Store, StoreError, Stored};
use groundup_digest::{ObjectId, RecordId, StepKey};
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long the first result of a group waits for others.
const GATHER: Duration = Duration::from_millis(200);

/// Results that wait at most: each holds an open file.
const MOST: usize = 128;

/// Results on their way to the disk. One thread calls [`GroupCommit::run`]; any number put.
#[derive(Debug)]
pub struct GroupCommit<'a> {
    store: &'a Store,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Somebody waits for a lock that may be held here.
    hurry: bool,
    closed: bool,
    failed: Option<StoreError>,
}

#[derive(Debug)]
struct Waiting {
    key: StepKey,
    result: StepResult,
    record: Vec<u8>,
    /// A command that leads to the key.
    link: Option<(StepKey, Vec<u8>)>,
    /// Let go once the result is durable.
    _lock: StepLock,
}

impl<'a> GroupCommit<'a> {
    /// A group of results of this store.
    pub fn new(store: &'a Store) -> Self {
        Self { store, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a step gave and the record of it; both are durable, and the step's lock free, a
    /// moment later.
    ///
    /// The answer is that of [`Store::put_result`]: nobody else can put a result of the key, since
    /// its lock is held.
    pub fn put(
        &self,
        lock: StepLock,
        key: StepKey,
        outputs: &BTreeMap<String, ObjectId>,
        record: Vec<u8>,
    ) -> Result<Stored, StoreError> {
        self.add(lock, key, outputs, record, None)
    }

    /// The same for a key that is known only after the step was executed: the link leads to it from
    /// what is known before.
    pub fn put_linked(
        &self,
        lock: StepLock,
        key: StepKey,
        outputs: &BTreeMap<String, ObjectId>,
        record: Vec<u8>,
        link: (StepKey, Vec<u8>),
    ) -> Result<Stored, StoreError> {
        self.add(lock, key, outputs, record, Some(link))
    }

    fn add(
        &self,
        lock: StepLock,
        key: StepKey,
        outputs: &BTreeMap<String, ObjectId>,
        record: Vec<u8>,
        link: Option<(StepKey, Vec<u8>)>,
    ) -> Result<Stored, StoreError> {
        let id = RecordId::of_encoded(&record);
        let result = StepResult { outputs: outputs.clone(), record: id };
        let stored = self.store.compare_result(key, &result)?;
        let mut state = self.state();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        state.waiting.push(Waiting { key, result, record, link, _lock: lock });
        state.hurry |= state.waiting.len() >= MOST;
        drop(state);
        self.changed.notify_all();
        Ok(stored)
    }

    /// Asks for what waits to become durable now: somebody waits for a step's lock.
    pub fn hurry(&self) {
        self.state().hurry = true;
        self.changed.notify_all();
    }

    /// Makes results durable as they come, until [`GroupCommit::close`].
    pub fn run(&self) {
        loop {
            let mut state = self.state();
            while state.waiting.is_empty() && !state.closed {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let gathering = |state: &mut State| !state.closed && !state.hurry;
            let waited = self.changed.wait_timeout_while(state, GATHER, gathering);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.hurry = false;
            let (batch, closed) = (std::mem::take(&mut state.waiting), state.closed);
            drop(state);
            if let Err(error) = self.commit(&batch) {
                self.state().failed = Some(error);
            }
            drop(batch);
            if closed {
                return;
            }
        }
    }

    fn commit(&self, batch: &[Waiting]) -> Result<(), StoreError> {
        let records: Vec<_> = batch.iter().map(|one| (Some(one.key), &one.record[..])).collect();
        self.store.put_records(RecordKind::Step, &records)?;
        let results: Vec<_> = batch.iter().map(|one| (one.key, &one.result)).collect();
        self.store.put_results(&results)?;
        let links = batch.iter().filter_map(|one| one.link.as_ref());
        let links: Vec<_> = links.map(|(key, bytes)| (Some(*key), &bytes[..])).collect();
        self.store.put_records(RecordKind::Link, &links)
    }

    /// Ends [`GroupCommit::run`] once everything that was put is durable.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Why results could not be made durable, if that was so.
    pub fn finish(self) -> Result<(), StoreError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn outputs(number: u8) -> BTreeMap<String, ObjectId> {
        let blob = groundup_digest::BlobId::from_bytes([number; 32]);
        [("out".to_owned(), ObjectId::Blob(blob))].into()
    }

    fn key(name: &str) -> StepKey {
        StepKey::of_encoded(name.as_bytes())
    }

    fn put(group: &GroupCommit<'_>, lock: StepLock, name: &str, number: u8) -> Stored {
        group.put(lock, key(name), &outputs(number), vec![number]).unwrap()
    }

    #[test]
    fn results_and_records_are_there_when_the_lock_of_their_step_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let group = GroupCommit::new(&store);
        std::thread::scope(|scope| {
            scope.spawn(|| group.run());
            for name in ["a", "b", "c"] {
                let lock = store.try_lock_step(key(name)).unwrap().unwrap();
                assert_eq!(put(&group, lock, name, 1), Stored::First);
            }
            group.hurry();
            let _lock = store.lock_step(key("a"), &AtomicBool::new(false)).unwrap();
            let result = store.get_result(key("a")).unwrap().unwrap();
            assert_eq!(result.outputs, outputs(1));
            assert_eq!(store.get_record(result.record).unwrap(), [1]);
            let lock = store.lock_step(key("b"), &AtomicBool::new(false)).unwrap();
            let differs = put(&group, lock, "b", 2);
            assert!(matches!(differs, Stored::Differs(first) if first.outputs == outputs(1)));
            group.close();
        });
        group.finish().unwrap();
        assert_eq!(store.unstable().unwrap().len(), 1);
        assert!(store.get_result(key("c")).unwrap().is_some());
        assert!(store.try_lock_step(key("c")).unwrap().is_some());
    }

    #[test]
    fn a_result_that_waits_holds_the_lock_of_its_step() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let group = GroupCommit::new(&store);
        let lock = store.try_lock_step(key("a")).unwrap().unwrap();
        assert_eq!(put(&group, lock, "a", 1), Stored::First);
        assert!(store.try_lock_step(key("a")).unwrap().is_none());
        assert_eq!(store.get_result(key("a")).unwrap(), None);
        group.close();
        group.run();
        assert!(store.get_result(key("a")).unwrap().is_some());
    }
}
