//! Base images: from a layout, an OCI archive or a Docker archive to a tree and a layout of one
//! image, with the original layers untouched.
//!
//! Everything is checked: each digest and size on the way, the SHA-256 of every uncompressed layer,
//! and the limits on what may come out.

use crate::{
    Compression, Descriptor, ImageConfig, Index, Layout, LayoutError, LayoutWriter, Manifest,
    Objects, Platform, Selection,
    layout::{file_path, read_json_bytes},
    media,
    squash::{Whiteouts, resolve},
    unpack::{UnpackError, UnpackLimits, Unpacked, Unpacker, decompress},
};
use groundup_digest::{BlobId, Content, ContentHasher, Sha256, TreeId};
use groundup_tree::{FileTree, Kind, PathError, TreePath};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

/// Version of the import; enters the key of base steps.
pub const BASE_VERSION: u32 = 1;

/// Where a base image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseSource {
    /// An OCI image layout.
    Layout(TreeId),
    /// A tar, plain or compressed: an OCI archive or what `docker save` writes.
    Archive(BlobId),
}

/// Parameters of a base step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseParams {
    /// The platform that is wanted.
    pub platform: Platform,
    /// The digest of the manifest or of an index that it stands in; in a Docker archive, which has
    /// no manifest, that of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
}

/// A base image that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// What its layers unpack to.
    pub tree: TreeId,
    /// A layout of this image alone, with its original blobs.
    pub layout: TreeId,
    /// `PATH: NAME` of each extended attribute that a tree does not take in; the original layers
    /// still have them.
    pub ignored_xattrs: BTreeSet<String>,
}

