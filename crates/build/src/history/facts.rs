//! The small contents that stay when the rest is collected, so that old builds can be told of.
//!
//! Trees, results and records are never collected: they say which paths an image of last year had, with
//! which modes, sizes and ids of contents. This adds the contents that say more than their id: origins of
//! files, facts of kernels, nodes and layers, configurations of kernels, manifests of clusters, and the
//! JSON of images. Newest builds first, until a budget of age or size ends.

use super::{HistoryError, load_build};
use groundup_digest::{BlobId, ObjectId};
use groundup_provenance::RecordedStep;
use groundup_store::Store;
use groundup_tree::Kind;
use std::collections::BTreeSet;

/// How much is kept to tell of old builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactsBudget {
    /// Facts of builds that began earlier, in milliseconds since 1970, go.
    pub since_ms: u64,
    /// Bytes of all facts together.
    pub bytes: u64,
}

/// The contents that stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The contents.
    pub blobs: BTreeSet<BlobId>,
    /// Their bytes.
    pub bytes: u64,
    /// How many builds they tell of.
    pub builds: usize,
    /// Builds that are too old, or for which there was no room.
    pub left: usize,
}

/// Files in an image's layout or a configuration that are larger are no facts.
const SMALL: u64 = 1 << 20;

/// The facts of all builds that a budget has room for, of the newest first.
pub fn facts_of(store: &Store, budget: FactsBudget) -> Result<Facts, HistoryError> {
    let mut facts = Facts::default();
    let mut trees = BTreeSet::new();
    for id in store.build_records()? {
        let Ok(record) = load_build(store, id) else { continue };
        if record.circumstances.started_ms < budget.since_ms || facts.bytes >= budget.bytes {
            facts.left += 1;
            continue;
        }
        facts.builds += 1;
        for step in &record.steps {
            add_step(store, step, &mut facts, &mut trees)?;
        }
    }
    Ok(facts)
}

fn add_step(
    store: &Store,
    step: &RecordedStep,
    facts: &mut Facts,
    trees: &mut BTreeSet<ObjectId>,
) -> Result<(), HistoryError> {
    let parts = step.parts();
    let kind = parts.owner.split('.').next().unwrap_or_default();
    for (output, id) in &step.outputs {
        let told = match output.as_str() {
            "origins" | "facts" | "labels" | "deletions" => true,
            "out" => match (kind, parts.role) {
                ("image", role) => ["index", "manifest", "facts"].contains(&role),
                ("node", role) => role == "facts",
                ("kernel", role) => ["check", "config", "facts"].contains(&role),
                ("cluster", _) => true,
                _ => false,
            },
            _ => kind == "cluster",
        };
        if !told || !trees.insert(*id) {
            continue;
        }
        match id {
            ObjectId::Blob(blob) => {
                let known = store.known_content(*blob)?.map(|content| content.size);
                add(store, *blob, known, facts)?;
            }
            ObjectId::Tree(tree) if store.has_tree(*tree)? => {
                for (_, node) in store.load_tree(*tree)?.iter() {
                    if let Kind::File { blob, size } = node.kind
                        && size <= SMALL
                    {
                        add(store, blob, Some(size), facts)?;
                    }
                }
            }
            ObjectId::Tree(_) => {}
        }
    }
    Ok(())
}

fn add(
    store: &Store,
    blob: BlobId,
    size: Option<u64>,
    facts: &mut Facts,
) -> Result<(), HistoryError> {
    if !facts.blobs.contains(&blob) && store.has_blob(blob)? {
        let size = match size {
            Some(size) => size,
            None => store.read_blob(blob)?.len() as u64,
        };
        facts.blobs.insert(blob);
        facts.bytes += size;
    }
    Ok(())
}
