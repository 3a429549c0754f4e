//! The owner loop of a build.

use super::{
    BuildError, BuildOptions, KeepGoing,
    priority::{durations, priorities},
    resolve,
    state::{Phase, States},
};
use crate::{
    Built, Event, Outcome, Report, Surroundings,
    execute::{Executed, Job, Workshop, execute},
};
use groundup_plan::{From, Plan, StepIndex, StepKind};
use groundup_store::GroupCommit;
use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::Scope,
    time::{Duration, Instant},
};

/// What workers send to the owner loop.
pub(crate) enum Message {
    Event(Event),
    /// Somebody has the lock of this step's key.
    Waiting(StepIndex),
    Done {
        step: StepIndex,
        result: Box<Executed>,
        took: Duration,
    },
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
        let recorded = durations(plan, self.store)?;
        let group = GroupCommit::new(self.store);
        let workshop = Workshop::new(cancel, options.reuse);
        let mut owner = Owner {
            queue: Queue::new(plan, priorities(plan, &recorded, options.order)),
            surroundings: self,
            plan,
            options,
            recorded,
            states,
            took: Vec::new(),
            stop: false,
        };
        std::thread::scope(|scope| {
            scope.spawn(|| group.run());
            let watcher = scope.spawn(|| workshop.watch());
            let ended = owner.run(scope, &group, &workshop, &mut events);
            group.close();
            workshop.close();
            watcher.thread().unpark();
            ended
        })?;
        group.finish()?;
        let labels: Vec<_> = owner
            .took
            .iter()
            .map(|(step, took)| (plan.step(*step).label.to_string(), *took))
            .collect();
        self.store
            .remember_durations(labels.iter().map(|(label, took)| (label.as_str(), *took)))?;
        Ok(report(plan, owner.states, cancel))
    }
}

/// What the owner loop decides with; no worker sees it.
struct Owner<'a> {
    surroundings: &'a Surroundings<'a>,
    plan: &'a Plan,
    options: &'a BuildOptions,
    /// How long each step took when it was executed last.
    recorded: Vec<Option<Duration>>,
    states: States<'a>,
    queue: Queue<'a>,
    /// How long steps took now.
    took: Vec<(StepIndex, Duration)>,
    /// Nothing new is started.
    stop: bool,
}

impl Owner<'_> {
    /// Starts what is ready and waits for what runs, until nothing runs any more.
    fn run<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        group: &'scope GroupCommit<'_>,
        workshop: &'scope Workshop<'_>,
        events: &mut impl FnMut(Event),
    ) -> Result<(), BuildError>
    where
        Self: 'scope,
    {
        let (sender, receiver) = mpsc::channel();
        loop {
            for step in std::mem::take(&mut self.states.ready) {
                self.queue.push(step);
            }
            self.stop |= workshop.cancel.load(Ordering::Relaxed);
            while !self.stop
                && let Some(step) = self.queue.start(self.options)
            {
                let (job, started) = self.start(step);
                events(started);
                let (surroundings, sender) = (self.surroundings, sender.clone());
                scope.spawn(move || {
                    let start = Instant::now();
                    let result = Box::new(execute(surroundings, workshop, &job, group, &sender));
                    // The owner loop outlives every worker, so the message always arrives.
                    let took = start.elapsed();
                    let _ = sender.send(Message::Done { step, result, took });
                    workshop.tidy();
                });
            }
            if self.queue.running == 0 {
                return Ok(());
            }
            match receiver.recv().map_err(|_| BuildError::WorkerLost)? {
                Message::Event(event) => events(event),
                Message::Waiting(step) => {
                    events(Event::Waiting { step, holder: self.states.holder(step) });
                }
                Message::Done { step, result, took } => self.end(step, *result, took, events)?,
            }
        }
    }
}

impl<'a> Owner<'a> {
    fn start(&mut self, step: StepIndex) -> (Job<'a>, Event) {
        let state = self.states.get_mut(step);
        state.phase = Phase::Running;
        let (key, reason) = (state.key.expect("a ready step has a key"), state.reason);
        let states = &self.states;
        let job = Job::new(self.plan, step, key, reason, |maker, output| {
            states.get(maker).outputs[output]
        });
        (job, Event::Started { step, key, reason, expected: self.recorded[step.get()] })
    }

    fn end(
        &mut self,
        step: StepIndex,
        result: Executed,
        took: Duration,
        events: &mut impl FnMut(Event),
    ) -> Result<(), BuildError> {
        self.queue.end(step);
        let outcome = result.outcome();
        let state = self.states.get_mut(step);
        (state.took, state.outcome) = (took, outcome);
        let mut failure = None;
        match result {
            Executed::Done { outputs, differs, .. } => {
                let key = state.key.expect("it was running");
                if let Some(outputs) = differs {
                    events(Event::Differs { step, key, outputs });
                }
                if outcome == Outcome::Built {
                    self.took.push((step, took));
                }
                self.states.done(step, outputs)?;
            }
            Executed::Failed(why) => {
                failure = Some(why.clone());
                self.states.fail(step, *why);
                self.stop |= self.options.keep_going == KeepGoing::No;
            }
            Executed::Interrupted => {
                self.states.skip(step);
                self.stop = true;
            }
        }
        events(Event::Finished { step, outcome, took, failure });
        Ok(())
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
    priority: Vec<u64>,
    jobs: BTreeSet<(u64, StepIndex)>,
    fetches: BTreeSet<(u64, StepIndex)>,
    running: usize,
    running_fetches: usize,
}

impl<'a> Queue<'a> {
    fn new(plan: &'a Plan, priority: Vec<u64>) -> Self {
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
