//! The checked model: what recipes say after `extends`, `vars` and defaults are worked in.
//!
//! Every reference in it resolves to a target of an allowed kind, and there is no cycle. Positions
//! are carried along ([`At`]) but are no part of equality.

mod build;
mod cluster;
mod image;
mod kernel;
mod node;
mod overlay;
mod package;
mod rendering;
mod rootfs;
mod source;
mod workspace;

pub use build::{Build, Command, Limits, Permissions, Reuse};
pub use cluster::{ArtifactForm, Cluster, ImageField, MappedImage, Setting, Weight};
pub use image::{Compression, Healthcheck, Image, ImageConfig, LayerOptions};
pub use kernel::{Kernel, KernelBase, KernelOption, Signing};
pub use node::{BootTest, Firmware, HttpCheck, MachineId, Node, Unit};
pub use overlay::{Directory, FileContent, FileEntry, Link, Overlay, Placement};
pub use package::{PackageError, PackageRequest};
pub use rendering::{Chart, Kustomization, Place};
pub use rootfs::{Alternative, Diversion, Group, Rootfs, Scripts, User};
pub use source::{DebLocation, OciLocation, Source, Unpack};
pub use workspace::{Archive, Keyring, Role, Target, TargetBody, Use, Workspace};
