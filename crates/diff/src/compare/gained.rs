//! What came or went with its package: one row for each kind of thing, however many files there are.

use super::root::{Tree, is_privileged};
use crate::{Change, Row, Thing};
use groundup_meaning::{Finding, Kind, root};
use std::collections::BTreeMap;

/// Fewer rows are told one by one.
const LEAST: usize = 3;

/// Packages that only one side has, with their versions.
type Versions = BTreeMap<String, String>;

/// Joins the rows of files that came, or went, with a package. Each place stays; what gives privilege is
/// told by itself.
pub(super) fn fold(
    rows: Vec<Row>,
    depth: usize,
    packages: &[Finding],
    before: &Tree<'_>,
    after: &Tree<'_>,
) -> Vec<Row> {
    let [mut came, mut went] = [Versions::new(), Versions::new()];
    one_sided(packages, &mut came, &mut went);
    let rows = joined(rows, depth, Change::Added, &came, after);
    joined(rows, depth, Change::Removed, &went, before)
}

fn one_sided(findings: &[Finding], came: &mut Versions, went: &mut Versions) {
    for finding in findings.iter().filter(|finding| finding.kind == Kind::Package) {
        match (&finding.before, &finding.after) {
            _ if !finding.inside.is_empty() => one_sided(&finding.inside, came, went),
            (None, Some(version)) => drop(came.insert(finding.what.clone(), version.clone())),
            (Some(version), None) => drop(went.insert(finding.what.clone(), version.clone())),
            _ => {}
        }
    }
}

fn joined(
    rows: Vec<Row>,
    depth: usize,
    change: Change,
    packages: &Versions,
    tree: &Tree<'_>,
) -> Vec<Row> {
    let is_whole = |row: &Row| row.change == change && !is_privileged(row) && row.places.len() == 1;
    if packages.is_empty() || rows.iter().filter(|row| is_whole(row)).count() < LEAST {
        return rows;
    }
    let owners = root::owners(tree);
    let mut kept = Vec::new();
    let mut groups: BTreeMap<(String, Thing), Vec<Row>> = BTreeMap::new();
    for row in rows {
        let path = row.places.first().and_then(|place| place.path.get(depth));
        let owner = path.filter(|_| is_whole(&row)).and_then(|path| owners.get(path));
        match owner.filter(|owner| packages.contains_key(&owner.package)) {
            Some(owner) => groups.entry((owner.package.clone(), row.thing)).or_default().push(row),
            None => kept.push(row),
        }
    }
    for ((package, _), mut rows) in groups {
        if rows.len() < LEAST {
            kept.append(&mut rows);
            continue;
        }
        let version = packages.get(&package).map_or("", String::as_str);
        kept.extend(one(rows, &format!("{package} {version}")));
    }
    kept
}

/// Several rows as one; what they say beside that a file is there stays below it.
fn one(rows: Vec<Row>, package: &str) -> Option<Row> {
    let (count, mut rows) = (rows.len(), rows.into_iter());
    let mut all = rows.next()?;
    let mut told = std::mem::take(&mut all.findings);
    for row in rows {
        all.places.extend(row.places);
        all.files.extend(row.files);
        all.classes.extend(row.classes);
        told.extend(row.findings);
    }
    let kind = told.first().map_or(Kind::Entry, |finding| finding.kind);
    told.retain(|finding| finding.kind != Kind::Entry);
    let verb = if all.change == Change::Added { "came" } else { "went" };
    let what = format!("{verb} with package {package}, {count} in all");
    all.findings = vec![Finding::bare(kind, what).with(told)];
    Some(all)
}
