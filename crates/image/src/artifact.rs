//! A tree as an OCI artifact of one layer, in the layout that tools for GitOps pull.
//!
//! Flux takes the first layer of an artifact whatever it is called, and calls its own layers by
//! types of its own; Argo CD takes an artifact of one layer that has a type of its list, in which
//! the standard layer stands.

use crate::{
    Descriptor, ImageError, Index, LayerParams, LayoutWriter, Manifest, Objects, REF_NAME,
    layer::put_layer, media,
};
use groundup_digest::TreeId;
use std::collections::BTreeMap;

/// How the parts of an artifact are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactTypes {
    /// As Flux calls them.
    Flux,
    /// A standard layer with Flux's configuration: what both take without settings.
    Standard,
}

/// Parameters of an artifact step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactParams {
    /// How its parts are called.
    pub types: ArtifactTypes,
    /// Time of creation in seconds since 1970.
    pub created: i64,
    /// The name in the layout.
    pub tag: Option<String>,
}

/// Configuration of an artifact that nothing runs.
#[derive(serde::Serialize)]
struct Config {
    architecture: &'static str,
    os: &'static str,
    rootfs: RootFs,
}

#[derive(serde::Serialize)]
struct RootFs {
    diff_ids: Vec<String>,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Puts a tree in an artifact: a layout with one manifest of one layer.
pub fn artifact_step(
    objects: &dyn Objects,
    tree: TreeId,
    params: &ArtifactParams,
) -> Result<TreeId, ImageError> {
    let tree = objects.load_tree(tree)?;
    let (content, made) = put_layer(objects, &tree, &[], LayerParams::default())?;
    let mut writer = LayoutWriter::default();
    writer.take(&content)?;
    let layer = match params.types {
        ArtifactTypes::Flux => Descriptor::new(media::FLUX_CONTENT, &content),
        ArtifactTypes::Standard => Descriptor::new(&made.media_type, &content),
    };
    let diff_ids = vec![made.diff_id.oci()];
    let rootfs = RootFs { diff_ids, kind: "layers" };
    let config = Config { architecture: "", os: "", rootfs };
    let config = writer.json(objects, media::FLUX_CONFIG, &config)?;
    let created = jiff::Timestamp::from_second(params.created)
        .map_err(|source| ImageError::Created { seconds: params.created, source })?;
    let annotations =
        BTreeMap::from([("org.opencontainers.image.created".to_owned(), created.to_string())]);
    let manifest = Manifest::new(config, vec![layer], annotations);
    let mut top = writer.json(objects, media::MANIFEST, &manifest)?;
    top.annotations =
        params.tag.as_ref().map(|tag| BTreeMap::from([(REF_NAME.to_owned(), tag.clone())]));
    Ok(writer.finish(objects, &Index::new(vec![top], BTreeMap::new()))?)
}
