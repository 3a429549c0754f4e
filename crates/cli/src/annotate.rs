//! Annotations of a CI service: errors shown at their line in the view of a change.
//!
//! GitHub Actions reads workflow commands from what a job says, `::error file=F,line=L,col=C::TEXT`;
//! it says `GITHUB_ACTIONS=true` to its jobs. GitLab CI reads a file, its report on the quality of code:
//! a JSON list, to which each command of a job adds where `GROUNDUP_CODE_QUALITY` names it. Elsewhere
//! nothing is written.

use crate::{context::Environment, out};
use groundup_digest::Sha256;
use groundup_recipe::{Diagnostic, Severity, Sources};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Who reads annotations; nobody where it is not set.
static READERS: OnceLock<Readers> = OnceLock::new();

/// What this run said of files, by `FILE` and text, with the places of each.
static SAID: Mutex<BTreeMap<(String, String), Vec<String>>> = Mutex::new(BTreeMap::new());

/// Who reads annotations, with how the workspace is called there: its path in the repository, and a
/// `/` behind it.
struct Readers {
    github: Option<String>,
    report: Option<(PathBuf, String)>,
}

/// Finds out whether annotations are read, and how files of this workspace are called there.
pub(crate) fn begin(environment: &Environment, workspace: &Path) {
    let prefix = |top: &PathBuf| {
        let below = workspace.strip_prefix(top).unwrap_or(Path::new(""));
        below.components().fold(String::new(), |text, part| {
            format!("{text}{}/", part.as_os_str().to_string_lossy())
        })
    };
    let github = environment.github.as_ref().map(prefix);
    let report = environment.quality.clone().map(|file| {
        let top = environment.gitlab.as_ref().map(prefix);
        (file, top.unwrap_or_default())
    });
    let readers = Readers { github, report };
    // A report that is not there would be missed, also where nothing is wrong.
    if let Some((file, _)) = &readers.report {
        tell(add(file, None), file);
    }
    // The first workspace of a process is its only one.
    let _ = READERS.set(readers);
}

