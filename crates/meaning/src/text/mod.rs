//! Texts by lines and characters, and bytes of which nothing is known.
//!
//! Lines are compared first. A line that went and one that came in its place are one finding, whose
//! note names the characters; lines that differ in white space or are comments, where the sign of
//! comments is known, count as another spelling.

mod chars;
pub(crate) mod edits;
mod spelling;

pub(crate) use chars::{cut, moved};
pub(crate) use spelling::{Spelling, comments, only_spelling};

use crate::{Finding, Kind, Limits, Pair};
use chars::cut_to;
use edits::{Edit, edits};

/// Lines on one side of an edit up to which the best partner of each is looked for.
const PAIRED: usize = 64;

/// Lines that differ, each with its number: in the second version where it has one.
pub(crate) fn compare(pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
    if pair.before == pair.after {
        return Vec::new();
    }
    let texts = [pair.before, pair.after].map(String::from_utf8_lossy);
    lines(&texts[0], &texts[1], Spelling::of(pair), limits)
}

/// Lines that differ, told in the numbers of the second text; what comes behind the limit is one.
fn lines(before: &str, after: &str, spelling: Spelling, limits: &Limits) -> Vec<Finding> {
    let (a, b): (Vec<&str>, Vec<&str>) = (split(before), split(after));
    let mut findings = Vec::new();
    let found = edits(&a, &b);
    for (at, edit) in found.iter().enumerate() {
        if findings.len() + 1 >= limits.findings && at + 1 < found.len() {
            findings.push(rest(found.get(at..).unwrap_or_default()));
            break;
        }
        hunk((&a, &b), edit, spelling, limits, &mut findings);
    }
    if findings.is_empty() && before != after {
        findings.push(ends(before, after));
    }
    findings
}

fn split(text: &str) -> Vec<&str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

/// Texts whose lines are equal differ in how the lines end.
fn ends(before: &str, after: &str) -> Finding {
    let count =
        |text: &str| format!("{} lines end with a carriage return", text.matches("\r\n").count());
    Finding::changed(Kind::Encoding, "ends of lines", count(before), count(after))
}

/// Edits that are not told one by one.
fn rest(edits: &[Edit]) -> Finding {
    let lines =
        |range: fn(&Edit) -> usize| format!("{} lines", edits.iter().map(range).sum::<usize>());
    let first = edits.first().map_or(0, |edit| edit.after.start + 1);
    let finding = Finding::changed(
        Kind::Line,
        format!("lines from {first}"),
        lines(|edit| edit.before.len()),
        lines(|edit| edit.after.len()),
    );
    finding.note(format!("in {} more places", edits.len()))
}

/// Lines of one edit that are not told one by one.
fn range(
    (gone, new): (&[&str], &[&str]),
    edit: &Edit,
    spelling: Spelling,
    single: usize,
) -> Option<Finding> {
    let (gone, new) = (gone.get(single..), new.get(single..));
    let (gone, new) = (gone.unwrap_or_default(), new.unwrap_or_default());
    let (first, last) = match (gone.is_empty(), new.is_empty()) {
        (true, true) => return None,
        (_, false) => (edit.after.start + single + 1, edit.after.end),
        (false, true) => (edit.before.start + single + 1, edit.before.end),
    };
    let boring = |line: &&str| spelling.of_line(line, 2).is_some();
    let is_boring = gone.iter().chain(new).all(boring);
    let kind = if is_boring { Kind::Encoding } else { Kind::Line };
    let mut finding = Finding::bare(kind, format!("lines {first}-{last}"));
    let count = |lines: &[&str]| (!lines.is_empty()).then(|| format!("{} lines", lines.len()));
    (finding.before, finding.after) = (count(gone), count(new));
    Some(finding)
}

fn hunk(
    (a, b): (&[&str], &[&str]),
    edit: &Edit,
    spelling: Spelling,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) {
    let gone = a.get(edit.before.clone()).unwrap_or_default();
    let new = b.get(edit.after.clone()).unwrap_or_default();
    let single = limits.lines;
    let more = range((gone, new), edit, spelling, single);
    let gone = gone.get(..single).unwrap_or(gone);
    let new = new.get(..single).unwrap_or(new);
    let mut next = 0;
    for (at, partner) in partners(gone, new).into_iter().enumerate() {
        let line = edit.before.start + at + 1;
        match partner {
            None => findings.push(alone(Side::Gone, line, gone[at], spelling, limits)),
            Some(partner) => {
                for (other, text) in new.iter().enumerate().take(partner).skip(next) {
                    let line = edit.after.start + other + 1;
                    findings.push(alone(Side::New, line, text, spelling, limits));
                }
                let line = edit.after.start + partner + 1;
                findings.push(changed(line, gone[at], new[partner], spelling, limits));
                next = partner + 1;
            }
        }
    }
    for (other, text) in new.iter().enumerate().skip(next) {
        let line = edit.after.start + other + 1;
        findings.push(alone(Side::New, line, text, spelling, limits));
    }
    findings.extend(more);
}

/// Which new line stands for which old one, in order: each its own where the counts agree, else the
/// first that is alike.
fn partners(gone: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    if gone.len() == new.len() || gone.len() > PAIRED || new.len() > PAIRED {
        return (0..gone.len()).map(|at| (at < new.len()).then_some(at)).collect();
    }
    let mut next = 0;
    let find = |line: &&str| {
        let found = (next..new.len()).find(|other| chars::alike(line, new[*other]))?;
        next = found + 1;
        Some(found)
    };
    gone.iter().map(find).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Gone,
    New,
}

