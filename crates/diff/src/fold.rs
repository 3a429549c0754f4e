//! Folding: what differs alike at many places is one row.

use crate::{Change, Place, Row, Thing};
use groundup_meaning::{Finding, Telling};
use std::collections::BTreeMap;

/// Joins rows that say the same of the same kind of thing, for the same causes. Rows that mean the
/// same on both sides are joined by the kinds of their findings alone, unless all is told of spelling.
pub(crate) fn fold(rows: Vec<Row>, spelling: Telling) -> Vec<Row> {
    let rows = gathered(rows);
    let mut folded: Vec<Row> = Vec::new();
    let mut known: BTreeMap<(Thing, Change, Vec<usize>, String), usize> = BTreeMap::new();
    for row in rows {
        let is_summed = spelling == Telling::Existence && row.is_same_meaning();
        let said = if is_summed { boring(&row.findings) } else { told(&row) };
        let causes = row.causes.iter().copied().collect();
        let key = (row.thing, row.change, causes, said);
        match known.get(&key).and_then(|index| folded.get_mut(*index)) {
            Some(first) => {
                first.places.extend(row.places);
                first.files.extend(row.files);
            }
            None => {
                known.insert(key, folded.len());
                folded.push(row);
            }
        }
    }
    for row in &mut folded {
        row.places.sort();
        if row.places.len() > 1 && row.is_same_meaning() && spelling == Telling::Existence {
            row.findings = summed(std::mem::take(&mut row.findings));
        }
    }
    folded
}

/// Joins rows that are about one place for the same causes: what several files tell together comes as
/// one finding each, so that each finds its causes.
fn gathered(rows: Vec<Row>) -> Vec<Row> {
    let mut gathered: Vec<Row> = Vec::new();
    let mut known: BTreeMap<(Thing, Change, Vec<usize>, Vec<Place>), usize> = BTreeMap::new();
    for row in rows {
        let causes = row.causes.iter().copied().collect();
        let key = (row.thing, row.change, causes, row.places.clone());
        match known.get(&key).and_then(|index| gathered.get_mut(*index)) {
            Some(first) => {
                first.findings.extend(row.findings);
                first.more += row.more;
                first.files.extend(row.files);
                first.files.sort();
                first.files.dedup();
            }
            None => {
                known.insert(key, gathered.len());
                gathered.push(row);
            }
        }
    }
    gathered
}

/// What a row says, as text that is equal if it says the same.
fn told(row: &Row) -> String {
    // Came and went are told of by their places; what they are is said of each.
    serde_json::to_string(&(&row.findings, row.more)).unwrap_or_default()
}

fn boring(findings: &[Finding]) -> String {
    summed(findings.to_vec()).iter().map(|finding| finding.what.as_str()).collect()
}

/// Findings without what differs from place to place.
fn summed(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kinds: Vec<Finding> = Vec::new();
    for finding in findings {
        if !kinds.iter().any(|known| known.kind == finding.kind && known.what == finding.what) {
            kinds.push(Finding::bare(finding.kind, finding.what));
        }
    }
    kinds
}
