//! A file that stays its owner's, copied into the store.

use crate::{
    Store, StoredBlob,
    error::{StoreError, Tried},
};
use groundup_digest::{BlobHasher, ObjectId};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

/// Files up to this size are held in memory; larger ones are read twice if the store lacks them.
const SMALL: u64 = 256 * 1024;

impl Store {
    /// Copies the content of `file` into the store, unless it is there; `shown` is its path, for
    /// errors. Nothing is written for what the store has, however large. `size` is what the file
    /// probably has; it saves reads.
    pub(crate) fn put_file(
        &self,
        file: &File,
        size: u64,
        shown: &Path,
    ) -> Result<StoredBlob, StoreError> {
        // One byte more, so that the end is seen without growing.
        let mut start = Vec::with_capacity(size.min(SMALL) as usize + 1);
        file.take(SMALL + 1).read_to_end(&mut start).tried("read", shown)?;
        if start.len() as u64 <= SMALL {
            return self.put_bytes(&start);
        }
        let mut hasher = BlobHasher::new();
        hasher.update(&start);
        each_part(file, start, shown, |part| {
            hasher.update(part);
            Ok(())
        })?;
        let id = hasher.id();
        self.session()?.add(&[ObjectId::Blob(id)])?;
        if self.has_blob(id)? {
            return Ok(StoredBlob { id, size: hasher.size() });
        }
        // What is copied counts, should the file change between the two readings.
        let mut again = file;
        again.rewind().tried("read", shown)?;
        let mut writer = self.id_writer()?;
        each_part(file, Vec::new(), shown, |part| {
            writer.write_all(part).tried("write a copy of", shown)
        })?;
        writer.finish()
    }
}

/// Reads what is left of a file, part by part.
fn each_part(
    mut file: &File,
    mut buffer: Vec<u8>,
    shown: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    buffer.resize(SMALL as usize, 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).tried("read", shown),
        }
    }
}
