//! Where fetched bytes go: a blob of the store, or memory.

use groundup_digest::{Content, ContentHasher};
use groundup_store::{BlobWriter, Store, StoreError};
use std::io::{self, Write};

/// Takes bytes in, and can start over.
pub(crate) trait Sink {
    /// Forgets all bytes that it took.
    fn start_over(&mut self) -> Result<(), StoreError>;
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// What the bytes taken are; they are kept, and the sink is empty again.
    fn finish(&mut self) -> Result<Content, StoreError>;
}

/// Bytes on their way into the store.
pub(crate) struct StoreSink<'a> {
    store: &'a Store,
    writer: Option<BlobWriter<'a>>,
}

impl<'a> StoreSink<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, writer: None }
    }

    fn take(&mut self) -> Result<BlobWriter<'a>, StoreError> {
        self.writer.take().map_or_else(|| self.store.blob_writer(), Ok)
    }
}

impl Sink for StoreSink<'_> {
    fn start_over(&mut self) -> Result<(), StoreError> {
        self.writer = None;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut writer = self.take().map_err(io::Error::other)?;
        let written = writer.write_all(bytes);
        self.writer = Some(writer);
        written
    }

    fn finish(&mut self) -> Result<Content, StoreError> {
        self.take()?.finish()
    }
}

/// Bytes kept in memory.
#[derive(Default)]
pub(crate) struct MemorySink {
    pub(crate) bytes: Vec<u8>,
    hasher: ContentHasher,
}

impl Sink for MemorySink {
    fn start_over(&mut self) -> Result<(), StoreError> {
        *self = Self::default();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        self.hasher.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<Content, StoreError> {
        Ok(std::mem::take(&mut self.hasher).finish())
    }
}
