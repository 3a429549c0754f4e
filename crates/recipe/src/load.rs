//! From files to a workspace: read all, work in `extends` and `vars`, check, and check references.

use crate::{
    At, ColorChoice, Diagnostic, FileIndex, Kind, LoadError, Loader, Sources, Span, TargetName,
    Workspace,
    check::{Extent, check_table, check_value, unknown_key},
    form::alternatives,
    merge::inherit,
    nearest::nearest,
    node::{self, Field, Table},
    read::{self, Defaults, Settings, View},
    refer::{self, Known, State},
    render_all,
    schema::{ARCHIVES, VARS, WORKSPACE_TABLE, spec_of},
    vars::{self, Scopes},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The file that makes a directory a workspace.
pub const WORKSPACE_FILE: &str = "groundup.toml";

/// A workspace without errors, and the files that its spans point into.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the files say.
    pub workspace: Workspace,
    /// The files.
    pub sources: Sources,
    /// What is likely not meant.
    pub warnings: Vec<Diagnostic>,
    /// What is said of each target, after `extends` and `vars`.
    pub(crate) tables: BTreeMap<TargetName, Table>,
    /// The tables `workspace` and `archive`.
    pub(crate) settings: Table,
    /// The variables of all files.
    pub(crate) scopes: Scopes,
}

/// Why there is no workspace: every error that was found. Its text is the rendered messages.
#[derive(Debug, Clone)]
pub struct LoadFailure {
    /// The files, as far as they could be read.
    pub sources: Sources,
    /// Errors, then warnings, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_all(&self.diagnostics, &self.sources, ColorChoice::Plain))
    }
}

impl std::error::Error for LoadFailure {}

/// Reads the workspace that `loader` gives.
pub fn load(loader: &dyn Loader) -> Result<Loaded, LoadFailure> {
    let mut pass = Pass::new(loader);
    let workspace = pass.run();
    let mut diagnostics = std::mem::take(&mut pass.out);
    diagnostics.sort_by_key(|d| (d.severity, d.labels.first().map(|label| label.span)));
    let mut seen = BTreeSet::new();
    diagnostics.retain(|d| {
        let places: Vec<_> = d.labels.iter().map(|l| (l.span, l.text.clone())).collect();
        seen.insert((d.title.clone(), places))
    });
    let failed = diagnostics.iter().any(|d| d.severity == crate::Severity::Error);
    match workspace {
        Some(workspace) if !failed => {
            let Pass { sources, tables, said: settings, scopes, .. } = pass;
            Ok(Loaded { workspace, sources, warnings: diagnostics, tables, settings, scopes })
        }
        _ => Err(LoadFailure { sources: pass.sources, diagnostics }),
    }
}

/// One table of a target, as written.
struct Definition {
    header: Span,
    table: Table,
}

struct Pass<'a> {
    loader: &'a dyn Loader,
    sources: Sources,
    out: Vec<Diagnostic>,
    /// A file is missing or is not TOML: what it would say is not known.
    unread: bool,
    scopes: Scopes,
    definitions: BTreeMap<TargetName, Definition>,
    /// Targets that were read, as they were read.
    tables: BTreeMap<TargetName, Table>,
    /// The tables that are no targets, as they were read.
    said: Table,
}

impl<'a> Pass<'a> {
    fn new(loader: &'a dyn Loader) -> Self {
        Self {
            loader,
            sources: Sources::new(),
            out: Vec::new(),
            unread: false,
            scopes: Scopes { workspace: None, files: BTreeMap::new() },
            definitions: BTreeMap::new(),
            tables: BTreeMap::new(),
            said: Table::new(),
        }
    }

