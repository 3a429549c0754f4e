//! OCI images: trees to layers, configuration, manifest and layout; and back.
//!
//! Four pure steps make an image ([`split_step`], [`layer_step`], [`image_step`], [`index_step`]),
//! one takes in a base ([`base_step`]), and [`write_oci_archive`] and [`write_docker_archive`] turn
//! the layout into one file. All of them work on ids of a store ([`Objects`]); a layout is a tree
//! whose files are blobs of the store.
//!
//! Every byte is ours to freeze: the tar, gzip and zstd streams by [`Compat`], all JSON by
//! [`canonical_json`]. What others wrote is read as hostile: each digest is checked, and no path,
//! link or size is believed. `docs/formats/layers.md` has the bytes, `docs/images.md` the use.

mod artifact;
mod assign;
mod base;
mod compression;
mod config;
mod difference;
mod export;
#[doc(hidden)]
pub mod fuzzing;
mod gzip;
mod json;
mod layer;
mod layout;
mod manifest;
mod objects;
#[cfg(test)]
mod pipeline_tests;
mod platform;
#[cfg(test)]
mod sample;
mod split;
mod squash;
mod steps;
mod tar_reader;
mod tar_writer;
mod unpack;

pub use artifact::{ArtifactParams, ArtifactTypes, artifact_step};
pub use assign::layer_of;
pub use base::{
    BASE_VERSION, BaseError, BaseImage, BaseParams, BaseSource, base_step, read_archive,
};
pub use compression::{Compat, Compression, ENCODER_VERSION, LevelError, UnknownCompat};
pub use config::{
    ConfigLayer, Empty, ExecConfig, Healthcheck, History, ImageConfig, RootFs, RunConfig,
};
pub use difference::{Difference, difference};
pub use export::{
    ArchiveError, ExportError, archive_step, write_docker_archive, write_oci_archive,
};
pub use json::{JsonError, canonical_json};
pub use layer::{LayerParams, MadeLayer, put_layer, put_tar};
pub use layout::{Layout, LayoutError, LayoutImage, LayoutLayer, Selection};
pub use manifest::{Descriptor, Index, Manifest, REF_NAME, media};
pub use objects::{BlobSink, Objects};
pub use platform::{ParsePlatformError, Platform};
pub use split::{LayerPlan, PlannedLayer, plan_layers};
pub use squash::{Item, Squash, Whiteouts, resolve};
pub use steps::{
    IMAGE_VERSION, ImageError, ImageParams, IndexParams, LayerFacts, LayerOutput, SPLIT_VERSION,
    SplitOutput, SplitParams, image_step, index_step, layer_output, layer_step, split_step,
};
pub use tar_reader::ReadTarError;
pub use tar_writer::{RootEntry, WriteTarError, write_tar};
pub use unpack::{UnpackError, UnpackLimits};

use layout::LayoutWriter;