/// Why a base image is refused.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The store failed.
    #[error("the store cannot give or take a part of the base image")]
    Store(#[from] io::Error),
    /// The layout is damaged or has no such image.
    #[error("the layout of the base image cannot be used")]
    Layout(#[from] LayoutError),
    /// The archive cannot be unpacked.
    #[error("the archive of the base image cannot be unpacked")]
    Archive(#[source] UnpackError),
    /// A layer cannot be unpacked.
    #[error("the layer {digest} cannot be unpacked")]
    Layer {
        /// Which layer.
        digest: String,
        /// What is wrong.
        #[source]
        source: UnpackError,
    },
    /// A layer unpacks to other bytes than the configuration says.
    #[error("the layer {digest} unpacks to {actual}, the configuration says {expected}")]
    DiffId {
        /// Which layer.
        digest: String,
        /// In the configuration.
        expected: String,
        /// Of the bytes.
        actual: String,
    },
    /// The archive is of no known kind.
    #[error("the archive is no image: it has neither `oci-layout` nor `manifest.json`")]
    NoImage,
    /// A name in `manifest.json` is no path.
    #[error("`manifest.json` of the archive names a file that cannot be")]
    Path(#[from] PathError),
    /// A file that `manifest.json` names is not there.
    #[error("`manifest.json` names {0}, which the archive has not")]
    Missing(TreePath),
    /// A file of a Docker archive is named by a digest that it has not.
    #[error("{path} has the digest {actual}, not the one that it is named by")]
    Named {
        /// Which file.
        path: TreePath,
        /// Its digest.
        actual: String,
    },
    /// No image of a Docker archive fits.
    #[error("the archive has {found} images for {wanted}, expected one")]
    Images {
        /// How many fit.
        found: usize,
        /// The platform, and the digest if one was asked for.
        wanted: String,
    },
}

/// Takes in a base image.
pub fn base_step(
    objects: &dyn Objects,
    source: BaseSource,
    params: &BaseParams,
    limits: UnpackLimits,
) -> Result<BaseImage, BaseError> {
    let selection = Selection { platform: params.platform.clone(), digest: params.digest };
    let layout = match source {
        BaseSource::Layout(id) => one_image(objects, objects.load_tree(id)?, &selection)?,
        BaseSource::Archive(blob) => {
            let files = read_archive(objects, blob, limits).map_err(BaseError::Archive)?;
            if files.has(&file_path("oci-layout")) {
                one_image(objects, files, &selection)?
            } else if files.has(&file_path("manifest.json")) {
                from_docker(objects, &files, &selection)?
            } else {
                return Err(BaseError::NoImage);
            }
        }
    };
    let unpacked = unpack_image(objects, layout, &params.platform, limits)?;
    let tree = objects.put_tree(&unpacked.tree)?;
    Ok(BaseImage { tree, layout, ignored_xattrs: unpacked.ignored })
}

/// The files of an archive as a tree.
pub fn read_archive(
    objects: &dyn Objects,
    archive: BlobId,
    limits: UnpackLimits,
) -> Result<FileTree, UnpackError> {
    let mut unpacker = Unpacker::new(objects, limits, Whiteouts::AreFiles);
    let input = objects.open_blob(archive).map_err(UnpackError::Read)?;
    unpacker.unpack(decompress(input, limits.expansion).map_err(UnpackError::Read)?)?;
    Ok(unpacker.finish().tree)
}

/// A layout of the one image that is meant.
fn one_image(
    objects: &dyn Objects,
    files: FileTree,
    selection: &Selection,
) -> Result<TreeId, BaseError> {
    let image = Layout::of_tree(objects, files)?.image(selection)?;
    let mut writer = LayoutWriter::default();
    writer.take(&image.manifest_content)?;
    writer.take(&image.config_content)?;
    for layer in &image.layers {
        writer.take(&layer.content)?;
    }
    let mut descriptor = Descriptor::new(&image.descriptor.media_type, &image.manifest_content);
    descriptor.platform = image.descriptor.platform;
    Ok(writer.finish(objects, &Index::new(vec![descriptor], BTreeMap::new()))?)
}

/// Unpacks the one image of a layout, and checks what its layers unpack to.
fn unpack_image(
    objects: &dyn Objects,
    layout: TreeId,
    platform: &Platform,
    limits: UnpackLimits,
) -> Result<Unpacked, BaseError> {
    let selection = Selection { platform: platform.clone(), digest: None };
    let image = Layout::load(objects, layout)?.image(&selection)?;
    let mut unpacker = Unpacker::new(objects, limits, Whiteouts::Apply);
    for layer in &image.layers {
        let digest = layer.descriptor.digest.clone();
        let failed = |source| BaseError::Layer { digest: digest.clone(), source };
        let blob = objects.open_blob(layer.content.blob)?;
        let input = decompress(blob, limits.expansion);
        let input = input.map_err(|error| failed(UnpackError::Read(error)))?;
        let mut input = Hashed { input, hasher: ContentHasher::new() };
        unpacker.unpack(&mut input).map_err(failed)?;
        let actual = input.hasher.finish().sha256;
        if actual != layer.diff_id {
            let (expected, actual) = (layer.diff_id.oci(), actual.oci());
            return Err(BaseError::DiffId { digest, expected, actual });
        }
    }
    Ok(unpacker.finish())
}

/// One entry of the `manifest.json` that `docker save` writes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

/// Makes a layout of an image in the form that `docker save` writes.
fn from_docker(
    objects: &dyn Objects,
    files: &FileTree,
    selection: &Selection,
) -> Result<TreeId, BaseError> {
    let path = file_path("manifest.json");
    let saved: Vec<Saved> = json(objects, files, &path)?.0;
    let mut fitting = Vec::new();
    for saved in saved {
        let path = TreePath::parse(saved.config.as_bytes())?;
        let (config, content): (ImageConfig, _) = json(objects, files, &path)?;
        check_name(&path, &content)?;
        let is_named = selection.digest.is_none_or(|digest| digest == content.sha256);
        if is_named && selection.platform.accepts(&config.platform) {
            fitting.push((saved.layers, config, content));
        }
    }
    let found = fitting.len();
    let (layers, config, content) = match (fitting.pop(), fitting.is_empty()) {
        (Some(image), true) => image,
        _ => return Err(BaseError::Images { found, wanted: selection.platform.to_string() }),
    };
    let mut writer = LayoutWriter::default();
    writer.take(&content)?;
    let mut descriptors = Vec::new();
    for layer in &layers {
        let layer = file(objects, files, &TreePath::parse(layer.as_bytes())?)?;
        writer.take(&layer)?;
        descriptors.push(Descriptor::new(compression(objects, &layer)?.media_type(), &layer));
    }
    let config_descriptor = Descriptor::new(media::CONFIG, &content);
    let manifest = Manifest::new(config_descriptor, descriptors, BTreeMap::new());
    let mut descriptor = writer.json(objects, media::MANIFEST, &manifest)?;
    descriptor.platform = Some(config.platform);
    Ok(writer.finish(objects, &Index::new(vec![descriptor], BTreeMap::new()))?)
}

fn json<T: serde::de::DeserializeOwned>(
    objects: &dyn Objects,
    files: &FileTree,
    path: &TreePath,
) -> Result<(T, Content), BaseError> {
    let content = file(objects, files, path)?;
    let bytes = read_json_bytes(objects, path, &content)?;
    let json = |source| LayoutError::Json { path: path.clone(), source };
    Ok((serde_json::from_slice(&bytes).map_err(json)?, content))
}

/// A file of the archive; old engines write equal layers as symbolic links.
fn file(objects: &dyn Objects, files: &FileTree, path: &TreePath) -> Result<Content, BaseError> {
    let path = resolve(files, path).map_err(BaseError::Archive)?;
    match files.get(&path).map(|node| &node.kind) {
        Some(Kind::File { blob, .. }) => Ok(objects.content_of(*blob)?),
        _ => Err(BaseError::Missing(path)),
    }
}

/// A configuration is named by its digest: `HEX.json` or `blobs/sha256/HEX`.
fn check_name(path: &TreePath, content: &Content) -> Result<(), BaseError> {
    let name = path.name().map(|name| name.to_string()).unwrap_or_default();
    let named: Option<Sha256> = name.trim_end_matches(".json").parse().ok();
    match named {
        Some(digest) if digest != content.sha256 => {
            Err(BaseError::Named { path: path.clone(), actual: content.sha256.oci() })
        }
        _ => Ok(()),
    }
}

/// How a layer is compressed, told by how it begins.
pub(crate) fn compression(objects: &dyn Objects, layer: &Content) -> io::Result<Compression> {
    let mut start = Vec::new();
    objects.open_blob(layer.blob)?.take(4).read_to_end(&mut start)?;
    Ok(match &start[..] {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

struct Hashed<R> {
    input: R,
    hasher: ContentHasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
