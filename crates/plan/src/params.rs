//! The parameters of assemblers, as they stand in keys and records.
//!
//! Each is written as JSON in the order of its fields; maps are sorted. A field that is added is
//! skipped while it has its default, so that old keys stay.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of [`crate::Assembler::DebianKeyring`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring {
    /// The keyring's path in the package, without a leading `/`.
    pub member: String,
    /// Whether the keys must be among those of Debian that groundup knows.
    pub known_keys_only: bool,
}

/// Of [`crate::Assembler::DebianIndex`]; the input `index.N` is `indexes[N]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Suite that the release file must be of.
    pub suite: String,
    /// What each index is.
    pub indexes: Vec<IndexFile>,
}

/// One index file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFile {
    /// Component.
    pub component: String,
    /// Debian architecture, or `source`.
    pub arch: String,
}

/// Of [`crate::Assembler::DebianSelect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {
    /// What the archive must vouch for, sorted.
    pub claims: Vec<Claim>,
}

/// A file that an archive must vouch for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Name of the package.
    pub package: String,
    /// Version.
    pub version: String,
    /// Debian architecture, or `source`.
    pub arch: String,
    /// Path in the archive.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Of [`crate::Assembler::DebianRootfs`]; package N has the inputs `data.N` and `control.N`.
///
/// Of [`crate::Assembler::DebianUnpacked`] too, of whose overlay the directories count alone, and of
/// [`crate::Assembler::DebianConfigured`], which has no packages, diversions and alternatives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rootfs {
    /// Debian architecture.
    pub arch: String,
    /// The packages, sorted.
    pub packages: Vec<Package>,
    /// Diversions that unrun scripts would have made.
    pub diversions: Vec<Diversion>,
    /// Alternatives that are chosen: name, link, program.
    pub alternatives: Vec<Alternative>,
    /// Users that are added.
    pub users: Vec<User>,
    /// Groups that are added.
    pub groups: Vec<Group>,
    /// What is laid on top.
    pub overlay: Overlay,
}

/// A package of a root file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Debian architecture.
    pub arch: String,
}

/// A diversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diversion {
    /// The path that packages have.
    pub path: String,
    /// Where it goes.
    pub to: String,
    /// The package that is exempt.
    pub by: Option<String>,
}

/// A choice of the alternatives system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// Its name.
    pub name: String,
    /// What is chosen.
    pub path: String,
    /// The name that people use.
    pub link: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Main group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Comment.
    pub comment: String,
    /// Further groups.
    pub groups: Vec<String>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
}

/// What is laid on top of a tree; of [`crate::Assembler::TreeCompose`] too.
///
/// Order: trees, removals, directories, files, links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Trees; tree N is the input `tree.N`, its origins, if known, `origins.N`.
    pub trees: Vec<Tree>,
    /// Globs of absolute paths that are taken away.
    pub remove: Vec<String>,
    /// Directories.
    pub dirs: Vec<Directory>,
    /// Files.
    pub files: Vec<File>,
    /// Symbolic links: path, target.
    pub links: Vec<(String, String)>,
}

/// A tree that is laid on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Label for its files' origins, where it brings none.
    pub label: String,
    /// The part that is taken.
    pub path: String,
    /// Where it goes.
    pub to: String,
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// The text of the recipe; without, the content is the input `file.N`.
    pub text: Option<String>,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Of [`crate::Assembler::TarUnpack`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tar {
    /// How many leading parts each path loses.
    pub strip: u32,
}

/// Of [`crate::Assembler::DebianSource`]; the input `dsc` and the files `file.N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Names of the files, as the `.dsc` has them.
    pub files: Vec<String>,
}

/// Of [`crate::Assembler::TreePatch`]; patch N is the input `patch.NN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patches {
    /// What messages call each patch: its path in the repository.
    pub names: Vec<String>,
}

/// Of [`crate::Assembler::KernelCheck`]; fragment N is the input `fragment.NN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelCheck {
    /// `ARCH` of `make`.
    pub arch: String,
    /// The directory of the architecture below `arch/`.
    pub architecture: String,
    /// What messages call each fragment: its path in the repository.
    pub fragments: Vec<String>,
    /// Options of the recipe: symbol, value.
    pub options: Vec<(String, String)>,
    /// Symbols that may be dropped or changed.
    pub allow_dropped: Vec<String>,
}

/// Of [`crate::Assembler::NodeTestCheck`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTestCheck {
    /// What the machine needs of the kernel.
    pub needs: Vec<Need>,
    /// Whether the init must be systemd.
    pub systemd: bool,
}

/// A feature of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// Whether a module will do.
    pub module: bool,
    /// What needs it.
    pub by: String,
}

/// Of [`crate::Assembler::ImageBase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Platform that is taken.
    pub platform: String,
    /// Digest that the image must have, hexadecimal.
    pub digest: Option<String>,
}

