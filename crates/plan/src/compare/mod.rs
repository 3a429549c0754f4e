//! Two plans side by side: which steps ask another question than before, and from which causes.
//!
//! Steps are paired by label. A step is affected if its own question differs (its command, its
//! parameters, what it fetches, which inputs it has) or if an input comes from an affected step and
//! is not known to be the same. What its own question differs by is told as causes: files of the
//! repository, pins of the lock, lines of recipes. Every affected step has at least one cause; a
//! step reached by several has them all.

mod cause;
mod ledger;

pub use cause::{Cause, CauseKind, Place};

use crate::{From, Plan, Step, StepIndex};
use groundup_digest::{BlobId, ObjectId};
use groundup_recipe::{Loaded, Lock};
use ledger::Ledger;
use std::collections::{BTreeMap, BTreeSet};

/// The outputs of the steps of a plan, as far as they are known, in the order of the plan.
pub type Known<'a> = &'a [Option<BTreeMap<String, ObjectId>>];

/// One of the two states that are compared.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its recipes.
    pub recipes: &'a Loaded,
    /// Its lock.
    pub lock: &'a Lock,
    /// Its plan.
    pub plan: &'a Plan,
    /// What its steps gave.
    pub known: Known<'a>,
}

/// What differs between two plans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What moved, in the order: pins, files, recipes; only what affects a step.
    pub causes: Vec<Cause>,
    /// For each step of the new plan, the causes that affect it, as indices.
    pub steps: Vec<BTreeSet<usize>>,
    /// Labels of steps that the old plan has and the new one has not.
    pub gone: Vec<String>,
}

/// Compares what is planned now with what was planned.
pub fn compare(old: &Side<'_>, new: &Side<'_>) -> Comparison {
    let mut ledger = Ledger::new(old, new);
    let mut steps: Vec<BTreeSet<usize>> = Vec::with_capacity(new.plan.steps().len());
    for step in new.plan.steps() {
        let before = old.plan.find(&step.label);
        let mut causes = BTreeSet::new();
        let mut own = before.is_none_or(|before| question(old.plan.step(before)) != question(step));
        for input in &step.inputs {
            let was = before.and_then(|before| old.plan.step(before).input(&input.name));
            match (&input.from, was.map(|was| &was.from)) {
                (From::Leaf { label, id }, Some(From::Leaf { label: was, id: before }))
                    if label == was =>
                {
                    if id != before {
                        causes.insert(ledger.leaf(label, Some(*before), Some(*id)));
                    }
                }
                (From::Leaf { label, id }, _) => {
                    if before.is_some() {
                        own = true;
                    } else {
                        causes.extend(ledger.new_leaf(label, *id));
                    }
                }
                (From::Step { step: maker, output }, was) => {
                    let same = was.is_some_and(|was| {
                        let now = of(new.known, *maker, output);
                        now.is_some() && now == came_from(old, was)
                    });
                    let makers = &steps[maker.get()];
                    if !same {
                        causes.extend(makers);
                        // Another maker that is what it was: the recipe names another one.
                        own |= before.is_some()
                            && makers.is_empty()
                            && !same_maker(old, new, was, *maker);
                    }
                }
            }
        }
        if own {
            ledger.own(step, before.is_some(), &mut causes);
        }
        steps.push(causes);
    }
    let gone = old.plan.steps().iter().filter(|step| new.plan.find(&step.label).is_none());
    let gone = gone.map(|step| step.label.to_string()).collect();
    ledger.finish(steps, gone)
}

/// What a step asks, but for the content of its inputs: two questions differ if the keys do.
fn question(step: &Step) -> groundup_digest::StepKey {
    let same = ObjectId::Blob(BlobId::from_bytes([0; 32]));
    step.key(&vec![same; step.inputs.len()])
}

fn of(known: Known<'_>, step: StepIndex, output: &str) -> Option<ObjectId> {
    known.get(step.get())?.as_ref()?.get(output).copied()
}

/// The content that an input had, if it is known.
fn came_from(side: &Side<'_>, from: &From) -> Option<ObjectId> {
    match from {
        From::Leaf { id, .. } => Some(*id),
        From::Step { step, output } => of(side.known, *step, output),
    }
}

fn same_maker(old: &Side<'_>, new: &Side<'_>, was: Option<&From>, maker: StepIndex) -> bool {
    match was {
        Some(From::Step { step, .. }) => old.plan.step(*step).label == new.plan.step(maker).label,
        _ => false,
    }
}
