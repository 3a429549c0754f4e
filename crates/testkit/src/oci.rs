//! OCI image layouts, as small as they may be (image-spec 1.1).

use groundup_digest::Sha256;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A layer: a tar archive, and the bytes that stand for it in the layout.
#[derive(Clone, Debug)]
pub struct OciLayer {
    /// The archive.
    pub tar: Vec<u8>,
    /// The archive as it lies there, compressed or not.
    pub stored: Vec<u8>,
    /// The media type of what lies there.
    pub media_type: String,
}

impl OciLayer {
    /// A layer that is not compressed.
    pub fn plain(tar: Vec<u8>) -> Self {
        let media_type = "application/vnd.oci.image.layer.v1.tar".to_owned();
        Self { stored: tar.clone(), tar, media_type }
    }

    /// A layer compressed by `compress`; `kind` is `gzip` or `zstd`.
    pub fn compressed(tar: Vec<u8>, kind: &str, compress: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let media_type = format!("application/vnd.oci.image.layer.v1.tar+{kind}");
        Self { stored: compress(&tar), tar, media_type }
    }
}

/// An image for one platform.
#[derive(Clone, Debug)]
pub struct OciImage {
    /// The platform's architecture (`amd64`).
    pub architecture: String,
    /// The `config` object of the configuration.
    pub config: Value,
    /// The layers, lowest first.
    pub layers: Vec<OciLayer>,
}

impl OciImage {
    /// An image of these layers for amd64, with an empty configuration.
    pub fn new(layers: Vec<OciLayer>) -> Self {
        Self { architecture: "amd64".to_owned(), config: json!({}), layers }
    }

    /// Writes a layout with this image under a tag, and gives the digest of the manifest
    /// (`sha256:…`).
    pub fn write_layout(&self, folder: &Path, tag: &str) -> String {
        Self::write_index(&[self], folder, tag).remove(0)
    }

    /// Writes a layout whose index names one manifest for each image, all under one tag, and gives
    /// their digests.
    pub fn write_index(images: &[&OciImage], folder: &Path, tag: &str) -> Vec<String> {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        let manifests: Vec<Value> =
            images.iter().map(|image| image.write_manifest(folder, tag)).collect();
        let digests =
            manifests.iter().map(|one| one["digest"].as_str().unwrap().to_owned()).collect();
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        digests
    }

    fn write_manifest(&self, folder: &Path, tag: &str) -> Value {
        let layers: Vec<Value> =
            self.layers.iter().map(|layer| put(folder, &layer.media_type, &layer.stored)).collect();
        let diff_ids: Vec<String> =
            self.layers.iter().map(|layer| Sha256::of(&layer.tar).oci()).collect();
        let config = json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = put(folder, kind, config.to_string().as_bytes());
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers,
        });
        let mut descriptor = put(folder, kind, manifest.to_string().as_bytes());
        descriptor["platform"] = json!({ "architecture": self.architecture, "os": "linux" });
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        descriptor
    }
}

/// Writes a blob of the layout and gives its descriptor.
fn put(folder: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Sha256::of(bytes);
    fs::write(folder.join("blobs/sha256").join(digest.to_string()), bytes).unwrap();
    json!({ "mediaType": media_type, "digest": digest.oci(), "size": bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tar, TarEntry};

    #[test]
    fn a_layout_leads_from_its_index_to_its_layers() {
        let folder = tempfile::tempdir().unwrap();
        let tar = Tar::of(&[TarEntry::file("a", "x", 0o644)]);
        let image = OciImage::new(vec![OciLayer::plain(tar.clone())]);
        let digest = image.write_layout(folder.path(), "v1");
        let blob = |digest: &str| {
            let name = digest.strip_prefix("sha256:").unwrap();
            fs::read(folder.path().join("blobs/sha256").join(name)).unwrap()
        };
        let manifest: Value = serde_json::from_slice(&blob(&digest)).unwrap();
        assert_eq!(blob(manifest["layers"][0]["digest"].as_str().unwrap()), tar);
        let config = blob(manifest["config"]["digest"].as_str().unwrap());
        let config: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], Sha256::of(&tar).oci());
    }
}
