//! By what two answers to one question differ, place by place and summed for the cause.

use super::Comparer;
use crate::{CauseRow, Change, Place, Row, Runs};
use groundup_meaning::{
    Finding, Kind,
    unstable::{Class, When, classes, classes_of_names},
};
use std::collections::{BTreeMap, BTreeSet};

/// Contents above this size are of no class; they are not read.
const LARGEST: u64 = 16 << 20;

impl Comparer<'_> {
    /// Says of all rows that come from nondeterminism by what they differ, and sums it up in causes.
    pub(super) fn classify(&self, rows: &mut [Row], causes: &mut [CauseRow], runs: Runs) {
        let unstable: BTreeSet<usize> = (0..causes.len())
            .filter(|index| causes.get(*index).is_some_and(CauseRow::is_nondeterminism))
            .collect();
        if unstable.is_empty() {
            return;
        }
        let is_unstable = |row: &Row| !row.causes.is_disjoint(&unstable);
        let seconds = |(from, to): (u64, u64)| (from / 1000, to / 1000);
        let when = When(runs.times.map(|times| times.map(seconds)));
        let names = renamed(rows, &when);
        let jobs = matches!(runs.jobs, [Some(a), Some(b)] if a != b);
        for row in rows.iter_mut().filter(|row| is_unstable(row) && row.change != Change::Together)
        {
            let of_name = row.places.first().and_then(|place| names.get(place));
            let mut found = match (row.change, of_name) {
                (_, Some(of_name)) => of_name.clone(),
                (Change::Added | Change::Removed, None) => BTreeSet::from([Class::Unknown]),
                _ => self.classes_of(row, &when),
            };
            // Nothing else explains it, and several jobs are known to.
            if jobs && found.iter().all(|class| matches!(class, Class::Order | Class::Unknown)) {
                found.remove(&Class::Unknown);
                found.insert(Class::Parallelism);
            }
            let said = found.iter().map(|class| match class {
                Class::Unknown => "something unknown",
                class => class.name(),
            });
            let said: Vec<&str> = said.collect();
            if !said.is_empty() {
                let said = format!("differs by {}", said.join(" and "));
                row.findings.insert(0, Finding::bare(Kind::Class, said));
            }
            row.classes = found;
        }
        for index in unstable {
            let Some(cause) = causes.get_mut(index) else { continue };
            let mut places: BTreeMap<Class, BTreeSet<&Place>> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.causes.contains(&index)) {
                for class in &row.classes {
                    places.entry(*class).or_default().extend(&row.places);
                }
            }
            cause.classes = places.iter().map(|(class, places)| (*class, places.len())).collect();
            let said = cause.classes.iter().map(|(class, count)| match count {
                1 => format!("{} in 1 path", class.name()),
                count => format!("{} in {count} paths", class.name()),
            });
            let said: Vec<String> = said.collect();
            if !said.is_empty() {
                cause.change = format!("{}: {}", cause.change, said.join(", "));
            }
        }
    }

    fn classes_of(&self, row: &Row, when: &When) -> BTreeSet<Class> {
        let mut found: BTreeSet<Class> =
            row.findings.iter().filter_map(|finding| of_finding(finding, when)).collect();
        let is_container = row.findings.iter().any(|finding| finding.what.starts_with("times of "));
        if let [Some(a), Some(b)] = row.contents
            && a != b
            && !is_container
            && [a, b].iter().all(|id| self.world.bytes(*id).is_ok_and(|it| it.len() <= LARGEST))
            && let (Ok(before), Ok(after)) = (self.world.read(a), self.world.read(b))
        {
            let of_content = classes(&before, &after, when);
            // A build id follows from the rest of a program; it is random if there is no rest.
            let has_id = row.findings.iter().any(|finding| finding.what == "build id");
            found = match of_content.len() {
                2.. if has_id => of_content.into_iter().filter(|it| *it != Class::Seed).collect(),
                _ => of_content,
            };
        }
        found
    }
}

/// What a finding says by itself: of what archives note of their entries, of links, of metadata.
fn of_finding(finding: &Finding, when: &When) -> Option<Class> {
    let last = finding.what.rsplit(['.', ' ']).next().unwrap_or_default();
    match finding.kind {
        Kind::Identity if finding.what.starts_with("times of ") || last == "time" => {
            Some(Class::Time)
        }
        Kind::Identity => Some(Class::Seed),
        Kind::Entry => {
            let (before, after) = (finding.before.as_ref()?, finding.after.as_ref()?);
            let found = classes_of_names(before, after, when);
            Some(found.into_iter().next().unwrap_or(Class::Unknown))
        }
        Kind::Metadata => Some(Class::Unknown),
        _ => None,
    }
}

/// What came and what went under a name that is alike but for a time or chance, by place.
fn renamed(rows: &[Row], when: &When) -> BTreeMap<Place, BTreeSet<Class>> {
    let parent = |place: &Place| {
        let (inner, outer) = place.path.split_last()?;
        let (directory, name) = inner.rsplit_once('/').unwrap_or(("", inner));
        Some(((outer.to_vec(), directory.to_owned()), name.to_owned()))
    };
    let mut gone: BTreeMap<_, Vec<(&Place, String)>> = BTreeMap::new();
    for place in rows.iter().filter(|row| row.change == Change::Removed).flat_map(|it| &it.places) {
        if let Some((directory, name)) = parent(place) {
            gone.entry(directory).or_default().push((place, name));
        }
    }
    let mut found = BTreeMap::new();
    for row in rows {
        for place in &row.places {
            match (row.change, parent(place)) {
                (Change::Added, Some((directory, name))) => {
                    let Some(gone) = gone.get_mut(&directory) else { continue };
                    let alike = gone.iter().enumerate().find_map(|(at, (_, old))| {
                        let classes = classes_of_names(old, &name, when);
                        (!classes.is_empty()).then_some((at, classes))
                    });
                    if let Some((at, classes)) = alike {
                        let (old, _) = gone.remove(at);
                        found.insert(old.clone(), classes.clone());
                        found.insert(place.clone(), classes);
                    }
                }
                (Change::Moved, Some((_, name))) => {
                    let from = place.from.as_deref().unwrap_or_default();
                    let old = from.rsplit('/').next().unwrap_or_default();
                    let classes = classes_of_names(old, &name, when);
                    if !classes.is_empty() {
                        found.insert(place.clone(), classes);
                    }
                }
                _ => {}
            }
        }
    }
    found
}
