//! What stands in the store's folders: blobs, check-outs, logs.

use crate::{Executable, LogName, Store, StoreError, disk, error::Tried};
use groundup_digest::{BlobId, TreeId};
use std::path::{Path, PathBuf};

/// The file of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobFile {
    pub(crate) id: BlobId,
    pub(crate) executable: Executable,
    pub(crate) size: u64,
    pub(crate) path: PathBuf,
}

/// Files of blobs, and what else stands among them.
#[derive(Debug, Default)]
pub(crate) struct BlobFiles {
    pub(crate) blobs: Vec<BlobFile>,
    pub(crate) strange: Vec<PathBuf>,
}

/// The files of all blobs of the store at `store`, by id.
pub(crate) fn blob_files(store: &Path) -> Result<BlobFiles, StoreError> {
    let folder = store.join("blobs");
    let mut found = BlobFiles::default();
    for shard in disk::names(&folder)? {
        let folder = folder.join(&shard);
        if !folder.is_dir() {
            found.strange.push(folder);
            continue;
        }
        for name in disk::names(&folder)? {
            let path = folder.join(&name);
            let parsed = shard.to_str().zip(name.to_str());
            let Some((id, executable)) = parsed.and_then(|(shard, name)| blob_name(shard, name))
            else {
                found.strange.push(path);
                continue;
            };
            match path.symlink_metadata() {
                // It was collected meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Ok(metadata) if !metadata.is_file() => found.strange.push(path),
                metadata => {
                    let size = metadata.tried("look at", &path)?.len();
                    found.blobs.push(BlobFile { id, executable, size, path });
                }
            }
        }
    }
    Ok(found)
}

/// Which blob has a file of this name in this folder.
fn blob_name(shard: &str, name: &str) -> Option<(BlobId, Executable)> {
    let (rest, executable) = match name.strip_suffix(".x") {
        Some(rest) => (rest, Executable::Yes),
        None => (name, Executable::No),
    };
    let id = format!("{shard}{rest}").parse().ok()?;
    (shard.len() == 2).then_some((id, executable))
}

impl Store {
    /// The files of all blobs, by id.
    pub(crate) fn blob_files(&self) -> Result<BlobFiles, StoreError> {
        blob_files(self.path())
    }

    /// The check-outs, by the tree's id.
    pub(crate) fn checkout_folders(&self) -> Result<Vec<(TreeId, PathBuf)>, StoreError> {
        let folder = self.path().join("checkouts");
        let names = disk::names(&folder)?;
        let trees = names.iter().filter_map(|name| {
            let id = name.to_str()?.parse().ok()?;
            Some((id, folder.join(name)))
        });
        Ok(trees.collect())
    }

    /// The finished logs with their files and sizes.
    pub(crate) fn log_files(&self) -> Result<Vec<(LogName, PathBuf, u64)>, StoreError> {
        log_files(self.path())
    }
}

/// The finished logs of the store at `store`, with their files and sizes.
pub(crate) fn log_files(store: &Path) -> Result<Vec<(LogName, PathBuf, u64)>, StoreError> {
    let folder = store.join("logs");
    let mut logs = Vec::new();
    for shard in disk::names(&folder)? {
        for name in disk::names(&folder.join(&shard))? {
            let path = folder.join(&shard).join(&name);
            let parsed = shard.to_str().zip(name.to_str()).and_then(|(shard, name)| {
                format!("{shard}{}", name.strip_suffix(".zst")?).parse().ok()
            });
            if let Some(log) = parsed {
                match path.symlink_metadata() {
                    // It was collected meanwhile.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    metadata => {
                        logs.push((log, path.clone(), metadata.tried("look at", &path)?.len()))
                    }
                }
            }
        }
    }
    Ok(logs)
}
