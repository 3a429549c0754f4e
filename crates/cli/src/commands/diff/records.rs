//! The causes between two objects of the store, as the records of the builds that made them say.
//!
//! Nothing is planned, and no revision is needed: records, and what steps were asked, stay when
//! contents are collected.

use super::{
    attribution::{Known, last_key},
    causes::read,
};
use crate::{causes::short, error::CliError, words};
use groundup_build::history::{load_build, open_history};
use groundup_diff::{Attribution, CauseRow, Moved, RecordCauses, Row, Runs};
use groundup_digest::{ObjectId, RecordId, StepKey};
use groundup_provenance::{BuildRecord, Part, Question, RecordedStep, StepRecord};
use groundup_recipe::lock::Change;
use groundup_store::{IdPrefix, Store};
use std::collections::{BTreeMap, BTreeSet};

/// The causes between the builds that made two objects, as their records say.
pub(super) struct FromRecords {
    known: Known,
    /// Whether both are what one step gave, so that all that it rests on is known.
    complete: bool,
    runs: Option<Runs>,
}

/// Looks for the latest builds that made two things of ours.
pub(super) fn of_records(
    store: &Store,
    before: &super::Side,
    after: &super::Side,
) -> Result<Option<FromRecords>, CliError> {
    if let [Some(a), Some(b)] = [before, after].map(whole)
        && let Some(found) = two_answers(store, a, b)?
    {
        return Ok(Some(found));
    }
    let (Some(old), Some(new)) = (&before.made, &after.made) else { return Ok(None) };
    Ok(Some(FromRecords::new(store, old, new)?))
}

/// The object that a side is, if it is one.
fn whole(side: &super::Side) -> Option<ObjectId> {
    match side.subject.parts.values().collect::<Vec<_>>()[..] {
        [part] => Some(part.id()),
        _ => None,
    }
}

/// A step of a build that made something.
pub(super) struct Made {
    pub(super) record: BuildRecord,
    /// The label of the step.
    pub(super) step: String,
}

/// The latest build with a step that gave an object, and that step.
pub(super) fn maker(store: &Store, id: ObjectId) -> Result<Option<Made>, CliError> {
    let digest = match id {
        ObjectId::Blob(id) => *id.as_bytes(),
        ObjectId::Tree(id) => *id.as_bytes(),
    };
    let history = open_history(store)?;
    let mut stretches = history.mentions(&IdPrefix::whole(digest), 100)?;
    stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.last.started_ms));
    for stretch in stretches {
        let Ok(record) = load_build(store, stretch.last.record) else { continue };
        let gave = |step: &&RecordedStep| step.outputs.iter().any(|(_, output)| *output == id);
        if let Some(step) = record.steps.iter().find(gave).map(|step| step.label.clone()) {
            return Ok(Some(Made { record, step }));
        }
    }
    Ok(None)
}

/// Two answers that one question had, of which at most one is in a build.
fn two_answers(store: &Store, a: ObjectId, b: ObjectId) -> Result<Option<FromRecords>, CliError> {
    for unstable in store.unstable()? {
        let results: Vec<_> = unstable.others.iter().chain([&unstable.first]).collect();
        for output in unstable.first.outputs.keys() {
            let gave = |id| results.iter().find(|it| it.outputs.get(output) == Some(&id));
            let (Some(one), Some(two)) = (gave(a), gave(b)) else { continue };
            if a == b {
                continue;
            }
            let [old, new] = [one, two].map(|result| run(store, result.record));
            let label = [&old, &new].into_iter().flatten().next().map(|run| run.label.clone());
            let label = label.unwrap_or_else(|| format!("step {}", unstable.key));
            let mut known = Known::default();
            known.rows.push(told(store, &Moved::Nondeterminism { label }));
            let runs = Some(runs_of(old.as_ref(), new.as_ref()));
            return Ok(Some(FromRecords { known, complete: true, runs }));
        }
    }
    Ok(None)
}

fn run(store: &Store, record: RecordId) -> Option<StepRecord> {
    StepRecord::from_bytes(&store.get_record(record).ok()?).ok()
}

/// What is known of two runs of a step.
fn runs_of(old: Option<&StepRecord>, new: Option<&StepRecord>) -> Runs {
    let runs = [old, new];
    let times = runs.map(|run| {
        let circumstances = &run?.circumstances;
        let start = circumstances.started_ms;
        (start > 0).then_some((start, start + circumstances.took_ms))
    });
    Runs { times, jobs: runs.map(|run| groundup_build::jobs_of(&run?.circumstances)) }
}

/// The runs of a step that gave what two builds have of it.
fn runs(
    store: &Store,
    key: StepKey,
    outputs: [&[(String, ObjectId)]; 2],
) -> Result<Runs, CliError> {
    let records = store.step_records(key)?;
    let runs: Vec<StepRecord> = records.into_iter().filter_map(|id| run(store, id)).collect();
    let [old, new] = outputs.map(|outputs| runs.iter().find(|run| run.outputs == *outputs));
    Ok(runs_of(old, new))
}

