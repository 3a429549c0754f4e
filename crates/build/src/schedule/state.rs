//! The state of every step during a build, and the rules by which it moves.
//!
//! ```text
//!            inputs known, key has a result
//!   Unknown ────────────────────────────────▶ Known ──content needed and gone──┐
//!      │ inputs known, no result                                               │
//!      ▼                                                                       ▼
//!   Waiting (for content of inputs) ──▶ Ready ──▶ Running ──▶ Done | Failed   Waiting
//!      └──────────── something needed failed ───────────────▶ Skipped
//! ```

use super::{Rerun, Resolved};
use crate::{Holder, Outcome, Reason, StepReport, execute::Failure};
use groundup_digest::{ObjectId, StepKey};
use groundup_plan::{From, Plan, StepIndex};
use groundup_store::{Lease, Store, StoreError};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its outputs are not known, and it has not been looked at since.
    Unknown,
    /// Its outputs are known from a result; it was not executed.
    Known,
    /// It waits for others.
    Waiting,
    /// It can start.
    Ready,
    /// A worker has it.
    Running,
    /// It was executed, or another process did it meanwhile.
    Done,
    /// It was executed and failed.
    Failed,
    /// It will not be executed.
    Skipped,
}

pub(super) struct StepState {
    pub(super) phase: Phase,
    pub(super) key: Option<StepKey>,
    pub(super) outputs: BTreeMap<String, ObjectId>,
    pub(super) reason: Reason,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    pub(super) failure: Option<Failure>,
    /// How many steps it waits for.
    pending: usize,
    /// Who waits for it.
    waiters: Vec<StepIndex>,
}

pub(super) struct States<'a> {
    plan: &'a Plan,
    store: &'a Store,
    rerun: &'a Rerun,
    steps: Vec<StepState>,
    /// Whether an object's content is all there; asked once each, and leased before it is asked, so
    /// that it stays.
    complete: HashMap<ObjectId, bool>,
    lease: Lease,
    /// Steps that became ready and were not taken yet.
    pub(super) ready: Vec<StepIndex>,
    /// Waiting steps that wait for nothing any more; a list, so that long chains need no stack.
    unblocked: Vec<StepIndex>,
}

