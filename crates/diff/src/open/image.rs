//! An image that others packed: its documents, and which layers it has. No layer is read.

use super::files::{At, Files};
use crate::{DiffError, Part, Platforms, World, world::Held};
use groundup_digest::{BlobId, Content, Sha256};
use groundup_image::{
    BaseError, Compression, Descriptor, ImageConfig, Layout, LayoutError, Manifest, Objects,
    Selection, canonical_json, media, resolve,
};
use groundup_tree::{FileTree, Kind, TreePath};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The most bytes of a document.
pub(super) const DOCUMENT: u64 = 8 << 20;

/// An image whose layers were not read yet.
pub struct Image {
    pub(super) name: String,
    /// What it was read from, for errors.
    pub(super) path: PathBuf,
    /// Configuration and manifest.
    pub(super) parts: Vec<(String, Part)>,
    /// The lowest first.
    pub(super) layers: Vec<Layer>,
}

/// One layer, not read yet.
#[derive(Clone)]
pub(super) struct Layer {
    /// Of its bytes as they stand, which is how it is known.
    pub(super) digest: Sha256,
    /// Of what it unpacks to.
    pub(super) diff_id: Sha256,
    pub(super) size: u64,
    pub(super) at: At,
}

/// Files of layers that were looked into.
type Known = BTreeMap<BlobId, (Sha256, Compression)>;

/// Documents and layers.
type Opened = (Vec<(String, Part)>, Vec<Layer>);

/// One entry of the `manifest.json` that `docker save` writes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

/// Whether a `manifest.json` is of that form.
pub(super) fn is_saved(text: &[u8]) -> bool {
    serde_json::from_slice::<Vec<Saved>>(text).is_ok_and(|saved| !saved.is_empty())
}

impl Image {
    /// The image of a layout or of an archive that `docker save` wrote.
    pub(super) fn of_files(
        world: &World<'_>,
        files: Files<'_>,
        path: &Path,
        name: &str,
        platforms: &Platforms,
    ) -> Result<Self, DiffError> {
        let has = |name: &str| files.tree.has(&super::at(name));
        let found = match (has("oci-layout"), has("manifest.json")) {
            (true, _) => Self::of_layout(world, &files, platforms),
            (false, true) => Self::of_docker(world, &files, platforms),
            (false, false) => Err(BaseError::NoImage),
        };
        let failed = |source| DiffError::Image { path: path.to_owned(), source: Box::new(source) };
        let (parts, layers) = found.map_err(failed)?;
        Ok(Self { name: name.to_owned(), path: path.to_owned(), parts, layers })
    }

    /// An image whose documents are in the store, as the files of a layout, and whose layers are
    /// somewhere else; `sizes` names them.
    pub fn elsewhere(
        world: &World<'_>,
        name: &str,
        documents: &[(String, BlobId)],
        sizes: &BTreeMap<Sha256, u64>,
        platforms: &Platforms,
    ) -> Result<Self, DiffError> {
        let read = |source| DiffError::Read { path: name.into(), source };
        let mut files = Files::new(world);
        let mut put = |path: &str, size, at| {
            let path = TreePath::new(path.as_bytes());
            let path = path.map_err(|error| io::Error::other(error).to_string())?;
            files.put(path, size, at)
        };
        for (path, blob) in documents {
            let held = Held::Store(*blob);
            let size = world.open(&held).map_err(read)?.len();
            put(path, size, At::Here(held)).map_err(|why| read(io::Error::other(why)))?;
        }
        for (digest, size) in sizes {
            put(&format!("blobs/sha256/{digest}"), *size, At::Away)
                .map_err(|why| read(io::Error::other(why)))?;
        }
        Self::of_files(world, files, Path::new(name), name, platforms)
    }

    fn of_layout(
        world: &World<'_>,
        files: &Files<'_>,
        platforms: &Platforms,
    ) -> Result<Opened, BaseError> {
        let selection = Selection { platform: platforms.platform.clone(), digest: None };
        let image = Layout::of_tree(files, files.tree.clone())?.image(&selection)?;
        let layers = image.layers.iter().map(|layer| Layer {
            digest: layer.content.sha256,
            diff_id: layer.diff_id,
            size: layer.content.size,
            at: place(world, files, &layer.content),
        });
        Ok((documents(image.config_content.blob, image.manifest_content.blob), layers.collect()))
    }

