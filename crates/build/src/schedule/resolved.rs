//! What is known of a plan before anything is executed.

use groundup_digest::{ObjectId, StepKey};
use groundup_plan::Plan;
use groundup_store::{Store, StoreError};
use std::collections::BTreeMap;

/// What is known of a step before anything is executed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// Its key; unknown while an input is not built.
    pub key: Option<StepKey>,
    /// Its outputs, where the key has a result.
    pub outputs: Option<BTreeMap<String, ObjectId>>,
}

/// Looks up every step of a plan; nothing is executed or guessed.
pub fn resolve(plan: &Plan, store: &Store) -> Result<Vec<Resolved>, StoreError> {
    let results = store.results_view()?;
    let mut resolved: Vec<Resolved> = Vec::with_capacity(plan.steps().len());
    for step in plan.steps() {
        let ids = plan.input_ids(step, |maker, output| {
            resolved[maker.get()].outputs.as_ref()?.get(output).copied()
        });
        let key = ids.map(|ids| step.key(&ids));
        let outputs = match key {
            Some(key) => results.get(key)?.map(|result| result.outputs),
            None => None,
        };
        resolved.push(Resolved { key, outputs });
    }
    Ok(resolved)
}