    fn run(&mut self) -> Option<Workspace> {
        let (file, mut root) = self.file(WORKSPACE_FILE)?;
        let said =
            root.iter().filter(|(name, _)| ["workspace", "archive"].contains(&name.as_str()));
        self.said = said.map(|(name, field)| (name.clone(), field.clone())).collect();
        self.scopes.workspace = Some(file);
        let settings = self.settings(file, root.remove("workspace"));
        let archives = root.remove("archive");
        let mut files = vec![(file, root)];
        files.extend(self.recipes(settings.as_ref()));
        if self.unread {
            return None;
        }
        let archives = self.archives(archives);
        files.into_iter().for_each(|(file, table)| self.collect(file, table));
        let settings = settings?;
        let defaults = Defaults {
            platforms: settings.platforms.clone(),
            archives: archives.values().map(|archive| archive.name.clone()).collect(),
        };
        let (targets, known) = self.targets(&defaults);
        let workspace = Workspace {
            name: settings.name,
            epoch: settings.epoch,
            compat: settings.compat,
            platforms: settings.platforms,
            default: settings.default,
            vendor: settings.vendor,
            archives,
            targets,
        };
        refer::check(&workspace, &known, self.loader, &mut self.out);
        Some(workspace)
    }

    /// Reads one file; its errors are told, and what could be read of it is not used.
    fn file(&mut self, path: &str) -> Option<(FileIndex, Table)> {
        match self.loader.load(path) {
            Ok(text) => {
                let file = self.sources.add(path, text);
                match node::parse(&self.sources, file) {
                    Ok(table) => Some((file, table)),
                    Err(errors) => {
                        self.unread = true;
                        self.out.extend(errors);
                        None
                    }
                }
            }
            Err(error) => {
                self.unread = true;
                let mut diagnostic = Diagnostic::error(error.to_string());
                if let LoadError::Unreadable { source, .. } = &error {
                    diagnostic = diagnostic.help(source.to_string());
                } else if path == WORKSPACE_FILE {
                    diagnostic = diagnostic.help(
                        "a workspace is a directory with this file; `groundup init` writes one",
                    );
                }
                self.out.push(diagnostic);
                None
            }
        }
    }

    fn settings(&mut self, file: FileIndex, field: Option<Field>) -> Option<Settings> {
        let Some(field) = field else {
            let diagnostic = Diagnostic::error("there is no `[workspace]` table")
                .label(Span::new(file, 0..0), "expected `[workspace]` with a `name`");
            self.out.push(diagnostic);
            return None;
        };
        let before = self.out.len();
        check_value("workspace", &WORKSPACE_TABLE, &field.node, &mut self.out);
        if self.out.len() > before {
            return None;
        }
        read::settings(View(field.node.as_table()?), field.key)
    }

    /// Reads every recipe file.
    fn recipes(&mut self, settings: Option<&Settings>) -> Vec<(FileIndex, Table)> {
        let mut paths = BTreeSet::new();
        for pattern in settings.map(|settings| settings.recipes.as_slice()).unwrap_or_default() {
            match self.loader.glob(pattern) {
                Ok(found) if found.is_empty() && !pattern.contains(['*', '?', '[', '{']) => {
                    let title = format!("there is no file `{}`", pattern.value);
                    self.out.push(Diagnostic::error(title).label(pattern.span, "no such file"));
                }
                Ok(found) => paths.extend(found),
                Err(error) => {
                    let title = error.to_string();
                    self.out.push(Diagnostic::error(title).label(pattern.span, "asked for here"));
                }
            }
        }
        paths.remove(WORKSPACE_FILE);
        paths.iter().filter_map(|path| self.file(path)).collect()
    }

    fn archives(&mut self, field: Option<Field>) -> BTreeMap<String, crate::Archive> {
        let mut archives = BTreeMap::new();
        let Some(field) = field else { return archives };
        check_value("archive", &ARCHIVES, &field.node, &mut self.out);
        for (name, field) in field.node.as_table().into_iter().flatten() {
            let Some(table) = field.node.as_table() else { continue };
            if let (Some(built_in), Some(own)) = (table.get("keyring"), table.get("signed_by")) {
                let diagnostic = Diagnostic::error(
                    "an archive has a `keyring` or is `signed_by` keys, not both",
                )
                .label(own.key, "keys of a file")
                .label(built_in.key, "built-in keys");
                self.out.push(diagnostic);
            }
            let name = At::new(name.clone(), field.key);
            if let Some(archive) = read::archive(name.clone(), View(table)) {
                archives.insert(name.value, archive);
            }
        }
        archives
    }

