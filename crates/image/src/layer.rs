//! One layer: a tree and deletions as compressed tar, with both digests from one pass.

use crate::{
    Compat, Compression, Objects,
    tar_writer::{RootEntry, WriteTarError, write_tar},
};
use groundup_digest::{Content, Sha256, Sha256Hasher};
use groundup_tree::{FileTree, TreePath};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// How layers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerParams {
    /// The frozen set of encoder choices.
    pub compat: Compat,
    /// The compressor.
    pub compression: Compression,
    /// Its level; none takes the default of `compat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<i32>,
}

impl Default for LayerParams {
    /// What every engine reads.
    fn default() -> Self {
        Self { compat: Compat::V1, compression: Compression::Gzip, level: None }
    }
}

/// What is known of a layer that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeLayer {
    /// SHA-256 of the uncompressed bytes: the layer's identity.
    pub diff_id: Sha256,
    /// SHA-256 of the compressed bytes.
    pub digest: Sha256,
    /// Entries of the tar.
    pub entries: u64,
    /// How to read the compressed bytes.
    pub media_type: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// Uncompressed size in bytes.
    pub uncompressed_size: u64,
}

/// Writes a layer into a new blob of `objects`, file by file, without a copy in between.
pub fn put_layer(
    objects: &dyn Objects,
    tree: &FileTree,
    deleted: &[TreePath],
    params: LayerParams,
) -> Result<(Content, MadeLayer), WriteTarError> {
    let sink = objects.blob_writer()?;
    let compressor = params.compat.compressor(params.compression, params.level, sink)?;
    let mut out = Hashing { out: compressor, hasher: Sha256Hasher::new() };
    let entries =
        write_tar(tree, deleted, RootEntry::Write, |blob| objects.open_blob(blob), &mut out)?;
    let (diff_id, uncompressed_size) = out.hasher.finish();
    let content = out.out.finish()?.finish()?;
    let made = MadeLayer {
        diff_id,
        digest: content.sha256,
        entries,
        media_type: params.compression.media_type().into(),
        size: content.size,
        uncompressed_size,
    };
    Ok((content, made))
}

/// Writes a whole tree, the root included, as one uncompressed tar stream into a new blob.
pub fn put_tar(objects: &dyn Objects, tree: &FileTree) -> Result<Content, WriteTarError> {
    let mut sink = objects.blob_writer()?;
    write_tar(tree, &[], RootEntry::Write, |blob| objects.open_blob(blob), &mut sink)?;
    Ok(sink.finish()?)
}

/// Hashes what passes through to the compressor.
struct Hashing<W> {
    out: W,
    hasher: Sha256Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
