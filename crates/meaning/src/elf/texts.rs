//! Texts of programs: which came and which went.

use super::words::quoted;
use crate::{Finding, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// Shorter ones are more often numbers than texts.
const SHORTEST: usize = 3;
/// Of more texts than this, none are paired.
const PAIRED: usize = 300;

/// Whether a byte can stand in a text.
pub(super) fn is_shown(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~' | 0x80..)
}

/// Whether some bytes are a text.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let body = bytes.strip_prefix(b"\x01").unwrap_or(bytes);
    !body.is_empty()
        && body.iter().all(|byte| is_shown(*byte))
        && std::str::from_utf8(bytes).is_ok()
}

/// All texts of a section that holds nothing else.
pub(super) fn all(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty()).collect()
}

/// What looks like a text in other data.
pub(super) fn found(bytes: &[u8]) -> Vec<&[u8]> {
    let parts = bytes.split(|byte| *byte == 0);
    parts.filter(|part| part.len() >= SHORTEST && is_text(part)).collect()
}

/// The bytes that are no such text, without zeros that align them.
pub(super) fn without(bytes: &[u8]) -> Vec<u8> {
    let parts = bytes.split(|byte| *byte == 0);
    let rest = parts.filter(|part| !(part.len() >= SHORTEST && is_text(part)));
    rest.flatten().copied().collect()
}

/// Texts of which one side has more than the other.
pub(super) fn compare(section: &str, before: Vec<&[u8]>, after: Vec<&[u8]>) -> Vec<Finding> {
    let mut counts: BTreeMap<&[u8], i64> = BTreeMap::new();
    for text in &before {
        *counts.entry(text).or_default() -= 1;
    }
    for text in &after {
        *counts.entry(text).or_default() += 1;
    }
    // In the order of the file.
    let pick = |list: &[&'_ [u8]], is_wanted: &dyn Fn(i64) -> bool| {
        let mut seen = BTreeSet::new();
        let picked = list.iter().copied().enumerate().filter(|(_, text)| {
            is_wanted(counts.get(text).copied().unwrap_or_default()) && seen.insert(*text)
        });
        picked.map(|(index, _)| index).collect::<Vec<usize>>()
    };
    let gone: Vec<&[u8]> = pick(&before, &|count| count < 0)
        .into_iter()
        .filter_map(|at| before.get(at))
        .copied()
        .collect();
    let came: Vec<&[u8]> = pick(&after, &|count| count > 0)
        .into_iter()
        .filter_map(|at| after.get(at))
        .copied()
        .collect();
    let what = format!("text in {section}");
    let mut findings = Vec::new();
    let mut paired = BTreeSet::new();
    for old in &gone {
        let is_few = gone.len().max(came.len()) <= PAIRED;
        let new = came
            .iter()
            .enumerate()
            .find(|(index, new)| is_few && !paired.contains(index) && is_alike(old, new));
        findings.push(match new {
            Some((index, new)) => {
                paired.insert(index);
                Finding::changed(Kind::Data, what.clone(), quoted(old), quoted(new))
            }
            None => Finding::removed(Kind::Data, what.clone(), quoted(old)),
        });
    }
    for (index, new) in came.iter().enumerate() {
        if !paired.contains(&index) {
            findings.push(Finding::added(Kind::Data, what.clone(), quoted(new)));
        }
    }
    findings
}

/// Whether more than half of the longer one is the same at the start and the end.
fn is_alike(a: &[u8], b: &[u8]) -> bool {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = (&a[start..], &b[start..]);
    let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    (start + end) * 2 > a.len().max(b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_changed_are_paired_and_others_come_and_go() {
        let before = all(b"unknown option %s\0same\0gone away\0");
        let after = all(b"same\0unknown option \"%s\"\0quite new\0same\0");
        let shown: Vec<_> = compare(".rodata", before, after)
            .into_iter()
            .map(|finding| (finding.before, finding.after))
            .collect();
        let text = |text: &str| Some(format!("{text:?}"));
        assert_eq!(
            shown,
            [
                (text("unknown option %s"), text("unknown option \"%s\"")),
                (text("gone away"), None),
                (None, text("same")),
                (None, text("quite new")),
            ]
        );
    }

    #[test]
    fn numbers_are_no_texts() {
        assert_eq!(found(b"\x01\x02\0abcd\0ab\0\xff\xfe\xfd\xfc\0"), [b"abcd"]);
        assert_eq!(without(b"\x01\x02\0abcd\0ab\0"), b"\x01\x02ab");
        assert!(is_text(b"\x01\x33level") && !is_text(b""));
    }
}
