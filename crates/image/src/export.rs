//! Images as single files: OCI archives, and the archives that `docker load` reads.
//!
//! Both are trees of blobs of the store written by our tar encoder, so they are the same bytes
//! always and are streamed.

use crate::{
    Compat, Compression, ImageError, IndexParams, Layout, LayoutError, Objects, Platform,
    Selection,
    base::compression,
    canonical_json, index_step,
    layout::file_path,
    tar_writer::{RootEntry, WriteTarError, write_tar},
    unpack::decompress,
};
use groundup_digest::{BlobId, Content, TreeId};
use groundup_tree::Expansion;
use groundup_tree::{FileTree, Node, TreeError};
use serde::Serialize;
use std::io::{self, Write};

/// Why an image cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed, or a layer could not be compressed anew.
    #[error("the store cannot give or take a part of the archive")]
    Store(#[from] io::Error),
    /// The layout is damaged or has no such image.
    #[error("the layout cannot be exported")]
    Layout(#[from] LayoutError),
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Write(#[from] WriteTarError),
    /// The files of the archive are no tree.
    #[error("cannot put the archive together")]
    Tree(#[from] TreeError),
}

/// Why an archive cannot be put into the store.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The layout has no such image, or cannot be named.
    #[error("cannot name the image")]
    Index(#[from] ImageError),
    /// The archive cannot be written.
    #[error("cannot write the image as an archive")]
    Export(#[from] ExportError),
}

/// Writes a layout as an OCI archive.
pub fn write_oci_archive(
    objects: &dyn Objects,
    layout: TreeId,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    write_files(objects, &objects.load_tree(layout)?, out)
}

/// Puts the image of one platform, whose layout is given, into the store as an OCI archive under
/// `tag`: the bytes that [`write_oci_archive`] gives for an image of that platform alone.
pub fn archive_step(
    objects: &dyn Objects,
    layout: TreeId,
    platform: &Platform,
    tag: &str,
) -> Result<BlobId, ArchiveError> {
    let params = IndexParams { tag: Some(tag.to_owned()), ..IndexParams::default() };
    let layout = index_step(objects, &[(platform.clone(), layout)], &params)?;
    let mut sink = objects.blob_writer().map_err(ExportError::Store)?;
    write_oci_archive(objects, layout, &mut sink)?;
    Ok(sink.finish().map_err(ExportError::Store)?.blob)
}

/// Writes one platform's image of a layout as an archive for `docker load`, under `names`
/// (`name:tag`).
///
/// Old engines refuse zstd: such layers are compressed anew with gzip.
pub fn write_docker_archive(
    objects: &dyn Objects,
    layout: TreeId,
    platform: &Platform,
    names: &[String],
    out: &mut impl Write,
) -> Result<(), ExportError> {
    write_files(objects, &docker_files(objects, layout, platform, names)?, out)
}

fn write_files(
    objects: &dyn Objects,
    files: &FileTree,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    write_tar(files, &[], RootEntry::Omit, |blob| objects.open_blob(blob), out)?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Saved<'a> {
    config: String,
    repo_tags: &'a [String],
    layers: Vec<String>,
}

fn docker_files(
    objects: &dyn Objects,
    layout: TreeId,
    platform: &Platform,
    names: &[String],
) -> Result<FileTree, ExportError> {
    let selection = Selection { platform: platform.clone(), digest: None };
    let image = Layout::load(objects, layout)?.image(&selection)?;
    let mut files = FileTree::new();
    let mut put = |name: &str, content: &Content| {
        files.insert(file_path(name), Node::file(content.blob, content.size, 0o644))
    };
    let config = format!("{}.json", image.config_content.sha256);
    put(&config, &image.config_content)?;
    let mut layers = Vec::new();
    for layer in &image.layers {
        let content = readable_by_docker(objects, layer.content)?;
        // Named by identity, so that equal layers are one file.
        let name = format!("{}.tar", layer.diff_id);
        put(&name, &content)?;
        layers.push(name);
    }
    let manifest = [Saved { config, repo_tags: names, layers }];
    let manifest = canonical_json(&manifest).map_err(LayoutError::WriteJson)?;
    let manifest = objects.put_blob(&manifest)?;
    put("manifest.json", &manifest)?;
    Ok(files)
}

fn readable_by_docker(objects: &dyn Objects, layer: Content) -> io::Result<Content> {
    if compression(objects, &layer)? != Compression::Zstd {
        return Ok(layer);
    }
    let mut input = decompress(objects.open_blob(layer.blob)?, Expansion { ratio: u64::MAX })?;
    let sink = objects.blob_writer()?;
    let mut out = Compat::V1.compressor(Compression::Gzip, None, sink)?;
    io::copy(&mut input, &mut out)?;
    out.finish()?.finish()
}