fn alone(side: Side, line: usize, text: &str, spelling: Spelling, limits: &Limits) -> Finding {
    let cut = |text: &str| cut_to(text, limits.characters);
    let (kind, note) = match spelling.of_line(text, line) {
        None => (Kind::Line, None),
        Some(what) => (Kind::Encoding, Some(what)),
    };
    let what = format!("line {line}");
    let finding = match side {
        Side::Gone => Finding::removed(kind, what, cut(text)).note(note.map_or_else(
            || "line of the first version".to_owned(),
            |note| format!("{note}; line of the first version"),
        )),
        Side::New => Finding::added(kind, what, cut(text)),
    };
    match note {
        Some(note) if side == Side::New => finding.note(note),
        _ => finding,
    }
}

fn changed(line: usize, before: &str, after: &str, spelling: Spelling, limits: &Limits) -> Finding {
    let cut = |text: &str| cut_to(text, limits.characters);
    let what = format!("line {line}");
    match spelling.of_change(before, after, line) {
        Some(why) => Finding::changed(Kind::Encoding, what, cut(before), cut(after)).note(why),
        None => {
            let (was, is, note) = chars::excerpt(before, after, limits.characters);
            Finding::changed(Kind::Line, what, was, is).note(note)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, before: &str, after: &str) -> Vec<Finding> {
        let pair = Pair { path, before: before.as_bytes(), after: after.as_bytes() };
        compare(&pair, &Limits::default())
    }

    #[test]
    fn one_word_of_a_line_is_named_with_its_characters() {
        let before = "static x = {\n    .family = NFPROTO_IPV4,\n};\n";
        let found = told("net/xt_mark.c", before, &before.replace("IPV4", "IPV6"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "line 2");
        assert_eq!(
            found[0].note.as_deref(),
            Some("characters 15-26: \"NFPROTO_IPV4\" -> \"NFPROTO_IPV6\"")
        );
        assert_eq!(found[0].before.as_deref(), Some("    .family = NFPROTO_IPV4,"));
    }

    #[test]
    fn a_line_that_came_is_told_beside_the_one_that_changed() {
        let found = told("x", "alpha = 1\nend\n", "beta of another kind\nalpha = 2\nend\n");
        let whats: Vec<(&str, bool)> =
            found.iter().map(|one| (one.what.as_str(), one.before.is_some())).collect();
        assert_eq!(whats, [("line 1", false), ("line 2", true)]);
    }

    #[test]
    fn comments_and_white_space_are_spelling_where_the_sign_is_known() {
        let found = told("etc/x.conf", "# old\na = 1\n\nb  = 2\n", "# new\na = 1\nb = 2\n");
        assert!(found.iter().all(|one| one.kind == Kind::Encoding), "{found:#?}");
        assert_eq!(found.len(), 3);
        let unknown = told("x.dat", "# old\n", "# new\n");
        assert_eq!(unknown[0].kind, Kind::Line);
    }

    #[test]
    fn indentation_of_python_and_blanks_in_quotes_are_no_spelling() {
        let found = told("x.py", "if a:\n  b\nc\n", "if a:\n  b\n  c\n");
        assert_eq!(found[0].kind, Kind::Line);
        let found = told("x.sh", "echo 'a  b'\n", "echo 'a b'\n");
        assert_eq!(found[0].kind, Kind::Line);
    }

    #[test]
    fn carriage_returns_are_spelling() {
        let found = told("x", "a\r\nb\r\n", "a\nb\n");
        assert_eq!((found.len(), found[0].kind), (1, Kind::Encoding));
    }

    #[test]
    fn many_new_lines_are_told_as_a_range_and_many_places_as_a_number() {
        let text =
            |from: usize, to: usize| (from..to).map(|n| format!("{n}\n")).collect::<String>();
        let found = told("x", "a\n", &format!("a\n{}", text(0, 5000)));
        assert_eq!(found.len(), 101);
        assert_eq!(
            (&*found[100].what, found[100].after.as_deref()),
            ("lines 102-5001", Some("4900 lines"))
        );
        let every = |word: &str| (0..5000).map(|n| format!("{n}\n{word}{n}\n")).collect::<String>();
        let found = told("x", &every("a"), &every("b"));
        assert_eq!(found.len(), Limits::default().findings);
        assert_eq!(found[999].note.as_deref(), Some("in 4001 more places"));
    }

    #[test]
    fn a_reader_who_wants_all_lines_gets_them() {
        let text = (0..5000).map(|n| format!("{n}\n")).collect::<String>();
        let pair = Pair { path: "x", before: b"", after: text.as_bytes() };
        assert_eq!(compare(&pair, &Limits::default().telling_all()).len(), 5000);
    }

    #[test]
    fn a_line_of_a_megabyte_is_told_by_what_changed_in_it() {
        let before = "x".repeat(500_000) + "old" + &"y".repeat(500_000);
        let after = "x".repeat(500_000) + "new" + &"y".repeat(500_000);
        let found = told("x.js", &before, &after);
        let size = |text: &Option<String>| text.as_ref().unwrap().len();
        assert!(size(&found[0].before) < 3000 && size(&found[0].note) < 3000);
    }
}
