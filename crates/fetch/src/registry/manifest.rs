//! What is read of manifests and indexes: the descriptors of what they name.

use groundup_digest::Sha256;
use serde::Deserialize;

/// Media types that a registry may answer with.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A platform, as OCI names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct ImagePlatform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, …; where none is asked for, any will do.
    #[serde(default)]
    pub variant: Option<String>,
}

impl ImagePlatform {
    pub(crate) fn fits(&self, wanted: &ImagePlatform) -> bool {
        let variant = wanted.variant.is_none() || wanted.variant == self.variant;
        self.os == wanted.os && self.architecture == wanted.architecture && variant
    }
}

impl std::fmt::Display for ImagePlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// A manifest or an index.
pub(crate) enum Manifest {
    Index { media_type: String, manifests: Vec<Descriptor> },
    Image { media_type: String, config: Descriptor, layers: Vec<Descriptor> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[allow(
        dead_code,
        reason = "required by the specification, so that a descriptor without it is refused"
    )]
    media_type: String,
    digest: String,
    pub(crate) size: u64,
    pub(crate) platform: Option<ImagePlatform>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or a field is missing.
    #[error("it is not a manifest")]
    Json(#[source] serde_json::Error),
    /// Neither an image nor an index of schema 2.
    #[error("it is neither an OCI or Docker (schema 2) image nor an index of images")]
    Kind,
    /// A digest is of another kind.
    #[error("it names the digest `{0}`; only sha256 digests are supported")]
    Digest(String),
}

impl Manifest {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let text: Text = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        match text {
            Text { schema_version: 2, media_type, manifests: Some(manifests), .. } => {
                let media_type = media_type.unwrap_or_else(|| INDEX.to_owned());
                Ok(Manifest::Index { media_type, manifests })
            }
            Text {
                schema_version: 2,
                media_type,
                config: Some(config),
                layers: Some(layers),
                ..
            } => {
                let media_type = media_type.unwrap_or_else(|| MANIFEST.to_owned());
                Ok(Manifest::Image { media_type, config, layers })
            }
            _ => Err(ManifestError::Kind),
        }
    }

    pub(crate) fn media_type(&self) -> &str {
        match self {
            Manifest::Index { media_type, .. } | Manifest::Image { media_type, .. } => media_type,
        }
    }
}

impl Descriptor {
    pub(crate) fn sha256(&self) -> Result<Sha256, ManifestError> {
        let hex = self.digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        hex.ok_or_else(|| ManifestError::Digest(self.digest.clone()))
    }
}
