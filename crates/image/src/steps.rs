//! The assemble steps that make an image, each a pure function of ids and parameters.
//!
//! ```text
//! tree, origins, base ──split──> layer.00 … layer.NN, deletions, labels
//! layer.00, deletions ──layer──> blob, facts          (one step for each layer)
//! blobs, facts, labels, base ──image──> layout        (one for each platform)
//! layouts ──index──> layout                           (the image)
//! ```
//!
//! The number of layers is fixed by the budget, so that the graph is known before the tree is; what
//! is empty is passed over when the image is put together.

use crate::{
    Compression, ConfigLayer, Descriptor, ImageConfig, Index, JsonError, Layout, LayoutError,
    LayoutImage, LayoutWriter, MadeLayer, Manifest, Objects, Platform, REF_NAME, RunConfig,
    Selection, canonical_json, difference,
    layer::{LayerParams, put_layer},
    media,
    split::plan_layers,
    tar_writer::WriteTarError,
};
use groundup_digest::{BlobId, Content, TreeId};
use groundup_provenance::{Origins, OriginsError};
use groundup_tree::{FileTree, PathError, TreePath};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    io::{self, Read},
};

/// Version of the plan of layers; enters the key of split steps.
pub const SPLIT_VERSION: u32 = 1;
/// Version of configuration, manifest, index and layout; enters the key of image and index steps.
pub const IMAGE_VERSION: u32 = 1;

/// Why a step that makes an image failed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The store failed.
    #[error("the store cannot give or take a part of the image")]
    Store(#[from] io::Error),
    /// The origins cannot be read.
    #[error("the origins of the tree cannot be read")]
    Origins(#[from] OriginsError),
    /// A layer cannot be written.
    #[error("cannot write the layer")]
    Layer(#[from] WriteTarError),
    /// A layout cannot be read or made.
    #[error("cannot read or make an image layout")]
    Layout(#[from] LayoutError),
    /// JSON cannot be written.
    #[error("cannot write JSON of the image")]
    WriteJson(#[from] JsonError),
    /// A side output of an earlier step is malformed.
    #[error("the {what} of an earlier step cannot be read")]
    Facts {
        /// Which one.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A deleted path is no path.
    #[error("the deletions of an earlier step cannot be read")]
    Deletions(#[from] PathError),
    /// The time of creation does not exist.
    #[error("{seconds} seconds since 1970 is no time that an image can have")]
    Created {
        /// What was asked for.
        seconds: i64,
        /// What is wrong.
        #[source]
        source: jiff::Error,
    },
}

/// Parameters of a split step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitParams {
    /// How many layers there are at most.
    pub max: usize,
}

/// What a split step gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitOutput {
    /// `layer.00` and so on, always as many as the budget.
    pub layers: Vec<(String, TreeId)>,
    /// What the lowest layer deletes: a JSON list of paths, each a text, or bytes if it is not UTF-8.
    pub deletions: BlobId,
    /// For each layer the labels of what is in it, as JSON.
    pub labels: BlobId,
}

/// The name of the output of layer `index`.
pub fn layer_output(index: usize) -> String {
    format!("layer.{index:02}")
}

/// Splits a tree into layers; over the tree of a base, the difference.
pub fn split_step(
    objects: &dyn Objects,
    tree: TreeId,
    origins: Option<BlobId>,
    base: Option<TreeId>,
    params: &SplitParams,
) -> Result<SplitOutput, ImageError> {
    let tree = objects.load_tree(tree)?;
    let origins = match origins {
        Some(blob) => Origins::from_bytes(&read(objects, blob)?)?,
        None => Origins::new(),
    };
    let base = base.map(|base| objects.load_tree(base)).transpose()?;
    let over = base.map(|base| difference(&base, &tree));
    let plan = plan_layers(&tree, &origins, over.as_ref(), params.max);
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for (index, layer) in plan.layers.iter().enumerate() {
        layers.push((layer_output(index), objects.put_tree(&layer.tree)?));
        labels.push(&layer.labels);
    }
    let deletions: Vec<PathText> = plan.deleted.iter().map(PathText::of).collect();
    let deletions = objects.put_blob(&canonical_json(&deletions)?)?.blob;
    let labels = objects.put_blob(&canonical_json(&labels)?)?.blob;
    Ok(SplitOutput { layers, deletions, labels })
}

/// A path in JSON: a text where it is UTF-8, else its bytes.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Text(String),
    Bytes(Vec<u8>),
}

impl PathText {
    fn of(path: &TreePath) -> Self {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => PathText::Text(text.into()),
            Err(_) => PathText::Bytes(path.as_bytes().into()),
        }
    }

    fn path(&self) -> Result<TreePath, PathError> {
        match self {
            PathText::Text(text) => TreePath::new(text.as_bytes()),
            PathText::Bytes(bytes) => TreePath::new(bytes),
        }
    }
}

/// What a layer step gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerOutput {
    /// The compressed layer; an empty blob if there is nothing in it.
    pub layer: BlobId,
    /// [`LayerFacts`] as JSON.
    pub facts: BlobId,
}

/// What is known of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// Whether there is nothing in it, so that no image has it.
    pub empty: bool,
    /// Digests and sizes, unless it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<MadeLayer>,
}

