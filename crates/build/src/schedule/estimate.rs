//! How long some steps of a plan will take, from what they took before.

use super::priority;
use groundup_plan::Plan;
use groundup_store::{Store, StoreError};
use std::time::Duration;

/// What executing some steps takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The time of all of them, one after the other.
    pub work: Duration,
    /// The time until the last is done, so many at once.
    pub wall: Duration,
    /// How many of them were never executed here; their times are guesses.
    pub guessed: usize,
}

/// Estimates sets of steps of one plan.
#[derive(Debug)]
pub struct Estimator<'a> {
    plan: &'a Plan,
    durations: Vec<(Duration, bool)>,
}

impl<'a> Estimator<'a> {
    /// Looks up how long the steps of a plan took last.
    pub fn new(plan: &'a Plan, store: &Store) -> Result<Self, StoreError> {
        let recorded = priority::durations(plan, store)?;
        let steps = plan.steps().iter().zip(recorded);
        let durations = steps.map(|(step, recorded)| {
            (recorded.unwrap_or_else(|| priority::guess(step)), recorded.is_none())
        });
        Ok(Self { plan, durations: durations.collect() })
    }

    /// What the steps for which `takes` holds take, `jobs` at once: no less than the longest chain
    /// of them, and no less than all of them shared out.
    pub fn of(&self, jobs: usize, takes: impl Fn(usize) -> bool) -> Estimate {
        let mut estimate = Estimate::default();
        let mut ends = vec![Duration::ZERO; self.durations.len()];
        for (index, step) in self.plan.indexed() {
            let number = index.get();
            let needs = step.needs();
            let start = needs.iter().map(|need| ends[need.get()]).max().unwrap_or_default();
            let (own, guessed) = self.durations[number];
            ends[number] = start;
            if takes(number) {
                ends[number] += own;
                estimate.work += own;
                estimate.guessed += usize::from(guessed);
            }
        }
        let longest = ends.into_iter().max().unwrap_or_default();
        let shared = estimate.work / u32::try_from(jobs.max(1)).unwrap_or(u32::MAX);
        estimate.wall = longest.max(shared);
        estimate
    }
}
