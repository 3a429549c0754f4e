//! Fetch steps, performed with the mirrors of this host and user.

use crate::{context::Home, error::CliError};
use groundup_build::Inputs;
use groundup_digest::{BlobId, Content, ObjectId, Sha256};
use groundup_fetch::{
    ArchiveKind, ArchiveRef, Fetcher, GitPin, ImagePin, ImagePlatform, ImageReference, LayoutFile,
    Location, Pin, Registry, mirrors_for,
};
use groundup_plan::{Fetch, Location as PlanLocation};
use groundup_recipe::{Archive, Keyring, Workspace};
use groundup_store::{IngestOptions, Permissions, Store};
use groundup_tree::{FileTree, Node, TreePath};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, atomic::AtomicBool},
};

/// Gets pinned bytes from vendor directories, mirrors and other locations.
pub(crate) struct Remote<'a> {
    store: &'a Store,
    home: &'a Home,
    archives: &'a BTreeMap<String, Archive>,
    fetcher: Fetcher,
    /// Mirrors of an archive, found once.
    mirrors: Mutex<BTreeMap<String, Vec<Location>>>,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<'a> Remote<'a> {
    /// A remote with the settings of `home`.
    pub(crate) fn new(store: &'a Store, home: &'a Home, workspace: &'a Workspace) -> Self {
        let fetcher = Fetcher::new(home.settings.clone());
        let (archives, mirrors) = (&workspace.archives, Mutex::default());
        Self { store, home, archives, fetcher, mirrors }
    }

    /// The places of an archive, best first.
    pub(crate) fn mirrors(&self, archive: &str) -> Result<Vec<Location>, BoxError> {
        let mut mirrors = self.mirrors.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(found) = mirrors.get(archive) {
            return Ok(found.clone());
        }
        let declared = self.archives.get(archive).ok_or_else(|| {
            CliError::usage(format!("the lock names the archive `{archive}`, the recipes do not"))
                .to_string()
        })?;
        let kind = match declared.keyring {
            Keyring::Debian => ArchiveKind::of_debian_suite(&declared.suite),
            Keyring::File(_) => ArchiveKind::ThirdParty,
        };
        let reference = ArchiveRef {
            name: archive,
            suite: &declared.suite,
            kind,
            default_url: declared.url.as_ref().map(|url| url.value.as_str()),
        };
        let found = mirrors_for(&reference, &self.home.settings, &self.home.apt)?;
        mirrors.insert(archive.to_owned(), found.clone());
        Ok(found)
    }

    /// Where a file of an archive may be.
    pub(crate) fn in_archive(&self, archive: &str, path: &str) -> Result<Vec<Location>, BoxError> {
        let mirrors = self.mirrors(archive)?;
        Ok(mirrors.iter().map(|mirror| mirror.join(path)).collect::<Result<_, _>>()?)
    }

    fn places(&self, location: &PlanLocation) -> Result<Vec<Location>, BoxError> {
        match location {
            PlanLocation::Archive { archive, path } => self.in_archive(archive, path),
            PlanLocation::Url(url) => Ok(vec![Location::parse(url)?]),
        }
    }
}

impl Inputs for Remote<'_> {
    fn fetch(
        &self,
        fetch: &Fetch,
        what: &str,
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<ObjectId, BoxError> {
        match fetch {
            Fetch::File { sha256, size, locations } => {
                // What is in the store needs no mirror: a locked build may have none.
                if let Some(blob) = self.store.blob_by_sha256(*sha256, *size)? {
                    return Ok(ObjectId::Blob(blob));
                }
                let mut places = Vec::new();
                let mut nowhere = None;
                for location in locations {
                    match self.places(location) {
                        Ok(found) => places.extend(found),
                        Err(error) => nowhere = Some(error),
                    }
                }
                let vendor = !self.home.settings.vendor.is_empty();
                if let (true, false, Some(error)) = (places.is_empty(), vendor, nowhere) {
                    return Err(error);
                }
                let pin = Pin { sha256: *sha256, size: *size, what: what.to_owned() };
                let blob =
                    self.fetcher.fetch_pinned(self.store, &pin, &places, progress, cancel)?;
                Ok(ObjectId::Blob(blob))
            }
            Fetch::Git { commit, tree, url } => {
                let pin = GitPin { commit: commit.clone(), tree: tree.clone() };
                let checkout = self.fetcher.fetch_git(self.store, url, &pin, cancel)?;
                // Submodules are not fetched; their directories stay empty, as git leaves them.
                let options = IngestOptions { permissions: Permissions::Normal };
                Ok(ObjectId::Tree(self.store.ingest(checkout.path(), &options)?.id))
            }
            Fetch::Image { digest, size, media_type, platforms, reference } => {
                let (size, media_type) = (*size, media_type.clone());
                let pin = ImagePin { digest: *digest, size, media_type };
                let platforms: Vec<_> = platforms
                    .iter()
                    .map(|platform| ImagePlatform {
                        os: "linux".to_owned(),
                        architecture: platform.architecture().to_owned(),
                        variant: None,
                    })
                    .collect();
                let image: ImageReference = format!("docker://{reference}").parse()?;
                let files = Registry::new(&self.fetcher)
                    .fetch_image(self.store, &image, &pin, &platforms, progress, cancel)?;
                self.layout(files)
            }
        }
    }
}

impl Remote<'_> {
    /// The files of an image layout as a tree.
    fn layout(&self, files: Vec<LayoutFile>) -> Result<ObjectId, BoxError> {
        let mut tree = FileTree::new();
        for file in files {
            let size = self.store.content_of(file.blob)?.size;
            let path = TreePath::parse(file.path.as_bytes())?;
            tree.insert_with_parents(path, Node::file(file.blob, size, 0o644))?;
        }
        Ok(ObjectId::Tree(self.store.put_tree(&tree)?))
    }
}

/// What cannot be interrupted yet: locking is short and changes nothing until its end.
static NEVER: AtomicBool = AtomicBool::new(false);

impl groundup_lock::Remote for Remote<'_> {
    fn archive_file(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        limit: u64,
    ) -> Result<Vec<u8>, BoxError> {
        let places = self.in_archive(archive, path)?;
        Ok(self.fetcher.fetch_unpinned(what, &places, limit, &NEVER)?.bytes)
    }

    fn archive_pinned(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        sha256: Sha256,
        size: u64,
    ) -> Result<BlobId, BoxError> {
        if let Some(blob) = self.store.blob_by_sha256(sha256, size)? {
            return Ok(blob);
        }
        let places = self.in_archive(archive, path)?;
        let pin = Pin { sha256, size, what: what.to_owned() };
        Ok(self.fetcher.fetch_pinned(self.store, &pin, &places, &|_| {}, &NEVER)?)
    }

    fn url_new(&self, url: &str, limit: u64) -> Result<Content, BoxError> {
        let places = [Location::parse(url)?];
        Ok(self.fetcher.fetch_new(self.store, url, &places, limit, &|_| {}, &NEVER)?.0)
    }

    fn git_resolve(&self, url: &str, rev: &str) -> Result<GitPin, BoxError> {
        Ok(self.fetcher.resolve_git(self.store, url, rev, &NEVER)?)
    }

    fn image_resolve(&self, reference: &str) -> Result<ImagePin, BoxError> {
        let image: ImageReference = format!("docker://{reference}").parse()?;
        Ok(Registry::new(&self.fetcher).resolve(&image, &NEVER)?)
    }
}
