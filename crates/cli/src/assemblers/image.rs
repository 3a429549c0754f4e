//! OCI images: base, split, layer, manifest, index.

use super::{Arguments, Outputs, out};
use groundup_build::{AssembleCall, AssembleError};
use groundup_digest::ObjectId;
use groundup_image::{
    BaseParams, BaseSource, Compat, Compression, Healthcheck, ImageParams, IndexParams,
    LayerOutput, LayerParams, Layout, Platform, RunConfig, SplitParams, UnpackLimits, archive_step,
    base_step, image_step, index_step, layer_output, layer_step, split_step,
};
use groundup_plan::params;
use groundup_tree::Expansion;
use std::collections::BTreeMap;

pub(super) fn base(
    call: &AssembleCall<'_>,
    expansion: Expansion,
) -> Result<Outputs, AssembleError> {
    let params: params::Base = call.params()?;
    let source = match call.tree_if_there("image") {
        Some(layout) => BaseSource::Layout(layout),
        None => BaseSource::Archive(call.blob("image")?),
    };
    let digest = params.digest.map(|digest| digest.parse()).transpose()?;
    let params = BaseParams { platform: params.platform.parse()?, digest };
    let limits = UnpackLimits { expansion, ..UnpackLimits::default() };
    let base = base_step(call.store, source, &params, limits)?;
    Ok(BTreeMap::from([
        ("layout".to_owned(), ObjectId::Tree(base.layout)),
        ("tree".to_owned(), ObjectId::Tree(base.tree)),
    ]))
}

pub(super) fn split(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Split = call.params()?;
    let params = SplitParams { max: params.max as usize };
    let (tree, origins) = (call.tree("tree")?, call.blob_if_there("origins"));
    let split = split_step(call.store, tree, origins, call.tree_if_there("base"), &params)?;
    let mut outputs: Outputs =
        split.layers.into_iter().map(|(name, tree)| (name, ObjectId::Tree(tree))).collect();
    outputs.insert("deletions".to_owned(), ObjectId::Blob(split.deletions));
    outputs.insert("labels".to_owned(), ObjectId::Blob(split.labels));
    Ok(outputs)
}

pub(super) fn layer(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Layer = call.params()?;
    let compression = match params.compression.as_str() {
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        other => return Err(format!("`{other}` is no compression of layers").into()),
    };
    let compat = Compat::try_from(params.compat)?;
    let params = LayerParams { compat, compression, level: params.level };
    let deletions = call.blob_if_there("deletions");
    let made = layer_step(call.store, call.tree("tree")?, deletions, params)?;
    Ok(BTreeMap::from([
        ("facts".to_owned(), ObjectId::Blob(made.facts)),
        ("layer".to_owned(), ObjectId::Blob(made.layer)),
    ]))
}

pub(super) fn manifest(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Manifest = call.params()?;
    let mut layers = Vec::new();
    for number in 0..params.layers as usize {
        layers.push(LayerOutput {
            layer: call.blob(&layer_output(number))?,
            facts: call.blob(&format!("facts.{number:02}"))?,
        });
    }
    let healthcheck = params.healthcheck.map(|check| Healthcheck {
        test: check.test,
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        retries: check.retries,
    });
    let run = RunConfig {
        entrypoint: params.entrypoint,
        cmd: params.cmd,
        env: params.env,
        user: params.user,
        workdir: params.workdir,
        labels: params.labels,
        ports: params.ports.into_iter().collect(),
        volumes: params.volumes.into_iter().collect(),
        stop_signal: params.stop_signal,
        healthcheck,
    };
    let params = ImageParams {
        platform: params.platform.parse()?,
        created: i64::try_from(params.created)?,
        run,
        annotations: params.annotations,
    };
    let (labels, base) = (call.blob_if_there("labels"), call.tree_if_there("base"));
    let layout = image_step(call.store, &layers, labels, base, &params)?;
    Ok(out(ObjectId::Tree(layout)))
}

pub(super) fn index(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::ImageIndex = call.params()?;
    let mut layouts: Vec<(Platform, _)> = Vec::new();
    for (number, platform) in params.platforms.iter().enumerate() {
        layouts.push((platform.parse()?, call.tree(&format!("layout.{number:02}"))?));
    }
    let params = IndexParams { tag: params.tag, annotations: params.annotations };
    Ok(out(ObjectId::Tree(index_step(call.store, &layouts, &params)?)))
}

pub(super) fn archive(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::ImageArchive = call.params()?;
    let (layout, platform) = (call.tree("layout")?, params.platform.parse()?);
    Ok(out(ObjectId::Blob(archive_step(call.store, layout, &platform, &params.tag)?)))
}

/// The digest of the one image, or index, that a layout holds.
pub(super) fn digest(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let index = Layout::load(call.store, call.tree("layout")?)?.index()?;
    let [top] = index.manifests.as_slice() else {
        return Err(
            format!("the layout has {} entries, expected one", index.manifests.len()).into()
        );
    };
    let text = format!("{}\n", top.digest);
    Ok(out(ObjectId::Blob(call.store.put_blob(text.as_bytes())?.blob)))
}