    fn of_docker(
        world: &World<'_>,
        files: &Files<'_>,
        platforms: &Platforms,
    ) -> Result<Opened, BaseError> {
        let saved: Vec<Saved> = json(files, &super::at("manifest.json"))?.0;
        Layout::check_count("images", saved.len())?;
        let mut fitting = Vec::new();
        for saved in saved {
            let path = TreePath::parse(saved.config.as_bytes())?;
            let (config, content): (ImageConfig, _) = json(files, &path)?;
            let named = path.name().map(|name| name.to_string()).unwrap_or_default();
            let named: Option<Sha256> = named.trim_end_matches(".json").parse().ok();
            if named.is_some_and(|named| named != content.sha256) {
                return Err(BaseError::Named { path, actual: content.sha256.oci() });
            }
            if platforms.platform.accepts(&config.platform) {
                fitting.push((saved.layers, config, content));
            }
        }
        let found = fitting.len();
        let (paths, config, content) = match (fitting.pop(), fitting.is_empty()) {
            (Some(image), true) => image,
            _ => {
                let wanted = platforms.platform.to_string();
                return Err(BaseError::Images { found, wanted });
            }
        };
        Layout::check_count("layers", paths.len())?;
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != paths.len() {
            let (layers, diff_ids) = (paths.len(), diff_ids.len());
            return Err(LayoutError::LayerCount { layers, diff_ids }.into());
        }
        let mut layers = Vec::new();
        let mut descriptors = Vec::new();
        let mut known = Known::new();
        for (path, diff_id) in paths.iter().zip(diff_ids) {
            let named = diff_id.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
            let diff_id: Sha256 = named.ok_or_else(|| LayoutError::Digest(diff_id.clone()))?;
            let (layer, compression) = docker_layer(files, path, diff_id, &mut known)?;
            let Layer { digest: sha256, size, .. } = layer;
            let content = Content { blob: content.blob, sha256, size };
            descriptors.push(Descriptor::new(compression.media_type(), &content));
            layers.push(layer);
        }
        // Such archives have no manifest: it is the one that a registry would be given.
        let config = Descriptor::new(media::CONFIG, &content);
        let manifest = Manifest::new(config, descriptors, BTreeMap::new());
        let manifest = canonical_json(&manifest).map_err(LayoutError::from)?;
        let (manifest, _) = world.take(&mut &manifest[..])?;
        Ok((documents(content.blob, manifest), layers))
    }
}

fn documents(config: BlobId, manifest: BlobId) -> Vec<(String, Part)> {
    vec![
        ("config.json".to_owned(), Part::Blob(config)),
        ("manifest.json".to_owned(), Part::Blob(manifest)),
    ]
}

/// Where the content of a layer is, whether it was hashed or not.
fn place(world: &World<'_>, files: &Files<'_>, content: &Content) -> At {
    match files.place(content.blob) {
        Some((at, _)) => at.clone(),
        None => At::Here(world.held(content.blob)),
    }
}

/// A layer of such an archive. It is hashed here, as a configuration can claim any digest, but once
/// however often it is listed.
fn docker_layer(
    files: &Files<'_>,
    path: &str,
    diff_id: Sha256,
    known: &mut Known,
) -> Result<(Layer, Compression), BaseError> {
    let (path, id) = file(&files.tree, &TreePath::parse(path.as_bytes())?)?;
    let Some((at, size)) = files.place(id) else { return Err(BaseError::Missing(path)) };
    let (digest, compression) = match known.get(&id) {
        Some(known) => *known,
        None => (digest_of(files, id)?, compression_of(files, id)?),
    };
    known.insert(id, (digest, compression));
    Ok((Layer { digest, diff_id, size, at: at.clone() }, compression))
}

/// What a file is compressed by, as it begins.
fn compression_of(files: &Files<'_>, id: BlobId) -> io::Result<Compression> {
    let mut start = Vec::new();
    files.open_blob(id)?.take(4).read_to_end(&mut start)?;
    Ok(match &start[..] {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

/// SHA-256 of a file.
fn digest_of(files: &Files<'_>, id: BlobId) -> io::Result<Sha256> {
    let mut hasher = groundup_digest::Sha256Hasher::new();
    let mut content = files.open_blob(id)?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hasher.finish().0),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The file that a path leads to; old engines write equal layers as symbolic links.
fn file(tree: &FileTree, path: &TreePath) -> Result<(TreePath, BlobId), BaseError> {
    let path = resolve(tree, path).map_err(BaseError::Archive)?;
    match tree.get(&path).map(|node| &node.kind) {
        Some(Kind::File { blob, .. }) => Ok((path, *blob)),
        _ => Err(BaseError::Missing(path)),
    }
}

fn json<T: serde::de::DeserializeOwned>(
    files: &Files<'_>,
    path: &TreePath,
) -> Result<(T, Content), BaseError> {
    let (path, id) = file(&files.tree, path)?;
    let size = files.place(id).map_or(0, |(_, size)| size);
    if size > DOCUMENT {
        return Err(LayoutError::JsonSize { path, size }.into());
    }
    let content = files.content_of(id)?;
    let mut bytes = Vec::new();
    files.open_blob(id)?.read_to_end(&mut bytes)?;
    let json = |source| LayoutError::Json { path: path.clone(), source };
    Ok((serde_json::from_slice(&bytes).map_err(json)?, content))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#[allow(clippy::disallowed_methods, reason = "a file that changes meanwhile is what is tried")]
mod tests {
    use super::*;
    use crate::world::OnDisk;
    use std::sync::Arc;

    #[test]
    fn a_layer_that_is_listed_often_is_hashed_once() {
        let top = tempfile::TempDir::new().unwrap();
        let world = World::new(None, top.path()).unwrap();
        let path = top.path().join("layer");
        std::fs::write(&path, b"a layer").unwrap();
        let held = Held::File(Arc::new(OnDisk::open_first(&path).unwrap().0));
        let mut files = Files::new(&world);
        files.put(super::super::at("x/layer.tar"), 7, At::Here(held)).unwrap();
        let mut known = Known::new();
        let mut digest = || {
            let layer = docker_layer(&files, "x/layer.tar", Sha256::of(b"claimed"), &mut known);
            layer.unwrap().0.digest
        };
        assert_eq!(digest(), Sha256::of(b"a layer"));
        // To read it once more would fail or give something else.
        std::fs::write(&path, b"b layer, longer").unwrap();
        assert_eq!(digest(), Sha256::of(b"a layer"));
    }
}
