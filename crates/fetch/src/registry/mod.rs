//! Images from registries (OCI distribution specification), each part checked by its digest.
//!
//! `lock` resolves a name to a digest; a build gets what the digest names, as the files of an image
//! layout. Plain http is spoken to this machine, and where the settings say so.

mod auth;
mod error;
pub(crate) mod manifest;
pub(crate) mod push;
mod reference;

use crate::{
    Credential, FetchError, Fetcher, Location, LocationError, Pin, fetcher::Wanted,
    location::is_loopback, sink::MemorySink, transfer::Expected,
};
use auth::{Challenge, TokenAnswer};
use groundup_digest::{BlobId, Sha256};
use groundup_store::{Store, StoreError};
use manifest::{ACCEPTED, Descriptor, Manifest};
use reqwest::{
    Url,
    header::{ACCEPT, HeaderName},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

pub use error::RegistryError;
pub use manifest::{ImagePlatform, ManifestError};
pub use reference::{ImageReference, ParseReferenceError};

/// The most bytes of a manifest, as the specification advises registries.
pub(crate) const MANIFEST_LIMIT: u64 = 4 << 20;
/// The most bytes of a token service's answer.
const TOKEN_LIMIT: u64 = 1 << 20;
/// How deep indexes may stand in indexes.
pub(crate) const DEPTH: u32 = 4;

/// Which image a name stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePin {
    /// Digest of its manifest or index.
    pub digest: Sha256,
    /// Bytes of that.
    pub size: u64,
    /// Media type of that.
    pub media_type: String,
}

/// One file of an image layout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayoutFile {
    /// Its path in the layout.
    pub path: String,
    /// Its content, which is in the store.
    pub blob: BlobId,
}

/// What an image is made of, without its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDocuments {
    /// The files of an image layout, but for layers; all are in the store.
    pub files: Vec<LayoutFile>,
    /// The layers, with the bytes of each.
    pub layers: BTreeMap<Sha256, u64>,
}

/// Reads registries, through a fetcher.
pub struct Registry<'a> {
    fetcher: &'a Fetcher,
    access: Access,
}

/// What a registry is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Pull,
    PullAndPush,
}

impl Access {
    /// As token services call it.
    fn actions(self) -> &'static str {
        match self {
            Access::Pull => "pull",
            Access::PullAndPush => "pull,push",
        }
    }
}

/// (host, repository, access) -> what a registry wants to see; nothing where it wants none.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<TokensByRepository>);

type TokensByRepository = BTreeMap<(String, String, Access), Option<Credential>>;

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, TokensByRepository> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One image that is being fetched.
struct Pull<'a> {
    store: &'a Store,
    image: &'a ImageReference,
    platforms: &'a [ImagePlatform],
    progress: &'a dyn Fn(u64),
    /// Bytes of the parts that are whole.
    done: Cell<u64>,
    /// The layers, where these are not fetched.
    named: Option<RefCell<BTreeMap<Sha256, u64>>>,
    cancel: &'a AtomicBool,
}

impl<'a> Registry<'a> {
    /// A reader of registries.
    pub fn new(fetcher: &'a Fetcher) -> Self {
        Self { fetcher, access: Access::Pull }
    }

    /// Which image the reference stands for now; a digest in it is checked. For `lock`, and for
    /// comparisons; a build has a pin.
    pub fn resolve(
        &self,
        image: &ImageReference,
        cancel: &AtomicBool,
    ) -> Result<ImagePin, RegistryError> {
        let location = self.location(image, &format!("manifests/{}", image.wanted()))?;
        let what = format!("manifest of {image}");
        let expected = Expected::AtMost(MANIFEST_LIMIT);
        let mut sink = MemorySink::default();
        self.authorized(image, cancel, |credential| {
            let headers = accept();
            let wanted = Wanted {
                what: &what,
                expected,
                locations: std::slice::from_ref(&location),
                headers: &headers,
                authorization: credential,
                progress: &|_| (),
                cancel,
            };
            self.fetcher.fetch(&wanted, &mut sink).map(drop)
        })?;
        let digest = Sha256::of(&sink.bytes);
        if let Some(expected) = image.digest.filter(|expected| *expected != digest) {
            let size = sink.bytes.len() as u64;
            let error = LocationError::WrongContent { expected, got: digest, size };
            let failure = Box::new(crate::Failure { location, error });
            return Err(FetchError::Failed { what, failure }.into());
        }
        let manifest = Manifest::parse(&sink.bytes);
        let manifest = manifest.map_err(|source| RegistryError::Manifest { what, source })?;
        let media_type = manifest.media_type().to_owned();
        Ok(ImagePin { digest, size: sink.bytes.len() as u64, media_type })
    }