/// Makes one layer of a tree and, for the lowest one, of the deletions.
pub fn layer_step(
    objects: &dyn Objects,
    tree: TreeId,
    deletions: Option<BlobId>,
    params: LayerParams,
) -> Result<LayerOutput, ImageError> {
    let tree = objects.load_tree(tree)?;
    let deleted: Vec<TreePath> = match deletions {
        None => Vec::new(),
        Some(blob) => {
            let paths: Vec<PathText> = read_json(objects, blob, "deletions")?;
            paths.iter().map(PathText::path).collect::<Result<_, _>>()?
        }
    };
    let (layer, facts) = if deleted.is_empty() && tree == FileTree::new() {
        (objects.put_blob(b"")?, LayerFacts { empty: true, layer: None })
    } else {
        let (content, made) = put_layer(objects, &tree, &deleted, params)?;
        (content, LayerFacts { empty: false, layer: Some(made) })
    };
    let facts = objects.put_blob(&canonical_json(&facts)?)?.blob;
    Ok(LayerOutput { layer: layer.blob, facts })
}

/// Parameters of an image step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageParams {
    /// What it runs on.
    pub platform: Platform,
    /// Time of creation in seconds since 1970: the workspace's `epoch`.
    pub created: i64,
    /// How a container is run.
    #[serde(default)]
    pub run: RunConfig,
    /// Annotations of the manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Puts the layers together to an image for one platform: a layout with one manifest.
///
/// `labels` is that of the split step; without it, history says only that layers are ours. `base` is
/// the layout of [`base_step`](crate::base_step).
pub fn image_step(
    objects: &dyn Objects,
    layers: &[LayerOutput],
    labels: Option<BlobId>,
    base: Option<TreeId>,
    params: &ImageParams,
) -> Result<TreeId, ImageError> {
    let labels: Vec<Vec<String>> = match labels {
        Some(blob) => read_json(objects, blob, "labels of layers")?,
        None => Vec::new(),
    };
    let mut writer = LayoutWriter::default();
    let mut descriptors = Vec::new();
    let base = base.map(|base| base_image(objects, base, &params.platform)).transpose()?;
    for layer in base.iter().flat_map(|base| &base.layers) {
        writer.take(&layer.content)?;
        let descriptor =
            Descriptor::new(oci_layer_type(&layer.descriptor.media_type), &layer.content);
        descriptors.push(descriptor);
    }
    let mut ours = Vec::new();
    for (index, output) in layers.iter().enumerate() {
        let facts: LayerFacts = read_json(objects, output.facts, "facts of a layer")?;
        let Some(made) = facts.layer else { continue };
        let content = Content { blob: output.layer, sha256: made.digest, size: made.size };
        writer.take(&content)?;
        descriptors.push(Descriptor::new(&made.media_type, &content));
        let created_by = history_text(labels.get(index).map_or(&[], Vec::as_slice));
        ours.push(ConfigLayer { diff_id: made.diff_id, created_by });
    }
    let created = jiff::Timestamp::from_second(params.created)
        .map_err(|source| ImageError::Created { seconds: params.created, source })?
        .to_string();
    let config = ImageConfig::assemble(
        base.map(|base| base.config),
        params.platform.clone(),
        created,
        &params.run,
        &ours,
    );
    let config = writer.json(objects, media::CONFIG, &config)?;
    let manifest = Manifest::new(config, descriptors, params.annotations.clone());
    let mut descriptor = writer.json(objects, media::MANIFEST, &manifest)?;
    descriptor.platform = Some(params.platform.clone());
    Ok(writer.finish(objects, &Index::new(vec![descriptor], BTreeMap::new()))?)
}

