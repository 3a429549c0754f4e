//! Texts by lines, and bytes of which nothing is known.

use crate::{Finding, Kind, Limits, Pair};
use similar::{ChangeTag, TextDiff};

/// Lines that differ, each with its number: in the second version where it has one.
pub(crate) fn compare(pair: &Pair<'_>, _limits: &Limits) -> Vec<Finding> {
    let texts = [pair.before, pair.after].map(String::from_utf8_lossy);
    let diff = TextDiff::from_lines(texts[0].as_ref(), texts[1].as_ref());
    let mut findings: Vec<Finding> = Vec::new();
    for change in diff.iter_all_changes() {
        let text = change.value().trim_end_matches('\n');
        let line = |index: Option<usize>| format!("line {}", index.unwrap_or(0) + 1);
        match change.tag() {
            ChangeTag::Equal => {}
            ChangeTag::Delete => {
                findings.push(Finding::removed(Kind::Line, line(change.old_index()), text));
            }
            ChangeTag::Insert => {
                findings.push(Finding::added(Kind::Line, line(change.new_index()), text));
            }
        }
    }
    findings
}

/// Where two byte strings differ first, and how long they are.
pub(crate) fn bytes(pair: &Pair<'_>) -> Vec<Finding> {
    if pair.before == pair.after {
        return Vec::new();
    }
    let same = pair.before.iter().zip(pair.after).take_while(|(a, b)| a == b).count();
    let sizes = [pair.before.len(), pair.after.len()].map(|size| format!("{size} bytes"));
    let [before, after] = sizes;
    vec![Finding::changed(Kind::Bytes, format!("byte {same}"), before, after)]
}