impl<'a> States<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        store: &'a Store,
        rerun: &'a Rerun,
        resolved: Vec<Resolved>,
    ) -> Result<Self, StoreError> {
        let steps = resolved.into_iter().map(|step| StepState {
            phase: if step.outputs.is_some() { Phase::Known } else { Phase::Unknown },
            key: step.key,
            outputs: step.outputs.unwrap_or_default(),
            reason: Reason::New,
            outcome: Outcome::Reused,
            took: Duration::ZERO,
            failure: None,
            pending: 0,
            waiters: Vec::new(),
        });
        let (steps, complete) = (steps.collect(), HashMap::new());
        let (ready, unblocked, lease) = (Vec::new(), Vec::new(), store.lease()?);
        Ok(Self { plan, store, rerun, steps, complete, lease, ready, unblocked })
    }

    pub(super) fn get(&self, index: StepIndex) -> &StepState {
        &self.steps[index.get()]
    }

    pub(super) fn get_mut(&mut self, index: StepIndex) -> &mut StepState {
        &mut self.steps[index.get()]
    }

    pub(super) fn count(&self, phase: Phase) -> usize {
        self.steps.iter().filter(|step| step.phase == phase).count()
    }

    /// Who builds the key of a step that is running and finds it locked.
    pub(super) fn holder(&self, index: StepIndex) -> Holder {
        let key = self.get(index).key;
        let equal = |(other, _): (StepIndex, _)| {
            let state = self.get(other);
            other != index
                && state.key == key
                && matches!(state.phase, Phase::Running | Phase::Done)
        };
        match self.plan.indexed().any(equal) {
            true => Holder::EqualStep,
            false => Holder::OtherProcess,
        }
    }

    /// Asks for all that the plan's targets need: unknown ids, and content of their outputs.
    pub(super) fn want_targets(&mut self) -> Result<(), StoreError> {
        for index in self.rerun.steps.iter().copied().collect::<Vec<_>>() {
            if self.get(index).phase == Phase::Known {
                self.want_content(index, Reason::Asked);
            }
        }
        for (index, _) in self.plan.indexed() {
            self.want_ids(index);
        }
        let outputs: Vec<From> = self
            .plan
            .targets()
            .iter()
            .flat_map(|target| target.outputs.iter().map(|(_, from)| from.clone()))
            .collect();
        for from in outputs {
            if let From::Step { step, output } = &from
                && self.get(*step).phase == Phase::Known
                && !self.is_complete(self.get(*step).outputs[output])?
            {
                self.want_content(*step, Reason::ContentGone);
            }
        }
        self.advance_unblocked()
    }

    fn is_complete(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        if let Some(known) = self.complete.get(&id) {
            return Ok(*known);
        }
        self.lease.add(id)?;
        let complete = self.store.has_complete(id)?;
        self.complete.insert(id, complete);
        Ok(complete)
    }

    /// Sees to it that the ids of a step's outputs become known; called in the plan's order, so
    /// what it needs was looked at before.
    fn want_ids(&mut self, index: StepIndex) {
        if self.get(index).phase != Phase::Unknown {
            return;
        }
        let mut pending = 0;
        for needed in self.plan.step(index).needs() {
            if !matches!(self.get(needed).phase, Phase::Known | Phase::Done) {
                self.get_mut(needed).waiters.push(index);
                pending += 1;
            }
        }
        let state = self.get_mut(index);
        state.phase = Phase::Waiting;
        state.pending = pending;
        if pending == 0 {
            self.unblocked.push(index);
        }
    }

    /// Executes a step whose outputs are known, for their content or because the user asked.
    fn want_content(&mut self, index: StepIndex, reason: Reason) {
        let state = self.get_mut(index);
        if state.phase == Phase::Known {
            state.phase = Phase::Waiting;
            state.reason = reason;
            self.unblocked.push(index);
        }
    }

    fn advance_unblocked(&mut self) -> Result<(), StoreError> {
        while let Some(index) = self.unblocked.pop() {
            if self.get(index).phase == Phase::Waiting {
                self.advance(index)?;
            }
        }
        Ok(())
    }

    /// Goes on with a waiting step that waits for nothing any more.
    fn advance(&mut self, index: StepIndex) -> Result<(), StoreError> {
        let step = self.plan.step(index);
        if self.get(index).key.is_none() {
            let ids = self
                .plan
                .input_ids(step, |maker, output| self.get(maker).outputs.get(output).copied());
            let ids = ids.expect("all that a step waits for has outputs");
            let key = step.key(&ids);
            self.get_mut(index).key = Some(key);
            if self.rerun.steps.contains(&index) {
                self.get_mut(index).reason = Reason::Asked;
            } else if let Some(result) = self.store.get_result(key)? {
                let state = self.get_mut(index);
                state.outputs = result.outputs;
                state.phase = Phase::Known;
                self.wake_waiters(index);
                return self.want_if_target(index);
            }
        }
        self.want_inputs(index)
    }

    /// A target that turned out to be known needs its content as well.
    fn want_if_target(&mut self, index: StepIndex) -> Result<(), StoreError> {
        let outputs: Vec<String> = self
            .plan
            .targets()
            .iter()
            .flat_map(|target| &target.outputs)
            .filter_map(|(_, from)| match from {
                From::Step { step, output } if *step == index => Some(output.clone()),
                _ => None,
            })
            .collect();
        for output in outputs {
            if !self.is_complete(self.get(index).outputs[&output])? {
                self.want_content(index, Reason::ContentGone);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for content of inputs that is gone; ready if all is there.
    fn want_inputs(&mut self, index: StepIndex) -> Result<(), StoreError> {
        let mut pending = 0;
        let mut asked = Vec::new();
        for input in &self.plan.step(index).inputs {
            let From::Step { step: maker, output } = &input.from else { continue };
            let gone = match self.get(*maker).phase {
                Phase::Failed | Phase::Skipped => {
                    self.skip(index);
                    return Ok(());
                }
                Phase::Known => !self.is_complete(self.get(*maker).outputs[output])?,
                Phase::Waiting | Phase::Ready | Phase::Running => true,
                _ => false,
            };
            if gone && !asked.contains(maker) {
                asked.push(*maker);
                self.want_content(*maker, Reason::ContentGone);
                self.get_mut(*maker).waiters.push(index);
                pending += 1;
            }
        }
        let state = self.get_mut(index);
        state.pending = pending;
        if pending == 0 {
            state.phase = Phase::Ready;
            self.ready.push(index);
        }
        Ok(())
    }

    fn wake_waiters(&mut self, index: StepIndex) {
        for waiter in std::mem::take(&mut self.get_mut(index).waiters) {
            let state = self.get_mut(waiter);
            if state.phase != Phase::Waiting {
                continue;
            }
            state.pending -= 1;
            if state.pending == 0 {
                self.unblocked.push(waiter);
            }
        }
    }

    /// Notes the outputs of an executed step.
    pub(super) fn done(
        &mut self,
        index: StepIndex,
        outputs: BTreeMap<String, ObjectId>,
    ) -> Result<(), StoreError> {
        for id in outputs.values() {
            self.complete.insert(*id, true);
        }
        let state = self.get_mut(index);
        state.outputs = outputs;
        state.phase = Phase::Done;
        self.wake_waiters(index);
        self.advance_unblocked()
    }

    /// Notes a failure; whoever needs the step is skipped.
    pub(super) fn fail(&mut self, index: StepIndex, failure: Failure) {
        let state = self.get_mut(index);
        state.phase = Phase::Failed;
        state.outcome = Outcome::Failed;
        state.failure = Some(failure);
        self.skip_waiters(index);
    }

    /// Notes that a step will not be executed, nor whoever needs it.
    pub(super) fn skip(&mut self, index: StepIndex) {
        let state = self.get_mut(index);
        state.phase = Phase::Skipped;
        state.outcome = Outcome::Skipped;
        self.skip_waiters(index);
    }

    fn skip_waiters(&mut self, index: StepIndex) {
        let mut todo = std::mem::take(&mut self.get_mut(index).waiters);
        while let Some(waiter) = todo.pop() {
            let state = self.get_mut(waiter);
            if state.phase == Phase::Waiting {
                state.phase = Phase::Skipped;
                state.outcome = Outcome::Skipped;
                todo.append(&mut state.waiters);
            }
        }
    }

    /// Everything that has not ended is skipped: the build is over.
    pub(super) fn finish(mut self) -> Vec<StepReport> {
        for index in self.plan.indexed().map(|(index, _)| index).collect::<Vec<_>>() {
            if !matches!(self.get(index).phase, Phase::Known | Phase::Done | Phase::Failed) {
                self.skip(index);
            }
        }
        let reports = self.steps.into_iter().map(|step| StepReport {
            outcome: step.outcome,
            key: step.key,
            outputs: if step.outcome == Outcome::Skipped { BTreeMap::new() } else { step.outputs },
            took: step.took,
            failure: step.failure,
        });
        reports.collect()
    }
}
