//! What moved, as text and as JSON (`docs/formats/lock.md`).

use super::relock::{Changelogs, Write};
use crate::{
    out::{self, BOLD, DIM, YELLOW},
    words,
};
use groundup_debian::package::changelog::{Entry, Newer, cves};
use groundup_lock::{Group, LockError, Report};
use groundup_recipe::{TargetName, lock::Change};
use serde_json::{Value, json};

/// Everything that is told.
pub(super) struct Told {
    pub(super) report: Report,
    /// What changelogs say, for each group of packages; nothing for those that were not looked for.
    pub(super) changelogs: Vec<Option<Result<Option<Newer>, LockError>>>,
    /// Targets that are built anew, sorted.
    pub(super) rebuilds: Vec<TargetName>,
}

/// So many names stand in a line.
const MOST: usize = 6;

/// Prints what moved.
pub(super) fn text(told: &Told, changelogs: Changelogs) {
    for (name, change) in &told.report.archives {
        out::line(format!("archive {name}: {change}"));
    }
    for (group, found) in told.report.packages.iter().zip(&told.changelogs) {
        out::line(group_line(group));
        if let (Some(found), Changelogs::Lines(lines)) = (found, changelogs) {
            changelog(found, lines);
        }
    }
    for (name, change) in &told.report.sources {
        out::line(format!("{name}: {change}"));
    }
    if !told.rebuilds.is_empty() && !told.report.is_empty() {
        let names: Vec<String> = told.rebuilds.iter().map(ToString::to_string).collect();
        out::line(format!("to build anew: {}", words::some(&names, 2 * MOST)));
    }
}

fn group_line(group: &Group) -> String {
    let names: Vec<String> = group.names.iter().cloned().collect();
    let targets: Vec<String> =
        group.targets.iter().map(|(target, platform)| format!("{target} {platform}")).collect();
    let source = match names.as_slice() {
        [only] if *only == group.source => String::new(),
        _ => format!("source {}; ", group.source),
    };
    let (names, change) = (words::some(&names, MOST), &group.change);
    let targets = words::some(&targets, MOST);
    format!("{BOLD}{names}{BOLD:#} {change}  {DIM}({source}{targets}){DIM:#}")
}

fn changelog(found: &Result<Option<Newer>, LockError>, most: usize) {
    let newer = match found {
        Ok(Some(newer)) => newer,
        Ok(None) => return out::line(format!("    {DIM}it carries no changelog{DIM:#}")),
        Err(error) => {
            let mut text = error.to_string();
            let causes = std::iter::successors(std::error::Error::source(error), |it| it.source());
            causes.for_each(|cause| text.push_str(&format!(": {cause}")));
            return out::line(format!("    {DIM}no changelog: {text}{DIM:#}"));
        }
    };
    let fixed = cves(&newer.entries);
    if !fixed.is_empty() {
        out::line(format!("    {YELLOW}{}{YELLOW:#}", fixed.join(", ")));
    }
    if newer.entries.is_empty() {
        out::line(format!("    {DIM}built again; its source is the same{DIM:#}"));
    }
    let lines: Vec<String> = newer.entries.iter().flat_map(entry_lines).collect();
    for line in lines.iter().take(most) {
        out::line(format!("    {DIM}|{DIM:#} {line}"));
    }
    if lines.len() > most {
        let more = words::count(lines.len() - most, "line");
        out::line(format!("    {DIM}| {more} more; --lines N shows up to N{DIM:#}"));
    }
    if !newer.complete && !newer.entries.is_empty() {
        out::line(format!("    {DIM}the changelog does not have the old version{DIM:#}"));
    }
}

fn entry_lines(entry: &Entry) -> Vec<String> {
    let head = format!("{} ({}) {}", entry.package, entry.version, entry.rest);
    std::iter::once(head)
        .chain(entry.lines.iter().cloned())
        .map(|line| words::visible(&line))
        .collect()
}

/// The answer as JSON, version 2.
pub(super) fn json(told: &Told, changed: bool, write: Write) -> Value {
    let mut moved: Vec<Value> = Vec::new();
    for (name, change) in &told.report.archives {
        moved.push(one(json!({"kind": "archive", "name": name}), change));
    }
    for (group, found) in told.report.packages.iter().zip(&told.changelogs) {
        let targets: Vec<Value> = group
            .targets
            .iter()
            .map(|(target, platform)| {
                json!({"target": target.to_string(), "platform": platform.as_str()})
            })
            .collect();
        let mut value = json!({
            "kind": "packages", "source": group.source, "packages": group.names, "targets": targets,
        });
        if let Some(found) = found {
            value["changelog"] = changelog_json(found);
        }
        moved.push(one(value, &group.change));
    }
    for (name, change) in &told.report.sources {
        moved.push(one(json!({"kind": "source", "name": name.to_string()}), change));
    }
    let rebuilds: Vec<String> = told.rebuilds.iter().map(ToString::to_string).collect();
    json!({
        "version": 2,
        "changed": changed,
        "written": changed && write == Write::Yes,
        "pins": told.report.pins,
        "moved": moved,
        "rebuilds": rebuilds,
    })
}

fn one(mut value: Value, change: &Change) -> Value {
    let (from, to) = match change {
        Change::Added(to) => (None, Some(to)),
        Change::Removed(from) => (Some(from), None),
        Change::Moved { from, to } => (Some(from), Some(to)),
    };
    value["from"] = json!(from);
    value["to"] = json!(to);
    value
}

fn changelog_json(found: &Result<Option<Newer>, LockError>) -> Value {
    match found {
        Ok(Some(newer)) => {
            let entries: Vec<Value> = newer
                .entries
                .iter()
                .map(|entry| {
                    json!({
                        "source": entry.package,
                        "version": entry.version,
                        "rest": entry.rest,
                        "lines": entry.lines,
                    })
                })
                .collect();
            let (complete, cves) = (newer.complete, cves(&newer.entries));
            json!({"complete": complete, "cves": cves, "entries": entries})
        }
        Ok(None) => Value::Null,
        Err(error) => json!({"error": error.to_string()}),
    }
}
