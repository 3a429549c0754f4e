//! One process at a time per step.
//!
//! The lock of a step is a file in `locks/` named after its key. Its holder removes the file before
//! it lets go; who gets the lock of a removed file starts again.

use crate::{Store, StoreError, disk, error::Tried, held};
use groundup_digest::StepKey;
use std::{
    fs::{self, File, TryLockError},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The right to run a step; it ends when dropped or with the process.
#[derive(Debug)]
pub struct StepLock {
    path: PathBuf,
    _file: File,
}

impl Drop for StepLock {
    fn drop(&mut self) {
        // A file that stays is only litter: the lock ends with the open file.
        let _ = fs::remove_file(&self.path);
    }
}

/// How often who waits for a step looks again.
const PAUSE: Duration = Duration::from_millis(20);

impl Store {
    /// Waits for the right to run a step, or until `cancel` is set. Look for the result again once
    /// the lock is there: another process may have made it.
    pub fn lock_step(&self, key: StepKey, cancel: &AtomicBool) -> Result<StepLock, StoreError> {
        loop {
            if let Some(lock) = self.try_lock_step(key)? {
                return Ok(lock);
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(StoreError::Cancelled(key));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The right to run a step; none if another process or thread has it.
    pub fn try_lock_step(&self, key: StepKey) -> Result<Option<StepLock>, StoreError> {
        self.writable("lock a step")?;
        let path = self.path().join("locks").join(format!("step-{key}"));
        loop {
            let file = disk::open_append(&path)?;
            match file.try_lock() {
                Ok(()) if held::is_at(&file, &path) => {
                    return Ok(Some(StepLock { path, _file: file }));
                }
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error).tried("lock", path),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_locked_once_and_free_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let (a, b) = (StepKey::of_encoded(b"a"), StepKey::of_encoded(b"b"));
        let lock = store.try_lock_step(a).unwrap().unwrap();
        assert!(store.try_lock_step(a).unwrap().is_none());
        assert!(store.try_lock_step(b).unwrap().is_some());
        let cancelled = store.lock_step(a, &AtomicBool::new(true));
        assert!(matches!(cancelled, Err(StoreError::Cancelled(key)) if key == a));
        drop(lock);
        assert!(store.try_lock_step(a).unwrap().is_some());
        let left = disk::names(&folder.path().join("locks")).unwrap();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("step-")));
    }

    #[test]
    fn threads_that_wait_get_the_step_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let key = StepKey::of_encoded(b"a");
        let (inside, most) = (std::sync::atomic::AtomicUsize::new(0), std::sync::Mutex::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _lock = store.lock_step(key, &AtomicBool::new(false)).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        let mut most = most.lock().unwrap();
                        *most = now.max(*most);
                        drop(most);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*most.lock().unwrap(), 1);
    }
}
