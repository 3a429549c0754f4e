//! Artifacts: what is copied out of the store for people, and where.

use crate::error::{CliError, Kind};
use groundup_build::Built;
use groundup_digest::{ObjectId, Sha256, TreeId};
use groundup_recipe::Kind as TargetKind;
use groundup_store::{Existing, ExportOptions, Store};
use groundup_tree::{Kind as NodeKind, TreePath};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One line of the answer of `build`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Artifact {
    /// The target.
    pub(crate) target: String,
    /// The platform, for targets that are made for one.
    pub(crate) platform: Option<String>,
    /// The output.
    pub(crate) output: String,
    /// The id in the store.
    pub(crate) id: ObjectId,
    /// The digest of the manifest or index, for images.
    pub(crate) digest: Option<String>,
    /// Where its copy is.
    pub(crate) path: Option<PathBuf>,
}

/// What lies in the output directory, by name, so that an equal copy is not made again.
#[derive(Default, PartialEq, Clone, Serialize, Deserialize)]
struct Copies {
    /// The boot of the machine: copies are not synced, so those of another boot may have lost their
    /// bytes.
    boot: String,
    copies: BTreeMap<String, ObjectId>,
}

const COPIES: &str = ".groundup.json";

/// The digest of what the only entry of a layout's `index.json` names.
pub(crate) fn image_digest(store: &Store, layout: TreeId) -> Result<Sha256, CliError> {
    let broken = |why: &str| CliError::new(Kind::Bug, format!("an image layout of ours {why}"));
    let path = TreePath::parse(b"index.json").expect("a plain name");
    let tree = store.load_tree(layout)?;
    let Some(NodeKind::File { blob, .. }) = tree.get(&path).map(|node| node.kind.clone()) else {
        return Err(broken("has no index.json"));
    };
    let index: serde_json::Value = serde_json::from_slice(&store.read_blob(blob)?)
        .map_err(|_| broken("has an index.json that is no JSON"))?;
    let digest = index["manifests"][0]["digest"].as_str().unwrap_or_default();
    let digest = digest.strip_prefix("sha256:").and_then(|digest| digest.parse().ok());
    digest.ok_or_else(|| broken("names no manifest"))
}

/// Copies what a target made below `place`, and says what there is.
///
/// Images and outputs of builds are copied; a root file system is large and rarely wanted as files,
/// so it stays in the store unless it was asked for by name with `everything`.
pub(crate) fn publish(
    store: &Store,
    targets: &[Built],
    place: Option<&Path>,
    everything: Everything,
) -> Result<Vec<Artifact>, CliError> {
    if let Some(place) = place.filter(|place| place.is_dir()) {
        store.sweep_exports(place)?;
    }
    let stamp = place.map(|place| place.join(COPIES));
    let mut copies = match &stamp {
        Some(path) => read_copies(path)?,
        None => Copies::default(),
    };
    let before = copies.clone();
    let mut artifacts = Vec::new();
    for built in targets {
        let Some(outputs) = &built.outputs else { continue };
        for (output, id) in outputs {
            let name = file_name(targets, built, output);
            let kind = built.target.name.kind();
            let wanted = match kind {
                TargetKind::Image
                | TargetKind::Build
                | TargetKind::Kernel
                | TargetKind::Node
                | TargetKind::Cluster => true,
                TargetKind::Rootfs | TargetKind::Source => everything == Everything::Yes,
            };
            let path = match (place, wanted) {
                (Some(place), true) => {
                    let path = place.join(&name);
                    if copies.copies.get(&name) != Some(id) || !path.exists() {
                        // Whatever happens while it is made, the copy before is not taken for whole.
                        if let (Some(_), Some(stamp)) = (copies.copies.remove(&name), &stamp) {
                            write_copies(stamp, &copies)?;
                        }
                        copy_out(store, *id, &path)?;
                        copies.copies.insert(name, *id);
                    }
                    Some(path)
                }
                _ => None,
            };
            let digest = match (kind, id) {
                (TargetKind::Image, ObjectId::Tree(layout)) => {
                    Some(image_digest(store, *layout)?.oci())
                }
                (TargetKind::Cluster, ObjectId::Tree(layout)) if output == "oci" => {
                    Some(image_digest(store, *layout)?.oci())
                }
                _ => None,
            };
            artifacts.push(Artifact {
                target: built.target.name.to_string(),
                platform: built.target.platform.map(|platform| platform.to_string()),
                output: output.clone(),
                id: *id,
                digest,
                path,
            });
        }
    }
    if let Some(path) = stamp
        && copies != before
    {
        write_copies(&path, &copies)?;
    }
    Ok(artifacts)
}

/// Whether root file systems and sources are copied too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Everything {
    /// They are.
    Yes,
    /// They stay in the store.
    No,
}

/// `image.web`, `build.tool`, `build.tool-dev` for the output `dev`, with the architecture where a
/// target is made for several.
fn file_name(targets: &[Built], built: &Built, output: &str) -> String {
    let mut name = built.target.name.to_string();
    if output != groundup_recipe::DEFAULT_OUTPUT {
        name.push('-');
        name.push_str(output);
    }
    let of_target = |other: &&Built| other.target.name == built.target.name;
    if let Some(platform) = built.target.platform
        && targets.iter().filter(of_target).count() > 1
    {
        name.push('.');
        name.push_str(platform.architecture());
    }
    name
}

fn copy_out(store: &Store, id: ObjectId, path: &Path) -> Result<(), CliError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)
        .map_err(|error| CliError::io("make the directory", parent, &error))?;
    match id {
        ObjectId::Tree(tree) => {
            let options = ExportOptions { existing: Existing::Replace };
            store.export(tree, path, options).map_err(|error| {
                CliError::of(Kind::Environment, &error)
                    .while_trying(format!("cannot copy to `{}`", path.display()))
            })?;
        }
        ObjectId::Blob(blob) => {
            let bytes = store.read_blob(blob)?;
            std::fs::write(path, bytes).map_err(|error| CliError::io("write", path, &error))?;
        }
    }
    Ok(())
}

fn read_copies(path: &Path) -> Result<Copies, CliError> {
    let text = crate::context::read_if_there(path)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // A file that is not ours says nothing: the copies are made again.
    let known: Option<Copies> = text.and_then(|text| serde_json::from_str(&text).ok());
    let known = known.filter(|known| known.boot == boot.trim());
    Ok(known.unwrap_or_else(|| Copies { boot: boot.trim().to_owned(), ..Copies::default() }))
}

fn write_copies(path: &Path, copies: &Copies) -> Result<(), CliError> {
    let text =
        serde_json::to_string_pretty(copies).map_err(|error| CliError::of(Kind::Bug, &error))?;
    std::fs::write(path, text).map_err(|error| CliError::io("write", path, &error))
}
