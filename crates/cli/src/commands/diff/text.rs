//! A report as lines for a terminal: causes first, under each what it did.

use super::budget::{Budget, Explain, Shown};
use crate::{
    out::{BOLD, CYAN, DIM, GREEN, RED, YELLOW},
    words,
};
use groundup_diff::{CauseRow, Change, Reason, Report, Role, Row, Thing, Verdict};
use groundup_meaning::{Finding, Kind};

/// The lines of a report.
pub(super) fn lines(report: &Report, budget: Budget) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", headline(report))];
    if report.verdict == Verdict::Equal && report.rows.is_empty() {
        return lines;
    }
    let shown = Shown::of(report, budget);
    for (number, (cause, rows)) in report.causes.iter().zip(&shown.by_cause).enumerate() {
        let place = cause.position.as_deref().map_or(String::new(), |place| format!("  {place}"));
        lines.push(format!(
            "{BOLD}{}{BOLD:#}  {CYAN}{}{CYAN:#} {}  {}{DIM}{place}{}{DIM:#}",
            number + 1,
            cause.kind,
            words::visible(&cause.what),
            words::visible(&cause.change),
            role_of(cause),
        ));
        if !cause.parts.is_empty() {
            lines.push(format!("     {DIM}{}{DIM:#}", words::some(&cause.parts, 8)));
        }
        rows.iter().for_each(|row| row_of(row, report, budget, &mut lines));
    }
    if !shown.others.is_empty() && !report.causes.is_empty() {
        lines.push(format!("{BOLD}-{BOLD:#}  without a known cause"));
    }
    shown.others.iter().for_each(|row| row_of(row, report, budget, &mut lines));
    lines.extend(report.hints.iter().map(|hint| format!("{YELLOW}note{YELLOW:#}: {hint}")));
    lines.extend(shown.hidden(budget).into_iter().map(|text| format!("{DIM}{text}{DIM:#}")));
    lines
}

/// What a cause is needed for, where nothing of it is in the thing.
pub(super) fn role_of(cause: &CauseRow) -> &'static str {
    match cause.role {
        Role::Content => "",
        Role::Trust => "  (it vouches for others)",
        Role::Tool => "  (a tool: nothing of it is in the result)",
    }
}

/// The answer in one line.
pub(super) fn headline(report: &Report) -> String {
    let (before, after) = (words::visible(&report.before.name), words::visible(&report.after.name));
    let counts = report.counts;
    let differ = counts.added + counts.removed + counts.changed + counts.moved;
    let verb = if differ == 1 { "differs" } else { "differ" };
    let mut paths = format!("{} {verb}", words::count(differ, "path"));
    match report.verdict {
        Verdict::Equal => return format!("equal: {before} and {after} are the same bytes"),
        Verdict::Nondeterministic => {
            return format!("not reproducible: the same inputs gave other bytes; {paths}");
        }
        Verdict::SameMeaning | Verdict::Different => {}
    }
    let mut parts = Vec::new();
    if !report.causes.is_empty() {
        parts.push(words::count(report.causes.len(), "cause"));
    }
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
    if report.reason == Some(Reason::Toolchain) {
        parts.push("only tools moved".to_owned());
    }
    parts.join(", ")
}

fn row_of(row: &Row, report: &Report, budget: Budget, lines: &mut Vec<String>) {
    let mut head = format!("     {}{}", sign(row), places(row, budget.places));
    if budget.places == usize::MAX && !row.files.is_empty() {
        let files: Vec<String> =
            row.files.iter().map(|it| words::visible(&it.to_string())).collect();
        head.push_str(&format!("  {DIM}told of {}{DIM:#}", files.join(", ")));
    }
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
        lines.push(format!("{head}  {}", finding_of(finding, budget)));
        return;
    }
    lines.push(head);
    findings(&row.findings, budget, 8, lines);
    if row.more > 0 {
        lines.push(format!("        {DIM}{} more of this file{DIM:#}", row.more));
    }
}

fn findings(found: &[Finding], budget: Budget, indent: usize, lines: &mut Vec<String>) {
    let most = budget.findings;
    let gap = " ".repeat(indent);
    for finding in found.iter().take(most) {
        lines.push(format!("{gap}{}", finding_of(finding, budget)));
        findings(&finding.inside, budget, indent + 3, lines);
    }
    if found.len() > most {
        lines.push(format!("{gap}{DIM}{} more{DIM:#}", found.len() - most));
    }
}

fn finding_of(finding: &Finding, budget: Budget) -> String {
    let what = words::visible(&finding.what);
    let value = |value: &str| words::visible(&cut(value, budget.characters));
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
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
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
