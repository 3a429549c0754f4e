//! Looking back: which builds made an id ([`whence`]), and what a file is made of ([`why`]).
//!
//! Everything is told from records, origins and trees, which stay when contents are collected; no
//! recipe is loaded and nothing is planned. What a record does not say (which line a pin stands in
//! now) is looked up in the files as they are ([`PinLines`], [`recipe_line`]).

mod born;
mod chain;
mod facts;
mod lines;
mod look;
mod origins;
mod trace;
mod whence;
mod why;

pub use born::{Answer, Asked, Born, BornAs, BornIn, Candidate};
pub use chain::{Beside, Chain, Did, End, Hop};
pub use facts::{Facts, FactsBudget, facts_of};
pub use lines::{PinLine, PinLines, recipe_line};
pub use whence::whence;
pub use why::{Layer, Listed, NodeFacts, Question, Why, WhyError, why, why_all};

use groundup_digest::{RecordId, Sha256};
use groundup_provenance::{BuildRecord, RecordError};
use groundup_store::{History, Mentions, Store, StoreError};
use std::collections::BTreeSet;

/// Why history cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store failed.
    #[error("the store cannot be asked")]
    Store(#[from] StoreError),
    /// A build record cannot be read.
    #[error("the build record {id} cannot be read")]
    Record {
        /// The record.
        id: RecordId,
        /// Why not.
        #[source]
        source: RecordError,
    },
    /// A directory of a tree cannot be read.
    #[error("a directory of a stored tree cannot be read")]
    Directory(#[source] groundup_digest::DecodeError),
}

/// The history of a store, with all builds that it has.
pub fn open_history(store: &Store) -> Result<History, StoreError> {
    store.history(&mut |bytes| {
        let record = BuildRecord::from_bytes(bytes).ok()?;
        Some(mentions_of(store, &record))
    })
}

/// What a build record says of ids: keys, inputs, outputs, and the layers of its images by the
/// digest of their uncompressed bytes.
fn mentions_of(store: &Store, record: &BuildRecord) -> Mentions {
    let mut ids = BTreeSet::from([*record.id().as_bytes()]);
    for step in &record.steps {
        ids.insert(*step.key.as_bytes());
        let inputs = step.inputs.iter().map(|(.., id)| id);
        ids.extend(inputs.chain(step.outputs.iter().map(|(_, id)| id)).map(bytes_of));
        ids.extend(diff_id_of(store, step).map(|diff_id| *diff_id.as_bytes()));
    }
    let mut series = record.workspace.clone();
    for target in &record.targets {
        series.push('\n');
        series.push_str(&target.name);
        for (output, _) in &target.outputs {
            series.push_str(&format!(":{output}"));
        }
    }
    Mentions { series, started_ms: record.circumstances.started_ms, ids: ids.into_iter().collect() }
}

fn bytes_of(id: &groundup_digest::ObjectId) -> [u8; 32] {
    match id {
        groundup_digest::ObjectId::Blob(id) => *id.as_bytes(),
        groundup_digest::ObjectId::Tree(id) => *id.as_bytes(),
    }
}

/// What the facts of a layer say.
fn layer_facts(
    store: &Store,
    step: &groundup_provenance::RecordedStep,
) -> Option<serde_json::Value> {
    if !step.parts().role.starts_with("layer.") {
        return None;
    }
    let facts = store.read_blob(step.output("facts")?.blob()?).ok()?;
    serde_json::from_slice::<serde_json::Value>(&facts).ok()?.get("layer").cloned()
}

/// The digest of the uncompressed bytes of the layer that a step made, if its facts are there.
fn diff_id_of(store: &Store, step: &groundup_provenance::RecordedStep) -> Option<Sha256> {
    let layer = layer_facts(store, step)?;
    layer.get("diff_id")?.as_str()?.parse().ok()
}

/// The build record of an id.
pub fn load_build(store: &Store, id: RecordId) -> Result<BuildRecord, HistoryError> {
    let bytes = store.get_record(id)?;
    BuildRecord::from_bytes(&bytes).map_err(|source| HistoryError::Record { id, source })
}