impl FromRecords {
    fn new(store: &Store, old: &Made, new: &Made) -> Result<Self, CliError> {
        let ask = |id: RecordId| Question::from_bytes(&store.get_record(id).ok()?).ok();
        let causes = RecordCauses::new(&old.record, &new.record, &ask);
        let reached = causes.steps.get(&new.step).cloned().unwrap_or_default();
        // What vouches for inputs makes no difference where something else does.
        let only_trust = reached.values().all(|part| *part == Part::Trust);
        let number: BTreeMap<usize, usize> = reached
            .iter()
            .enumerate()
            .filter(|(_, (_, part))| only_trust || **part != Part::Trust)
            .map(|(number, (index, _))| (*index, number))
            .collect();
        let mut known = Known::default();
        let mut unstable = None;
        for (index, part) in &reached {
            let Some(moved) = causes.moved.get(*index) else { continue };
            let number = known.rows.len();
            known.rows.push(told(store, moved).with_role((*part).into()));
            match moved {
                Moved::Leaf { label, before, after, .. } => {
                    known.of_file(store, number, label, [*before, *after]);
                }
                Moved::Pin { owner, .. } => {
                    if let Some(name) = owner.strip_prefix("package ") {
                        let name = name.split(':').next().unwrap_or(name).to_owned();
                        known.of_packages(number, BTreeSet::from([name]));
                    }
                }
                Moved::Field { change, .. } => {
                    known.keys.insert(number, last_key(&change.name).to_owned());
                }
                Moved::Nondeterminism { label } => unstable = Some(label),
                Moved::Question { .. } => {}
            }
        }
        known.reaching = number.values().copied().collect();
        for (label, causes) in &causes.steps {
            let owner = groundup_provenance::label_parts(label).owner;
            let causes = causes.keys().filter_map(|index| number.get(index).copied());
            let causes: BTreeSet<usize> = causes.collect();
            if !causes.is_empty() {
                known.labels.entry(owner.to_owned()).or_default().extend(causes);
            }
        }
        for made in [new, old] {
            let Some((part, id)) = made.origins() else { continue };
            if let ObjectId::Blob(id) = id
                && let Some(origins) = read(store, id)
            {
                known.origins.entry(part.to_owned()).or_default().push(origins);
            }
        }
        let runs = match unstable {
            None => None,
            Some(label) => {
                let step =
                    |made: &Made| made.record.steps.iter().find(|it| it.label == *label).cloned();
                match (step(old), step(new)) {
                    (Some(a), Some(b)) => Some(runs(store, a.key, [&a.outputs, &b.outputs])?),
                    _ => None,
                }
            }
        };
        Ok(Self { known, complete: old.step == new.step, runs })
    }
}

impl Attribution for FromRecords {
    fn causes(&self) -> Vec<CauseRow> {
        self.known.rows.clone()
    }

    fn of(&self, row: &Row) -> BTreeSet<usize> {
        self.known.of(row)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn runs(&self) -> Option<Runs> {
        self.runs
    }
}

/// Fields that say which groundup asked, rather than what a recipe says.
const OURS: [&str; 4] = ["assembler", "sandbox", "ownership", "compat"];

fn told(store: &Store, moved: &Moved) -> CauseRow {
    match moved {
        Moved::Leaf { label, before, after, position } => {
            let (kind, what) = label.split_once(':').unwrap_or(("input", label));
            let (line, change) = words_of_leaf(store, *before, *after);
            CauseRow::new(kind, format!("{what}{line}"), change).at(position.clone())
        }
        Moved::Pin { owner, before, after, position } => {
            let what = owner.strip_prefix("package ").unwrap_or(owner);
            CauseRow::new("pin", what, words_of(before, after)).at(position.clone())
        }
        Moved::Field { change, owners, position } => {
            let whose = match owners.first() {
                Some(owner) if owners.len() == 1 => owner.clone(),
                _ => words::count(owners.len(), "target"),
            };
            let kind = if OURS.contains(&change.name.as_str()) { "groundup" } else { "recipe" };
            let octal = |value: &String| match change.name.ends_with(".mode") {
                true => value.parse().map_or(value.clone(), |mode: u32| format!("{mode:04o}")),
                false => value.clone(),
            };
            let [before, after] = [&change.before, &change.after].map(|it| it.as_ref().map(octal));
            let parts =
                if owners.len() > 1 { owners.iter().cloned().collect() } else { Vec::new() };
            CauseRow::new(kind, format!("{whose} {}", change.name), words_of(&before, &after))
                .at(position.clone())
                .made_of(parts)
        }
        Moved::Question { label, position } => {
            let said = "asks something else; the records do not say what";
            CauseRow::new("recipe", label, said).at(position.clone())
        }
        Moved::Nondeterminism { label } => {
            CauseRow::new("nondeterminism", label, "the same inputs gave other bytes")
        }
    }
}

fn words_of(before: &Option<String>, after: &Option<String>) -> String {
    match (before.clone(), after.clone()) {
        (Some(from), Some(to)) => short(&Change::Moved { from, to }),
        (None, Some(text)) => short(&Change::Added(text)),
        (Some(text), None) => short(&Change::Removed(text)),
        (None, None) => "changed".to_owned(),
    }
}

/// Where a file of the repository begins to differ, and how; its ids where the contents are gone.
fn words_of_leaf(
    store: &Store,
    before: Option<ObjectId>,
    after: Option<ObjectId>,
) -> (String, String) {
    if let Ok(Some(told)) = crate::causes::words_of_text(store, before, after) {
        return told;
    }
    let short = |id: Option<ObjectId>| match id {
        None => "nothing".to_owned(),
        Some(id) => id.to_string().chars().take(17).collect(),
    };
    (String::new(), format!("{} -> {}", short(before), short(after)))
}