    /// Takes the targets and variables of one file.
    fn collect(&mut self, file: FileIndex, table: Table) {
        for (name, field) in table {
            match (name.as_str(), name.parse::<Kind>()) {
                (_, Ok(kind)) => self.define(kind, field),
                ("vars", _) => {
                    check_value("vars", &VARS, &field.node, &mut self.out);
                    if let Some(table) = field.node.as_table() {
                        vars::check_plain(table, &self.sources, &mut self.out);
                        self.scopes.files.insert(file, vars::values(table));
                    }
                }
                ("workspace" | "archive", _) => {
                    let title = format!("`[{name}]` stands only in `{WORKSPACE_FILE}`");
                    self.out.push(Diagnostic::error(title).label(field.key, "not in a recipe"));
                }
                _ => self.unknown_kind(&name, &field, Some(file) == self.scopes.workspace),
            }
        }
    }

    fn unknown_kind(&mut self, name: &str, field: &Field, in_workspace: bool) {
        let mut words: Vec<&str> = Kind::ALL.map(Kind::as_str).to_vec();
        words.push("vars");
        if in_workspace {
            words.extend(["workspace", "archive"]);
        }
        let diagnostic = Diagnostic::error(format!("unknown kind `{name}`"))
            .label(field.key, format!("expected {}", alternatives(&words)))
            .nearest(nearest(name, words));
        self.out.push(diagnostic);
    }

    fn define(&mut self, kind: Kind, field: Field) {
        let Some(tables) = field.node.as_table() else {
            let title = format!("`{kind}` has the wrong type: found {}", field.node.noun());
            let label = format!("expected tables with a name: `[{kind}.NAME]`");
            return self.out.push(Diagnostic::error(title).label(field.node.span, label));
        };
        for (name, field) in tables {
            let Some(table) = field.node.as_table() else {
                let title =
                    format!("`{kind}.{name}` has the wrong type: found {}", field.node.noun());
                let label = format!("expected a table, `[{kind}.{name}]`");
                self.out.push(Diagnostic::error(title).label(field.node.span, label));
                continue;
            };
            let target = match TargetName::new(kind, name) {
                Ok(target) => target,
                Err(_) => {
                    let diagnostic =
                        Diagnostic::error(format!("`{name}` is not a name of a target"))
                            .label(field.key, "expected lower-case letters, digits and `-`");
                    self.out.push(diagnostic);
                    continue;
                }
            };
            if let Some(first) = self.definitions.get(&target) {
                let diagnostic = Diagnostic::error(format!("`{target}` is defined twice"))
                    .label(field.key, "defined again here")
                    .label(first.header, "first defined here");
                self.out.push(diagnostic);
                continue;
            }
            let definition = Definition { header: field.key, table: table.clone() };
            self.definitions.insert(target, definition);
        }
    }

    /// Checks and reads every target that is not abstract.
    fn targets(
        &mut self,
        defaults: &Defaults,
    ) -> (BTreeMap<TargetName, crate::Target>, BTreeMap<TargetName, Known>) {
        let mut targets = BTreeMap::new();
        let mut known = BTreeMap::new();
        let definitions = std::mem::take(&mut self.definitions);
        let mut merged = Extended { definitions: &definitions, done: BTreeMap::new() };
        for (name, definition) in &definitions {
            let table = merged.table(name, &mut Vec::new(), &mut self.out);
            let abstracted = matches!(
                definition.table.get("abstract").map(|field| &field.node.value),
                Some(node::Value::Bool(true))
            );
            let state = match (table, abstracted) {
                (None, _) => {
                    let own = &definition.table;
                    let spec = spec_of(name.kind());
                    check_table(spec, own, definition.header, Extent::Partial, &mut self.out);
                    State::Broken
                }
                (Some(table), true) => {
                    let spec = spec_of(name.kind());
                    check_table(spec, &table, definition.header, Extent::Partial, &mut self.out);
                    State::Abstract
                }
                (Some(table), false) => {
                    let name = At::new(name.clone(), definition.header);
                    match self.target(name, table, defaults) {
                        Some(target) => {
                            targets.insert(target.name.value.clone(), target);
                            State::Whole
                        }
                        None => State::Broken,
                    }
                }
            };
            known.insert(name.clone(), Known { header: definition.header, state });
        }
        (targets, known)
    }

