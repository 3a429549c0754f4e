//! A repository of a registry as the user's own place of pinned bytes.
//!
//! Every file is a blob, so that builds find it by its digest. What holds the blobs together, and
//! keeps the registry from collecting them, are manifests:
//!
//! | tag | what |
//! |---|---|
//! | `lock-HEX` (the first 12 digits of the SHA-256 of the lock), or the user's | the files of one lock, each a layer; of many thousands, an index of such manifests |
//! | `git-COMMIT` | a commit, one layer: its pack |

use crate::{
    FetchError, Fetcher, ImageReference, Pin, Registry, RegistryError,
    fetcher::Wanted,
    registry::{manifest::Manifest, push::Bytes},
    sink::StoreSink,
    transfer::Expected,
};
use groundup_digest::{BlobId, Sha256};
use groundup_store::{Store, StoreError};
use serde_json::json;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::atomic::AtomicBool,
};

/// Media types of what is pushed here.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BOTH: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
/// What the manifests of a lock call themselves.
const PINS: &str = "application/vnd.groundup.pins.v1";
/// What the manifest of a commit calls itself.
const PACK: &str = "application/vnd.groundup.git-pack.v1";
/// The configuration of what has none (OCI image specification 1.1).
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// Which lock a manifest is for.
const LOCK: &str = "org.groundup.lock";
/// So many layers stand in one manifest: registries refuse manifests of more than 4 MiB.
const MOST_LAYERS: usize = 8000;

/// One file that a lock pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layer {
    /// Digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// What it is.
    pub title: String,
}

/// A repository that is filled or looked at.
pub struct VendorRegistry<'a> {
    fetcher: &'a Fetcher,
    image: ImageReference,
    cancel: &'a AtomicBool,
}

/// Why a repository was not filled.
#[derive(Debug, thiserror::Error)]
pub enum VendorRegistryError {
    /// The registry does not answer, or not as it should.
    #[error("cannot use {image} to keep {what}")]
    Registry {
        /// The repository.
        image: String,
        /// What is to be kept.
        what: String,
        /// Why not.
        #[source]
        source: RegistryError,
    },
    /// The store does not give what is to be kept.
    #[error("cannot read {what} from the store")]
    Store {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// A file cannot be read.
    #[error("cannot read {what}")]
    Io {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl<'a> VendorRegistry<'a> {
    /// The repository `image`; without a tag, that of the lock counts.
    pub fn new(
        fetcher: &'a Fetcher,
        image: &ImageReference,
        lock: &str,
        cancel: &'a AtomicBool,
    ) -> Self {
        let digest = Sha256::of(lock.as_bytes()).to_string();
        let tag = image.tag().map_or_else(|| format!("lock-{}", &digest[..12]), str::to_owned);
        Self { fetcher, image: image.with_tag(&tag), cancel }
    }

    /// What it is, with the tag of the lock.
    pub fn image(&self) -> &ImageReference {
        &self.image
    }

    fn failed(&self, what: &str) -> impl Fn(RegistryError) -> VendorRegistryError {
        let (image, what) = (self.image.to_string(), what.to_owned());
        move |source| VendorRegistryError::Registry {
            image: image.clone(),
            what: what.clone(),
            source,
        }
    }

    fn registry(&self) -> Registry<'a> {
        Registry::pushing(self.fetcher)
    }

    /// Whether a file is there.
    pub fn has(&self, sha256: Sha256) -> Result<bool, VendorRegistryError> {
        let has = self.registry().has_blob(&self.image, sha256, self.cancel);
        has.map_err(self.failed(&sha256.to_string()))
    }

    /// Puts a blob of the store there.
    pub fn add(
        &self,
        store: &Store,
        blob: BlobId,
        layer: &Layer,
    ) -> Result<(), VendorRegistryError> {
        let open = || -> io::Result<Box<dyn Read + Send>> {
            let reader = store.open_blob(blob).map_err(io::Error::other)?;
            Ok(Box::new(reader))
        };
        let (sha256, size) = (layer.sha256, layer.size);
        self.push(&layer.title, &Bytes { sha256, size, open: &open })
    }

    fn push(&self, what: &str, bytes: &Bytes<'_>) -> Result<(), VendorRegistryError> {
        let pushed = self.registry().push_blob(&self.image, bytes, self.cancel);
        pushed.map_err(self.failed(what))
    }

    fn push_bytes(&self, what: &str, bytes: &[u8]) -> Result<Sha256, VendorRegistryError> {
        let (sha256, size) = (Sha256::of(bytes), bytes.len() as u64);
        if !self.has(sha256)? {
            let open = || -> io::Result<Box<dyn Read + Send>> {
                Ok(Box::new(io::Cursor::new(bytes.to_vec())))
            };
            self.push(what, &Bytes { sha256, size, open: &open })?;
        }
        Ok(sha256)
    }

    /// Whether the pack of a commit is there.
    pub fn has_pack(&self, commit: &str) -> Result<bool, VendorRegistryError> {
        let found = self.registry().manifest(&self.image, &pack_tag(commit), BOTH, self.cancel);
        Ok(found.map_err(self.failed(commit))?.is_some())
    }

    /// Puts the pack of a commit there, which its maker has checked.
    pub fn add_pack(&self, commit: &str, pack: &Path) -> Result<(), VendorRegistryError> {
        let what = format!("commit {commit}");
        let read = |source| VendorRegistryError::Io { what: what.clone(), source };
        let bytes = std::fs::read(pack).map_err(read)?;
        let (sha256, size) = (Sha256::of(&bytes), bytes.len() as u64);
        drop(bytes);
        let open = || -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(File::open(pack)?)) };
        self.push(&what, &Bytes { sha256, size, open: &open })?;
        let layer = Layer { sha256, size, title: format!("{commit}.pack") };
        let manifest = self.manifest_of(PACK, &[layer], "")?;
        self.push_manifest(&pack_tag(commit), MANIFEST, &manifest)
    }

