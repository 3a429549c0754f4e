//! What a kustomization names, looked at before kustomize is: every base, component, patch and
//! generator that it leads to.
//!
//! Paths follow kustomize: directories may lie anywhere below the root that the recipe declares,
//! files only at or below the directory of the kustomization that names them.

use super::{
    Entry, File, Folder, Origin, RenderError, Source, first_document, folder::Miss, of_recipe,
    remote::remote,
};
use crate::{
    Finding, Rule,
    yaml::{Node, Value},
};
use groundup_recipe::nearest;
use std::collections::BTreeSet;

/// The names that the file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// How many directories may lead from one to the next.
const MOST_NESTED: usize = 200;
/// Behind so many findings, which is more than are told, no names are looked for that may be meant.
const MOST_HELPED: usize = 100;

/// What a text of a kustomization means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// A file, or the directory of another kustomization.
    Resource,
    /// The directory of another kustomization.
    Directory,
    /// A file.
    File,
    /// A file or directory, or the object itself.
    Plugin,
    /// A file, or the patch itself.
    Patch,
    /// `KEY=FILE`, or a file.
    Keyed,
}

/// Lists of texts.
const LISTS: [(&str, Means); 10] = [
    ("resources", Means::Resource),
    ("bases", Means::Directory),
    ("components", Means::Directory),
    ("crds", Means::File),
    ("configurations", Means::File),
    ("patchesStrategicMerge", Means::Patch),
    ("generators", Means::Plugin),
    ("transformers", Means::Plugin),
    ("validators", Means::Plugin),
    ("configMapGenerator", Means::Keyed),
];

/// Lists of tables that have a file at a key.
const TABLES: [(&str, &str); 3] =
    [("patches", "path"), ("patchesJson6902", "path"), ("replacements", "path")];

/// Checks the kustomization of `source` and all that it leads to.
pub fn check_kustomization(folder: &Folder<'_>, source: &Source) -> Result<(), RenderError> {
    let mut walk = Walk { folder, source, seen: BTreeSet::new(), depth: 0, findings: Vec::new() };
    match folder.resolve(".", &source.path) {
        Ok((directory, Entry::Directory)) => walk.directory(&directory, None)?,
        _ => {
            let message = format!("there is no directory `{}`", source.shown(&source.path));
            walk.findings.push(of_recipe(message, walk.elsewhere(".")));
        }
    }
    if walk.findings.is_empty() {
        return Ok(());
    }
    let what = format!("the kustomization `{}`", source.shown(&source.path));
    Err(RenderError::Unfit { what, findings: walk.findings })
}

struct Walk<'a> {
    folder: &'a Folder<'a>,
    source: &'a Source,
    /// The directories that were looked at.
    seen: BTreeSet<String>,
    /// How many directories led here.
    depth: usize,
    findings: Vec<Finding>,
}

/// A kustomization that is being read.
struct Reading {
    file: File,
    directory: String,
}

