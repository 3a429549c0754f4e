//! A comparison as text for a terminal and as Markdown for a pull request.

use super::against::{Report, Row};
use crate::{
    out::{BOLD, CYAN, DIM},
    words,
};

/// How many names of a list are shown.
const MOST: usize = 8;

/// What a cause reaches: clusters last, as they are what people ask for.
fn reaches(row: &Row) -> Vec<String> {
    const ORDER: [&str; 5] = ["build", "kernel", "image", "node", "cluster"];
    let listed = ORDER.iter().filter_map(|kind| row.reaches.get(*kind));
    listed.map(|names| words::some(names, MOST)).collect()
}

fn headline(report: &Report) -> String {
    let causes = words::count(report.causes.len(), "cause");
    let counts = report.steps.words();
    format!("{causes}: {counts}; {}", report.estimate.words())
}

/// What else is to be known, a sentence each.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if report.estimate.guessed > 0 {
        let steps = words::count(report.estimate.guessed, "step");
        notes.push(format!("{steps} never ran here; the time of those is a guess"));
    }
    if report.unbuilt > 0 {
        notes.push(format!(
            "{} more, of which nothing moved, must run because the store has no result of theirs",
            words::count(report.unbuilt, "step")
        ));
    }
    if report.gone > 0 {
        notes.push(format!("{} not needed any more", words::count(report.gone, "step")));
    }
    notes
}

fn nothing(report: &Report) -> String {
    format!(
        "nothing differs from {}: {} ask what they asked",
        report.against.name,
        words::count(report.steps.unaffected, "step")
    )
}

/// Lines for a terminal.
pub(super) fn text(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if report.causes.is_empty() {
        lines.push(format!("{BOLD}{}{BOLD:#}", nothing(report)));
    } else {
        lines.push(format!("{BOLD}{}{BOLD:#}", headline(report)));
    }
    for (number, row) in report.causes.iter().enumerate() {
        let place = row.position.as_deref().map_or(String::new(), |place| format!("  {place}"));
        lines.push(format!(
            "{BOLD}{}{BOLD:#}  {CYAN}{}{CYAN:#}  {}: {}{DIM}{place}{DIM:#}",
            number + 1,
            row.kind,
            row.what,
            row.change
        ));
        if !row.parts.is_empty() {
            lines.push(format!("     {}", words::some(&row.parts, MOST)));
        }
        lines.push(format!("     {}, {}", row.steps.words(), row.estimate.words()));
        let reaches = reaches(row);
        if !reaches.is_empty() {
            lines.push(format!("     reaches {}", reaches.join("; ")));
        }
    }
    lines.extend(notes(report).iter().map(|note| format!("{DIM}{note}{DIM:#}")));
    lines
}

/// A comment for a pull request, or the summary of a job.
pub(super) fn markdown(report: &Report) -> Vec<String> {
    let against = &report.against;
    let commit: String = against.commit.chars().take(12).collect();
    let mut lines = vec![
        format!("### groundup plan against {} ({commit})", code(&against.name)),
        String::new(),
    ];
    if report.causes.is_empty() {
        lines.push(format!("{}.", plain(&nothing(report))));
        return lines;
    }
    lines.push(format!("**{}**", plain(&headline(report))));
    lines.push(String::new());
    lines.push("| | cause | what moved | steps | time | reaches |".into());
    lines.push("|--:|---|---|---|---|---|".into());
    for (number, row) in report.causes.iter().enumerate() {
        let mut what = format!("{} {}", code(&row.what), plain(&row.change));
        if let Some(place) = &row.position {
            what.push_str(&format!("<br>{}", code(place)));
        }
        if !row.parts.is_empty() {
            what.push_str(&format!("<br>{}", plain(&words::some(&row.parts, MOST))));
        }
        let reaches: Vec<String> = reaches(row).iter().map(|names| plain(names)).collect();
        lines.push(format!(
            "| {} | {} | {what} | {} | {} | {} |",
            number + 1,
            row.kind,
            row.steps.words(),
            row.estimate.words(),
            reaches.join("<br>"),
        ));
    }
    lines.push(String::new());
    lines.extend(notes(report).iter().map(|note| format!("- {}", plain(note))));
    lines.push(String::new());
    let count = words::count(report.affected.len(), "affected step");
    lines.push(format!("<details><summary>{count}</summary>"));
    lines.push(String::new());
    for step in &report.affected {
        let causes: Vec<String> = step.causes.iter().map(usize::to_string).collect();
        lines.push(format!("- {} {}, cause {}", code(&step.step), step.fate, causes.join(", ")));
    }
    lines.extend([String::new(), "</details>".to_owned()]);
    lines
}

/// Text that Markdown leaves as it is, on one line of a table.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '@' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Text as code, on one line of a table.
fn code(text: &str) -> String {
    let text = text.replace('\n', " ").replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_does_not_read_what_it_shows() {
        assert_eq!(plain("a|b *c* <d> @all"), "a\\|b \\*c\\* &lt;d> \\@all");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
