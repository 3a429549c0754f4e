//! What stands in the store's folders: blobs, check-outs, logs.

use crate::{Executable, LogName, Store, StoreError, disk, error::Tried};
use groundup_digest::{BlobId, TreeId};
use std::path::PathBuf;

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

impl Store {
    /// The files of all blobs, by id.
    pub(crate) fn blob_files(&self) -> Result<BlobFiles, StoreError> {
        let folder = self.path().join("blobs");
        let mut found = BlobFiles::default();
        for shard in disk::names(&folder)? {
            let folder = folder.join(&shard);
            if !folder.is_dir() {
                found.strange.push(folder);
                continue;
            }
            for name in disk::names(&folder)? {
                let path = folder.join(&name);
                let id = shard.to_str().zip(name.to_str()).and_then(|(shard, name)| {
                    let (rest, executable) = match name.strip_suffix(".x") {
                        Some(rest) => (rest, Executable::Yes),
                        None => (name, Executable::No),
                    };
                    let id = format!("{shard}{rest}").parse().ok()?;
                    Some((id, executable))
                        .filter(|(id, executable)| self.blob_file(*id, *executable) == path)
                });
                let Some((id, executable)) = id else {
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
        let folder = self.path().join("logs");
        let mut logs = Vec::new();
        for shard in disk::names(&folder)? {
            for name in disk::names(&folder.join(&shard))? {
                let path = folder.join(&shard).join(&name);
                let parsed = shard.to_str().zip(name.to_str()).and_then(|(shard, name)| {
                    format!("{shard}{}", name.strip_suffix(".zst")?).parse().ok()
                });
                if let Some(log) = parsed {
                    let size = path.symlink_metadata().tried("look at", &path)?.len();
                    logs.push((log, path, size));
                }
            }
        }
        Ok(logs)
    }
}
