//! Files that the change took away from their packages, or gave back to them.

use super::{Comparer, root::Tree, row};
use crate::{CauseRow, Change, Place, Row, Thing};
use groundup_digest::BlobId;
use groundup_meaning::root::{self, Standing};
use groundup_tree::Kind;
use std::collections::BTreeSet;

/// Larger files are not looked at: their packages keep no configuration in them.
const MOST: u64 = 16 << 20;

impl Comparer<'_> {
    /// The files of a root that parted from their packages or came back to them, of those whose
    /// difference means something.
    pub(super) fn edited(
        &self,
        place: &Place,
        before: &Tree<'_>,
        after: &Tree<'_>,
        rows: &[Row],
    ) -> Vec<Row> {
        let depth = place.path.len();
        let telling = rows.iter().filter(|row| !row.is_same_meaning());
        let paths = telling.filter_map(|row| row.places.first()?.path.get(depth).cloned());
        let is_looked_at = |path: &String| {
            let sides = [before, after].map(|tree| file(tree, path));
            sides.iter().all(|side| side.is_some_and(|(_, size)| size <= MOST))
        };
        let changed: BTreeSet<String> = paths.filter(is_looked_at).collect();
        let is_equal = |path: &str| {
            let [a, b] = [before, after].map(|tree| file(tree, path).map(|(blob, _)| blob));
            a.is_some() && a == b
        };
        let found = root::edited(before, after, &changed, &is_equal);
        let told = found.into_iter().map(|it| {
            let (path, finding) = (&it.path, it.finding());
            let mut new = row(path, Change::Together, place.inside(path), vec![finding]);
            new.thing = Thing::Sideways;
            if it.standing != Standing::Stayed {
                new.contents = [before, after].map(|tree| file(tree, path).map(|(blob, _)| blob));
            }
            new
        });
        told.collect()
    }
}

/// Tells what a recipe or a file of the repository did on purpose with the file itself, not as
/// something left skewed.
pub(super) fn settle(rows: Vec<Row>, causes: &[CauseRow]) -> Vec<Row> {
    let is_ours = |index: &usize| {
        causes.get(*index).is_some_and(|cause| matches!(&*cause.kind, "file" | "recipe"))
    };
    let (meant, mut rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| {
        let is_edit = row.thing == Thing::Sideways && row.contents.iter().any(Option::is_some);
        is_edit && !row.causes.is_empty() && row.causes.iter().all(is_ours)
    });
    for edit in meant {
        let own = |row: &&mut Row| row.thing != Thing::Sideways && row.places == edit.places;
        match rows.iter_mut().find(own) {
            Some(row) => row.findings.extend(edit.findings),
            None => rows.push(edit),
        }
    }
    rows
}

fn file(tree: &Tree<'_>, path: &str) -> Option<(BlobId, u64)> {
    match tree.tree.get(&tree.resolve(path)?)?.kind {
        Kind::File { blob, size } => Some((blob, size)),
        _ => None,
    }
}
