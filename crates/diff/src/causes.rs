//! Causes: which inputs moved between two builds, and which of them a difference comes from.
//!
//! Two build records are paired by the labels of their steps. A leaf that another id stands for has
//! moved; a step whose inputs are the same and whose key is another was asked something else; one whose
//! key is the same and whose outputs are others is not reproducible. Each step rests on the causes of
//! its inputs that differ.

use crate::{CauseRow, Row};
use groundup_digest::ObjectId;
use groundup_provenance::{BuildRecord, RecordedStep};
use std::collections::{BTreeMap, BTreeSet};

/// Who knows causes.
pub trait Attribution: Sync {
    /// The causes, in any order.
    fn causes(&self) -> Vec<CauseRow>;
    /// The causes of what differs in a row, which is at one place still, as numbers.
    fn of(&self, row: &Row) -> BTreeSet<usize>;
    /// Whether all inputs of both things are known, so that no cause means none there is.
    fn is_complete(&self) -> bool;
}

/// Of things that others made.
#[derive(Debug, Clone, Copy)]
pub struct NoCauses;

impl Attribution for NoCauses {
    fn causes(&self) -> Vec<CauseRow> {
        Vec::new()
    }

    fn of(&self, _row: &Row) -> BTreeSet<usize> {
        BTreeSet::new()
    }

    fn is_complete(&self) -> bool {
        false
    }
}

/// What moved between two builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Something from outside of all steps, by its label.
    Leaf {
        /// `pin:libc6`, `file:recipes/x.conf`.
        label: String,
        /// What it was; nothing if it is new.
        before: Option<ObjectId>,
        /// What it is; nothing if it is gone.
        after: Option<ObjectId>,
        /// Where it is written.
        position: Option<String>,
    },
    /// A step is asked something else.
    Question {
        /// The step.
        label: String,
        /// Where it is written.
        position: Option<String>,
    },
    /// A step was asked the same and gave something else.
    Nondeterminism {
        /// The step.
        label: String,
    },
}

/// The causes between two build records.
#[derive(Debug, Clone, Default)]
pub struct RecordCauses {
    /// What moved.
    pub moved: Vec<Moved>,
    /// The causes that each step of the second build rests on, by label.
    pub steps: BTreeMap<String, BTreeSet<usize>>,
}

impl RecordCauses {
    /// Compares two builds.
    pub fn new(before: &BuildRecord, after: &BuildRecord) -> Self {
        let old: BTreeMap<&str, &RecordedStep> =
            before.steps.iter().map(|step| (step.label.as_str(), step)).collect();
        let new: BTreeMap<&str, &RecordedStep> =
            after.steps.iter().map(|step| (step.label.as_str(), step)).collect();
        let mut walk = Walk { old, new, causes: Self::default() };
        for label in walk.new.keys().copied().collect::<Vec<_>>() {
            walk.step(label);
        }
        walk.causes
    }

    /// The causes of a label that origins name: a package, a file, a target.
    pub fn of_origin(&self, origin: &str) -> BTreeSet<usize> {
        let package = origin.strip_prefix("deb:").map(|name| format!("package {name} "));
        let start = package.unwrap_or_else(|| format!("{origin} "));
        let steps = self.steps.iter().filter(|(label, _)| label.starts_with(&start));
        let mut found: BTreeSet<usize> = steps.flat_map(|(_, causes)| causes.clone()).collect();
        for (index, moved) in self.moved.iter().enumerate() {
            if let Moved::Leaf { label, .. } = moved
                && (label == origin || label.rsplit(':').next() == origin.rsplit(':').next())
            {
                found.insert(index);
            }
        }
        found
    }
}

struct Walk<'a> {
    old: BTreeMap<&'a str, &'a RecordedStep>,
    new: BTreeMap<&'a str, &'a RecordedStep>,
    causes: RecordCauses,
}

