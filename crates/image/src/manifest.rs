//! Descriptors, manifests and indexes (OCI image spec), with maps that have an order.

use crate::Platform;
use groundup_digest::Content;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media types of what this crate writes.
pub mod media {
    /// An image manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An image index.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// An image configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// Configuration of an artifact with manifests of Kubernetes.
    pub const FLUX_CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
    /// Its layer, as Flux calls it.
    pub const FLUX_CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
    /// Docker's manifest, read only.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's index, read only.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
}

/// The annotation that names an image in a layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What one blob is: media type, digest, size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// How to read it.
    #[serde(default)]
    pub media_type: String,
    /// `sha256:` and 64 digits.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// For manifests in an index: what they are for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    /// The descriptor of a content.
    pub fn new(media_type: &str, content: &Content) -> Self {
        let digest = content.sha256.oci();
        Self {
            media_type: media_type.into(),
            digest,
            size: content.size,
            platform: None,
            annotations: None,
        }
    }
}

/// An image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Some writers leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    /// A manifest of an image.
    pub fn new(
        config: Descriptor,
        layers: Vec<Descriptor>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let annotations = Some(annotations).filter(|map| !map.is_empty());
        let media_type = Some(media::MANIFEST.into());
        Self { schema_version: 2, media_type, config, layers, annotations }
    }
}

/// Several manifests: one image for many platforms, or what a layout holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Some writers leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Index {
    /// An index of manifests.
    pub fn new(manifests: Vec<Descriptor>, annotations: BTreeMap<String, String>) -> Self {
        let annotations = Some(annotations).filter(|map| !map.is_empty());
        Self { schema_version: 2, media_type: Some(media::INDEX.into()), manifests, annotations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical_json;

    #[test]
    fn bytes_are_pinned_and_other_readers_understand_them() {
        let config = Descriptor::new(media::CONFIG, &Content::of(b"{}"));
        let annotations = BTreeMap::from([("b".into(), "1".into()), ("a".into(), "2".into())]);
        let manifest = Manifest::new(config.clone(), vec![config], annotations);
        let bytes = canonical_json(&manifest).unwrap();
        let descriptor = concat!(
            r#"{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","#,
            r#""mediaType":"application/vnd.oci.image.config.v1+json","size":2}"#
        );
        let expected = format!(
            r#"{{"annotations":{{"a":"2","b":"1"}},"config":{descriptor},"layers":[{descriptor}],"mediaType":"{}","schemaVersion":2}}"#,
            media::MANIFEST
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        oci_spec::image::ImageManifest::from_reader(&bytes[..]).unwrap();
        let index = Index::new(
            vec![Descriptor::new(media::MANIFEST, &Content::of(&bytes))],
            BTreeMap::new(),
        );
        let bytes = canonical_json(&index).unwrap();
        oci_spec::image::ImageIndex::from_reader(&bytes[..]).unwrap();
    }
}
