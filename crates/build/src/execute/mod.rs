//! Executing one step: under the lock of its key, then recorded and made durable.

mod command;
mod failure;
mod job;
mod root;
mod workshop;

pub use command::{DefaultLimits, Held, jobs_of, sandbox_spec};
pub use failure::{Failure, FailureKind};
pub(crate) use job::Job;
pub(crate) use workshop::Workshop;

use crate::{AssembleCall, Differing, Event, Outcome, Reason, Surroundings, schedule::Message};
use groundup_digest::{ObjectId, StepKey};
use groundup_plan::StepKind;
use groundup_provenance::{Circumstances, Ending, StepRecord};
use groundup_store::{GroupCommit, LogName, RecordKind, Stored};
use std::{
    collections::BTreeMap,
    sync::{atomic::Ordering, mpsc::Sender},
};

/// How the execution of a step ended.
#[derive(Debug)]
pub(crate) enum Executed {
    /// With outputs, made here or by another process meanwhile.
    Done {
        outputs: BTreeMap<String, ObjectId>,
        by: Outcome,
        /// Outputs that differ from those of the first result of the same key.
        differs: Option<Vec<Differing>>,
    },
    /// Without.
    Failed(Box<Failure>),
    /// The build was interrupted.
    Interrupted,
}

impl Executed {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Executed::Done { by, .. } => *by,
            Executed::Failed(_) => Outcome::Failed,
            Executed::Interrupted => Outcome::Skipped,
        }
    }
}

/// What an execution gave, before it is recorded.
pub(crate) struct Made {
    pub(crate) outputs: BTreeMap<String, ObjectId>,
    pub(crate) log: Option<LogName>,
    pub(crate) children: Vec<StepKey>,
    pub(crate) circumstances: Circumstances,
}

/// Executes a step. Whatever happens is told by the value; this never panics for bad input.
pub(crate) fn execute(
    surroundings: &Surroundings<'_>,
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    group: &GroupCommit<'_>,
    messages: &Sender<Message>,
) -> Executed {
    let _working = workshop.work();
    let cancel = workshop.cancel;
    match execute_locked(surroundings, workshop, job, group, messages) {
        Ok(executed) => executed,
        Err(_) if cancel.load(Ordering::Relaxed) => Executed::Interrupted,
        Err(failure) => Executed::Failed(failure),
    }
}

fn execute_locked(
    surroundings: &Surroundings<'_>,
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    group: &GroupCommit<'_>,
    messages: &Sender<Message>,
) -> Result<Executed, Box<Failure>> {
    let store = surroundings.store;
    let cancel = workshop.cancel;
    let store_error = |error| Failure::store(job, error);
    let lock = match store.try_lock_step(job.key).map_err(store_error)? {
        Some(lock) => lock,
        None => {
            let _ = messages.send(Message::Waiting(job.index));
            // It may be held for a result of this very build that is not durable yet.
            group.hurry();
            store.lock_step(job.key, cancel).map_err(store_error)?
        }
    };
    // Another process may have built it since this one looked.
    if job.reason != Reason::Asked
        && let Some(result) = store.get_result(job.key).map_err(store_error)?
    {
        let mut complete = true;
        for id in result.outputs.values() {
            complete &= store.has_complete(*id).map_err(store_error)?;
        }
        if complete {
            let (outputs, by) = (result.outputs, Outcome::Reused);
            return Ok(Executed::Done { outputs, by, differs: None });
        }
    }
    let inputs: Vec<_> = job.inputs.values().copied().collect();
    store.rely_on(&inputs).map_err(store_error)?;
    let started_ms = surroundings.clock.now_ms();
    let made = match make(surroundings, workshop, job, group, messages) {
        Ok(made) => made,
        Err(failure) => {
            if !cancel.load(Ordering::Relaxed) {
                let ending = Ending::Failed(failure.headline());
                let circumstances = Circumstances { started_ms, ..Circumstances::default() };
                let made = Made {
                    outputs: BTreeMap::new(),
                    log: failure.log,
                    children: Vec::new(),
                    circumstances,
                };
                let record = record(surroundings, job, &made, ending);
                let kind = RecordKind::Step;
                store.put_record(kind, Some(job.key), &record.to_bytes()).map_err(store_error)?;
            }
            return Err(failure);
        }
    };
    let circumstances = Circumstances {
        started_ms,
        took_ms: surroundings.clock.now_ms().saturating_sub(started_ms),
        ..made.circumstances
    };
    let made = Made { circumstances, ..made };
    let record = record(surroundings, job, &made, Ending::Done);
    let outputs = made.outputs;
    let stored = group.put(lock, job.key, &outputs, record.to_bytes()).map_err(store_error)?;
    let Stored::Differs(first) = stored else {
        return Ok(Executed::Done { outputs, by: Outcome::Built, differs: None });
    };
    let differing = first.outputs.iter().filter_map(|(name, first)| {
        let other = *outputs.get(name)?;
        (other != *first).then(|| Differing { output: name.clone(), first: *first, other })
    });
    let differs = Some(differing.collect());
    // The first result of a key stays; only where its content is gone do consumers go on with what
    // is there now.
    let mut complete = true;
    for id in first.outputs.values() {
        complete &= store.has_complete(*id).map_err(store_error)?;
    }
    let outputs = if complete { first.outputs } else { outputs };
    Ok(Executed::Done { outputs, by: Outcome::Built, differs })
}

fn make(
    surroundings: &Surroundings<'_>,
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    group: &GroupCommit<'_>,
    messages: &Sender<Message>,
) -> Result<Made, Box<Failure>> {
    let cancel = workshop.cancel;
    let plain = |outputs| Made {
        outputs,
        log: None,
        children: Vec::new(),
        circumstances: Circumstances::default(),
    };
    match &job.step.kind {
        StepKind::Fetch(fetch) => {
            let total = match fetch {
                groundup_plan::Fetch::File { size, .. } => Some(*size),
                _ => None,
            };
            let progress = |bytes| {
                let step = job.index;
                let _ = messages.send(Message::Event(Event::Progress { step, bytes, total }));
            };
            let what = job.step.label.to_string();
            let out = surroundings
                .inputs
                .fetch(fetch, &what, &progress, cancel)
                .map_err(|error| Failure::of(job, FailureKind::Fetch, &*error))?;
            Ok(plain(BTreeMap::from([("out".to_owned(), out)])))
        }
        StepKind::Assemble(assemble) => {
            let call = AssembleCall {
                store: surroundings.store,
                assembler: assemble.assembler,
                params: &assemble.params,
                inputs: &job.inputs,
                cancel,
            };
            let outputs = surroundings
                .assemblers
                .call(&call)
                .map_err(|error| Failure::of(job, FailureKind::Assemble, &*error))?;
            job.check_outputs(&outputs)?;
            Ok(plain(outputs))
        }
        StepKind::Run(run) => command::run(surroundings, workshop, job, run, group, messages),
    }
}

fn record(
    surroundings: &Surroundings<'_>,
    job: &Job<'_>,
    made: &Made,
    ending: Ending,
) -> StepRecord {
    let list = |objects: &BTreeMap<String, ObjectId>| {
        objects.iter().map(|(name, id)| (name.clone(), *id)).collect()
    };
    StepRecord {
        key: job.key,
        label: job.step.label.to_string(),
        action: job.action(),
        inputs: list(&job.inputs),
        outputs: list(&made.outputs),
        ending,
        log: made.log.map(|log| log.sequence),
        children: made.children.clone(),
        circumstances: Circumstances {
            builder: surroundings.version.clone(),
            by: surroundings.by.clone(),
            ..made.circumstances.clone()
        },
    }
}