fn base_image(
    objects: &dyn Objects,
    layout: TreeId,
    platform: &Platform,
) -> Result<LayoutImage, ImageError> {
    let selection = Selection { platform: platform.clone(), digest: None };
    Ok(Layout::load(objects, layout)?.image(&selection)?)
}

/// Docker's media types of layers are the same bytes under another name.
fn oci_layer_type(media_type: &str) -> &str {
    match media_type {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => Compression::Gzip.media_type(),
        "application/vnd.docker.image.rootfs.diff.tar" => Compression::None.media_type(),
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => Compression::Zstd.media_type(),
        other => other,
    }
}

/// What history says of a layer: stable names, no versions and no times.
fn history_text(labels: &[String]) -> String {
    const SHOWN: usize = 16;
    let mut text = String::from("groundup");
    for (index, label) in labels.iter().take(SHOWN).enumerate() {
        text.push_str(if index == 0 { ": " } else { ", " });
        text.push_str(label);
    }
    if labels.len() > SHOWN {
        text.push_str(&format!(" and {} more", labels.len() - SHOWN));
    }
    text
}

/// Parameters of an index step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexParams {
    /// The name of the image in the layout (`org.opencontainers.image.ref.name`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Annotations of the index, where there is one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Puts the images of all platforms together: a layout whose one entry is the manifest, or an index
/// if there are several, under the tag.
pub fn index_step(
    objects: &dyn Objects,
    layouts: &[(Platform, TreeId)],
    params: &IndexParams,
) -> Result<TreeId, ImageError> {
    let mut writer = LayoutWriter::default();
    let mut manifests = Vec::new();
    for (platform, layout) in layouts {
        writer.take_all(&objects.load_tree(*layout)?)?;
        let image = base_image(objects, *layout, platform)?;
        let mut descriptor = Descriptor::new(media::MANIFEST, &image.manifest_content);
        descriptor.platform = Some(platform.clone());
        manifests.push(descriptor);
    }
    manifests.sort_by(|a, b| a.platform.cmp(&b.platform));
    let mut top = match &manifests[..] {
        [one] => one.clone(),
        _ => writer.json(
            objects,
            media::INDEX,
            &Index::new(manifests, params.annotations.clone()),
        )?,
    };
    top.annotations =
        params.tag.as_ref().map(|tag| BTreeMap::from([(REF_NAME.into(), tag.clone())]));
    Ok(writer.finish(objects, &Index::new(vec![top], BTreeMap::new()))?)
}

fn read(objects: &dyn Objects, blob: BlobId) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    objects.open_blob(blob)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_json<T: DeserializeOwned>(
    objects: &dyn Objects,
    blob: BlobId,
    what: &'static str,
) -> Result<T, ImageError> {
    let bytes = read(objects, blob)?;
    serde_json::from_slice(&bytes).map_err(|source| ImageError::Facts { what, source })
}
