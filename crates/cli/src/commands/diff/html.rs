//! A report as one page for a browser: it holds everything that it needs, and asks nobody for anything.
//!
//! ```text
//!  page.html ── {markers} ──▶ head, styles, headline, the text for those without scripts, data, script
//! ```
//!
//! What comes from artifacts is hostile. It stands in the page as text that is escaped, and as JSON in
//! which no `<` is; the script puts it up as text nodes only. The policy of the page names its one
//! script and its styles by their digests, so that no other would run. The data are those of `--json`,
//! whatever the budgets say.

use super::{
    budget::{Budget, Explain},
    text,
};
use crate::{error::CliError, out};
use base64::{Engine, prelude::BASE64_STANDARD};
use groundup_diff::Report;
use groundup_digest::Sha256;
use std::{io::Write, path::Path};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = concat!(include_str!("html/values.js"), include_str!("html/page.js"));

/// Writes the page of a report to a file, whole or not at all; `-` is the output of the program.
pub(super) fn write(report: &Report, path: &Path) -> Result<(), CliError> {
    let pieces = pieces(report)?;
    if is_output(path) {
        pieces.iter().for_each(|piece| out::raw(piece.as_bytes()));
        return Ok(());
    }
    crate::commands::export::to_file(path, |file: &mut dyn Write| {
        let mut write = |piece: &String| file.write_all(piece.as_bytes());
        pieces.iter().try_for_each(&mut write).map_err(|error| CliError::io("write", path, &error))
    })
}

/// Whether the page is what the program puts out.
pub(super) fn is_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The page, in the order in which it is written.
fn pieces(report: &Report) -> Result<Vec<String>, CliError> {
    let data = serde_json::to_string(report)
        .map_err(|error| CliError::of(crate::error::Kind::Bug, &error))?;
    let headline = plain(&text::headline(report));
    let (before, after) = (&report.before.name, &report.after.name);
    let title = crate::words::visible(&format!("{before} -> {after}: {headline}"));
    let everything = Budget {
        rows: usize::MAX,
        findings: usize::MAX,
        places: usize::MAX,
        characters: 160,
        least: 0,
        explain: Explain::No,
    };
    let lines = text::lines(report, everything);
    let mut pieces = Vec::new();
    let mut rest = PAGE;
    while let Some((before, marked)) = rest.split_once('{') {
        let (name, after) = marked.split_once('}').unwrap_or((marked, ""));
        pieces.push(before.to_owned());
        pieces.push(match name {
            "version" => env!("CARGO_PKG_VERSION").to_owned(),
            "style" => STYLE.to_owned(),
            "script" => SCRIPT.to_owned(),
            "style-digest" => digest(STYLE),
            "script-digest" => digest(SCRIPT),
            "title" => escaped(&title),
            "headline" => escaped(&headline),
            "text" => escaped(&plain(&lines.join("\n"))),
            "data" => harmless(&data),
            _ => String::new(),
        });
        rest = after;
    }
    pieces.push(rest.to_owned());
    Ok(pieces)
}

/// A source of a content security policy (CSP level 2, section 4.2.5): the digest of an element's text.
fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::of(text.as_bytes()).as_bytes()))
}

/// Without the colours of a terminal.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Text that is text in HTML, in elements and attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(sign),
        }
    }
    out
}

/// The same JSON in which nothing ends or opens an element or a comment: such signs stand in strings
/// only, where an escape means the same.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_diff::{Change, Counts, Described, Place, Row, Thing, Verdict};
    use groundup_meaning::{Finding, Kind};

    const HOSTILE: &str =
        "</script><script>alert(1)</script></noscript>{script}<!--\u{1b}[31m&amp;";

    fn report() -> Report {
        let thing = || Described { name: HOSTILE.into(), kind: HOSTILE.into(), parts: Vec::new() };
        let row = Row {
            thing: Thing::Config,
            change: Change::Changed,
            places: vec![Place::new("", HOSTILE)],
            findings: vec![Finding::changed(Kind::Line, HOSTILE, HOSTILE, "new").note(HOSTILE)],
            more: 0,
            causes: [0].into(),
            classes: Default::default(),
            score: 1,
            rules: vec!["configuration"],
            contents: [None, None],
            files: Vec::new(),
        };
        let cause = groundup_diff::CauseRow::new("file", HOSTILE, HOSTILE)
            .at(Some(HOSTILE.into()))
            .made_of(vec![HOSTILE.into()]);
        let cause = groundup_diff::CauseRow { paths: 1, ..cause };
        Report {
            version: 1,
            before: thing(),
            after: thing(),
            verdict: Verdict::Different,
            reason: None,
            causes: vec![cause],
            rows: vec![row; 60],
            counts: Counts { changed: 60, ..Counts::default() },
            hints: Vec::new(),
        }
    }

    fn page() -> String {
        pieces(&report()).unwrap_or_default().concat()
    }

    fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = text.split_once(start).unwrap_or_default();
        rest.split_once(end).unwrap_or_default().0
    }

    #[test]
    fn what_others_wrote_opens_and_ends_no_element() {
        let page = page();
        assert_eq!(page.matches("<script").count(), 2, "the data and the script");
        assert_eq!(page.matches("</script").count(), 2);
        assert_eq!(page.matches("</noscript").count(), 1);
        assert_eq!(page.matches("<!--").count(), 0);
        assert!(!page.contains('\u{1b}'));
        assert_eq!(page.matches("const values = ").count(), 1, "no marker of others is filled");
    }

    #[test]
    fn the_data_are_those_of_json_and_whole() -> Result<(), serde_json::Error> {
        let page = page();
        let data = between(&page, "id=\"data\">", "</script>");
        let read: serde_json::Value = serde_json::from_str(data)?;
        assert_eq!(read, serde_json::to_value(report())?);
        assert_eq!(read["rows"].as_array().map(Vec::len), Some(60));
        Ok(())
    }

    #[test]
    fn the_policy_names_the_script_and_the_styles() {
        let page = page();
        let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        let script = between(&page, "</script>\n<script>", "</script>");
        assert!(policy.contains(&format!("script-src '{}'", digest(script))), "{policy}");
        let style = between(&page, "<style>", "</style>");
        assert!(policy.contains(&format!("style-src '{}'", digest(style))), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn the_page_without_scripts_is_the_whole_text() {
        let page = page();
        let text = between(&page, "<pre>", "</pre>");
        assert!(text.matches("&lt;/noscript&gt;{script}").count() >= 60, "each row is told");
        assert!(text.starts_with("1 cause, 60 paths differ"), "{text}");
    }

    #[test]
    fn the_assets_name_no_other_place_and_write_no_markup() {
        for asset in [PAGE, STYLE, SCRIPT] {
            for word in ["http:", "https:", "@import", "url(", "innerHTML", "outerHTML", "eval("] {
                assert!(!asset.contains(word), "{word}");
            }
            assert!(!asset.contains("insertAdjacentHTML") && !asset.contains("document.write"));
        }
    }
}
