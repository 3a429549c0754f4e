//! A report as Markdown for a comment on a pull request.

use super::{
    budget::{Budget, Shown},
    text,
};
use groundup_diff::{CauseRow, Change, Report, Row, Verdict};
use groundup_meaning::Finding;

/// The lines of a report.
pub(super) fn lines(report: &Report, budget: Budget) -> Vec<String> {
    let mut lines = vec![format!("### {}", escaped(&text::headline(report))), String::new()];
    if report.verdict == Verdict::Equal && report.rows.is_empty() {
        return lines;
    }
    let shown = Shown::of(report, budget);
    for (number, (cause, rows)) in report.causes.iter().zip(&shown.by_cause).enumerate() {
        lines.push(format!("**{}. {}**", number + 1, cause_of(cause)));
        rows.iter().for_each(|row| row_of(row, budget, &mut lines));
        lines.push(String::new());
    }
    if !shown.others.is_empty() && !report.causes.is_empty() {
        lines.push("**Without a known cause**".to_owned());
    }
    shown.others.iter().for_each(|row| row_of(row, budget, &mut lines));
    for hint in &report.hints {
        lines.push(String::new());
        lines.push(escaped(hint));
    }
    let hidden = shown.hidden(budget);
    if !hidden.is_empty() {
        lines.push(String::new());
        lines.push(format!("_{}_", hidden.join("; ")));
    }
    lines
}

fn cause_of(cause: &CauseRow) -> String {
    let place = cause.position.as_deref().map_or(String::new(), |at| format!(" ({})", code(at)));
    let role = text::role_of(cause);
    format!("{} {}: {}{place}{role}", cause.kind, code(&cause.what), escaped(&cause.change))
}

fn row_of(row: &Row, budget: Budget, lines: &mut Vec<String>) {
    let sign = match row.change {
        Change::Added => "added ",
        Change::Removed => "removed ",
        Change::Moved => "moved ",
        Change::Changed | Change::Together => "",
    };
    lines.push(format!("- {sign}{}", code(&text::places(row, budget.places))));
    findings(&row.findings, budget.findings, 1, lines);
    if row.more > 0 {
        lines.push(format!("  - {} more of this file", row.more));
    }
}

fn findings(found: &[Finding], most: usize, level: usize, lines: &mut Vec<String>) {
    let gap = "  ".repeat(level);
    for finding in found.iter().take(most) {
        let what = escaped(&finding.what);
        let note =
            finding.note.as_deref().map_or(String::new(), |it| format!(" ({})", escaped(it)));
        lines.push(match (&finding.before, &finding.after) {
            (Some(a), Some(b)) => format!("{gap}- {what}: {} → {}{note}", code(a), code(b)),
            (None, Some(b)) => format!("{gap}- {what}: new: {}{note}", code(b)),
            (Some(a), None) => format!("{gap}- {what}: gone: {}{note}", code(a)),
            (None, None) => format!("{gap}- {what}{note}"),
        });
        findings(&finding.inside, most, level + 1, lines);
    }
    if found.len() > most {
        lines.push(format!("{gap}- {} more", found.len() - most));
    }
}

/// Text that no sign of Markdown or HTML changes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for sign in crate::words::visible(text).chars() {
        match sign {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                out.push('\\');
                out.push(sign);
            }
            _ => out.push(sign),
        }
    }
    out
}

/// Text as code, however many backticks it has.
fn code(text: &str) -> String {
    let text = crate::words::visible(text);
    let longest = text.split(|sign| sign != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if longest > 0 { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        assert_eq!(escaped("<b>*x*"), "&lt;b&gt;\\*x\\*");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("x"), "`x`");
    }
}
