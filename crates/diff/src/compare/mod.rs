//! Comparing: parts by name, trees by path, files by meaning, archives by what they hold.

mod derived;
mod edited;
mod files;
mod gained;
mod inside;
mod metadata;
mod pairing;
mod related;
mod requested;
mod root;
mod sideways;
mod streams;
mod trees;
mod unstable;

use crate::{
    Attribution, CauseRow, Change, Counts, Described, DiffError, Part, Place, Reason, Report, Role,
    Row, Subject, Verdict, World, fold, rank, thing,
};
use groundup_meaning::Finding;
use groundup_tree::TreePath;
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
    rows.extend(unread(before, after));
    rows.extend(comparer.attributes(before, after)?);
    rows.extend(comparer.sideways(before, after)?);
    rows.extend(comparer.requested(before, after));
    derived::mark(&mut rows, after);
    for row in &mut rows {
        row.causes = causes.of(row);
    }
    related::attribute(&mut rows);
    let mut known = causes.causes();
    let mut rows = edited::settle(rows, &known);
    if known.is_empty() && causes.is_complete() && before.parts != after.parts {
        let what = "the same inputs gave other bytes";
        known.push(CauseRow::new("nondeterminism", &after.name, what));
        rows.iter_mut().for_each(|row| row.causes = BTreeSet::from([0]));
    }
    comparer.classify(&mut rows, &mut known, causes.runs().unwrap_or_default());
    let counts = counted(&rows);
    let verdict = verdict(before, after, &rows, &known);
    let reason = reason(verdict, &known);
    let mut rows = fold::fold(rows, options.meaning.spelling);
    rows.iter_mut().for_each(rank::rank);
    rows.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.places.cmp(&b.places)));
    let (causes, rows) = by_effect(known, rows);
    Ok(Report {
        version: 1,
        before: described(before),
        after: described(after),
        verdict,
        reason,
        causes,
        rows,
        counts,
        hints: Vec::new(),
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
            (Some(Part::Blob(a)), Some(Part::Blob(b))) => {
                let mut rows = self.blobs(&place, *a, *b, 0);
                let own = rows.iter_mut().filter(|row| row.places == [place.clone()]);
                own.for_each(|row| row.contents = [Some(*a), Some(*b)]);
                Ok(rows)
            }
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
        classes: BTreeSet::new(),
        score: 0,
        rules: Vec::new(),
        contents: [None, None],
        files: Vec::new(),
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
        for place in &row.files {
            let (_, same) = paths.entry(place).or_insert((Change::Changed, true));
            *same &= row.is_same_meaning();
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

fn verdict(before: &Subject, after: &Subject, rows: &[Row], causes: &[CauseRow]) -> Verdict {
    let is_read = before.unread.is_empty() && after.unread.is_empty();
    if before.parts == after.parts && is_read {
        Verdict::Equal
    } else if !causes.is_empty() && causes.iter().all(CauseRow::is_nondeterminism) {
        Verdict::Nondeterministic
    } else if rows.iter().all(Row::is_same_meaning) {
        Verdict::SameMeaning
    } else {
        Verdict::Different
    }
}

/// Why, as far as inputs are known.
fn reason(verdict: Verdict, causes: &[CauseRow]) -> Option<Reason> {
    match verdict {
        Verdict::Equal => None,
        Verdict::Nondeterministic => Some(Reason::Nondeterminism),
        Verdict::SameMeaning if causes.is_empty() => Some(Reason::Encoding),
        _ if causes.is_empty() => None,
        // What vouches for inputs is in nothing.
        _ if causes.iter().any(|cause| cause.role == Role::Content) => Some(Reason::Input),
        _ if causes.iter().any(|cause| cause.role == Role::Tool) => Some(Reason::Toolchain),
        _ => Some(Reason::Input),
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
        parts: parts
            .map(|(name, part)| {
                let called = subject.called.get(name).cloned();
                (name.clone(), called.unwrap_or_else(|| part.id().to_string()))
            })
            .collect(),
    }
}

impl Comparer<'_> {
    /// Attributes that no tree takes, of paths that both sides have.
    fn attributes(&self, before: &Subject, after: &Subject) -> Result<Vec<Row>, DiffError> {
        let paths: BTreeSet<&TreePath> =
            before.attributes.keys().chain(after.attributes.keys()).collect();
        let differ = |path: &&TreePath| before.attributes.get(path) != after.attributes.get(path);
        let paths: Vec<&TreePath> = paths.into_iter().filter(differ).collect();
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut trees = Vec::new();
        for subject in [before, after] {
            if let Some(Part::Tree(id)) = subject.parts.get("root") {
                let unread = |source| DiffError::Read { path: subject.name.clone().into(), source };
                trees.push(self.world.load(*id).map_err(unread)?);
            }
        }
        let on_both = |path: &&TreePath| trees.iter().all(|tree| tree.get(path).is_some());
        let none = BTreeMap::new();
        let rows = paths.into_iter().filter(on_both).map(|path| {
            let of = |subject: &Subject| subject.attributes.get(path).unwrap_or(&none).clone();
            let findings = metadata::attributes(&of(before), &of(after));
            let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
            row(&path, Change::Changed, Place::new("root", &path), findings)
        });
        Ok(rows.collect())
    }
}

/// What could not be read of either side.
fn unread(before: &Subject, after: &Subject) -> Vec<Row> {
    let sides = [("before", &before.unread), ("after", &after.unread)];
    let rows = sides.into_iter().flat_map(|(side, unread)| {
        unread.iter().map(move |(part, path, why)| {
            let finding = Finding::not_compared(format!("{side}: {path}"), why);
            row(path, Change::Changed, Place::new(part, path), vec![finding])
        })
    });
    rows.collect()
}