    /// Gets the pinned image into the store: for each of `platforms`, or for all that it has where
    /// none are given. Gives the files of an image layout, sorted by path; its index names the pin.
    ///
    /// `progress` is told the number of bytes that are there, growing.
    pub fn fetch_image(
        &self,
        store: &Store,
        image: &ImageReference,
        pin: &ImagePin,
        platforms: &[ImagePlatform],
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<Vec<LayoutFile>, RegistryError> {
        let done = Cell::new(0);
        let pull = Pull { store, image, platforms, progress, done, named: None, cancel };
        self.pull(&pull, pin)
    }

    /// Gets the index, manifest and configuration of the image that a reference stands for now into
    /// the store, for each of `platforms`; of its layers, only which they are.
    pub fn fetch_documents(
        &self,
        store: &Store,
        image: &ImageReference,
        platforms: &[ImagePlatform],
        cancel: &AtomicBool,
    ) -> Result<ImageDocuments, RegistryError> {
        let pin = self.resolve(image, cancel)?;
        let (done, named, progress) = (Cell::new(0), Some(RefCell::default()), &|_| ());
        let pull = Pull { store, image, platforms, progress, done, named, cancel };
        let files = self.pull(&pull, &pin)?;
        let layers = pull.named.map(RefCell::into_inner).unwrap_or_default();
        Ok(ImageDocuments { files, layers })
    }

    /// Gets one layer of an image into the store.
    pub fn fetch_layer(
        &self,
        store: &Store,
        image: &ImageReference,
        (digest, size): (Sha256, u64),
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<BlobId, RegistryError> {
        let done = Cell::new(0);
        let pull = Pull { store, image, platforms: &[], progress, done, named: None, cancel };
        let what = format!("layer {} of {image}", digest.oci());
        self.pull_blob(&pull, "blobs", &what, digest, size, &mut BTreeMap::new())
    }

    fn pull(&self, pull: &Pull<'_>, pin: &ImagePin) -> Result<Vec<LayoutFile>, RegistryError> {
        let mut files = BTreeMap::new();
        self.pull_manifest(pull, pin.digest, pin.size, DEPTH, &mut files)?;
        let (media_type, digest, size) = (&pin.media_type, pin.digest.oci(), pin.size);
        let media_type = serde_json::Value::from(media_type.as_str());
        let index = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\
             \"manifests\":[{{\"mediaType\":{media_type},\"digest\":\"{digest}\",\"size\":{size}}}]}}"
        );
        let layout = "{\"imageLayoutVersion\":\"1.0.0\"}";
        for (path, text) in [("index.json", index.as_str()), ("oci-layout", layout)] {
            let content = pull.store.put_blob(text.as_bytes());
            let content = content.map_err(|source| pull.store_error(source))?;
            files.insert(path.to_owned(), content.blob);
        }
        Ok(files.into_iter().map(|(path, blob)| LayoutFile { path, blob }).collect())
    }

    fn pull_manifest(
        &self,
        pull: &Pull<'_>,
        digest: Sha256,
        size: u64,
        depth: u32,
        files: &mut BTreeMap<String, BlobId>,
    ) -> Result<(), RegistryError> {
        let image = pull.image;
        if depth == 0 {
            return Err(RegistryError::Depth { image: image.to_string() });
        }
        let what = format!("manifest {} of {image}", digest.oci());
        if size > MANIFEST_LIMIT {
            let (limit, location) = (MANIFEST_LIMIT, self.location(image, "manifests")?);
            let failure = crate::Failure { location, error: LocationError::TooLong { limit } };
            return Err(FetchError::Failed { what, failure: Box::new(failure) }.into());
        }
        let blob = self.pull_blob(pull, "manifests", &what, digest, size, files)?;
        let bytes = pull.store.read_blob(blob).map_err(|source| pull.store_error(source))?;
        let malformed = |source| RegistryError::Manifest { what: what.clone(), source };
        match Manifest::parse(&bytes).map_err(malformed)? {
            Manifest::Index { manifests, .. } => {
                for one in pull.chosen(&manifests)? {
                    let digest = one.sha256().map_err(malformed)?;
                    self.pull_manifest(pull, digest, one.size, depth - 1, files)?;
                }
            }
            Manifest::Image { config, layers, .. } => {
                for (index, part) in std::iter::once(&config).chain(&layers).enumerate() {
                    let digest = part.sha256().map_err(malformed)?;
                    if let (Some(named), 1..) = (&pull.named, index) {
                        named.borrow_mut().insert(digest, part.size);
                        continue;
                    }
                    let what = match index {
                        0 => format!("configuration of {image}"),
                        _ => format!("layer {index} of {} of {image}", layers.len()),
                    };
                    self.pull_blob(pull, "blobs", &what, digest, part.size, files)?;
                }
            }
        }
        Ok(())
    }

    fn pull_blob(
        &self,
        pull: &Pull<'_>,
        kind: &str,
        what: &str,
        sha256: Sha256,
        size: u64,
        files: &mut BTreeMap<String, BlobId>,
    ) -> Result<BlobId, RegistryError> {
        let pin = Pin { sha256, size, what: what.to_owned() };
        let before = pull.done.get();
        let progress = |bytes: u64| (pull.progress)(before + bytes);
        let location = self.location(pull.image, &format!("{kind}/{}", sha256.oci()))?;
        let headers = if kind == "manifests" { accept() } else { Vec::new() };
        // What is in the store, or in a place of the user's own, needs no token.
        let blob = match self.fetcher.fetch_kept(pull.store, &pin, &progress, pull.cancel)? {
            Some(blob) => blob,
            None => self.authorized(pull.image, pull.cancel, |authorization| {
                let wanted = Wanted {
                    what,
                    expected: Expected::Pinned(sha256, size),
                    locations: std::slice::from_ref(&location),
                    headers: &headers,
                    authorization,
                    progress: &progress,
                    cancel: pull.cancel,
                };
                self.fetcher.fetch_wanted(pull.store, &pin, &wanted)
            })?,
        };
        files.insert(format!("blobs/sha256/{sha256}"), blob);
        pull.done.set(before + size);
        Ok(blob)
    }

    /// Runs `get` with what the registry wants to see; once more with a new token if it was refused,
    /// since tokens live for minutes only.
    pub(crate) fn authorized<T>(
        &self,
        image: &ImageReference,
        cancel: &AtomicBool,
        mut get: impl FnMut(Option<&Credential>) -> Result<T, FetchError>,
    ) -> Result<T, RegistryError> {
        let key = (image.host.clone(), image.repository.clone(), self.access);
        let known = self.fetcher.tokens.lock().get(&key).cloned();
        if let Some(credential) = known {
            match get(credential.as_ref()) {
                Err(error) if challenge(&error).is_some() => {}
                other => return Ok(other?),
            }
        }
        let credential = self.credential(image, cancel)?;
        self.fetcher.tokens.lock().insert(key, credential.clone());
        Ok(get(credential.as_ref())?)
    }

    /// Asks the registry what it wants to see, and a token service for a token if so.
    fn credential(
        &self,
        image: &ImageReference,
        cancel: &AtomicBool,
    ) -> Result<Option<Credential>, RegistryError> {
        let host = || image.host.clone();
        let top = self.top(image)?;
        let own = self.fetcher.settings().credentials.of_registry(top.url()).cloned();
        let what = format!("access to registry {}", image.host);
        let asked =
            self.fetcher.fetch_unpinned(&what, std::slice::from_ref(&top), TOKEN_LIMIT, cancel);
        let header = match asked {
            Ok(_) => return Ok(own),
            Err(error) => match challenge(&error) {
                Some(header) => header.to_owned(),
                None => return Err(error.into()),
            },
        };
        let (realm, service) = match (auth::parse(&header), own) {
            (Some(Challenge::Basic), Some(own)) => return Ok(Some(own)),
            (Some(Challenge::Basic), None) => {
                return Err(RegistryError::NoCredential { host: host() });
            }
            (Some(Challenge::Bearer { .. }), Some(Credential::Token(token))) => {
                return Ok(Some(Credential::Token(token)));
            }
            (Some(Challenge::Bearer { realm, service }), _) => (realm, service),
            (None, _) => return Err(RegistryError::Challenge { host: host(), challenge: header }),
        };
        let unsafe_realm = || RegistryError::Realm { host: host(), realm: realm.clone() };
        let mut url = Url::parse(&realm).map_err(|_| unsafe_realm())?;
        let plain =
            url.scheme() == "http" && (is_loopback(&url) || self.is_insecure(url.authority()));
        if url.scheme() != "https" && !plain {
            return Err(unsafe_realm());
        }
        let scope = format!("repository:{}:{}", image.repository, self.access.actions());
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", &service);
        }
        url.query_pairs_mut().append_pair("scope", &scope);
        let own = self.fetcher.settings().credentials.of_registry(top.url());
        let location = Location::from_url(url).map_err(|_| unsafe_realm())?;
        let mut sink = MemorySink::default();
        let wanted = Wanted {
            what: &what,
            expected: Expected::AtMost(TOKEN_LIMIT),
            locations: &[location],
            headers: &[],
            authorization: own,
            progress: &|_| (),
            cancel,
        };
        self.fetcher.fetch(&wanted, &mut sink)?;
        let answer: TokenAnswer = serde_json::from_slice(&sink.bytes)
            .map_err(|source| RegistryError::Token { host: host(), source: Some(source) })?;
        let token = answer.token().ok_or(RegistryError::Token { host: host(), source: None })?;
        Ok(Some(Credential::Token(token)))
    }