    fn target(
        &mut self,
        name: At<TargetName>,
        mut table: Table,
        defaults: &Defaults,
    ) -> Option<crate::Target> {
        let before = self.out.len();
        if let Some(own) = table.get("vars").and_then(|field| field.node.as_table()) {
            vars::check_plain(own, &self.sources, &mut self.out);
        }
        self.scopes.replace(&mut table, &self.sources, &mut self.out);
        if self.out.len() == before {
            check_table(spec_of(name.kind()), &table, name.span, Extent::Whole, &mut self.out);
        } else {
            // What a variable would say is not known: only what is sure is told.
            let spec = spec_of(name.kind());
            let unknown = table.iter().filter(|(key, _)| spec.key(key).is_none());
            self.out.extend(unknown.map(|(key, field)| unknown_key(spec, key, field.key)));
        }
        if self.out.len() > before {
            return None;
        }
        let target = read::target(name.clone(), &table, defaults)?;
        self.tables.insert(name.value, table);
        Some(target)
    }
}

/// The tables of targets with what they take over, each made once.
struct Extended<'a> {
    definitions: &'a BTreeMap<TargetName, Definition>,
    done: BTreeMap<TargetName, Option<Table>>,
}

impl Extended<'_> {
    /// The table of `name`; nothing where what it extends is not there. `chain` holds the targets
    /// that led here, with the place of their `extends`.
    fn table(
        &mut self,
        name: &TargetName,
        chain: &mut Vec<(TargetName, Span)>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Table> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let own = self.definitions.get(name)?.table.clone();
        let table = match own.get("extends") {
            None => Some(own),
            Some(field) => match self.parent(name, field, out) {
                None => None,
                Some(parent) => {
                    chain.push((name.clone(), field.node.span));
                    let table = match chain.iter().position(|(link, _)| *link == parent) {
                        Some(start) => {
                            out.push(refer::circle("`extends`", "extends", &chain[start..]));
                            chain
                                .iter()
                                .for_each(|(link, _)| drop(self.done.insert(link.clone(), None)));
                            None
                        }
                        None => self.table(&parent, chain, out),
                    };
                    chain.pop();
                    table.map(|parent| inherit(spec_of(name.kind()), &parent, own))
                }
            },
        };
        self.done.entry(name.clone()).or_insert(table).clone()
    }

    fn parent(
        &self,
        name: &TargetName,
        field: &Field,
        out: &mut Vec<Diagnostic>,
    ) -> Option<TargetName> {
        let kind = name.kind();
        let text = field.node.as_text()?;
        let parsed: Option<TargetName> = text.parse().ok();
        match parsed {
            Some(parent) if parent.kind() != kind => {
                let diagnostic =
                    Diagnostic::error(format!("{} cannot extend `{parent}`", spec_of(kind).noun))
                        .label(field.node.span, format!("expected a target of kind `{kind}`"));
                out.push(diagnostic);
                None
            }
            Some(parent) if self.definitions.contains_key(&parent) => Some(parent),
            _ => {
                let names: Vec<String> = self
                    .definitions
                    .keys()
                    .filter(|other| other.kind() == kind && *other != name)
                    .map(TargetName::to_string)
                    .collect();
                let diagnostic =
                    Diagnostic::error(format!("there is no target `{text}` to extend"))
                        .label(field.node.span, format!("expected `{kind}.NAME`"))
                        .nearest(nearest(text, names.iter().map(String::as_str)));
                out.push(diagnostic);
                None
            }
        }
    }
}
