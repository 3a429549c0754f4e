//! The assemblers: pure functions of groundup, each with a version that enters keys.
//!
//! An assembler is code of ours, so its version is an input: whoever changes what one gives for the
//! same inputs raises its version here.

use std::fmt;

/// A pure function inside groundup that a step can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assembler {
    /// Takes the keyring out of a package, or a file as it is.
    DebianKeyring,
    /// Checks the chain keyring -> InRelease -> indexes and gives the table of what they vouch for.
    DebianIndex,
    /// Checks that an archive vouches for packages, and gives just those.
    DebianSelect,
    /// Unpacks a `.deb` to its data and control trees.
    DebianUnpack,
    /// Merges packages to a root file system with its state.
    DebianRootfs,
    /// Merges packages to a root file system whose scripts are to run.
    DebianUnpacked,
    /// Finishes a root file system whose scripts ran.
    DebianConfigured,
    /// Unpacks a source package and applies its patches.
    DebianSource,
    /// Unpacks a tar archive.
    TarUnpack,
    /// Applies patches to a tree.
    TreePatch,
    /// Lays trees and files over each other.
    TreeCompose,
    /// Writes a tree as one tar stream.
    TreeTar,
    /// Writes a tree as a cpio archive for the kernel.
    TreeCpio,
    /// Checks that a kernel and a root file system make a node that boots.
    NodeCheck,
    /// Checks that a kernel has what the machine of a boot test needs.
    NodeTestCheck,
    /// Checks that a resolved kernel configuration holds what was asked for.
    KernelCheck,
    /// Says what a kernel is: its configuration, exports and modules.
    KernelFacts,
    /// Says what a node is: packages, units, kernel parameters, users.
    NodeFacts,
    /// Reads an OCI image: its tree, layers and configuration.
    ImageBase,
    /// Assigns files to layers.
    ImageSplit,
    /// Encodes and compresses one layer.
    ImageLayer,
    /// Makes the image of one platform.
    ImageManifest,
    /// Joins the images of all platforms in one layout.
    ImageIndex,
    /// Writes the image of one platform as an OCI archive.
    ImageArchive,
    /// Says the digest of an image that a layout holds.
    ImageDigest,
    /// Says the digests of the files of a tree.
    TreeDigests,
    /// Takes the schemas of objects out of Kubernetes' OpenAPI document.
    ClusterSchemas,
    /// Checks that a kustomization names only what is there, and that its tool is.
    ClusterKustomization,
    /// The same of a chart.
    ClusterChart,
    /// Makes and checks the manifests of a cluster.
    ClusterManifests,
    /// Puts manifests in an OCI artifact.
    ClusterArtifact,
}

impl Assembler {
    /// Every assembler.
    pub const ALL: [Assembler; 31] = [
        Assembler::DebianKeyring,
        Assembler::DebianIndex,
        Assembler::DebianSelect,
        Assembler::DebianUnpack,
        Assembler::DebianRootfs,
        Assembler::DebianUnpacked,
        Assembler::DebianConfigured,
        Assembler::DebianSource,
        Assembler::TarUnpack,
        Assembler::TreePatch,
        Assembler::TreeCompose,
        Assembler::TreeTar,
        Assembler::TreeCpio,
        Assembler::NodeCheck,
        Assembler::NodeTestCheck,
        Assembler::KernelCheck,
        Assembler::KernelFacts,
        Assembler::NodeFacts,
        Assembler::ImageBase,
        Assembler::ImageSplit,
        Assembler::ImageLayer,
        Assembler::ImageManifest,
        Assembler::ImageIndex,
        Assembler::ImageArchive,
        Assembler::ImageDigest,
        Assembler::TreeDigests,
        Assembler::ClusterSchemas,
        Assembler::ClusterKustomization,
        Assembler::ClusterChart,
        Assembler::ClusterManifests,
        Assembler::ClusterArtifact,
    ];

    /// Its name in keys, records and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Assembler::DebianKeyring => "debian.keyring",
            Assembler::DebianIndex => "debian.index",
            Assembler::DebianSelect => "debian.select",
            Assembler::DebianUnpack => "debian.unpack",
            Assembler::DebianRootfs => "debian.rootfs",
            Assembler::DebianUnpacked => "debian.unpacked",
            Assembler::DebianConfigured => "debian.configured",
            Assembler::DebianSource => "debian.source",
            Assembler::TarUnpack => "tar.unpack",
            Assembler::TreePatch => "tree.patch",
            Assembler::TreeCompose => "tree.compose",
            Assembler::TreeTar => "tree.tar",
            Assembler::TreeCpio => "tree.cpio",
            Assembler::NodeCheck => "node.check",
            Assembler::NodeTestCheck => "node.test-check",
            Assembler::KernelCheck => "kernel.check",
            Assembler::KernelFacts => "kernel.facts",
            Assembler::NodeFacts => "node.facts",
            Assembler::ImageBase => "image.base",
            Assembler::ImageSplit => "image.split",
            Assembler::ImageLayer => "image.layer",
            Assembler::ImageManifest => "image.manifest",
            Assembler::ImageIndex => "image.index",
            Assembler::ImageArchive => "image.archive",
            Assembler::ImageDigest => "image.digest",
            Assembler::TreeDigests => "tree.digests",
            Assembler::ClusterSchemas => "cluster.schemas",
            Assembler::ClusterKustomization => "cluster.kustomization",
            Assembler::ClusterChart => "cluster.chart",
            Assembler::ClusterManifests => "cluster.manifests",
            Assembler::ClusterArtifact => "cluster.artifact",
        }
    }

    /// The version of what it gives for the same inputs.
    pub const fn version(self) -> u32 {
        match self {
            Assembler::DebianKeyring
            | Assembler::DebianIndex
            | Assembler::DebianSelect
            | Assembler::DebianUnpack
            | Assembler::DebianUnpacked
            | Assembler::DebianConfigured
            | Assembler::DebianSource
            | Assembler::TarUnpack
            | Assembler::TreePatch
            | Assembler::TreeCompose
            | Assembler::TreeTar
            | Assembler::TreeCpio
            | Assembler::NodeTestCheck
            | Assembler::KernelCheck
            | Assembler::KernelFacts
            | Assembler::NodeFacts
            | Assembler::ImageBase
            | Assembler::ImageSplit
            | Assembler::ImageManifest
            | Assembler::ImageIndex
            | Assembler::ImageArchive
            | Assembler::ImageDigest
            | Assembler::TreeDigests
            | Assembler::ClusterSchemas
            | Assembler::ClusterKustomization
            | Assembler::ClusterChart
            | Assembler::ClusterManifests
            | Assembler::ClusterArtifact => 1,
            // 2: `ld.so.cache` and `/etc/shells` as Debian's own tools write them.
            Assembler::DebianRootfs => 2,
            // 2: drivers of disks, and what systemd needs.
            Assembler::NodeCheck => 2,
            // 2: another encoder of gzip.
            Assembler::ImageLayer => 2,
        }
    }
}

impl fmt::Display for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name(), self.version())
    }
}
