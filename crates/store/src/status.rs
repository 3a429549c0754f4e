//! How much is in the store, and how much room there is.

use crate::{Executable, Store, StoreError, disk, error::Tried, leases};
use std::{fmt, fs::Metadata, os::unix::fs::MetadataExt, path::Path};
use walkdir::WalkDir;

/// A number of things and their bytes on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Bytes of content.
    pub bytes: u64,
}

impl Total {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.count, self.bytes)
    }
}

/// What is in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Blobs.
    pub blobs: Total,
    /// Executable twins of blobs whose plain file is there too: bytes that are there twice.
    pub twins: Total,
    /// Trees; the bytes are those of all their directories.
    pub trees: Total,
    /// Keys with a result.
    pub results: Total,
    /// Keys that were seen with different outputs.
    pub unstable: u64,
    /// Step and build records.
    pub records: Total,
    /// Finished build logs.
    pub logs: Total,
    /// Check-outs; the bytes are those that are no blob's.
    pub checkouts: Total,
    /// Roots.
    pub roots: u64,
    /// Objects that living processes lease.
    pub leased: u64,
    /// Scratch of living processes.
    pub scratch: Total,
    /// The index.
    pub index_bytes: u64,
}

/// Room on the store's file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// What this process may still write.
    pub available: u64,
    /// The size of the file system.
    pub total: u64,
}

impl Store {
    /// Counts what is in the store.
    pub fn status(&self) -> Result<Status, StoreError> {
        let mut status = Status::default();
        let files = self.blob_files()?;
        for (index, file) in files.blobs.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| files.blobs[before].id);
            match file.executable {
                Executable::Yes if before == Some(file.id) => status.twins.add(file.size),
                _ => status.blobs.add(file.size),
            }
        }
        let counts = self.0.index.with("count in", |connection| {
            let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok([
                count("SELECT count(*) FROM trees WHERE kind = 2")?,
                count("SELECT count(*) FROM results WHERE forgotten = 0")?,
                count("SELECT count(DISTINCT key) FROM observed")?,
                count("SELECT count(*) FROM records")?,
            ]
            .map(|count| count as u64))
        })?;
        let [trees, results, unstable, records] = counts;
        status.trees = Total { count: trees, bytes: self.0.trees.size()? };
        status.results = Total { count: results, bytes: self.0.results.size()? };
        status.records = Total { count: records, bytes: self.0.records.size()? };
        status.unstable = unstable;
        for (_, _, size) in self.log_files()? {
            status.logs.add(size);
        }
        for (_, path) in self.checkout_folders()? {
            let own = |metadata: &Metadata| metadata.is_file() && metadata.nlink() == 1;
            status.checkouts.add(bytes_below(&path, own));
        }
        status.roots = disk::names(&self.path().join("roots"))?.len() as u64;
        status.leased = leases::leased(self.path())?.len() as u64;
        for name in disk::names(&self.path().join("tmp"))? {
            status.scratch.add(bytes_below(&self.path().join("tmp").join(name), Metadata::is_file));
        }
        status.index_bytes = bytes_below(&self.path().join("index"), Metadata::is_file);
        Ok(status)
    }

    /// How much room the store's file system has.
    pub fn free_space(&self) -> Result<FreeSpace, StoreError> {
        let room = rustix::fs::statvfs(self.path()).tried("look at the room of", self.path())?;
        let (available, total) = (room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize);
        Ok(FreeSpace { available, total })
    }
}

/// The sizes of files below `path`, as far as they can be seen: others change them meanwhile.
pub(crate) fn bytes_below(path: &Path, counts: impl Fn(&Metadata) -> bool) -> u64 {
    let entries = WalkDir::new(path).sort_by_file_name().into_iter().filter_map(Result::ok);
    let metadata = entries.filter_map(|entry| entry.metadata().ok());
    metadata.filter(counts).map(|metadata| metadata.len()).sum()
}
