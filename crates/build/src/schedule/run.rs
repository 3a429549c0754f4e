//! The owner loop of a build.

use super::{
    BuildError, BuildOptions, KeepGoing,
    priority::priorities,
    resolve,
    state::{Phase, States},
};
use crate::{
    Built, Event, Outcome, Report, Surroundings,
    execute::{Executed, Job, execute},
};
use groundup_plan::{From, Plan, StepIndex, StepKind};
use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// What workers send to the owner loop.
pub(crate) enum Message {
    Event(Event),
    Done { step: StepIndex, result: Box<Executed>, took: Duration },
}

impl Surroundings<'_> {
    /// Performs a plan. `events` is called from this thread only; setting `cancel` ends running
    /// steps and starts no more.
    pub fn build(
        &self,
        plan: &Plan,
        options: &BuildOptions,
        cancel: &AtomicBool,
        mut events: impl FnMut(Event),
    ) -> Result<Report, BuildError> {
        let resolved = resolve(plan, self.store)?;
        let mut states = States::new(plan, self.store, &options.rerun, resolved)?;
        states.want_targets()?;
        let (steps, reused) = (plan.steps().len(), states.count(Phase::Known));
        events(Event::Planned { steps, reused });
        if states.ready.is_empty() {
            return Ok(report(plan, states, cancel));
        }
        let priority = priorities(plan, self.store, options.order)?;
        let (sender, receiver) = mpsc::channel();
        let failed = std::thread::scope(|scope| -> Result<(), BuildError> {
            let mut queue = Queue::new(plan, &priority);
            let mut stop = false;
            loop {
                for step in std::mem::take(&mut states.ready) {
                    queue.push(step);
                }
                stop |= cancel.load(Ordering::Relaxed);
                while !stop && let Some(step) = queue.start(options) {
                    let state = states.get_mut(step);
                    state.phase = Phase::Running;
                    let key = state.key.expect("a ready step has a key");
                    let reason = state.reason;
                    let label = plan.step(step).label.to_string();
                    let expected = self.store.duration_of(&label)?;
                    events(Event::Started { step, key, reason, expected });
                    let job = Job::new(plan, step, key, reason, |maker, output| {
                        states.get(maker).outputs[output]
                    });
                    let sender = sender.clone();
                    scope.spawn(move || {
                        let start = Instant::now();
                        let result = Box::new(execute(self, &job, cancel, &sender));
                        // The owner loop outlives every worker, so the message always arrives.
                        let took = start.elapsed();
                        let _ = sender.send(Message::Done { step, result, took });
                    });
                }
                if queue.running == 0 {
                    return Ok(());
                }
                match receiver.recv().map_err(|_| BuildError::WorkerLost)? {
                    Message::Event(event) => events(event),
                    Message::Done { step, result, took } => {
                        queue.end(step);
                        let outcome = result.outcome();
                        states.get_mut(step).took = took;
                        states.get_mut(step).outcome = outcome;
                        let mut failure = None;
                        match *result {
                            Executed::Done { outputs, differs, .. } => {
                                let key = states.get(step).key.expect("it was running");
                                if let Some(outputs) = differs {
                                    events(Event::Differs { step, key, outputs });
                                }
                                if outcome == Outcome::Built {
                                    let label = plan.step(step).label.to_string();
                                    self.store.remember_duration(&label, took)?;
                                }
                                states.done(step, outputs)?;
                            }
                            Executed::Failed(why) => {
                                failure = Some(why.clone());
                                states.fail(step, *why);
                                stop |= options.keep_going == KeepGoing::No;
                            }
                            Executed::Interrupted => {
                                states.skip(step);
                                stop = true;
                            }
                        }
                        events(Event::Finished { step, outcome, took, failure });
                    }
                }
            }
        });
        failed?;
        Ok(report(plan, states, cancel))
    }
}

fn report(plan: &Plan, states: States<'_>, cancel: &AtomicBool) -> Report {
    let steps = states.finish();
    let targets = plan.targets().iter().map(|target| {
        let outputs = target.outputs.iter().map(|(name, from)| {
            let id = match from {
                From::Leaf { id, .. } => Some(*id),
                From::Step { step, output } => steps[step.get()].outputs.get(output).copied(),
            };
            Some((name.clone(), id?))
        });
        let needed = needed_by(plan, &target.outputs);
        let executed =
            needed.iter().filter(|step| steps[step.get()].outcome == Outcome::Built).count();
        Built { target: target.clone(), outputs: outputs.collect(), executed }
    });
    let targets = targets.collect();
    Report { steps, targets, interrupted: cancel.load(Ordering::Relaxed) }
}

/// The steps that make these outputs, and all that they need.
fn needed_by(plan: &Plan, outputs: &[(String, From)]) -> BTreeSet<StepIndex> {
    let mut needed = BTreeSet::new();
    let mut todo: Vec<StepIndex> = outputs
        .iter()
        .filter_map(|(_, from)| match from {
            From::Step { step, .. } => Some(*step),
            From::Leaf { .. } => None,
        })
        .collect();
    while let Some(step) = todo.pop() {
        if needed.insert(step) {
            todo.extend(plan.step(step).needs());
        }
    }
    needed
}

/// The ready steps in two lanes: fetches wait for the network, everything else for a processor.
struct Queue<'a> {
    plan: &'a Plan,
    priority: &'a [u64],
    jobs: BTreeSet<(u64, StepIndex)>,
    fetches: BTreeSet<(u64, StepIndex)>,
    running: usize,
    running_fetches: usize,
}

impl<'a> Queue<'a> {
    fn new(plan: &'a Plan, priority: &'a [u64]) -> Self {
        let (jobs, fetches) = (BTreeSet::new(), BTreeSet::new());
        Self { plan, priority, jobs, fetches, running: 0, running_fetches: 0 }
    }

    fn is_fetch(&self, step: StepIndex) -> bool {
        matches!(self.plan.step(step).kind, StepKind::Fetch(_))
    }

    fn push(&mut self, step: StepIndex) {
        let entry = (self.priority[step.get()], step);
        if self.is_fetch(step) {
            self.fetches.insert(entry)
        } else {
            self.jobs.insert(entry)
        };
    }

    /// The next step that may start now.
    fn start(&mut self, options: &BuildOptions) -> Option<StepIndex> {
        let running_jobs = self.running - self.running_fetches;
        if self.running_fetches < options.fetches.get()
            && let Some((_, step)) = self.fetches.pop_last()
        {
            self.running += 1;
            self.running_fetches += 1;
            return Some(step);
        }
        if running_jobs < options.jobs.get()
            && let Some((_, step)) = self.jobs.pop_last()
        {
            self.running += 1;
            return Some(step);
        }
        None
    }

    fn end(&mut self, step: StepIndex) {
        self.running -= 1;
        if self.is_fetch(step) {
            self.running_fetches -= 1;
        }
    }
}
