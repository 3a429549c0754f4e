//! Writing a blob whose id is known at its end, and reading one with its id checked at its end.

use crate::{Executable, Store, StoreError, disk, error::Tried};
use groundup_digest::{BlobId, Content, ContentHasher, ObjectId};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Takes the bytes of a blob; they are discarded unless [`BlobWriter::finish`] is called.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    store: &'a Store,
    path: PathBuf,
    file: File,
    hasher: ContentHasher,
    placed: bool,
}

impl<'a> BlobWriter<'a> {
    pub(crate) fn create(store: &'a Store) -> Result<Self, StoreError> {
        let path = store.scratch()?.fresh_path();
        let file = disk::create_file(&path)?;
        Ok(Self { store, path, file, hasher: ContentHasher::new(), placed: false })
    }

    /// The scratch file, for errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what was written into the store.
    pub fn finish(mut self) -> Result<Content, StoreError> {
        let content = std::mem::take(&mut self.hasher).finish();
        self.store.session()?.add(&[ObjectId::Blob(content.blob)])?;
        if self.store.find_blob(content.blob)?.is_none() {
            self.store.finish_file(&self.file, &self.path, Executable::No)?;
            self.store.place_blob(&self.path, content.blob, Executable::No)?;
            self.placed = true;
        }
        self.store.remember_content(&content)?;
        Ok(content)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter<'_> {
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
    hasher: ContentHasher,
}

impl BlobReader {
    pub(crate) fn new(id: BlobId, path: PathBuf, file: File) -> Self {
        Self { id, path, file, hasher: ContentHasher::new() }
    }

    /// How many bytes the blob has.
    pub fn size(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().tried("look at", &self.path)?.len())
    }

    /// Reads the rest and gives the digests of all.
    pub(crate) fn into_content(mut self) -> Result<Content, StoreError> {
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = self.file.read(&mut buffer).tried("read", &self.path)?;
            if count == 0 {
                self.check()?;
                return Ok(self.hasher.finish());
            }
            self.hasher.update(&buffer[..count]);
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.hasher.clone().finish().blob {
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
            self.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(count)
    }
}
