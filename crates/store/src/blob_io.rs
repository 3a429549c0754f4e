//! Writing a blob whose id is known at its end, and reading one with its id checked at its end.

use crate::{
    Executable, Store, StoreError,
    disk::{self, Placed},
    error::Tried,
};
use groundup_digest::{BlobHasher, BlobId, Content, ContentHasher, ObjectId};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Takes the bytes of a blob; they are discarded unless they are finished.
///
/// By default both digests are computed and remembered; see [`Store::id_writer`] for less.
#[derive(Debug)]
pub struct BlobWriter<'a, H: Hashing = ContentHasher> {
    store: &'a Store,
    path: PathBuf,
    file: File,
    hasher: H,
    placed: bool,
}

/// Hashes what passes through a writer.
pub trait Hashing: Default {
    /// Takes in the next bytes.
    fn take_in(&mut self, bytes: &[u8]);
}

impl Hashing for ContentHasher {
    fn take_in(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Hashing for BlobHasher {
    fn take_in(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// The id and the size of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlob {
    /// Their id.
    pub id: BlobId,
    /// Their number.
    pub size: u64,
}

impl StoredBlob {
    /// Of bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self { id: BlobId::of(bytes), size: bytes.len() as u64 }
    }
}

impl<'a, H: Hashing> BlobWriter<'a, H> {
    pub(crate) fn create(store: &'a Store) -> Result<Self, StoreError> {
        let path = store.scratch()?.fresh_path();
        let file = disk::create_file(&path)?;
        Ok(Self { store, path, file, hasher: H::default(), placed: false })
    }

    /// The scratch file, for errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn place(&mut self, blob: StoredBlob) -> Result<(), StoreError> {
        self.store.session()?.add(&[ObjectId::Blob(blob.id)])?;
        if self.store.find_blob(blob.id)?.is_none_or(|(_, size)| size != blob.size) {
            self.store.finish_file(&self.file, &self.path, Executable::No)?;
            let placed = self.store.place_blob(&self.path, blob.id, Executable::No)?;
            self.placed = true;
            if placed == Placed::Now {
                self.store.note_whole(blob.id);
            }
        }
        Ok(())
    }
}

impl BlobWriter<'_, ContentHasher> {
    /// Puts what was written into the store.
    pub fn finish(mut self) -> Result<Content, StoreError> {
        let content = std::mem::take(&mut self.hasher).finish();
        self.place(StoredBlob { id: content.blob, size: content.size })?;
        self.store.remember_content(&content)?;
        Ok(content)
    }
}

impl BlobWriter<'_, BlobHasher> {
    /// Puts what was written into the store.
    pub fn finish(mut self) -> Result<StoredBlob, StoreError> {
        let stored = StoredBlob { id: self.hasher.id(), size: self.hasher.size() };
        self.place(stored)?;
        Ok(stored)
    }
}

impl<H: Hashing> Write for BlobWriter<'_, H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.take_in(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<H: Hashing> Drop for BlobWriter<'_, H> {
    fn drop(&mut self) {
        if !self.placed {
            // It is removed with the scratch folder otherwise.
            let _ = disk::remove_file(&self.path);
        }
    }
}

/// Reads a blob. The end of the bytes is only reported when they are those of the id; otherwise it
/// is an error whose source is [`StoreError::DamagedBlob`].
#[derive(Debug)]
pub struct BlobReader {
    id: BlobId,
    path: PathBuf,
    file: File,
    hasher: BlobHasher,
}

impl BlobReader {
    pub(crate) fn new(id: BlobId, path: PathBuf, file: File) -> Self {
        Self { id, path, file, hasher: BlobHasher::new() }
    }

    /// How many bytes the blob has.
    pub fn size(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().tried("look at", &self.path)?.len())
    }

    /// Reads all, before anything else was read, and gives the digests.
    pub(crate) fn into_content(mut self) -> Result<Content, StoreError> {
        let mut both = ContentHasher::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = self.file.read(&mut buffer).tried("read", &self.path)?;
            if count == 0 {
                let content = both.finish();
                self.check(content.blob)?;
                return Ok(content);
            }
            both.update(&buffer[..count]);
        }
    }

    fn check(&self, found: BlobId) -> Result<(), StoreError> {
        match found {
            found if found == self.id => Ok(()),
            found => Err(StoreError::DamagedBlob { id: self.id, path: self.path.clone(), found }),
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            self.check(self.hasher.id())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(count)
    }
}
