//! Blobs: contents of files, each a file of its own named after its BLAKE3.
//!
//! `blobs/ab/cdef…` has mode 0644; the same bytes as an executable are `blobs/ab/cdef….x` with mode
//! 0755, an inode of its own, since check-outs link these inodes and an inode has one mode. Either
//! of the two makes the blob be there. Times are those of every file of a tree.

use crate::{
    Store, StoreError,
    blob_io::{BlobReader, BlobWriter, StoredBlob},
    disk::{self, Placed},
    error::Tried,
};
use groundup_digest::{BlobHasher, BlobId, Content, ObjectId};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Whether a file may be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Executable {
    /// Mode 0644.
    No,
    /// Mode 0755.
    Yes,
}

impl Executable {
    /// The permission bits of a blob's file.
    pub const fn mode(self) -> u32 {
        match self {
            Executable::No => 0o644,
            Executable::Yes => 0o755,
        }
    }
}

impl Store {
    /// Puts bytes into the store, and remembers both digests of them.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Content, StoreError> {
        let mut writer = self.blob_writer()?;
        writer.write_all(bytes).tried("write", writer.path().to_owned())?;
        writer.finish()
    }

    /// A writer for bytes whose id is known at their end.
    pub fn blob_writer(&self) -> Result<BlobWriter<'_>, StoreError> {
        self.writable("put a blob")?;
        BlobWriter::create(self)
    }

    /// Puts bytes into the store whose SHA-256 nobody is likely to ask for; nothing is written when
    /// they are there.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<StoredBlob, StoreError> {
        self.writable("put a blob")?;
        let stored = StoredBlob::of(bytes);
        self.session()?.add(&[ObjectId::Blob(stored.id)])?;
        if self.find_blob(stored.id)?.is_some() {
            return Ok(stored);
        }
        let path = self.scratch()?.fresh_path();
        let mut file = disk::create_file(&path)?;
        file.write_all(bytes).tried("write", &path)?;
        self.finish_file(&file, &path, Executable::No)?;
        self.place_blob(&path, stored.id, Executable::No)?;
        Ok(stored)
    }

    /// A writer for bytes whose SHA-256 nobody is likely to ask for.
    pub fn id_writer(&self) -> Result<BlobWriter<'_, BlobHasher>, StoreError> {
        self.writable("put a blob")?;
        BlobWriter::create(self)
    }

    /// Whether the blob's bytes are in the store.
    pub fn has_blob(&self, id: BlobId) -> Result<bool, StoreError> {
        Ok(self.find_blob(id)?.is_some())
    }

    /// The bytes of a blob, checked against its id.
    pub fn read_blob(&self, id: BlobId) -> Result<Vec<u8>, StoreError> {
        let (path, _) = self.find_blob(id)?.ok_or(StoreError::MissingBlob(id))?;
        let bytes = fs::read(&path).tried("read", &path)?;
        match BlobId::of(&bytes) {
            found if found == id => Ok(bytes),
            found => Err(StoreError::DamagedBlob { id, path, found }),
        }
    }

    /// A reader of a blob; the bytes are checked against the id at their end.
    pub fn open_blob(&self, id: BlobId) -> Result<BlobReader, StoreError> {
        let (path, _) = self.find_blob(id)?.ok_or(StoreError::MissingBlob(id))?;
        let file = File::open(&path).tried("open", &path)?;
        Ok(BlobReader::new(id, path, file))
    }

    /// The file of a blob in the mode asked for, which is made from the other when only that is
    /// there. The file is the store's: nobody may write to it.
    pub fn blob_path(&self, id: BlobId, executable: Executable) -> Result<PathBuf, StoreError> {
        let wanted = self.blob_file(id, executable);
        let (found, _) = self.find_blob(id)?.ok_or(StoreError::MissingBlob(id))?;
        if found == wanted || is_whole(&wanted, id)?.is_some() {
            return Ok(wanted);
        }
        self.writable("make the executable twin of a blob")?;
        let scratch = self.scratch()?.fresh_path();
        let from = File::open(&found).tried("open", &found)?;
        let to = disk::create_file(&scratch)?;
        disk::copy_bytes(&from, &to, &scratch)?;
        self.finish_file(&to, &scratch, executable)?;
        self.place_blob(&scratch, id, executable)?;
        Ok(wanted)
    }

    /// Takes a file that has been hashed into the store by moving it. The file has to be on the
    /// store's file system and must not change any more; where it cannot be moved as it is (it has
    /// other links or extended attributes), it is copied and removed.
    pub fn adopt_file(
        &self,
        file: &Path,
        blob: StoredBlob,
        executable: Executable,
    ) -> Result<(), StoreError> {
        self.writable("take in a file")?;
        self.session()?.add(&[ObjectId::Blob(blob.id)])?;
        if self.find_blob(blob.id)?.is_some_and(|(_, size)| size == blob.size) {
            return disk::remove_file(file);
        }
        let open =
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
        let opened = rustix::fs::open(file, open, rustix::fs::Mode::empty()).tried("open", file)?;
        let opened = File::from(opened);
        let metadata = opened.metadata().tried("look at", file)?;
        if metadata.len() != blob.size {
            let (path, expected) = (file.to_owned(), blob.size);
            return Err(StoreError::ChangedFile { path, expected, found: metadata.len() });
        }
        let owner = rustix::fs::Uid::from_raw(self.0.format.owner);
        let plain = metadata.nlink() == 1
            && (metadata.uid() == self.0.format.owner
                || rustix::fs::fchown(&opened, Some(owner), None).is_ok())
            && rustix::fs::flistxattr(&opened, &mut [0; 0][..]).is_ok_and(|length| length == 0);
        let placed = if plain {
            self.finish_file(&opened, file, executable)?;
            self.place_blob(file, blob.id, executable)?
        } else {
            let scratch = self.scratch()?.fresh_path();
            let copy = disk::create_file(&scratch)?;
            disk::copy_bytes(&opened, &copy, &scratch)?;
            self.finish_file(&copy, &scratch, executable)?;
            let placed = self.place_blob(&scratch, blob.id, executable)?;
            disk::remove_file(file)?;
            placed
        };
        if placed == Placed::Now {
            self.note_whole(blob.id);
        }
        Ok(())
    }

    /// Sets what every blob's file has: mode and time.
    pub(crate) fn finish_file(
        &self,
        file: &File,
        path: &Path,
        executable: Executable,
    ) -> Result<(), StoreError> {
        disk::set_mode(file, path, executable.mode())?;
        disk::set_file_time(file, path)
    }

    /// Moves a finished file to its place, or removes it when one of its size is there.
    pub(crate) fn place_blob(
        &self,
        from: &Path,
        id: BlobId,
        executable: Executable,
    ) -> Result<Placed, StoreError> {
        let to = self.blob_file(id, executable);
        if disk::place(from, &to)? == Placed::Before {
            let size = from.symlink_metadata().tried("look at", from)?.len();
            if is_whole(&to, id)? == Some(size) {
                return disk::remove_file(from).map(|()| Placed::Before);
            }
            fs::rename(from, &to).tried("move a file to", &to)?;
        }
        self.0.durability.wrote();
        Ok(Placed::Now)
    }

    /// Where the file of a blob stands, if it is there.
    pub(crate) fn blob_file(&self, id: BlobId, executable: Executable) -> PathBuf {
        let text = id.to_string();
        let (shard, rest) = text.split_at(2);
        let suffix = if executable == Executable::Yes { ".x" } else { "" };
        self.path().join("blobs").join(shard).join(format!("{rest}{suffix}"))
    }

    /// One of the files of a blob, and its size.
    pub(crate) fn find_blob(&self, id: BlobId) -> Result<Option<(PathBuf, u64)>, StoreError> {
        for executable in [Executable::No, Executable::Yes] {
            let path = self.blob_file(id, executable);
            if let Some(size) = is_whole(&path, id)? {
                return Ok(Some((path, size)));
            }
        }
        Ok(None)
    }
}

/// The size of a blob's file, if it is there. An empty file of a blob that is not empty is what a
/// crash of the machine leaves of a file that was never synced: it counts as missing.
fn is_whole(path: &Path, id: BlobId) -> Result<Option<u64>, StoreError> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.len() == 0 && id != BlobId::of(b"") => Ok(None),
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).tried("look at", path),
    }
}
