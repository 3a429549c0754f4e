//! `cluster`: Kubernetes manifests in which every image is a digest of this graph.

use crate::{At, Chart, Kustomization, Platform, TargetName, TargetRef, TreePath};
use std::collections::BTreeMap;

/// Kubernetes manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The version of Kubernetes, `MAJOR.MINOR`.
    pub kubernetes: At<String>,
    /// What has the OpenAPI document of that version.
    pub schemas: At<TargetRef>,
    /// Where the document is in it, if not at a place that groundup knows.
    pub schemas_path: Option<At<TreePath>>,
    /// Files and patterns of the repository.
    pub manifests: Vec<At<String>>,
    /// Kustomizations that are rendered.
    pub kustomizations: Vec<Kustomization>,
    /// Charts that are rendered.
    pub charts: Vec<Chart>,
    /// Targets whose trees hold manifests.
    pub rendered: Vec<At<TargetRef>>,
    /// Files and patterns of custom resource definitions that objects are checked against.
    pub crds: Vec<At<String>>,
    /// Names of images as manifests have them, and what they stand for.
    pub images: BTreeMap<String, MappedImage>,
    /// Fields that say what this graph built.
    pub set: Vec<Setting>,
    /// Fields of custom resources that hold images.
    pub image_fields: Vec<ImageField>,
    /// Images that this graph did not build, each with its digest.
    pub outside: Vec<At<String>>,
    /// Objects that are there without standing in the manifests: `Kind/name`, or
    /// `Kind/namespace/name`.
    pub external: Vec<At<String>>,
    /// Kinds that have no schema: `Kind.group/version`.
    pub unchecked: Vec<At<String>>,
    /// Checks that may fail: a rule, or `rule:Kind/name`.
    pub allow: Vec<At<String>>,
    /// How much the findings of a rule weigh, where the recipe says so.
    pub severity: BTreeMap<String, Weight>,
    /// How the parts of the OCI artifact are called.
    pub artifact: ArtifactForm,
    /// The name of the OCI artifact in its layout.
    pub tag: Option<At<String>>,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It ends the build.
    Error,
    /// It is told.
    Warn,
}

/// How the parts of an OCI artifact with manifests are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactForm {
    /// As Flux calls them.
    Flux,
    /// As the layer of an image.
    Standard,
}

/// What a name of an image stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedImage {
    /// The image.
    pub target: At<TargetName>,
    /// The name that comes out, where it is another.
    pub name: Option<At<String>>,
}

/// A field of an object that says what this graph built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The object's kind.
    pub kind: At<String>,
    /// Its name.
    pub name: At<String>,
    /// Its namespace, where one is asked for.
    pub namespace: Option<At<String>>,
    /// The field, by RFC 6901.
    pub pointer: At<String>,
    /// What the field says, with `{digest}` and the like replaced.
    pub value: At<String>,
    /// What it speaks of.
    pub from: At<TargetRef>,
    /// The platform that it is made for, where there are several.
    pub platform: Option<At<Platform>>,
    /// Which file of it, where there are several.
    pub file: Option<At<String>>,
}

/// Fields of a kind that hold images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageField {
    /// The kind.
    pub kind: At<String>,
    /// The fields, by RFC 6901 with `*` for any item or key.
    pub pointer: At<String>,
}
