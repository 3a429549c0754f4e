//! Comparing: parts by name, trees by path, files by meaning, archives by what they hold.

mod derived;
mod files;
mod inside;
mod metadata;
mod pairing;
mod related;
mod root;
mod sideways;
mod trees;

use crate::{
    Attribution, CauseRow, Change, Counts, Described, DiffError, Part, Place, Report, Row, Subject,
    Verdict, World, fold, rank, thing,
};
use groundup_meaning::Finding;
use std::collections::{BTreeMap, BTreeSet};

/// What is looked at, and how far.
#[derive(Debug, Clone)]
pub struct Options {
    /// How deep archives and images may stand in each other.
    pub depth: u32,
    /// What is told of one file.
    pub meaning: groundup_meaning::Limits,
    /// What an archive or image may take.
    pub unfold: groundup_unfold::Limits,
    /// Which paths are compared: those that begin with one of these, without a slash in front; all if
    /// there is none.
    pub paths: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            depth: 8,
            meaning: groundup_meaning::Limits::default(),
            unfold: groundup_unfold::Limits::default(),
            paths: Vec::new(),
        }
    }
}

/// Compares two things.
pub fn compare(
    world: &World<'_>,
    before: &Subject,
    after: &Subject,
    causes: &dyn Attribution,
    options: &Options,
) -> Result<Report, DiffError> {
    let comparer = Comparer { world, options };
    let mut rows = Vec::new();
    let names: BTreeSet<&String> = before.parts.keys().chain(after.parts.keys()).collect();
    for name in names {
        rows.extend(comparer.parts(name, before.parts.get(name), after.parts.get(name))?);
    }
    rows.extend(comparer.sideways(before, after)?);
    derived::mark(&mut rows, after);
    for row in &mut rows {
        row.causes = causes.of(row);
    }
    related::attribute(&mut rows);
    let counts = counted(&rows);
    let verdict = verdict(before, after, &rows, causes);
    let mut rows = fold::fold(rows);
    rows.iter_mut().for_each(rank::rank);
    rows.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.places.cmp(&b.places)));
    let (causes, rows) = by_effect(causes.causes(), rows);
    Ok(Report {
        version: 1,
        before: described(before),
        after: described(after),
        verdict,
        causes,
        rows,
        counts,
    })
}

struct Comparer<'a> {
    world: &'a World<'a>,
    options: &'a Options,
}

impl Comparer<'_> {
    fn parts(
        &self,
        name: &str,
        before: Option<&Part>,
        after: Option<&Part>,
    ) -> Result<Vec<Row>, DiffError> {
        let place = Place::new(name, "");
        match (before, after) {
            (Some(a), Some(b)) if a == b => Ok(Vec::new()),
            (Some(Part::Tree(a)), Some(Part::Tree(b))) => self.trees(&place, *a, *b, 0),
            (Some(Part::Blob(a)), Some(Part::Blob(b))) => Ok(self.blobs(&place, *a, *b, 0)),
            (Some(_), Some(_)) => {
                let finding = Finding::not_compared("kind", "one is a tree, the other a file");
                Ok(vec![row(name, Change::Changed, place, vec![finding])])
            }
            (Some(_), None) => Ok(vec![row(name, Change::Removed, place, Vec::new())]),
            (None, _) => Ok(vec![row(name, Change::Added, place, Vec::new())]),
        }
    }
}

/// A row at one place, not ranked yet.
fn row(path: &str, change: Change, place: Place, findings: Vec<Finding>) -> Row {
    Row {
        thing: thing::of_path(path),
        change,
        places: vec![place],
        findings,
        more: 0,
        causes: BTreeSet::new(),
        score: 0,
        rules: Vec::new(),
        contents: [None, None],
    }
}

/// Each path once, however many rows tell of it.
fn counted(rows: &[Row]) -> Counts {
    let mut paths: BTreeMap<&Place, (Change, bool)> = BTreeMap::new();
    let mut not_compared: BTreeSet<&Place> = BTreeSet::new();
    for row in rows {
        for place in &row.places {
            if row.change != Change::Together {
                let (_, same) = paths.entry(place).or_insert((row.change, true));
                *same &= row.is_same_meaning();
            }
            if row.is_not_compared() {
                not_compared.insert(place);
            }
        }
    }
    let mut counts = Counts { not_compared: not_compared.len(), ..Counts::default() };
    for (change, same) in paths.into_values() {
        match change {
            Change::Added => counts.added += 1,
            Change::Removed => counts.removed += 1,
            Change::Moved => counts.moved += 1,
            Change::Changed => counts.changed += 1,
            Change::Together => {}
        }
        counts.same_meaning += usize::from(change == Change::Changed && same);
    }
    counts
}

fn verdict(before: &Subject, after: &Subject, rows: &[Row], causes: &dyn Attribution) -> Verdict {
    if before.parts == after.parts {
        Verdict::Equal
    } else if causes.is_complete() && causes.causes().is_empty() {
        Verdict::Nondeterministic
    } else if rows.iter().all(Row::is_same_meaning) {
        Verdict::SameMeaning
    } else {
        Verdict::Different
    }
}

/// Causes in the order of the most telling of what each did, with how many paths differ by it.
fn by_effect(causes: Vec<CauseRow>, mut rows: Vec<Row>) -> (Vec<CauseRow>, Vec<Row>) {
    let best = |index: usize| rows.iter().position(|row| row.causes.contains(&index));
    let mut order: Vec<usize> = (0..causes.len()).collect();
    order.sort_by_key(|index| (best(*index).unwrap_or(usize::MAX), *index));
    let place: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(place, index)| (*index, place)).collect();
    let mut causes: Vec<Option<CauseRow>> = causes.into_iter().map(Some).collect();
    let mut sorted: Vec<CauseRow> =
        order.iter().filter_map(|index| causes.get_mut(*index)?.take()).collect();
    for row in &mut rows {
        row.causes = row.causes.iter().filter_map(|index| place.get(index).copied()).collect();
    }
    for (index, cause) in sorted.iter_mut().enumerate() {
        let of = rows.iter().filter(|row| row.causes.contains(&index));
        let of = of.filter(|row| row.change != Change::Together);
        let paths: BTreeSet<&Place> = of.flat_map(|row| &row.places).collect();
        cause.paths = paths.len();
    }
    (sorted, rows)
}

fn described(subject: &Subject) -> Described {
    let parts = subject.parts.iter();
    Described {
        name: subject.name.clone(),
        kind: subject.kind.clone(),
        parts: parts.map(|(name, part)| (name.clone(), part.id().to_string())).collect(),
    }
}
