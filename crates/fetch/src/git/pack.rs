//! One commit with its files as a pack of git's, to be kept by the user.
//!
//! Git names everything in a pack by its hash, so a pack needs no digest of its own: unpacked, it
//! has the pinned commit and tree whole, or it does not count. Parents of the commit are not in it.

use super::{GitCheckout, GitError, GitPin, Repository, is_commit};
use crate::{Fetcher, Offline, VendorPlace, vendor};
use groundup_digest::BlobId;
use groundup_store::{Store, TempDir};
use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// A pack on disk; a fetched one is removed when this is dropped.
#[derive(Debug)]
pub struct GitPack {
    path: PathBuf,
    _scratch: Option<TempDir>,
}

impl GitPack {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of_user(path: PathBuf) -> Self {
        Self { path, _scratch: None }
    }

    /// A pack that is in the store, as a file.
    fn of_blob(store: &Store, blob: BlobId, commit: &str) -> Result<Self, GitError> {
        let failed = |source| GitError::Store { url: format!("commit {commit}"), source };
        let mut reader = store.open_blob(blob).map_err(failed)?;
        let scratch = store.tmp_dir().map_err(failed)?;
        let path = scratch.path().join("pack");
        let copied = File::create(&path).and_then(|mut file| io::copy(&mut reader, &mut file));
        copied.map_err(|source| GitError::Io { action: "write", path: path.clone(), source })?;
        Ok(Self { path, _scratch: Some(scratch) })
    }
}

impl Fetcher {
    /// A pack of the pinned commit, made of what `url` has. For the user's own places.
    pub fn pack_git(
        &self,
        store: &Store,
        url: &str,
        pin: &GitPin,
        cancel: &AtomicBool,
    ) -> Result<GitPack, GitError> {
        if !is_commit(&pin.commit) {
            return Err(GitError::NotCommit(pin.commit.clone()));
        }
        let repository = self.repository_of(store, url, pin, cancel)?;
        let (list, pack) = (repository.dir.path().join("list"), repository.dir.path().join("pack"));
        let arguments = ["rev-list", "--objects", "--max-count=1", &pin.commit];
        repository.run_with("list the objects of", &arguments, None, &list)?;
        let arguments = ["pack-objects", "--quiet", "--threads=1", "--stdout"];
        repository.run_with("pack", &arguments, Some(&list), &pack)?;
        Ok(GitPack { path: pack, _scratch: Some(repository.dir) })
    }

    /// Reads a pack and checks that it has the pinned commit with all its files.
    pub fn check_pack(
        &self,
        store: &Store,
        pack: &Path,
        pin: &GitPin,
        cancel: &AtomicBool,
    ) -> Result<GitCheckout, GitError> {
        let repository = Repository::create(self, store, "a pack", &pin.commit, cancel)?;
        repository.unpack(pack)?;
        repository.check(pin)?;
        repository.export(pin.clone())
    }

    /// The pack of a commit in one of the user's own places.
    pub(super) fn vendored_pack(
        &self,
        store: &Store,
        commit: &str,
        cancel: &AtomicBool,
    ) -> Result<Option<GitPack>, GitError> {
        let directories = self.settings().vendor.iter().filter_map(|place| place.directory());
        let mut paths = directories.map(|dir| dir.join(vendor::pack_path(commit)));
        if let Some(path) = paths.find(|path| path.exists()) {
            return Ok(Some(GitPack::of_user(path)));
        }
        for place in &self.settings().vendor {
            let VendorPlace::Registry(image) = place else { continue };
            if self.settings().offline == Offline::No
                && let Some(blob) = self.pack_of_registry(store, image, commit, cancel)
            {
                return GitPack::of_blob(store, blob, commit).map(Some);
            }
        }
        Ok(None)
    }
}

impl Repository<'_> {
    /// Takes in all objects of a pack.
    pub(super) fn unpack(&self, pack: &Path) -> Result<(), GitError> {
        let out = self.dir.path().join("out");
        let arguments: [&OsStr; 2] = ["index-pack".as_ref(), "--stdin".as_ref()];
        self.run_with("read a pack of", &arguments, Some(pack), &out)
    }
}
