//! `image`: an OCI image from trees and a configuration.

use super::{Overlay, Placement};
use crate::{At, Platform, TargetName};
use std::{collections::BTreeMap, time::Duration};

/// An OCI image for one or many platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// A source of kind `oci` below everything.
    pub base: Option<At<TargetName>>,
    /// Trees, later ones on top of earlier ones.
    pub trees: Vec<Placement>,
    /// Files, links, directories and removals on top of the trees.
    pub overlay: Overlay,
    /// How a container is run.
    pub config: ImageConfig,
    /// Annotations of the manifest and the index.
    pub annotations: BTreeMap<String, String>,
    /// The platforms that it is made for.
    pub platforms: Vec<At<Platform>>,
    /// How layers are made.
    pub layers: LayerOptions,
    /// `org.opencontainers.image.ref.name`, and the tag that loading it gives.
    pub tag: Option<At<String>>,
}

/// The part of an image that says how a container is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Program and first arguments; nothing said keeps that of the base.
    pub entrypoint: Option<Vec<String>>,
    /// Default arguments; nothing said keeps those of the base.
    pub cmd: Option<Vec<String>>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    pub user: Option<At<String>>,
    /// Working directory.
    pub workdir: Option<At<String>>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// `port`, `port/tcp` or `port/udp`.
    pub ports: Vec<At<String>>,
    /// Paths that are volumes.
    pub volumes: Vec<At<String>>,
    /// Signal that ends it.
    pub stop_signal: Option<At<String>>,
    /// How to ask it whether it is well.
    pub healthcheck: Option<Healthcheck>,
}

/// How to ask a container whether it is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// The command: `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
    pub test: Vec<String>,
    /// Time between two checks.
    pub interval: Option<Duration>,
    /// Time that one may take.
    pub timeout: Option<Duration>,
    /// Time in which failures do not count.
    pub start_period: Option<Duration>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
}

/// How layers are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerOptions {
    /// The most layers of ours.
    pub max: u32,
    /// How they are compressed.
    pub compression: Compression,
    /// Level of the compressor; nothing said takes the one that the workspace's `compat` freezes.
    pub level: Option<i32>,
}

/// A compressor of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Read by every engine.
    Gzip,
    /// Smaller and faster; old engines refuse it.
    Zstd,
}

impl Compression {
    /// The word of the recipe.
    pub const fn as_str(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}
