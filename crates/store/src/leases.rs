//! Leases: what living processes rely on, so that a collection leaves it alone.
//!
//! A lease is a file in `leases/` that its process holds locked; each entry is 33 bytes: an
//! object's canonical encoding, or a byte 3 and the id of a tree whose check-out is in use. An entry is written under the shared lock `locks/sweep`. A
//! collection drops objects in short batches, each under that lock taken exclusively, and reads all
//! leases again at the start of each. So after [`Lease::add`] an object that is seen stays.

use crate::{
    Store, StoreError, disk,
    error::Tried,
    held::{self, Liveness},
};
use groundup_digest::{ObjectId, Reader, TreeId, Writer};
use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The length of an entry.
const ENTRY: usize = 33;
/// The first byte of an entry that holds a check-out; those of objects are 1 and 2.
const CHECKOUT: u8 = 3;

/// What an entry of a lease keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entry {
    /// An object and all that it refers to.
    Object(ObjectId),
    /// A tree and its check-out.
    Checkout(TreeId),
}

impl Entry {
    /// Whether a process may rely on the check-out of a tree.
    pub(crate) fn keeps_checkout_of(&self, tree: TreeId) -> bool {
        *self == Entry::Checkout(tree) || *self == Entry::Object(ObjectId::Tree(tree))
    }

    fn write(self, writer: &mut Writer) {
        match self {
            Entry::Object(object) => object.write(writer),
            Entry::Checkout(tree) => {
                writer.u8(CHECKOUT).digest(tree.as_bytes());
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if bytes.first() != Some(&CHECKOUT) {
            return ObjectId::read(&mut reader).ok().map(Entry::Object);
        }
        reader.u8().ok()?;
        reader.digest().ok().map(|id| Entry::Checkout(TreeId::from_bytes(id)))
    }
}

/// Keeps objects from being collected as long as it lives.
#[derive(Debug)]
pub struct Lease(LeaseFile);

impl Lease {
    /// From now on the object and all that it refers to stays, if it is there: look afterwards.
    pub fn add(&self, object: ObjectId) -> Result<(), StoreError> {
        self.0.add(&[object])
    }

    /// As [`Lease::add`], for many at once.
    pub fn add_all(&self, objects: &[ObjectId]) -> Result<(), StoreError> {
        self.0.add(objects)
    }

    /// From now on the check-out of this tree stays, and so does the tree.
    pub fn hold_checkout(&self, tree: TreeId) -> Result<(), StoreError> {
        self.0.hold_checkout(tree)
    }
}

impl Store {
    /// From now on these and all that they refer to stay until the process closes the store, if
    /// they are there: look afterwards. Costs no file of its own, unlike [`Store::lease`].
    pub fn rely_on(&self, objects: &[ObjectId]) -> Result<(), StoreError> {
        self.writable("lease objects")?;
        self.session()?.add(objects)
    }

    /// A lease of its own, that ends when it is dropped or the process ends.
    ///
    /// What a process puts into the store is leased until the process closes the store; a lease is
    /// for what it finds there and relies on.
    pub fn lease(&self) -> Result<Lease, StoreError> {
        self.writable("lease objects")?;
        LeaseFile::create(self.path()).map(Lease)
    }
}

/// The file of a lease.
#[derive(Debug)]
pub(crate) struct LeaseFile {
    path: PathBuf,
    sweep_path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    entries: File,
    sweep: File,
    known: HashSet<Entry>,
}

impl LeaseFile {
    pub(crate) fn create(store: &Path) -> Result<Self, StoreError> {
        let sweep_path = sweep_path(store);
        let sweep = disk::open_append(&sweep_path)?;
        let (path, entries) = held::create(&store.join("leases"), held::EntryKind::File)?;
        let state = Mutex::new(State { entries, sweep, known: HashSet::new() });
        Ok(Self { path, sweep_path, state })
    }

    pub(crate) fn add(&self, objects: &[ObjectId]) -> Result<(), StoreError> {
        self.write(&objects.iter().copied().map(Entry::Object).collect::<Vec<_>>())
    }

    pub(crate) fn hold_checkout(&self, tree: TreeId) -> Result<(), StoreError> {
        self.write(&[Entry::Checkout(tree)])
    }

    fn write(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = Writer::new();
        let new: Vec<_> =
            entries.iter().filter(|entry| !state.known.contains(entry)).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        for entry in &new {
            entry.write(&mut writer);
        }
        // The thread's lock is held, so the file's is not shared with another thread.
        state.sweep.lock_shared().tried("lock", &self.sweep_path)?;
        let written = state.entries.write_all(writer.as_bytes()).tried("write", &self.path);
        state.sweep.unlock().tried("unlock", &self.sweep_path)?;
        written?;
        state.known.extend(new);
        Ok(())
    }
}

impl Drop for LeaseFile {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process that opens the store.
        let _ = fs::remove_file(&self.path);
    }
}

fn sweep_path(store: &Path) -> PathBuf {
    store.join("locks/sweep")
}

/// The exclusive right to drop objects; no lease grows meanwhile.
#[derive(Debug)]
pub(crate) struct SweepLock(#[expect(dead_code, reason = "holds the lock")] File);

/// Waits for the right to drop objects.
pub(crate) fn lock_sweep(store: &Path) -> Result<SweepLock, StoreError> {
    let path = sweep_path(store);
    let file = disk::open_append(&path)?;
    file.lock().tried("lock", &path)?;
    Ok(SweepLock(file))
}

/// What living processes rely on; under the [`SweepLock`] this is complete.
pub(crate) fn leased(store: &Path) -> Result<BTreeSet<Entry>, StoreError> {
    let folder = store.join("leases");
    let mut leased = BTreeSet::new();
    for name in disk::names(&folder)? {
        let path = folder.join(name);
        if !matches!(held::liveness(&path)?, Liveness::Alive) {
            continue;
        }
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            bytes => bytes.tried("read", &path)?,
        };
        leased.extend(bytes.chunks_exact(ENTRY).filter_map(Entry::read));
    }
    Ok(leased)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;

    #[test]
    fn a_lease_is_seen_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let lease = store.lease().unwrap();
        let object = ObjectId::Blob(BlobId::of(b"a"));
        lease.add(object).unwrap();
        lease.add(object).unwrap();
        let tree = TreeId::from_bytes([7; 32]);
        lease.hold_checkout(tree).unwrap();
        let expected = [Entry::Object(object), Entry::Checkout(tree)];
        assert_eq!(leased(folder.path()).unwrap(), expected.into());
        let golden = [&[1][..], BlobId::of(b"a").as_bytes(), &[3], &[7; 32]].concat();
        assert_eq!(fs::read(&lease.0.path).unwrap(), golden);
        drop(lease);
        assert!(leased(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_lease_waits_for_a_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let sweep = lock_sweep(folder.path()).unwrap();
        let lease = store.lease().unwrap();
        std::thread::scope(|scope| {
            let adding = scope.spawn(|| lease.add(ObjectId::Blob(BlobId::of(b"a"))));
            assert!(leased(folder.path()).unwrap().is_empty());
            drop(sweep);
            adding.join().unwrap().unwrap();
        });
        assert_eq!(leased(folder.path()).unwrap().len(), 1);
    }
}