    fn top(&self, image: &ImageReference) -> Result<Location, RegistryError> {
        let host = &image.host;
        let failed = |source| RegistryError::Host { image: image.to_string(), source };
        let plain = Location::parse(&format!("http://{host}/v2/")).map_err(failed)?;
        if is_loopback(plain.url()) || self.is_insecure(host) {
            return Ok(plain);
        }
        Location::parse(&format!("https://{host}/v2/")).map_err(failed)
    }

    fn is_insecure(&self, host: &str) -> bool {
        self.fetcher.settings().insecure_registries.iter().any(|listed| listed == host)
    }

    pub(crate) fn location(
        &self,
        image: &ImageReference,
        path: &str,
    ) -> Result<Location, RegistryError> {
        let joined = self.top(image)?.join(&format!("{}/{path}", image.repository));
        joined.map_err(|source| RegistryError::Host { image: image.to_string(), source })
    }
}

impl Pull<'_> {
    fn store_error(&self, source: StoreError) -> RegistryError {
        RegistryError::Store { image: self.image.to_string(), source }
    }

    /// The images of an index that are wanted.
    fn chosen<'a>(&self, all: &'a [Descriptor]) -> Result<Vec<&'a Descriptor>, RegistryError> {
        if self.platforms.is_empty() {
            return Ok(all.iter().collect());
        }
        let mut chosen = Vec::new();
        for wanted in self.platforms {
            let fits = |one: &&Descriptor| one.platform.as_ref().is_some_and(|p| p.fits(wanted));
            let Some(one) = all.iter().find(fits) else {
                let found = all.iter().filter_map(|one| Some(one.platform.as_ref()?.to_string()));
                let (image, wanted) = (self.image.to_string(), wanted.to_string());
                return Err(RegistryError::Platform { image, wanted, found: found.collect() });
            };
            chosen.push(one);
        }
        Ok(chosen)
    }
}

fn accept() -> Vec<(HeaderName, String)> {
    vec![(ACCEPT, ACCEPTED.to_owned())]
}

/// What a refused request was told about how to ask.
fn challenge(error: &FetchError) -> Option<&str> {
    match error {
        FetchError::Failed { failure, .. } => match &failure.error {
            LocationError::Refused { status: 401, challenge, .. } => challenge.as_deref(),
            _ => None,
        },
        _ => None,
    }
}

/// How many parts a manifest or an index names, for the fuzz targets.
pub(crate) fn parts_of_manifest(bytes: &[u8]) -> Result<usize, ManifestError> {
    let descriptors = match Manifest::parse(bytes)? {
        Manifest::Index { manifests, .. } => manifests,
        Manifest::Image { config, mut layers, .. } => {
            layers.push(config);
            layers
        }
    };
    descriptors.iter().try_fold(0, |count, descriptor| descriptor.sha256().map(|_| count + 1))
}

/// The realm of a challenge that names one, for the fuzz targets.
pub(crate) fn realm_of_challenge(header: &str) -> Option<String> {
    match auth::parse(header)? {
        Challenge::Bearer { realm, .. } => Some(realm),
        Challenge::Basic => None,
    }
}
