//! Texts of programs: which came and which went.

use super::words::{count, quoted};
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
        let new = came.iter().enumerate().find(|(index, new)| {
            is_few
                && !paired.contains(index)
                && (is_alike(old, new) || of_build(old, new).is_some())
        });
        findings.push(match new {
            Some((index, new)) => {
                paired.insert(index);
                changed(what.clone(), old, new)
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

/// Puts functions that differ in texts only below the rows of those texts. A text that went and one
/// that came are one row if a function uses the second where it used the first. Gives the rows, and
/// functions whose texts have none.
pub(super) fn with_users(
    mut findings: Vec<Finding>,
    functions: Vec<(Vec<(String, String)>, Finding)>,
) -> (Vec<Finding>, Vec<Finding>) {
    let is_text = |finding: &Finding| finding.what.starts_with("text in ");
    let mut rows: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate().filter(|(_, one)| is_text(one)) {
        rows.insert((finding.before.clone(), finding.after.clone()), index);
    }
    let (mut left, mut taken) = (Vec::new(), BTreeSet::new());
    for (texts, function) in functions {
        for (old, new) in &texts {
            let (old, new) = (Some(old.clone()), Some(new.clone()));
            let parts = [(old.clone(), None), (None, new.clone())];
            let [gone, came] = parts.map(|key| rows.get(&key).copied());
            if let (Some(gone), Some(came), None) =
                (gone, came, rows.get(&(old.clone(), new.clone())))
                && !taken.contains(&gone)
                && !taken.contains(&came)
            {
                taken.insert(came);
                if let Some(row) = findings.get_mut(gone) {
                    row.after = new.clone();
                }
                rows.insert((old, new), gone);
            }
        }
        let row = |(old, new): &(String, String)| {
            rows.get(&(Some(old.clone()), Some(new.clone()))).copied()
        };
        let all: Option<Vec<usize>> = texts.iter().map(row).collect();
        match all.and_then(|rows| findings.get_mut(*rows.first()?)) {
            Some(finding) => finding.inside.push(function),
            None => left.push(function),
        }
    }
    for finding in findings.iter_mut().filter(|one| is_text(one) && !one.inside.is_empty()) {
        let first = finding.inside.first().map(|one| one.what.clone()).unwrap_or_default();
        let name = first.trim_start_matches("function ");
        finding.note = Some(match finding.inside.len() {
            1 => format!("used by {name}"),
            number => format!("used by {name} and {}", count(number - 1, "other function")),
        });
    }
    let kept = findings.into_iter().enumerate().filter(|(index, _)| !taken.contains(index));
    (kept.map(|(_, finding)| finding).collect(), left)
}

/// What a text is, if it says only when, by whom or with what a file was built, on both sides.
pub(super) fn of_build(old: &[u8], new: &[u8]) -> Option<&'static str> {
    // `__DATE__` and `__TIME__` (C17, section 6.10.8.1), `linux_banner`, and what OpenSSL says.
    let is_date = |text: &[u8]| match text {
        [a, b, c, b' ', day @ .., b' ', y1, y2, y3, y4] if day.len() == 2 => {
            const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
            MONTHS.chunks(3).any(|month| month == [*a, *b, *c])
                && [y1, y2, y3, y4].iter().all(|digit| digit.is_ascii_digit())
                && day.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
        }
        _ => false,
    };
    let is_time = |text: &[u8]| {
        let parts = text.split(|byte| *byte == b':');
        let is_two = |part: &[u8]| part.len() == 2 && part.iter().all(u8::is_ascii_digit);
        text.len() == 8 && parts.clone().count() == 3 && parts.into_iter().all(is_two)
    };
    let release = |text: &'_ [u8]| {
        let rest = text.strip_prefix(b"Linux version ")?;
        Some(rest.split(|byte| *byte == b' ').next()?.to_vec())
    };
    let both = |is_one: &dyn Fn(&[u8]) -> bool| is_one(old) && is_one(new);
    let starts = |start: &'static [u8]| both(&|text: &[u8]| text.starts_with(start));
    if both(&is_date) || both(&is_time) || starts(b"built on: ") {
        return Some("when it was built");
    }
    let releases = [release(old), release(new)];
    (releases[0].is_some() && releases[0] == releases[1])
        .then_some("the same release: who built it, when, and with what")
}

/// A text that was replaced by another.
pub(super) fn changed(what: String, old: &[u8], new: &[u8]) -> Finding {
    let (before, after) = (quoted(old), quoted(new));
    match of_build(old, new) {
        Some(note) => Finding::changed(Kind::Identity, what, before, after).note(note),
        None => Finding::changed(Kind::Data, what, before, after),
    }
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
    fn times_of_builds_are_boring() {
        let kind = |old: &str, new: &str| {
            compare(".rodata", vec![old.as_bytes()], vec![new.as_bytes()])[0].kind
        };
        assert_eq!(kind("Jun  6 2026", "Oct 21 2026"), Kind::Identity);
        assert_eq!(kind("19:56:20", "09:54:24"), Kind::Identity);
        let banner = |rest: &str| format!("Linux version {rest}");
        assert_eq!(kind(&banner("6.1.1 (a@b) #1"), &banner("6.1.1 (c@d) #2")), Kind::Identity);
        assert_eq!(kind(&banner("6.1.1 (a@b) #1"), &banner("6.1.2 (a@b) #1")), Kind::Data);
        assert_eq!(kind("a long word here", "a long ward here"), Kind::Data);
    }

    #[test]
    fn numbers_are_no_texts() {
        assert_eq!(found(b"\x01\x02\0abcd\0ab\0\xff\xfe\xfd\xfc\0"), [b"abcd"]);
        assert_eq!(without(b"\x01\x02\0abcd\0ab\0"), b"\x01\x02ab");
        assert!(is_text(b"\x01\x33level") && !is_text(b""));
    }
}
