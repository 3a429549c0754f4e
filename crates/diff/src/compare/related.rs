//! Which inputs stand behind what no file tells alone: those of the differences that it names.

use crate::{Change, Row, Thing};
use std::collections::{BTreeMap, BTreeSet};

/// Shorter names stand in too much to say whose something is.
const TELLING: usize = 8;

/// What is made for a whole root, or says what is in it. What is compiled is left alone: that it has the name
/// of a setting says nothing of its cause.
const INDEXES: [Thing; 5] =
    [Thing::Certificate, Thing::Config, Thing::Packages, Thing::Cache, Thing::Object];

/// Gives rows that are about no file of their own the causes of the rows that name the same things: of
/// the words of each, the one that the fewest rows have. Then narrows rows of files that several inputs
/// may have reached, such as an index of a whole root, likewise.
pub(super) fn attribute(rows: &mut [Row]) {
    let mut found: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let is_together = row.change == Change::Together || row.thing == Thing::Sideways;
        // The pin of a package is known by its name.
        let is_known = row.thing == Thing::Packages && row.causes.len() == 1;
        if !is_together || is_own(row) || is_known {
            continue;
        }
        let mut best: Option<((usize, bool), Vec<usize>)> = None;
        for word in words(row) {
            let naming: Vec<usize> = rows
                .iter()
                .enumerate()
                .filter(|(other, it)| {
                    let is_sure = is_own(it) || it.thing == Thing::Packages;
                    *other != at && it.thing != Thing::Sideways && is_sure && names(it, &word)
                })
                .map(|(other, _)| other)
                .collect();
            // Of two words that are as rare, the one of a row about the same place.
            let is_here =
                |other: &usize| rows.get(*other).is_some_and(|it| it.places == row.places);
            let rarity = (naming.len(), !naming.iter().any(is_here));
            if !naming.is_empty() && best.as_ref().is_none_or(|(best, _)| rarity < *best) {
                best = Some((rarity, naming));
            }
        }
        let naming = best.map(|(_, naming)| naming).unwrap_or_default();
        let causes = naming.into_iter().filter_map(|other| rows.get(other));
        let causes: BTreeSet<usize> = causes.flat_map(|row| row.causes.iter().copied()).collect();
        if !causes.is_empty() {
            found.insert(at, causes);
        }
    }
    give(rows, found);
    let found = narrowed(rows);
    give(rows, found);
}

fn give(rows: &mut [Row], found: BTreeMap<usize, BTreeSet<usize>>) {
    for (at, causes) in found {
        if let Some(row) = rows.get_mut(at) {
            row.causes = causes;
        }
    }
}

/// Whether a row is about a file of its own.
fn is_own(row: &Row) -> bool {
    row.contents.iter().any(Option::is_some)
}

/// The words by which a row that no file tells alone is known. The place of a section is its name, which
/// all rows of it have.
fn words(row: &Row) -> BTreeSet<String> {
    match row.thing {
        Thing::Sideways => row.words(),
        _ => Row { places: Vec::new(), ..row.clone() }.words(),
    }
}

fn names(row: &Row, word: &str) -> bool {
    row.names(word) || row.places.iter().any(|place| place.last().contains(word))
}

/// Rows of several causes that name what a row of fewer of them names: of these names, that which the
/// fewest rows have.
fn narrowed(rows: &[Row]) -> BTreeMap<usize, BTreeSet<usize>> {
    let is_open = |row: &Row| row.causes.len() > 1 && INDEXES.contains(&row.thing);
    let mut found = BTreeMap::new();
    if !rows.iter().any(is_open) {
        return found;
    }
    let mut known: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.causes.len() == 1 && row.thing != Thing::Sideways) {
        for name in last_names(row) {
            known.entry(name).or_default().push(row);
        }
    }
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| is_open(row)) {
        let fitting = last_names(row).into_iter().filter_map(|name| {
            let naming = known.get(&name)?;
            let causes: BTreeSet<usize> = naming.iter().flat_map(|it| it.causes.clone()).collect();
            let is_part = causes.len() < row.causes.len() && causes.is_subset(&row.causes);
            is_part.then_some((naming.len(), causes))
        });
        if let Some((_, causes)) = fitting.min_by_key(|(count, _)| *count) {
            found.insert(at, causes);
        }
    }
    found
}

/// The names that a row has or speaks of, of paths the last, without what follows the last dot. Words
/// that anything is described with are none.
fn last_names(row: &Row) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut take = |text: &str| {
        for word in text.split(|sign: char| !(sign.is_alphanumeric() || "._-/".contains(sign))) {
            let last = word.trim_end_matches(['.', '-', '/']).rsplit('/').next().unwrap_or(word);
            let name = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
            let is_name = word.contains(|sign: char| !sign.is_lowercase());
            if name.len() >= TELLING && is_name && name.contains(char::is_alphabetic) {
                names.insert(name.to_owned());
            }
        }
    };
    for finding in &row.findings {
        let values = [Some(&finding.what), finding.before.as_ref(), finding.after.as_ref()];
        values.into_iter().flatten().for_each(|text| take(text));
    }
    row.places.iter().for_each(|place| take(place.last()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use groundup_digest::BlobId;
    use groundup_meaning::{Finding, Kind};

    fn row(path: &str, change: Change, causes: &[usize], findings: Vec<Finding>) -> Row {
        let mut row = super::super::row(path, change, Place::new("root", path), findings);
        row.causes = causes.iter().copied().collect();
        if change != Change::Together {
            row.contents[1] = Some(BlobId::of(path.as_bytes()));
        }
        row
    }

    fn attributed(mut rows: Vec<Row>) -> Vec<Vec<usize>> {
        attribute(&mut rows);
        rows.into_iter().map(|row| row.causes.into_iter().collect()).collect()
    }

    fn package(name: &str, cause: &[usize]) -> Row {
        let finding = Finding::changed(Kind::Package, name, "1.0.0", "2.0.0");
        let mut row = row("packages", Change::Together, cause, vec![finding]);
        row.thing = Thing::Packages;
        row
    }

    #[test]
    fn packages_keep_the_pins_that_are_theirs() {
        let found = attributed(vec![package("systemd", &[0]), package("bulk", &[1])]);
        assert_eq!(found, [[0], [1]]);
    }

    #[test]
    fn an_index_stands_under_what_it_names_and_a_program_under_all_it_rests_on() {
        let link = Finding::removed(Kind::Entry, "symbolic link", "symbolic link -> Some_Root.pem");
        let found = attributed(vec![
            package("roots", &[1]),
            row("usr/share/x/Some_Root.crt", Change::Removed, &[1], Vec::new()),
            row("etc/ssl/certs/0a1b.0", Change::Removed, &[0, 1, 2], vec![link]),
            row("usr/bin/Some_Root", Change::Changed, &[0, 1], Vec::new()),
        ]);
        assert_eq!(found, [vec![1], vec![1], vec![1], vec![0, 1]]);
    }
}