impl Walk<'_> {
    /// `named` is the text that led here.
    fn directory(
        &mut self,
        directory: &str,
        named: Option<(&Reading, &Node)>,
    ) -> Result<(), RenderError> {
        if !self.seen.insert(directory.to_owned()) {
            return Ok(());
        }
        if self.depth == MOST_NESTED {
            let place = self.source.shown(directory);
            let message =
                format!("`{place}` is reached through more than {MOST_NESTED} directories");
            let help = "name it where fewer lead to it".to_owned();
            self.push(named, message, Some(help));
            return Ok(());
        }
        let mut files = NAMES.iter().filter_map(|name| {
            let found = self.folder.resolve(directory, name);
            found.ok().filter(|(_, entry)| *entry == Entry::File).map(|(path, _)| (*name, path))
        });
        let (Some((name, path)), another) = (files.next(), files.next()) else {
            let message = format!("`{}` has no `{}`", self.source.shown(directory), NAMES[0]);
            let help = self.elsewhere(directory);
            self.push(named, message, help);
            return Ok(());
        };
        if let Some((another, _)) = another {
            let place = self.source.shown(directory);
            let message = format!("`{place}` has both `{name}` and `{another}`");
            self.push(named, message, Some("kustomize takes one: remove the other".to_owned()));
            return Ok(());
        }
        let shown = self.source.shown(&joined(directory, name));
        let before = self.findings.len();
        let read = first_document(self.folder, &path, shown.clone(), &mut self.findings)?;
        let Some((file, document)) = read else {
            if self.findings.len() == before {
                self.push(named, format!("`{shown}` is empty"), None);
            }
            return Ok(());
        };
        let reading = Reading { file, directory: directory.to_owned() };
        if document.root.as_map().is_none() {
            let message = format!("a kustomization is a table, found {}", document.root.noun());
            self.found(&reading, &document.root, message, None);
            return Ok(());
        }
        self.depth += 1;
        let read = self.fields(&reading, &document.root);
        self.depth -= 1;
        read
    }

    fn fields(&mut self, reading: &Reading, root: &Node) -> Result<(), RenderError> {
        for (key, means) in LISTS.into_iter().filter(|(_, means)| *means != Means::Keyed) {
            for item in self.list(reading, root, key) {
                match item.as_text() {
                    Some(text) => self.text(reading, item, text, means)?,
                    // Old forms of patches are tables.
                    None if key == "patchesStrategicMerge" => {}
                    None => {
                        let message = format!("`{key}` has texts, found {}", item.noun());
                        self.found(reading, item, message, None);
                    }
                }
            }
        }
        for (list, key) in TABLES {
            for item in self.list(reading, root, list) {
                if let Some((node, text)) = item.get(key).and_then(|it| Some((it, it.as_text()?))) {
                    self.text(reading, node, text, Means::File)?;
                }
            }
        }
        for list in ["configMapGenerator", "secretGenerator"] {
            for item in self.list(reading, root, list) {
                let texts = [("files", Means::Keyed), ("envs", Means::File)];
                for (key, means) in texts {
                    for node in item.items(key) {
                        if let Some(text) = node.as_text() {
                            self.text(reading, node, text, means)?;
                        }
                    }
                }
                if let Some((node, text)) = item.get("env").and_then(|it| Some((it, it.as_text()?)))
                {
                    self.text(reading, node, text, Means::File)?;
                }
            }
        }
        if let Some((node, text)) =
            root.path(&["openapi", "path"]).and_then(|it| Some((it, it.as_text()?)))
        {
            self.text(reading, node, text, Means::File)?;
        }
        for key in ["helmCharts", "helmChartInflationGenerator"] {
            if let Some(entry) = root.as_map().and_then(|map| map.entry(key))
                && entry.node.value != Value::Null
                && entry.node.value != Value::List(Vec::new())
            {
                let message = format!("`{key}` would fetch a chart, and run Helm of the host");
                let finding =
                    reading.file.finding(Rule::Kustomization, entry.at, message, Some(chart()));
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// The items of a list; what is no list is told.
    fn list<'n>(&mut self, reading: &Reading, root: &'n Node, key: &str) -> &'n [Node] {
        match root.get(key) {
            None => &[],
            Some(node) => node.as_list().unwrap_or_else(|| {
                let message = format!("`{key}` is a list, found {}", node.noun());
                self.found(reading, node, message, None);
                &[]
            }),
        }
    }

    /// One text that means a place.
    fn text(
        &mut self,
        reading: &Reading,
        node: &Node,
        text: &str,
        means: Means,
    ) -> Result<(), RenderError> {
        // An object in the place of a path.
        let inline = text.contains('\n') || text.contains(": ") || text.starts_with(['{', '[']);
        if matches!(means, Means::Plugin | Means::Patch) && inline {
            if means == Means::Plugin && text.contains("HelmChartInflationGenerator") {
                let message = "this generator would fetch a chart, and run Helm of the host";
                self.found(reading, node, message.to_owned(), Some(chart()));
            }
            return Ok(());
        }
        let path = match means {
            Means::Keyed => text.split_once('=').map_or(text, |(_, path)| path),
            _ => text,
        };
        let found = self.folder.resolve(&reading.directory, path);
        if found.is_err()
            && let Some(remote) = remote(path)
        {
            let message = format!("`{path}` would be fetched, and there is no network");
            let help = remote.remedy(&reading.directory);
            self.found(reading, node, message, Some(help));
            return Ok(());
        }
        match found {
            Ok((directory, Entry::Directory)) => match means {
                Means::Resource | Means::Directory | Means::Plugin => {
                    self.directory(&directory, Some((reading, node)))?;
                }
                Means::File | Means::Patch | Means::Keyed => {
                    let message = format!("`{path}` is a directory, where a file is needed");
                    self.found(reading, node, message, None);
                }
            },
            Ok((file, _)) => self.file(reading, node, path, &file, means)?,
            Err(Miss::Absent) => {
                let (message, help) = self.absent(reading, path);
                self.found(reading, node, message, Some(help));
            }
            Err(Miss::Absolute) => {
                let message = format!("`{path}` leads to a path of the host");
                let help = "paths are relative to the directory of the kustomization".to_owned();
                self.found(reading, node, message, Some(help));
            }
            Err(Miss::Outside(outside)) => {
                let (message, help) = self.outside(path, &outside);
                self.found(reading, node, message, Some(help));
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        reading: &Reading,
        node: &Node,
        path: &str,
        file: &str,
        means: Means,
    ) -> Result<(), RenderError> {
        let own = &reading.directory;
        let inside =
            own == "." || file.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if means == Means::Directory {
            let message = format!("`{path}` is a file, where a directory is needed");
            let help = "files stand in `resources`".to_owned();
            self.found(reading, node, message, Some(help));
        } else if !inside {
            let message = format!("`{path}` is a file outside of `{}`", self.source.shown(own));
            let help =
                "kustomize takes directories from elsewhere, but no files: give that directory a \
                 `kustomization.yaml` which names the file, and name the directory here"
                    .to_owned();
            self.found(reading, node, message, Some(help));
        } else if means == Means::Plugin {
            let shown = self.source.shown(file);
            let read = first_document(self.folder, file, shown, &mut self.findings)?;
            let kind = read.as_ref().and_then(|(_, document)| document.root.text_at(&["kind"]));
            if kind == Some("HelmChartInflationGenerator") {
                let message =
                    format!("the generator `{path}` would fetch a chart, and run Helm of the host");
                self.found(reading, node, message, Some(chart()));
            }
        }
        Ok(())
    }

    fn absent(&self, reading: &Reading, path: &str) -> (String, String) {
        let (parent, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or((".", path));
        let parent = self.folder.resolve(&reading.directory, parent);
        let names = match &parent {
            Ok((directory, Entry::Directory)) if self.findings.len() < MOST_HELPED => {
                self.folder.names(directory)
            }
            _ => Vec::new(),
        };
        let near = nearest(last, names);
        let help = match near {
            Some(near) => {
                let before = path.trim_end_matches('/').strip_suffix(last).unwrap_or_default();
                format!("did you mean `{before}{near}`?")
            }
            None => match self.source.origin {
                Origin::Repository => {
                    "paths are relative to this file's directory; what git does not track is not \
                     there either"
                        .to_owned()
                }
                Origin::Target => "paths are relative to this file's directory".to_owned(),
            },
        };
        let (place, path) = (self.source.shown(&reading.directory), path);
        (format!("there is no `{path}` in `{place}`"), help)
    }

    /// `outside` is relative to the top of the folder, with `..` before it.
    fn outside(&self, path: &str, outside: &str) -> (String, String) {
        let top = &self.source.top;
        if self.source.origin == Origin::Target {
            let message = format!("`{path}` leads out of `{top}`");
            let help = format!(
                "a kustomization sees the tree of `{top}` alone: `trees` lays others into it"
            );
            return (message, help);
        }
        let message =
            format!("`{path}` leads out of `{top}`, which is all that the recipe gives it");
        let mut parts: Vec<&str> = top.split('/').filter(|part| *part != ".").collect();
        for part in outside.split('/').take_while(|part| *part == "..") {
            if parts.pop().is_none() {
                let help = format!(
                    "`{part}` leads out of the workspace there: what lies elsewhere is pinned as a \
                     `source`, and laid down by `trees`"
                );
                return (message, help);
            }
        }
        let root = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        (message, format!("say in the recipe which directory holds both: `root = \"{root}\"`"))
    }

    /// Where there is a kustomization instead.
    fn elsewhere(&self, directory: &str) -> Option<String> {
        let found = self.folder.named(directory, &NAMES);
        let place = found.first()?.rsplit_once('/').map_or(".", |(place, _)| place);
        Some(format!("there is one in `{}`", self.source.shown(place)))
    }

    fn found(&mut self, reading: &Reading, node: &Node, message: String, help: Option<String>) {
        let finding = reading.file.finding(Rule::Kustomization, node.at, message, help);
        self.findings.push(finding);
    }

    fn push(&mut self, named: Option<(&Reading, &Node)>, message: String, help: Option<String>) {
        match named {
            Some((reading, node)) => self.found(reading, node, message, help),
            None => self.findings.push(of_recipe(message, help)),
        }
    }
}

fn chart() -> String {
    "render it by an entry of `charts` of the cluster".to_owned()
}

fn joined(directory: &str, name: &str) -> String {
    match directory {
        "." => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}