impl Walk<'_> {
    fn cause(&mut self, moved: Moved) -> usize {
        match self.causes.moved.iter().position(|known| *known == moved) {
            Some(index) => index,
            None => {
                self.causes.moved.push(moved);
                self.causes.moved.len() - 1
            }
        }
    }

    /// The causes of a step; makers first, without recursion: a graph may be deep.
    fn step(&mut self, label: &str) {
        let mut stack = vec![(label.to_owned(), false)];
        while let Some((label, ready)) = stack.pop() {
            if self.causes.steps.contains_key(&label) {
                continue;
            }
            let Some(step) = self.new.get(label.as_str()).copied() else { continue };
            if ready {
                let causes = self.of_step(step);
                self.causes.steps.insert(label, causes);
                continue;
            }
            stack.push((label, true));
            let makers = step.inputs.iter().map(|(_, from, _)| maker(from));
            let makers = makers.filter(|maker| self.new.contains_key(maker));
            stack.extend(makers.map(|maker| (maker.to_owned(), false)));
        }
    }

    fn of_step(&mut self, step: &RecordedStep) -> BTreeSet<usize> {
        let old = self.old.get(step.label.as_str()).copied();
        let mut causes = BTreeSet::new();
        if old.is_some_and(|old| old.key == step.key) {
            let same = old.is_some_and(|old| old.outputs == step.outputs);
            if !same {
                causes.insert(self.cause(Moved::Nondeterminism { label: step.label.clone() }));
            }
            return causes;
        }
        let was =
            |name: &str| old.and_then(|old| old.inputs.iter().find(|(other, ..)| other == name));
        let mut differs = false;
        for (name, from, id) in &step.inputs {
            let before = was(name);
            if before.is_some_and(|(_, _, before)| before == id) {
                continue;
            }
            differs = true;
            match self.causes.steps.get(maker(from)) {
                Some(of_maker) if self.new.contains_key(maker(from)) => {
                    causes.extend(of_maker.iter().copied());
                }
                _ => {
                    let before = before.map(|(_, _, id)| *id);
                    let position = step.position.clone();
                    let leaf =
                        Moved::Leaf { label: from.clone(), before, after: Some(*id), position };
                    causes.insert(self.cause(leaf));
                }
            }
        }
        for (name, from, id) in old.into_iter().flat_map(|old| &old.inputs) {
            if !step.inputs.iter().any(|(other, ..)| other == name) {
                differs = true;
                if !self.old.contains_key(maker(from)) {
                    let (label, before) = (from.clone(), Some(*id));
                    let position = step.position.clone();
                    causes.insert(self.cause(Moved::Leaf { label, before, after: None, position }));
                }
            }
        }
        if !differs || causes.is_empty() {
            let (label, position) = (step.label.clone(), step.position.clone());
            causes.insert(self.cause(Moved::Question { label, position }));
        }
        causes
    }
}

/// The label of the step in `LABEL:OUTPUT`.
fn maker(from: &str) -> &str {
    from.rsplit_once(':').map_or(from, |(label, _)| label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::{BlobId, StepKey};
    use groundup_provenance::Circumstances;

    fn id(content: &str) -> ObjectId {
        ObjectId::Blob(BlobId::of(content.as_bytes()))
    }

    /// A step with a key, inputs (name, where from, content) and its output.
    fn step(label: &str, key: &str, inputs: &[(&str, &str, &str)], out: &str) -> RecordedStep {
        let inputs = inputs
            .iter()
            .map(|(name, from, content)| ((*name).to_owned(), (*from).to_owned(), id(content)));
        RecordedStep {
            label: label.to_owned(),
            key: StepKey::of_encoded(key.as_bytes()),
            position: Some("r.toml:1".into()),
            inputs: inputs.collect(),
            outputs: vec![("out".into(), id(out))],
        }
    }

    fn build(steps: Vec<RecordedStep>) -> BuildRecord {
        BuildRecord {
            workspace: "w".into(),
            commit: None,
            lock: None,
            targets: Vec::new(),
            steps,
            circumstances: Circumstances::default(),
        }
    }

    fn chain(leaf: &str, middle: &str, key: &str) -> BuildRecord {
        build(vec![
            step("a run", &format!("a {leaf}"), &[("x", "file:x", leaf)], middle),
            step("b run", &format!("{key} {middle}"), &[("in", "a run:out", middle)], "end"),
        ])
    }

    #[test]
    fn a_leaf_that_moved_is_the_cause_of_all_that_follows() {
        let causes = RecordCauses::new(&chain("1", "m1", "b"), &chain("2", "m2", "b"));
        assert_eq!(causes.moved.len(), 1);
        assert!(matches!(&causes.moved[0], Moved::Leaf { label, before, after, .. }
            if label == "file:x" && *before == Some(id("1")) && *after == Some(id("2"))));
        assert_eq!(causes.steps["b run"], BTreeSet::from([0]));
        assert_eq!(causes.of_origin("file:x"), BTreeSet::from([0]));
    }

    #[test]
    fn a_change_that_gives_the_same_ends_there() {
        let causes = RecordCauses::new(&chain("1", "m", "b"), &chain("2", "m", "b"));
        assert_eq!(causes.steps["a run"], BTreeSet::from([0]));
        assert!(causes.steps["b run"].is_empty());
    }

    #[test]
    fn another_question_and_another_answer_are_told_apart() {
        let asked = RecordCauses::new(&chain("1", "m", "b"), &chain("1", "m", "c"));
        assert!(matches!(&asked.moved[..], [Moved::Question { label, .. }] if label == "b run"));
        let answered = RecordCauses::new(&chain("1", "m1", "b"), &chain("1", "m2", "b"));
        assert_eq!(answered.moved, [Moved::Nondeterminism { label: "a run".into() }]);
        assert_eq!(answered.steps["b run"], BTreeSet::from([0]));
    }
}
