//! Where the contents of an archive's files go while it is read.

use groundup_digest::BlobHasher;
use groundup_store::{Store, StoreError, StoredBlob};
use std::io::{self, Read};

/// In pieces of how many bytes larger files are written.
const PIECE: usize = 256 << 10;

/// Takes the contents of files; a store is one, and [`Forgotten`] another.
pub trait Contents: Sync {
    /// Takes a content that is in memory.
    fn put(&self, bytes: &[u8]) -> Result<StoredBlob, StoreError>;
    /// Takes a content that is read while it is taken.
    fn put_stream(&self, content: &mut dyn Read) -> Result<StoredBlob, PutError>;
}

/// Why a content that is being read cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It cannot be read.
    #[error("cannot read the content")]
    Read(#[source] io::Error),
    /// It cannot be kept.
    #[error("cannot keep the content")]
    Store(#[source] StoreError),
}

impl Contents for Store {
    fn put(&self, bytes: &[u8]) -> Result<StoredBlob, StoreError> {
        self.put_bytes(bytes)
    }

    fn put_stream(&self, content: &mut dyn Read) -> Result<StoredBlob, PutError> {
        let writer = self.id_writer().map_err(PutError::Store)?;
        let mut writer = io::BufWriter::with_capacity(PIECE, writer);
        io::copy(content, &mut writer).map_err(PutError::Read)?;
        let writer = writer.into_inner().map_err(|error| PutError::Read(error.into_error()))?;
        writer.finish().map_err(PutError::Store)
    }
}

/// Hashes contents and keeps none of them: to know what an archive holds without a store.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgotten;

impl Contents for Forgotten {
    fn put(&self, bytes: &[u8]) -> Result<StoredBlob, StoreError> {
        Ok(StoredBlob::of(bytes))
    }

    fn put_stream(&self, content: &mut dyn Read) -> Result<StoredBlob, PutError> {
        let mut hasher = BlobHasher::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(StoredBlob { id: hasher.id(), size: hasher.size() }),
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PutError::Read(error)),
            }
        }
    }
}
