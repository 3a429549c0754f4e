//! Pinned inputs, got with the mirrors and the own places of this host and user.

mod gone;
mod places;

use crate::{context::Context, error::CliError};
use gone::Gone;
use groundup_build::Inputs;
use groundup_digest::{BlobId, Content, ObjectId, Sha256};
use groundup_fetch::{
    Fetcher, GitPin, ImagePin, ImagePlatform, ImageReference, LayoutFile, Location, Pin, Registry,
};
use groundup_plan::{Fetch, Location as PlanLocation};
use groundup_recipe::{Lock, Platform};
use groundup_store::{IngestOptions, Permissions, Store};
use groundup_tree::{FileTree, Node, TreePath};
use places::Places;
use std::{error::Error, sync::atomic::AtomicBool};

/// Gets pinned bytes from the user's own places, mirrors and other locations.
pub(crate) struct Remote<'a> {
    store: &'a Store,
    places: Places<'a>,
    fetcher: Fetcher,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<'a> Remote<'a> {
    /// A remote for a workspace; `lock` tells when its archives were as they are pinned.
    pub(crate) fn new(
        store: &'a Store,
        context: &'a Context,
        lock: &Lock,
    ) -> Result<Self, CliError> {
        let settings = context.settings()?;
        let fetcher = Fetcher::new(settings);
        let Context { home, loaded, .. } = context;
        let places = Places::new(home, &loaded.workspace.archives, lock);
        Ok(Self { store, places, fetcher })
    }

    /// What fetches.
    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// A file of known digest and size, into the store.
    pub(crate) fn file(
        &self,
        pin: &Pin,
        locations: &[PlanLocation],
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<BlobId, BoxError> {
        // What is in the store needs no mirror: a locked build may have none.
        if let Some(blob) = self.store.blob_by_sha256(pin.sha256, pin.size)? {
            return Ok(blob);
        }
        let mut places = Vec::new();
        let mut nowhere = None;
        for location in locations {
            match self.places.of(location, pin.sha256) {
                Ok(found) => places.extend(found),
                Err(error) => nowhere = Some(error),
            }
        }
        let vendor = !self.fetcher.settings().vendor.is_empty();
        if let (true, false, Some(error)) = (places.is_empty(), vendor, nowhere) {
            return Err(error);
        }
        let fetched = self.fetcher.fetch_pinned(self.store, pin, &places, progress, cancel);
        Ok(fetched.map_err(|error| Gone::or_error(error, &pin.what, locations))?)
    }

    /// The files of an image layout with the pinned image for some platforms.
    pub(crate) fn image(
        &self,
        reference: &str,
        pin: &ImagePin,
        platforms: &[Platform],
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<Vec<LayoutFile>, BoxError> {
        let image: ImageReference = format!("docker://{reference}").parse()?;
        let platforms: Vec<_> = platforms.iter().map(image_platform).collect();
        let registry = Registry::new(&self.fetcher);
        Ok(registry.fetch_image(self.store, &image, pin, &platforms, progress, cancel)?)
    }
}

/// A platform as OCI names it.
pub(crate) fn image_platform(platform: &Platform) -> ImagePlatform {
    ImagePlatform {
        os: "linux".to_owned(),
        architecture: platform.architecture().to_owned(),
        variant: None,
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
                let pin = Pin { sha256: *sha256, size: *size, what: what.to_owned() };
                Ok(ObjectId::Blob(self.file(&pin, locations, progress, cancel)?))
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
                let files = self.image(reference, &pin, platforms, progress, cancel)?;
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
        let places = self.places.in_archive(archive, path)?;
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
        let pin = Pin { sha256, size, what: what.to_owned() };
        let location = PlanLocation::Archive { archive: archive.to_owned(), path: path.to_owned() };
        self.file(&pin, &[location], &|_| {}, &NEVER)
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