/// Of [`crate::Assembler::ImageSplit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Number of layers that are made; unused ones are empty.
    pub max: u32,
}

/// Of [`crate::Assembler::ImageLayer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// `gzip` or `zstd`.
    pub compression: String,
    /// Level of the compressor, where the recipe says one.
    pub level: Option<i32>,
    /// Which choices of encoders are frozen.
    pub compat: u32,
}

/// Of [`crate::Assembler::ImageManifest`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Platform, `os/architecture`.
    pub platform: String,
    /// Creation time in seconds.
    pub created: u64,
    /// Label of each layer in the history.
    pub layers: u32,
    /// Program and first arguments.
    pub entrypoint: Option<Vec<String>>,
    /// Default arguments.
    pub cmd: Option<Vec<String>>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// User and group.
    pub user: Option<String>,
    /// Working directory.
    pub workdir: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Ports.
    pub ports: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Signal that ends it.
    pub stop_signal: Option<String>,
    /// How to ask it whether it is well.
    pub healthcheck: Option<Healthcheck>,
}

/// How to ask a container whether it is well; times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// The command.
    pub test: Vec<String>,
    /// Time between two checks.
    pub interval: Option<u64>,
    /// Time that one may take.
    pub timeout: Option<u64>,
    /// Time in which failures do not count.
    pub start_period: Option<u64>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
}

/// Of [`crate::Assembler::ImageIndex`]; the inputs are `layout.N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageIndex {
    /// The platforms, in the order of the inputs.
    pub platforms: Vec<String>,
    /// Tag.
    pub tag: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Of [`crate::Assembler::ImageArchive`]; the input `layout` is the image of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageArchive {
    /// The platform.
    pub platform: String,
    /// Tag.
    pub tag: String,
}

/// Parameters as they stand in a key.
pub(crate) fn to_text(params: &impl Serialize) -> String {
    serde_json::to_string(params).expect("parameters are plain data with text keys")
}

/// Of [`crate::Assembler::ClusterSchemas`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSchemas {
    /// Where the OpenAPI document is in a tree; nothing takes the first known place.
    pub path: Option<String>,
    /// The version that it must be of, `MAJOR.MINOR`.
    pub version: String,
}

/// Of [`crate::Assembler::ClusterKustomization`] and [`crate::Assembler::ClusterChart`]; `source` is
/// the tree that is checked, `tool` that of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSource {
    /// What messages call the top of the tree.
    pub top: String,
    /// Whether that is a directory of the repository.
    pub repository: bool,
    /// The directory in the tree; `.` is its top.
    pub path: String,
    /// What messages call the tool.
    pub tool: String,
}

/// Of [`crate::Assembler::ClusterManifests`]; the input `manifests.N` is that of `manifests[N]`, and
/// so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterManifests {
    /// What messages call each tree or file of manifests.
    pub manifests: Vec<String>,
    /// What messages call each kustomization or chart; `rendered.N` is what its tool wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rendered: Vec<String>,
    /// What messages call each tree or file of custom resource definitions.
    pub crds: Vec<String>,
    /// Images by the name that manifests have; `image.N` is the digest of `images[N]`.
    pub images: Vec<ClusterImage>,
    /// Fields that are set; `from.N` says the digests for `set[N]`.
    pub set: Vec<ClusterSetting>,
    /// Fields that hold images: kind and pointer.
    pub image_fields: Vec<(String, String)>,
    /// Nodes and images whose facts are read; `facts.N` is the tree of `systems[N]`.
    pub systems: Vec<String>,
    /// Images of others.
    pub outside: Vec<String>,
    /// Objects of others.
    pub external: Vec<String>,
    /// Kinds without a schema.
    pub unchecked: Vec<String>,
    /// Rules that need not hold.
    pub allow: Vec<String>,
    /// Rules whose findings are told and end nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<String>,
}

/// An image of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterImage {
    /// The name in the manifests.
    pub name: String,
    /// The name that comes out.
    pub becomes: String,
}

/// A field that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSetting {
    /// The object's kind.
    pub kind: String,
    /// Its name, or `*`.
    pub name: String,
    /// Its namespace, where one is asked for.
    pub namespace: Option<String>,
    /// The field, by RFC 6901.
    pub pointer: String,
    /// What it says.
    pub value: String,
    /// The target that it speaks of, for `{name}` and messages.
    pub from: String,
    /// The file that is meant, where there are several.
    pub file: Option<String>,
}

/// Of [`crate::Assembler::ClusterArtifact`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterArtifact {
    /// How its layer is called: `flux` or `standard`.
    pub form: String,
    /// Time of creation in seconds since 1970.
    pub created: u64,
    /// Its name in the layout.
    pub tag: Option<String>,
}
