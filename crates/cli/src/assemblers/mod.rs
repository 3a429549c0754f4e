//! The assemblers behind plans: from parameters and inputs to calls of the crates that do the work.

mod cluster;
mod debian;
mod image;
mod kernel;
mod node;
mod overlay;
mod rendered;

use groundup_build::{AssembleCall, AssembleError, Assemblers};
use groundup_digest::{BlobId, ObjectId, TreeId};
use groundup_plan::Assembler;
use groundup_tree::{Expansion, FileTree, Kind, Meta, Node, TreePath};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// All assemblers that this program has.
pub(crate) struct Registered {
    /// How far archives of others may unpack.
    pub(crate) expansion: Expansion,
}

type Outputs = BTreeMap<String, ObjectId>;

impl Assemblers for Registered {
    fn call(&self, call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
        match call.assembler {
            Assembler::DebianKeyring => debian::keyring(call),
            Assembler::DebianIndex => debian::index(call),
            Assembler::DebianSelect => debian::select(call),
            Assembler::DebianUnpack => debian::unpack(call, self.expansion),
            Assembler::DebianRootfs => debian::rootfs(call),
            Assembler::DebianUnpacked => debian::unpacked(call),
            Assembler::DebianConfigured => debian::configured(call),
            Assembler::DebianSource => debian::source(call, self.expansion),
            Assembler::TarUnpack => debian::tar(call, self.expansion),
            Assembler::TreePatch => kernel::patch(call),
            Assembler::KernelCheck => kernel::check(call),
            Assembler::KernelFacts => kernel::facts(call),
            Assembler::NodeFacts => node::facts(call),
            Assembler::TreeCompose => debian::compose(call),
            Assembler::TreeTar => node::tar(call),
            Assembler::TreeCpio => node::cpio(call),
            Assembler::NodeCheck => node::check(call),
            Assembler::NodeTestCheck => node::test_check(call),
            Assembler::ImageBase => image::base(call, self.expansion),
            Assembler::ImageSplit => image::split(call),
            Assembler::ImageLayer => image::layer(call),
            Assembler::ImageManifest => image::manifest(call),
            Assembler::ImageIndex => image::index(call),
            Assembler::ImageArchive => image::archive(call),
            Assembler::ImageDigest => image::digest(call),
            Assembler::TreeDigests => cluster::digests(call),
            Assembler::ClusterSchemas => cluster::schemas(call),
            Assembler::ClusterKustomization => rendered::kustomization(call),
            Assembler::ClusterChart => rendered::chart(call),
            Assembler::ClusterManifests => cluster::manifests(call),
            Assembler::ClusterArtifact => cluster::artifact(call),
        }
    }
}

/// Parameters and inputs of a call, typed. A miss is a plan of another release: our bug.
trait Arguments {
    fn params<T: DeserializeOwned>(&self) -> Result<T, AssembleError>;
    fn blob(&self, name: &str) -> Result<BlobId, AssembleError>;
    fn tree(&self, name: &str) -> Result<TreeId, AssembleError>;
    fn blob_if_there(&self, name: &str) -> Option<BlobId>;
    fn tree_if_there(&self, name: &str) -> Option<TreeId>;
}

impl Arguments for AssembleCall<'_> {
    fn params<T: DeserializeOwned>(&self) -> Result<T, AssembleError> {
        Ok(serde_json::from_str(self.params)?)
    }

    fn blob(&self, name: &str) -> Result<BlobId, AssembleError> {
        self.blob_if_there(name).ok_or_else(|| format!("the input `{name}` is not a blob").into())
    }

    fn tree(&self, name: &str) -> Result<TreeId, AssembleError> {
        self.tree_if_there(name).ok_or_else(|| format!("the input `{name}` is not a tree").into())
    }

    fn blob_if_there(&self, name: &str) -> Option<BlobId> {
        self.inputs.get(name).and_then(|id| id.blob())
    }

    fn tree_if_there(&self, name: &str) -> Option<TreeId> {
        self.inputs.get(name).and_then(|id| id.tree())
    }
}

/// The single output `out`.
/// The output of a step that says something: a tree of one file.
fn said(
    call: &AssembleCall<'_>,
    name: &str,
    value: &impl Serialize,
) -> Result<Outputs, AssembleError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    let content = call.store.put_blob(&text)?;
    let mut tree = FileTree::new();
    let kind = Kind::File { blob: content.blob, size: content.size };
    let node = Node { meta: Meta::root_owned(0o644), kind };
    tree.insert(TreePath::new(name.as_bytes())?, node)?;
    Ok(out(ObjectId::Tree(call.store.put_tree(&tree)?)))
}

fn out(id: ObjectId) -> Outputs {
    BTreeMap::from([("out".to_owned(), id)])
}
