//! What a chart needs, looked at before Helm is: `Chart.yaml`, and the charts that it depends on,
//! which Helm would have fetched beforehand.

use super::{Entry, File, Folder, Origin, RenderError, Source, first_document, of_recipe};
use crate::{Finding, Rule, yaml::Node};
use std::collections::BTreeSet;

/// Checks the chart of `source`.
pub fn check_chart(folder: &Folder<'_>, source: &Source) -> Result<(), RenderError> {
    let mut findings = Vec::new();
    let what = format!("the chart `{}`", source.shown(&source.path));
    let directory = match folder.resolve(".", &source.path) {
        Ok((directory, Entry::Directory)) => directory,
        _ => {
            let message = format!("there is no directory `{}`", source.shown(&source.path));
            findings.push(of_recipe(message, elsewhere(folder, source, ".")));
            return Err(RenderError::Unfit { what, findings });
        }
    };
    let place = |name: &str| match directory.as_str() {
        "." => name.to_owned(),
        directory => format!("{directory}/{name}"),
    };
    let about = place("Chart.yaml");
    if folder.resolve(".", &about).map(|(_, entry)| entry) != Ok(Entry::File) {
        let message = format!("`{}` has no `Chart.yaml`", source.shown(&directory));
        findings.push(of_recipe(message, elsewhere(folder, source, &directory)));
        return Err(RenderError::Unfit { what, findings });
    }
    let charts = Charts { there: there(folder, &place("charts"))? };
    // Before version 2 of charts, what a chart depends on stood in a file of its own.
    for shown in [about, place("requirements.yaml")] {
        let Ok((path, Entry::File)) = folder.resolve(".", &shown) else { continue };
        let read = first_document(folder, &path, source.shown(&shown), &mut findings)?;
        if let Some((file, document)) = read {
            charts.check(&file, &document.root, &mut findings);
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(RenderError::Unfit { what, findings }) }
}

/// The charts that are in `charts/`, by name; of packed ones, the names of their files.
fn there(folder: &Folder<'_>, charts: &str) -> Result<BTreeSet<String>, RenderError> {
    let mut names = BTreeSet::new();
    for name in folder.names(charts) {
        let about = format!("{charts}/{name}/Chart.yaml");
        match folder.resolve(".", &about) {
            Ok((path, Entry::File)) => {
                // A broken one is Helm's to tell.
                let read = first_document(folder, &path, about, &mut Vec::new())?;
                let own = read.as_ref().and_then(|(_, it)| it.root.text_at(&["name"]));
                names.insert(own.unwrap_or(name).to_owned());
            }
            _ => drop(names.insert(name.to_owned())),
        }
    }
    Ok(names)
}

struct Charts {
    there: BTreeSet<String>,
}

impl Charts {
    fn check(&self, file: &File, root: &Node, out: &mut Vec<Finding>) {
        if root.text_at(&["type"]) == Some("library") {
            let at = root.get("type").map_or(root.at, |node| node.at);
            let message = "a library chart has no objects of its own".to_owned();
            let help = "name a chart that depends on it".to_owned();
            out.push(file.finding(Rule::Chart, at, message, Some(help)));
        }
        for dependency in root.items("dependencies") {
            let Some(name) = dependency.text_at(&["name"]) else { continue };
            if self.has(name) {
                continue;
            }
            let version = match dependency.get("version").map(|node| &node.value) {
                Some(crate::yaml::Value::Text(text)) => Some(text.clone()),
                Some(crate::yaml::Value::Int(number)) => Some(number.to_string()),
                Some(crate::yaml::Value::Float(number)) => Some(number.to_string()),
                _ => None,
            };
            let repository = dependency.text_at(&["repository"]).unwrap_or_default();
            let called = match &version {
                Some(version) => format!("{name} {version}"),
                None => name.to_owned(),
            };
            let whence = match repository {
                "" => String::new(),
                repository => format!(" from `{repository}`"),
            };
            let message = format!(
                "the chart depends on `{called}`{whence}, which is not in `charts/`, and there is no network"
            );
            let help = remedy(name, version.as_deref(), repository);
            out.push(file.finding(Rule::Chart, dependency.at, message, Some(help)));
        }
    }

    /// Whether a chart of this name is there, as a directory or packed.
    fn has(&self, name: &str) -> bool {
        let mut packed = self.there.iter().filter_map(|file| file.strip_suffix(".tgz"));
        // What is in a packed chart that does not say its name, Helm finds out.
        self.there.contains(name)
            || packed.any(|file| match file.strip_prefix(name) {
                Some("") => true,
                Some(rest) if rest.strip_prefix('-').is_some_and(is_version) => true,
                _ => !is_named(file),
            })
    }
}

/// Whether a packed chart is called `NAME-VERSION`.
fn is_named(file: &str) -> bool {
    file.match_indices('-').any(|(at, _)| at > 0 && is_version(&file[at + 1..]))
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

fn remedy(name: &str, version: Option<&str>, repository: &str) -> String {
    let laid = format!(
        "lay it down with `trees = {{ \"charts/{name}\" = \"source.{name}\" }}` beside `tool`"
    );
    let kept = "or keep what `helm dependency update` makes of `charts/` beside the chart";
    let exact = version.filter(|version| {
        version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
            && version.matches('.').count() >= 2
            && !version.contains(".x")
    });
    if repository.starts_with("http://") || repository.starts_with("https://") {
        let repository = repository.trim_end_matches('/');
        let version = exact.unwrap_or("VERSION");
        return format!(
            "pin it: `[source.{name}]` with `url = \"{repository}/{name}-{version}.tgz\"` and `strip = 1` \
             (the repository's `index.yaml` has the exact URL), and {laid}; {kept}"
        );
    }
    if let Some(path) = repository.strip_prefix("file://") {
        return format!(
            "make `{path}` a source: `[source.{name}]` with `path = …`, and {laid}; {kept}"
        );
    }
    format!("pin it as `[source.{name}]`, and {laid}; {kept}")
}

/// Where there is a chart instead.
fn elsewhere(folder: &Folder<'_>, source: &Source, directory: &str) -> Option<String> {
    let found = folder.named(directory, &["Chart.yaml"]);
    let place = found.first()?.rsplit_once('/').map_or(".", |(place, _)| place);
    let place = match source.origin {
        Origin::Repository => source.shown(place),
        // There `path` is one of the target's.
        Origin::Target => place.to_owned(),
    };
    Some(format!("there is one in `{place}`: say `path = \"{place}\"`"))
}
