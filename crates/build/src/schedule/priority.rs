//! Longest remaining path first, by recorded durations.

use crate::Order;
use groundup_plan::{Plan, Step, StepKind};
use groundup_store::{Store, StoreError};
use std::time::Duration;

/// What a step is taken to last that was never executed here.
pub(super) fn guess(step: &Step) -> Duration {
    match &step.kind {
        StepKind::Run(_) => Duration::from_secs(60),
        StepKind::Fetch(_) => Duration::from_secs(1),
        StepKind::Assemble(_) => Duration::from_millis(200),
    }
}

/// For each step, how long it took last, if it was executed here before.
pub(crate) fn durations(plan: &Plan, store: &Store) -> Result<Vec<Option<Duration>>, StoreError> {
    let labels: Vec<_> = plan.steps().iter().map(|step| step.label.to_string()).collect();
    store.durations_of(labels.iter().map(String::as_str))
}

/// For each step, how urgent it is; the higher starts first.
pub(crate) fn priorities(plan: &Plan, recorded: &[Option<Duration>], order: Order) -> Vec<u64> {
    match order {
        Order::LongestFirst => {
            let steps = plan.steps().iter().zip(recorded);
            let durations = steps.map(|(step, recorded)| recorded.unwrap_or_else(|| guess(step)));
            longest_paths(plan, &durations.collect::<Vec<_>>())
        }
        Order::Shuffled(seed) => {
            (0..plan.steps().len() as u64).map(|number| mix(seed ^ number)).collect()
        }
    }
}

fn longest_paths(plan: &Plan, durations: &[Duration]) -> Vec<u64> {
    let mut paths = vec![0u64; plan.steps().len()];
    let consumers = plan.consumers();
    for (index, _) in plan.indexed().collect::<Vec<_>>().into_iter().rev() {
        let after = consumers[index.get()].iter().map(|consumer| paths[consumer.get()]).max();
        let own = u64::try_from(durations[index.get()].as_millis()).unwrap_or(u64::MAX);
        paths[index.get()] = own.saturating_add(after.unwrap_or(0)).max(1);
    }
    paths
}

/// One round of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
