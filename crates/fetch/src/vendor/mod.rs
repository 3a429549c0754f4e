//! The user's own places of pinned bytes: looked into before the network, filled and checked.
//!
//! A place is a directory or a repository of a registry; both go by SHA-256, so that what is in
//! them needs no index. The layout is documented in `docs/formats/vendor.md`.

mod directory;
mod image;
mod registry;

use crate::{
    Failure, FetchError, Fetcher, Location, LocationError, Offline, Pin, Registry, RegistryError,
    VendorPlace,
    fetcher::{Got, Skipped, Tried, Wanted},
    registry::ImageReference,
    sink::{Sink, StoreSink},
};
use groundup_digest::{BlobId, Sha256};
use groundup_store::Store;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

pub use directory::{Added, Found, Keep, Prunable, VendorDirectory, VendorError};
pub use image::ImagePart;
pub use registry::{Layer, VendorRegistry, VendorRegistryError};

/// Registries of the user's own that did not answer; they are not asked again.
#[derive(Default)]
pub(crate) struct Silent(Mutex<BTreeSet<String>>);

impl Silent {
    fn has(&self, host: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
    }

    fn add(&self, host: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
    }
}

/// Where the pack of a commit is in a vendor directory.
pub(crate) fn pack_path(commit: &str) -> String {
    format!("git/{commit}.pack")
}

impl Fetcher {
    /// The pinned bytes out of one of the user's own places, into the store.
    pub(crate) fn fetch_from_vendor(
        &self,
        store: &Store,
        pin: &Pin,
        wanted: &Wanted<'_>,
        tried: &mut Tried,
    ) -> Result<Option<BlobId>, FetchError> {
        let mut sink = StoreSink::new(store);
        let locations = self.vendored(pin);
        let local = Wanted { locations: &locations, authorization: None, ..*wanted };
        if let Some(Got::Whole { content, .. }) = self.try_locations(&local, &mut sink, tried)? {
            return Ok(Some(content.blob));
        }
        for place in &self.settings().vendor {
            let VendorPlace::Registry(image) = place else { continue };
            if self.settings().offline == Offline::Yes {
                tried.skipped = Skipped::Some;
            } else if !self.silent.has(&image.host)
                && let Some(blob) =
                    self.fetch_from_registry(image, pin.sha256, wanted, &mut sink, tried)?
            {
                return Ok(Some(blob));
            }
        }
        Ok(None)
    }

    fn fetch_from_registry(
        &self,
        image: &ImageReference,
        sha256: Sha256,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
        tried: &mut Tried,
    ) -> Result<Option<BlobId>, FetchError> {
        let registry = Registry::new(self);
        let Ok(location) = registry.location(image, &format!("blobs/{}", sha256.oci())) else {
            return Ok(None);
        };
        let got = registry.authorized(image, wanted.cancel, |authorization| {
            let locations = std::slice::from_ref(&location);
            let wanted = Wanted { locations, headers: &[], authorization, ..*wanted };
            self.fetch(&wanted, sink)
        });
        let failure = match got {
            Ok(Some((content, ..))) => return Ok(Some(content.blob)),
            Ok(None) => return Ok(None),
            Err(RegistryError::Fetch(FetchError::Failed { failure, .. })) => *failure,
            Err(RegistryError::Fetch(error)) => return Err(error),
            Err(error) => Failure { location, error: LocationError::Registry(Box::new(error)) },
        };
        if !failure.error.is_gone() {
            self.silent.add(&image.host);
        }
        tried.failures.push(failure);
        Ok(None)
    }

    /// Where vendor directories would have it: a file named by the digest, maybe below `sha256/`.
    pub(crate) fn vendored(&self, pin: &Pin) -> Vec<Location> {
        let name = pin.sha256.to_string();
        let directories = self.settings().vendor.iter().filter_map(VendorPlace::directory);
        let paths = directories.flat_map(|dir| [dir.join("sha256").join(&name), dir.join(&name)]);
        let there = paths.filter(|path| path.exists());
        there.filter_map(|path| Location::of_path(&path)).collect()
    }
}
