//! A file that stays its owner's, copied into the store.

use crate::{
    Store,
    error::{StoreError, Tried},
};
use groundup_digest::{Content, ObjectId};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Files up to this size are hashed in memory, and written only if the store lacks them.
const SMALL: u64 = 256 * 1024;

impl Store {
    /// Copies the content of `file`, from where it stands; `shown` is its path, for errors.
    pub(crate) fn put_file(&self, file: &File, shown: &Path) -> Result<Content, StoreError> {
        let mut start = Vec::new();
        file.take(SMALL + 1).read_to_end(&mut start).tried("read", shown)?;
        if start.len() as u64 <= SMALL {
            let content = Content::of(&start);
            self.session()?.add(&[ObjectId::Blob(content.blob)])?;
            if self.has_blob(content.blob)? {
                self.remember_content(&content)?;
                return Ok(content);
            }
            return self.put_blob(&start);
        }
        let mut writer = self.blob_writer()?;
        let (mut rest, mut buffer) = (file, start);
        loop {
            writer.write_all(&buffer).tried("write a copy of", shown)?;
            buffer.resize(128 * 1024, 0);
            let count = match rest.read(&mut buffer) {
                Ok(0) => return writer.finish(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
                count => count.tried("read", shown)?,
            };
            buffer.truncate(count);
        }
    }
}
