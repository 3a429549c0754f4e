//! The parts of a pinned image that a vendor directory has to have: manifests, configurations,
//! layers.

use super::VendorDirectory;
use crate::registry::{
    DEPTH, ImagePin, ImagePlatform, MANIFEST_LIMIT,
    manifest::{Descriptor, Manifest},
};
use groundup_digest::Sha256;
use std::collections::BTreeMap;

/// A part of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePart {
    /// Digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
}

impl VendorDirectory {
    /// The parts of an image for these platforms, or for all that it has where none are given, each
    /// once, as far as the manifests that are there tell. A manifest that is not there is a part
    /// whose own parts are not known.
    pub fn image_parts(&self, pin: &ImagePin, platforms: &[ImagePlatform]) -> Vec<ImagePart> {
        let mut parts = BTreeMap::new();
        self.add_parts(pin.digest, pin.size, platforms, DEPTH, &mut parts);
        parts.into_iter().map(|(sha256, size)| ImagePart { sha256, size }).collect()
    }

    fn add_parts(
        &self,
        digest: Sha256,
        size: u64,
        platforms: &[ImagePlatform],
        depth: u32,
        parts: &mut BTreeMap<Sha256, u64>,
    ) {
        parts.insert(digest, size);
        let bytes = self.small(digest, MANIFEST_LIMIT);
        let Some(Ok(manifest)) = bytes.map(|bytes| Manifest::parse(&bytes)) else { return };
        let wanted = |one: &Descriptor| {
            let fits =
                |platform: &ImagePlatform| platforms.iter().any(|wanted| platform.fits(wanted));
            platforms.is_empty() || one.platform.as_ref().is_some_and(fits)
        };
        match manifest {
            Manifest::Index { manifests, .. } => {
                for one in manifests.iter().filter(|one| wanted(one) && depth > 0) {
                    if let Ok(sha256) = one.sha256() {
                        self.add_parts(sha256, one.size, platforms, depth - 1, parts);
                    }
                }
            }
            Manifest::Image { config, layers, .. } => {
                for one in std::iter::once(&config).chain(&layers) {
                    parts.extend(one.sha256().ok().map(|sha256| (sha256, one.size)));
                }
            }
        }
    }
}
