//! A report as lines for a terminal: causes first, under each what it did.

use super::{Budget, Explain};
use crate::{
    out::{BOLD, CYAN, DIM, GREEN, RED, YELLOW},
    words,
};
use groundup_diff::{Change, Report, Row, Thing, Verdict};
use groundup_meaning::{Finding, Kind};

/// The lines of a report.
pub(super) fn lines(report: &Report, budget: Budget) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", headline(report))];
    if report.verdict == Verdict::Equal {
        return lines;
    }
    let mut left = budget.rows;
    for (number, cause) in report.causes.iter().enumerate() {
        let place = cause.position.as_deref().map_or(String::new(), |place| format!("  {place}"));
        lines.push(format!(
            "{BOLD}{}{BOLD:#}  {CYAN}{}{CYAN:#} {}  {}{DIM}{place}{DIM:#}",
            number + 1,
            cause.kind,
            words::visible(&cause.what),
            words::visible(&cause.change),
        ));
        if !cause.parts.is_empty() {
            lines.push(format!("     {DIM}{}{DIM:#}", words::some(&cause.parts, 8)));
        }
        let rows = report.rows.iter().filter(|row| row.causes.first() == Some(&number));
        rows_of(rows.collect(), report, budget, &mut left, &mut lines);
    }
    let rows: Vec<&Row> = report.rows.iter().filter(|row| row.causes.is_empty()).collect();
    if !rows.is_empty() && !report.causes.is_empty() && budget.rows > 0 {
        lines.push(format!("{BOLD}-{BOLD:#}  without a known cause"));
    }
    rows_of(rows, report, budget, &mut left, &mut lines);
    let hidden = report.rows.len().saturating_sub(budget.rows);
    if hidden > 0 {
        let how = if budget.rows == 0 { "without --brief" } else { "with --all or --max-rows" };
        lines
            .push(format!("{DIM}{} not shown; {how} they are{DIM:#}", words::count(hidden, "row")));
    }
    lines
}

/// The answer in one line.
pub(super) fn headline(report: &Report) -> String {
    let (before, after) = (words::visible(&report.before.name), words::visible(&report.after.name));
    let counts = report.counts;
    let differ = counts.added + counts.removed + counts.changed + counts.moved;
    match report.verdict {
        Verdict::Equal => return format!("equal: {before} and {after} are the same bytes"),
        Verdict::Nondeterministic => {
            return format!(
                "not reproducible: the same inputs gave other bytes; {} differ",
                words::count(differ, "path")
            );
        }
        Verdict::SameMeaning | Verdict::Different => {}
    }
    let mut parts = Vec::new();
    if !report.causes.is_empty() {
        parts.push(words::count(report.causes.len(), "cause"));
    }
    let mut paths = format!("{} differ", words::count(differ, "path"));
    let kinds = [
        (counts.added, "added"),
        (counts.removed, "removed"),
        (counts.moved, "moved"),
        (counts.same_meaning, "equal in meaning"),
        (counts.not_compared, "not compared"),
    ];
    let kinds: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if !kinds.is_empty() {
        paths.push_str(&format!(" ({})", kinds.join(", ")));
    }
    parts.push(paths);
    if let Some(first) = report.causes.first().filter(|_| report.causes.len() > 1) {
        parts.push(format!("{} of them from cause 1", first.paths));
    }
    if report.verdict == Verdict::SameMeaning {
        parts.insert(0, "equal in meaning".to_owned());
    }
    parts.join(", ")
}

fn rows_of(
    rows: Vec<&Row>,
    report: &Report,
    budget: Budget,
    left: &mut usize,
    lines: &mut Vec<String>,
) {
    for row in rows {
        if *left == 0 {
            return;
        }
        *left -= 1;
        row_of(row, report, budget, lines);
    }
}

fn row_of(row: &Row, report: &Report, budget: Budget, lines: &mut Vec<String>) {
    let mut head = format!("     {}{}", sign(row), places(row, budget.places));
    let others: Vec<String> =
        row.causes.iter().skip(1).map(|index| (index + 1).to_string()).collect();
    if !others.is_empty() && report.causes.len() > 1 {
        head.push_str(&format!("  {DIM}also from {}{DIM:#}", words::some(&others, 5)));
    }
    if budget.explain == Explain::Yes {
        head.push_str(&format!("  {DIM}[{} {}]{DIM:#}", row.score, row.rules.join(" ")));
    }
    // One short finding stands behind its place.
    if let ([finding], 0) = (&row.findings[..], row.more)
        && finding.inside.is_empty()
    {
        lines.push(format!("{head}  {}", finding_of(finding)));
        return;
    }
    lines.push(head);
    findings(&row.findings, budget.findings, 8, lines);
    if row.more > 0 {
        lines.push(format!("        {DIM}{} more of this file{DIM:#}", row.more));
    }
}

fn findings(found: &[Finding], most: usize, indent: usize, lines: &mut Vec<String>) {
    let gap = " ".repeat(indent);
    for finding in found.iter().take(most) {
        lines.push(format!("{gap}{}", finding_of(finding)));
        findings(&finding.inside, most, indent + 3, lines);
    }
    if found.len() > most {
        lines.push(format!("{gap}{DIM}{} more{DIM:#}", found.len() - most));
    }
}

fn finding_of(finding: &Finding) -> String {
    let what = words::visible(&finding.what);
    let value = |value: &str| words::visible(&cut(value));
    let mut text = match (&finding.before, &finding.after) {
        (Some(a), Some(b)) => format!("{what}: {} -> {}", value(a), value(b)),
        (None, Some(b)) if finding.kind == Kind::Entry => value(b),
        (Some(a), None) if finding.kind == Kind::Entry => value(a),
        (None, Some(b)) => format!("{what}: {GREEN}+{GREEN:#} {}", value(b)),
        (Some(a), None) => format!("{what}: {RED}-{RED:#} {}", value(a)),
        (None, None) => what,
    };
    if let Some(note) = &finding.note {
        text.push_str(&format!("  {DIM}({}){DIM:#}", words::visible(note)));
    }
    match finding.kind {
        Kind::NotCompared => format!("{YELLOW}not compared{YELLOW:#}: {text}"),
        _ => text,
    }
}

/// A value that fits on a line.
fn cut(text: &str) -> String {
    const MOST: usize = 160;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn sign(row: &Row) -> String {
    match row.change {
        Change::Added => format!("{GREEN}added{GREEN:#}    "),
        Change::Removed => format!("{RED}removed{RED:#}  "),
        Change::Moved => "moved    ".to_owned(),
        Change::Changed | Change::Together => String::new(),
    }
}

/// Where, in one line.
pub(super) fn places(row: &Row, most: usize) -> String {
    let named = |place: &groundup_diff::Place| {
        let text = match place.path.is_empty() {
            true => "the thing itself".to_owned(),
            false => words::visible(&place.to_string()),
        };
        match &place.from {
            Some(from) => format!("{text} (was {})", words::visible(from)),
            None => text,
        }
    };
    if row.is_same_meaning() && row.places.len() > 1 {
        let noun = if row.thing == Thing::KernelModule { "module" } else { "file" };
        return format!("{} equal in meaning", words::count(row.places.len(), noun));
    }
    let shown: Vec<String> = row.places.iter().take(most.max(1)).map(named).collect();
    let more = row.places.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more alike") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
