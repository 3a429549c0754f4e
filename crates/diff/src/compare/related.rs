//! Which inputs stand behind what no file tells alone: those of the differences that it names.

use crate::{Change, Row, Thing};
use std::collections::{BTreeMap, BTreeSet};

/// Gives rows that are about no file of their own the causes of the rows that name the same things: of
/// the words of each, the one that the fewest rows have.
pub(super) fn attribute(rows: &mut [Row]) {
    let is_own = |row: &Row| row.contents.iter().any(Option::is_some);
    let mut found: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let is_together = row.change == Change::Together || row.thing == Thing::Sideways;
        if !is_together || is_own(row) && row.thing != Thing::Sideways {
            continue;
        }
        let mut best: Option<Vec<usize>> = None;
        for word in row.words() {
            let naming: Vec<usize> = rows
                .iter()
                .enumerate()
                .filter(|(other, it)| {
                    let is_sure = is_own(it) || it.thing == Thing::Packages;
                    *other != at && it.thing != Thing::Sideways && is_sure && names(it, &word)
                })
                .map(|(other, _)| other)
                .collect();
            if !naming.is_empty() && best.as_ref().is_none_or(|best| naming.len() < best.len()) {
                best = Some(naming);
            }
        }
        let causes = best.into_iter().flatten().filter_map(|other| rows.get(other));
        let causes: BTreeSet<usize> = causes.flat_map(|row| row.causes.iter().copied()).collect();
        if !causes.is_empty() {
            found.insert(at, causes);
        }
    }
    for (at, causes) in found {
        if let Some(row) = rows.get_mut(at) {
            row.causes = causes;
        }
    }
}

fn names(row: &Row, word: &str) -> bool {
    row.names(word) || row.places.iter().any(|place| place.last().contains(word))
}
