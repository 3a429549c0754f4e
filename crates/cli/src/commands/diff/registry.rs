//! Images in registries as sides of a comparison: documents first, and of the layers only those that
//! are opened.

use super::failed;
use crate::{
    error::{CliError, Kind},
    out,
};
use groundup_diff::{Found, Image, Layers, Platforms, World};
use groundup_digest::{BlobId, Sha256};
use groundup_fetch::{
    FetchError, Fetcher, ImagePlatform, ImageReference, LocationError, Registry, RegistryError,
    Settings,
};
use groundup_store::Store;
use std::{error::Error, sync::atomic::AtomicBool};

/// What is asked can be asked again: nothing is half done when it is interrupted.
static NEVER: AtomicBool = AtomicBool::new(false);

/// The registries that a comparison reads, with the user's credentials.
pub(super) struct Registries<'a> {
    fetcher: Fetcher,
    store: Option<&'a Store>,
}

impl<'a> Registries<'a> {
    pub(super) fn new(settings: Settings, store: Option<&'a Store>) -> Self {
        Self { fetcher: Fetcher::new(settings), store }
    }

    /// The image that a reference stands for now, without its layers.
    pub(super) fn find(
        &self,
        world: &World<'_>,
        image: &ImageReference,
        platforms: &Platforms,
    ) -> Result<Found, CliError> {
        let wanted = ImagePlatform {
            os: platforms.platform.os.clone(),
            architecture: platforms.platform.architecture.clone(),
            variant: platforms.platform.variant.clone(),
        };
        let Some(store) = self.store else {
            return Err(CliError::environment("there is no store for what a registry gives"));
        };
        let found = Registry::new(&self.fetcher).fetch_documents(store, image, &[wanted], &NEVER);
        let found = found.map_err(|error| told(image, &error))?;
        let documents: Vec<(String, BlobId)> =
            found.files.into_iter().map(|file| (file.path, file.blob)).collect();
        let name = image.to_string();
        let image = Image::elsewhere(world, &name, &documents, &found.layers, platforms);
        Ok(Found::Image(Box::new(image.map_err(|error| failed(&error))?)))
    }
}

impl Layers for Registries<'_> {
    fn layer(
        &self,
        image: &str,
        digest: &Sha256,
        size: u64,
    ) -> Result<BlobId, Box<dyn Error + Send + Sync>> {
        let image: ImageReference = image.parse()?;
        let store = self.store.ok_or("there is no store for what a registry gives")?;
        if store.blob_by_sha256(*digest, size)?.is_none() {
            out::say(format!("fetching a layer of {image}: {size} bytes"));
        }
        let registry = Registry::new(&self.fetcher);
        Ok(registry.fetch_layer(store, &image, (*digest, size), &|_| (), &NEVER)?)
    }
}

/// Why an image could not be had, with what to do about it.
fn told(image: &ImageReference, error: &RegistryError) -> CliError {
    let failure = match error {
        RegistryError::Fetch(FetchError::Failed { failure, .. }) => Some(&failure.error),
        _ => None,
    };
    let hint = match failure {
        Some(LocationError::NotFound { .. }) => {
            "the registry has no image of this name with this tag or digest"
        }
        Some(LocationError::Refused { .. }) => {
            "log in with `docker login`, or write `credentials` into the settings; some registries \
             say the same of images that are not there"
        }
        Some(LocationError::Http(_)) => {
            "is the name of the host right, and can this machine reach it? proxies are read from \
             the environment and the settings"
        }
        _ => return CliError::of(Kind::Environment, error),
    };
    let error =
        CliError::of(Kind::Environment, error).while_trying(format!("cannot compare {image}"));
    error.hint(hint)
}