    fn push_manifest(
        &self,
        name: &str,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<(), VendorRegistryError> {
        let registry = self.registry();
        let pushed = registry.push_manifest(&self.image, name, media_type, manifest, self.cancel);
        pushed.map_err(self.failed(&format!("the manifest {name}")))
    }

    /// Names the files of a lock, which are there; and the lock itself with them.
    pub fn finish(&self, lock: &str, layers: &[Layer]) -> Result<(), VendorRegistryError> {
        let mut all = layers.to_vec();
        all.sort();
        all.dedup_by_key(|layer| layer.sha256);
        let sha256 = self.push_bytes("the lock", lock.as_bytes())?;
        let (size, title) = (lock.len() as u64, "groundup.lock".to_owned());
        all.insert(0, Layer { sha256, size, title });
        let tag = self.image.tag().unwrap_or("latest");
        let digest = sha256.oci();
        if all.len() <= MOST_LAYERS {
            let manifest = self.manifest_of(PINS, &all, &digest)?;
            return self.push_manifest(tag, MANIFEST, &manifest);
        }
        let mut listed = Vec::new();
        for part in all.chunks(MOST_LAYERS) {
            let manifest = self.manifest_of(PINS, part, &digest)?;
            let name = Sha256::of(&manifest).oci();
            self.push_manifest(&name, MANIFEST, &manifest)?;
            let size = manifest.len();
            listed.push(json!({"mediaType": MANIFEST, "digest": name, "size": size}));
        }
        let index = json!({
            "schemaVersion": 2, "mediaType": INDEX, "artifactType": PINS, "manifests": listed,
            "annotations": {LOCK: digest},
        });
        self.push_manifest(tag, INDEX, index.to_string().as_bytes())
    }

    fn manifest_of(
        &self,
        kind: &str,
        layers: &[Layer],
        lock: &str,
    ) -> Result<Vec<u8>, VendorRegistryError> {
        let config = self.push_bytes("an empty configuration", EMPTY)?;
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| {
                json!({
                    "mediaType": "application/octet-stream",
                    "digest": layer.sha256.oci(),
                    "size": layer.size,
                    "annotations": {"org.opencontainers.image.title": layer.title},
                })
            })
            .collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": {"mediaType": EMPTY_TYPE, "digest": config.oci(), "size": EMPTY.len()},
            "layers": layers,
        });
        if !lock.is_empty() {
            manifest["annotations"] = json!({LOCK: lock});
        }
        Ok(manifest.to_string().into_bytes())
    }

    /// The files that are named for this very lock; nothing where it was not kept, or another is
    /// under its tag.
    pub fn kept(&self, lock: &str) -> Result<Option<Vec<(Sha256, u64)>>, VendorRegistryError> {
        let tag = self.image.tag().unwrap_or("latest").to_owned();
        let digest = Sha256::of(lock.as_bytes()).oci();
        let Some(bytes) = self.read_manifest(&tag)? else { return Ok(None) };
        let text: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if text["annotations"][LOCK] != digest.as_str() {
            return Ok(None);
        }
        let mut files = Vec::new();
        match Manifest::parse(&bytes) {
            Ok(Manifest::Image { layers, .. }) => files.extend(layers),
            Ok(Manifest::Index { manifests, .. }) => {
                for one in manifests {
                    let Ok(name) = one.sha256() else { return Ok(None) };
                    let part = self.read_manifest(&name.oci())?;
                    let Some(Ok(Manifest::Image { layers, .. })) =
                        part.as_deref().map(Manifest::parse)
                    else {
                        return Ok(None);
                    };
                    files.extend(layers);
                }
            }
            Err(_) => return Ok(None),
        }
        let files = files.iter().map(|one| Some((one.sha256().ok()?, one.size)));
        Ok(files.collect())
    }

    fn read_manifest(&self, name: &str) -> Result<Option<Vec<u8>>, VendorRegistryError> {
        let read = self.registry().manifest(&self.image, name, BOTH, self.cancel);
        read.map_err(self.failed(&format!("the manifest {name}")))
    }
}

fn pack_tag(commit: &str) -> String {
    format!("git-{commit}")
}

impl Fetcher {
    /// The pack of a commit in a repository of the user's own, as a blob of the store; what is not
    /// there, or cannot be asked, is nothing.
    pub(crate) fn pack_of_registry(
        &self,
        store: &Store,
        image: &ImageReference,
        commit: &str,
        cancel: &AtomicBool,
    ) -> Option<BlobId> {
        let registry = Registry::new(self);
        let bytes = registry.manifest(image, &pack_tag(commit), BOTH, cancel).ok()??;
        let Ok(Manifest::Image { layers, .. }) = Manifest::parse(&bytes) else { return None };
        let [layer] = layers.as_slice() else { return None };
        let (sha256, size) = (layer.sha256().ok()?, layer.size);
        let what = format!("commit {commit}");
        let pin = Pin { sha256, size, what: what.clone() };
        let location = registry.location(image, &format!("blobs/{}", sha256.oci())).ok()?;
        let fetched = registry.authorized(image, cancel, |authorization| {
            let wanted = Wanted {
                what: &what,
                expected: Expected::Pinned(pin.sha256, pin.size),
                locations: std::slice::from_ref(&location),
                headers: &[],
                authorization,
                progress: &|_| (),
                cancel,
            };
            let mut sink = StoreSink::new(store);
            let got = self.fetch(&wanted, &mut sink)?;
            got.ok_or(FetchError::NoLocation { what: what.clone() })
        });
        fetched.ok().map(|(content, ..)| content.blob)
    }
}
