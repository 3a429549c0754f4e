//! Annotations of a CI service: errors shown at their line in the view of a pull request.
//!
//! GitHub Actions reads workflow commands from what a job says, `::error file=F,line=L,col=C::TEXT`;
//! it says `GITHUB_ACTIONS=true` to its jobs. Elsewhere nothing is written.

use crate::{context::Environment, out};
use groundup_recipe::{Diagnostic, Severity, Sources};
use std::{path::Path, sync::OnceLock};

/// Where the workspace lies in the repository, with a `/` behind it; none where nobody reads
/// annotations.
static PREFIX: OnceLock<Option<String>> = OnceLock::new();

/// Finds out whether annotations are read, and how files of this workspace are called there.
pub(crate) fn begin(environment: &Environment, workspace: &Path) {
    let prefix = environment.github.as_ref().map(|top| {
        let below = workspace.strip_prefix(top).unwrap_or(Path::new(""));
        below.components().fold(String::new(), |text, part| {
            format!("{text}{}/", part.as_os_str().to_string_lossy())
        })
    });
    // The first workspace of a process is its only one.
    let _ = PREFIX.set(prefix);
}

/// Annotates the places of messages.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], sources: &Sources) {
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Some(label) = diagnostic.labels.first() else { continue };
        let position = sources.position(label.span);
        let place = format!("{}:{}", sources.path(label.span.file), position.line);
        let mut text = format!("{}: {}", diagnostic.title, label.text);
        diagnostic.help.iter().for_each(|help| text.push_str(&format!("\nhelp: {help}")));
        say(level, &place, Some(position.column), &text);
    }
}

/// Annotates what went wrong at `file:line`.
pub(crate) fn failure(place: &str, text: &str) {
    say("error", place, None, text);
}

fn say(level: &str, place: &str, column: Option<usize>, text: &str) {
    if let Some(Some(prefix)) = PREFIX.get() {
        out::say(command(prefix, level, place, column, text));
    }
}

fn command(prefix: &str, level: &str, place: &str, column: Option<usize>, text: &str) -> String {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    let file = escaped(&format!("{prefix}{file}")).replace(':', "%3A").replace(',', "%2C");
    let column = column.map_or(String::new(), |column| format!(",col={column}"));
    format!("::{level} file={file},line={line}{column}::{}", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_workflow_command_is_one_line() {
        assert_eq!(
            command("", "error", "recipes/a.toml:4", Some(9), "no\nhelp: 100%"),
            "::error file=recipes/a.toml,line=4,col=9::no%0Ahelp: 100%25"
        );
        assert_eq!(
            command("infra/", "warning", "recipes/a,b.toml:1", None, "x"),
            "::warning file=infra/recipes/a%2Cb.toml,line=1::x"
        );
    }
}