/// Whether anybody reads them.
pub(crate) fn are_read() -> bool {
    READERS.get().is_some_and(|readers| readers.github.is_some() || readers.report.is_some())
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

/// Annotates what is only told, at `file:line`.
pub(crate) fn warning(place: &str, text: &str) {
    say("warning", place, None, text);
}

/// Annotates what went wrong at `file:line`.
pub(crate) fn failure(place: &str, text: &str) {
    say("error", place, None, text);
}

/// Annotates the places that stand in a message, each in a line `  FILE:LINE:COLUMN: TEXT`, as those of
/// manifests do.
pub(crate) fn places(message: &str) {
    for (place, column, text) in message.lines().filter_map(placed) {
        say("error", place, Some(column), text);
    }
}

fn placed(line: &str) -> Option<(&str, usize, &str)> {
    let (place, text) = line.strip_prefix("  ")?.split_once(": ")?;
    let (place, column) = place.rsplit_once(':')?;
    let (file, number) = place.rsplit_once(':')?;
    let number: Option<usize> = number.parse().ok();
    number.filter(|_| !file.starts_with(' '))?;
    Some((place, column.parse().ok()?, text))
}

fn say(level: &str, place: &str, column: Option<usize>, text: &str) {
    let Some(readers) = READERS.get() else { return };
    if let Some(prefix) = &readers.github {
        out::say(command(prefix, level, place, column, text));
    }
    if let Some((file, prefix)) = &readers.report {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let ordinal = ordinal(&mut said, place, column, text);
        tell(add(file, Some(row(prefix, level, place, text, ordinal))), file);
    }
}

fn command(prefix: &str, level: &str, place: &str, column: Option<usize>, text: &str) -> String {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    let file = escaped(&format!("{prefix}{file}")).replace(':', "%3A").replace(',', "%2C");
    let column = column.map_or(String::new(), |column| format!(",col={column}"));
    format!("::{level} file={file},line={line}{column}::{}", escaped(text))
}

/// How many other places of a file this run said the same of before.
fn ordinal(
    said: &mut BTreeMap<(String, String), Vec<String>>,
    place: &str,
    column: Option<usize>,
    text: &str,
) -> usize {
    let file = place.rsplit_once(':').map_or(place, |(file, _)| file);
    let places = said.entry((file.to_owned(), text.to_owned())).or_default();
    let place = format!("{place}:{}", column.unwrap_or_default());
    places.iter().position(|known| *known == place).unwrap_or_else(|| {
        places.push(place);
        places.len() - 1
    })
}

/// A row of GitLab's report ("Code Quality", section "Code Quality report format").
fn row(prefix: &str, level: &str, place: &str, text: &str, ordinal: usize) -> Value {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    let file = format!("{prefix}{file}");
    let mut told = format!("{file}\n{text}");
    if ordinal > 0 {
        told.push_str(&format!("\n{ordinal}"));
    }
    json!({
        "description": text,
        "check_name": "groundup",
        // The same trouble in a later job has the same one, wherever its line went. What a file has
        // more than once is told apart by its order.
        "fingerprint": Sha256::of(told.as_bytes()).to_string(),
        "severity": if level == "error" { "major" } else { "minor" },
        "location": { "path": file, "lines": { "begin": line.parse().unwrap_or(1) } },
    })
}

/// Adds a row to a report, which is made if it is not there.
fn add(file: &Path, row: Option<Value>) -> io::Result<()> {
    let mut rows: Vec<Value> = match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if let Some(row) = row
        && !rows.iter().any(|it| it["fingerprint"] == row["fingerprint"])
    {
        rows.push(row);
    }
    fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")
}

/// A report that cannot be written is no reason to end a build.
fn tell(written: io::Result<()>, file: &Path) {
    if let Err(error) = written {
        out::warn(format!("cannot add to the report `{}`: {error}", file.display()));
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, add, command, ordinal, placed, row};

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

    #[test]
    fn places_in_a_message_are_found() {
        assert_eq!(
            placed("  a/b.yaml:3:7: document 1, Pod/x: no [service]"),
            Some(("a/b.yaml:3", 7, "document 1, Pod/x: no [service]"))
        );
        for line in ["the manifests have 2 errors", "  recipe: x", "    help: a:1:2: b", "  a:b: c"]
        {
            assert_eq!(placed(line), None, "{line}");
        }
    }

    #[test]
    fn what_a_file_has_twice_has_two_rows_in_every_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quality.json");
        for lines in [[4, 9, 4], [5, 10, 5]] {
            let mut said = BTreeMap::new();
            for line in lines {
                let place = format!("deploy/web.yaml:{line}");
                let ordinal = ordinal(&mut said, &place, None, "no such field");
                add(&file, Some(row("", "warning", &place, "no such field", ordinal))).unwrap();
            }
        }
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let lines: Vec<_> = rows.iter().map(|row| &row["location"]["lines"]["begin"]).collect();
        assert_eq!(lines, [4, 9]);
    }

    #[test]
    fn a_report_keeps_the_rows_of_earlier_commands_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quality.json");
        add(&file, None).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[]\n");
        let one = row("infra/", "error", "recipes/a.toml:4", "no", 0);
        assert_eq!(one["location"]["path"], "infra/recipes/a.toml");
        assert_eq!(one["location"]["lines"]["begin"], 4);
        add(&file, Some(one.clone())).unwrap();
        let moved = row("infra/", "error", "recipes/a.toml:5", "no", 0);
        add(&file, Some(moved)).unwrap();
        let other = row("", "warning", "recipes/a.toml:4", "well", 0);
        add(&file, Some(other.clone())).unwrap();
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(rows, [one, other]);
        std::fs::write(&file, "{").unwrap();
        assert!(add(&file, None).is_err(), "what is no list is left alone");
    }
}
