//! From a file to the pin, file or recipe line that it comes from, step by step.
//!
//! Each hop is told from evidence: the origins that a step left, or an input that has the same content
//! at the path. Where a command made something, its most telling input is followed (sources before
//! tools) and the others are named.

use super::{
    HistoryError,
    chain::{Beside, Chain, Did, End, Hop},
    look::{At, Trees, variants},
    origins::KnownOrigins,
};
use groundup_digest::{BlobId, ObjectId, TreeId};
use groundup_provenance::{Lineage, Maker, Part, RecordedStep, StepRecord};
use groundup_store::Store;
use groundup_tree::{Entry, EntryKind, Kind, TreePath};

/// More hops than any graph of ours has.
const MOST_HOPS: usize = 100;

/// How many directories are looked through for a file that a command may have copied.
const LOOKED: usize = 400;

/// Follows things back through one build.
pub(super) struct Tracer<'a> {
    pub(super) lineage: Lineage<'a>,
    pub(super) trees: Trees<'a>,
    pub(super) store: &'a Store,
    origins: KnownOrigins<'a>,
}

/// Where a chain goes on.
enum Next<'a> {
    /// In the output that an input's label names.
    Input { label: &'a str, path: Option<TreePath>, did: Did, beside: Vec<Beside> },
    /// Nowhere: this is where it comes from.
    Recipe { did: Did, about: Option<String> },
}

impl<'a> Tracer<'a> {
    pub(super) fn new(store: &'a Store, lineage: Lineage<'a>) -> Self {
        Self { lineage, trees: Trees::new(store), store, origins: KnownOrigins::new(store) }
    }

    /// The way back from an output of a step, or from a path in it.
    pub(super) fn trace(
        &self,
        mut step: &'a RecordedStep,
        mut output: &'a str,
        mut path: Option<TreePath>,
    ) -> Result<Chain, HistoryError> {
        let mut hops: Vec<Hop> = Vec::new();
        while hops.len() < MOST_HOPS {
            let shown = path.as_ref().map(ToString::to_string);
            let hop = |did, beside| Hop {
                step: step.label.clone(),
                did,
                path: shown.clone(),
                position: step.position.clone(),
                by: None,
                beside,
            };
            if step.is_pin() {
                hops.push(hop(Did::Fetched, Vec::new()));
                let end = End::Pin { step: step.label.clone(), position: step.position.clone() };
                return Ok(Chain { hops, end });
            }
            match self.next(step, output, path.as_ref())? {
                Next::Recipe { did, about } => {
                    let by = self.action(step);
                    hops.push(Hop { by, ..hop(did, Vec::new()) });
                    let target = step.parts().owner.to_owned();
                    let end = End::Recipe { target, about, position: step.position.clone() };
                    return Ok(Chain { hops, end });
                }
                Next::Input { label, path: next, did, beside } => {
                    hops.push(hop(did, beside));
                    match self.lineage.maker(label) {
                        Maker::Leaf(leaf) => {
                            return Ok(Chain { hops, end: self.file(step, leaf, next.as_ref()) });
                        }
                        Maker::Step { step: maker, output: made } => {
                            (step, output, path) = (maker, made, next);
                        }
                    }
                }
            }
        }
        let why = format!("its steps go round: more than {MOST_HOPS}");
        Ok(Chain { hops, end: End::Unknown { why } })
    }

    /// What a step did by its record: an assembler with its version, or a command.
    fn action(&self, step: &RecordedStep) -> Option<String> {
        let records = self.store.step_records(step.key).ok()?;
        let bytes = self.store.get_record(*records.last()?).ok()?;
        StepRecord::from_bytes(&bytes).ok().map(|record| record.action)
    }

    fn file(&self, step: &RecordedStep, leaf: &str, path: Option<&TreePath>) -> End {
        let (kind, name) = leaf.split_once(':').unwrap_or(("file", leaf));
        let id = step.inputs.iter().find(|(_, label, _)| label == leaf).map(|(.., id)| *id);
        let Some(id) = id else {
            return End::Unknown { why: format!("no input is called `{leaf}`") };
        };
        let path = match (kind, path) {
            ("file", _) => name.to_owned(),
            (_, path) => path.map(ToString::to_string).unwrap_or_default(),
        };
        End::File { leaf: leaf.to_owned(), path, id }
    }

    fn next(
        &self,
        step: &'a RecordedStep,
        output: &str,
        path: Option<&TreePath>,
    ) -> Result<Next<'a>, HistoryError> {
        let object = step.output(output);
        let composes = step.outputs.iter().any(|(name, _)| name == "origins");
        // Who composes says more of a path than that it came out as it went in.
        let same = |id: &ObjectId| !composes && Some(*id) == object;
        let inputs =
            || step.inputs.iter().filter(|(name, label, _)| self.is_content(step, name, label));
        if let Some((_, label, _)) = inputs().find(|(.., id)| same(id)) {
            let (path, did) = (path.cloned(), Did::PassedOn);
            return Ok(Next::Input { label, path, did, beside: Vec::new() });
        }
        if let (Some(ObjectId::Tree(tree)), Some(path)) = (object, path)
            && let Some(At::Entry(entry)) = self.trees.get(tree, path)?
        {
            return self.next_of_entry(step, path, &entry);
        }
        Ok(self.next_of_whole(step, path))
    }

    fn is_content(&self, step: &RecordedStep, name: &str, label: &'a str) -> bool {
        self.lineage.part(step, name, label) == Part::Content
    }

    fn next_of_entry(
        &self,
        step: &'a RecordedStep,
        path: &TreePath,
        entry: &Entry,
    ) -> Result<Next<'a>, HistoryError> {
        let label = match step.output("origins") {
            Some(ObjectId::Blob(origins)) => self.origin(origins, path)?,
            _ => None,
        };
        let label = label.as_deref();
        let about = Some(path.to_string());
        let composes = label.is_some() || step.outputs.iter().any(|(name, _)| name == "origins");
        match label {
            // What the scripts left unchanged was made before them.
            Some("state") if step.inputs.iter().all(|(name, ..)| name != "before") => {
                return Ok(self.generated(step, path));
            }
            Some("scripts") => return Ok(self.scripts(step, path)),
            None if matches!(entry.kind, EntryKind::Directory(_)) => {
                return self.directory(step, path, entry);
            }
            Some(label) => {
                if let Some(package) = label.strip_prefix("deb:")
                    && let Some(next) = self.shipped_by(step, package, path, entry)?
                {
                    return Ok(next);
                }
            }
            None => {}
        }
        // A file that is an input as it is: one of the repository, a layer in a layout.
        if let EntryKind::Other(Kind::File { blob, .. }) = entry.kind
            && matches!(label, Some("files") | None)
        {
            let given = |(name, label, id): &&'a (String, String, ObjectId)| {
                *id == ObjectId::Blob(blob) && self.is_content(step, name, label)
            };
            if let Some((_, label, _)) = step.inputs.iter().find(given) {
                let did = if composes { Did::LaidDown } else { Did::Packed };
                return Ok(Next::Input { label, path: None, did, beside: Vec::new() });
            }
        }
        if let Some(next) = self.laid_from(step, label, path, entry, composes)? {
            return Ok(next);
        }
        if composes {
            return Ok(Next::Recipe { did: Did::Wrote, about });
        }
        Ok(self.next_of_whole(step, Some(path)))
    }

    /// Directories have no origins: several inputs have them as a rule. A tree that was laid down
    /// and a package say more than a command that made one.
    fn directory(
        &self,
        step: &'a RecordedStep,
        path: &TreePath,
        entry: &Entry,
    ) -> Result<Next<'a>, HistoryError> {
        let mut packages = Vec::new();
        for (name, label, id) in step.inputs.iter().filter(|(name, ..)| name.starts_with("data.")) {
            let ObjectId::Tree(tree) = id else { continue };
            let Some(inner) = self.same_in(*tree, path, entry, Effort::Plain)? else { continue };
            packages.push((name, label, inner));
        }
        let package = |label: &'a str| match self.lineage.maker(label) {
            Maker::Step { step, .. } => package_of(step.parts().owner),
            Maker::Leaf(leaf) => leaf,
        };
        // The package of the empty system, then the one whose name comes first.
        packages.sort_by_key(|(_, label, _)| {
            let package = package(label);
            (package != "base-files", package)
        });
        let beside = packages.iter().skip(1).map(|(name, label, _)| Beside {
            input: (*name).clone(),
            from: match self.lineage.maker(label) {
                Maker::Step { step, .. } => step.label.clone(),
                Maker::Leaf(leaf) => leaf.to_owned(),
            },
            tool: false,
        });
        let beside = beside.collect();
        if let Some((_, label, inner)) = packages.into_iter().next() {
            let did = Did::FromPackage(package(label).to_owned());
            return Ok(Next::Input { label, path: Some(inner), did, beside });
        }
        let composes = step.outputs.iter().any(|(name, _)| name == "origins");
        let hands_on = step.inputs.iter().any(|(name, ..)| name == "before");
        if (composes || hands_on)
            && let Some(next) = self.laid_from(step, None, path, entry, true)?
        {
            return Ok(next);
        }
        if composes {
            return Ok(Next::Recipe { did: Did::Wrote, about: Some(path.to_string()) });
        }
        Ok(self.next_of_whole(step, Some(path)))
    }

    fn origin(&self, origins: BlobId, path: &TreePath) -> Result<Option<String>, HistoryError> {
        self.origins.label(origins, path)
    }

    /// What no package ships: the notes that dpkg keeps of a package are that package's all the same.
    fn generated(&self, step: &'a RecordedStep, path: &TreePath) -> Next<'a> {
        let shown = path.to_string();
        let note = shown.strip_prefix("/var/lib/dpkg/info/").and_then(|name| name.rsplit_once('.'));
        let package = note.map(|(name, _)| name.split(':').next().unwrap_or(name));
        let control = step.inputs.iter().find(|(name, label, _)| match self.lineage.maker(label) {
            Maker::Step { step, .. } => {
                name.starts_with("control.") && Some(package_of(step.parts().owner)) == package
            }
            Maker::Leaf(_) => false,
        });
        match (control, package) {
            (Some((_, label, _)), Some(package)) => Next::Input {
                label,
                path: None,
                did: Did::FromPackage(package.to_owned()),
                beside: Vec::new(),
            },
            _ => Next::Recipe { did: Did::Generated, about: None },
        }
    }

    /// What maintainer scripts made or changed: it was a package's before, or is nobody's.
    fn scripts(&self, step: &'a RecordedStep, path: &TreePath) -> Next<'a> {
        let named = |wanted: &str| step.inputs.iter().find(|(name, ..)| name == wanted);
        let was = named("before.origins").and_then(|(.., id)| id.blob());
        let was = was.and_then(|origins| self.origin(origins, path).ok().flatten());
        let from = match was {
            Some(_) => named("before"),
            None => named("after"),
        };
        match from {
            Some((_, label, _)) => Next::Input {
                label,
                path: Some(path.clone()),
                did: Did::Scripts,
                beside: Vec::new(),
            },
            None => Next::Recipe { did: Did::Scripts, about: None },
        }
    }

    fn shipped_by(
        &self,
        step: &'a RecordedStep,
        package: &str,
        path: &TreePath,
        entry: &Entry,
    ) -> Result<Option<Next<'a>>, HistoryError> {
        for (name, label, id) in &step.inputs {
            let Maker::Step { step: maker, .. } = self.lineage.maker(label) else { continue };
            if !name.starts_with("data.") || package_of(maker.parts().owner) != package {
                continue;
            }
            let inner = match id {
                ObjectId::Tree(tree) => self.same_in(*tree, path, entry, Effort::Thorough)?,
                ObjectId::Blob(_) => None,
            };
            let path = inner.unwrap_or_else(|| path.clone());
            let did = Did::FromPackage(package.to_owned());
            return Ok(Some(Next::Input { label, path: Some(path), did, beside: Vec::new() }));
        }
        Ok(None)
    }

    /// An input tree that has the same at the path, the one laid last first.
    fn laid_from(
        &self,
        step: &'a RecordedStep,
        origin: Option<&str>,
        path: &TreePath,
        entry: &Entry,
        composes: bool,
    ) -> Result<Option<Next<'a>>, HistoryError> {
        let mut candidates: Vec<(&str, TreeId)> = step
            .inputs
            .iter()
            .filter(|(name, label, _)| self.is_content(step, name, label))
            .filter_map(|(_, label, id)| Some((label.as_str(), id.tree()?)))
            .collect();
        candidates.reverse();
        // The tree that the origin names comes first; without, the order decides.
        let target = origin.and_then(|label| label.split(':').next());
        candidates.sort_by_key(|(label, _)| {
            let owner = match self.lineage.maker(label) {
                Maker::Step { step, .. } => step.parts().owner,
                Maker::Leaf(leaf) => leaf.split_once(':').map_or(leaf, |(_, name)| name),
            };
            Some(owner) != target
        });
        for effort in [Effort::Plain, Effort::Thorough] {
            for (label, tree) in &candidates {
                let Some(inner) = self.same_in(*tree, path, entry, effort)? else { continue };
                let did = match (composes, step.parts().role) {
                    (true, _) => Did::LaidDown,
                    (false, role) if role.starts_with("unpack") => Did::Unpacked,
                    (false, _) => Did::Copied,
                };
                let beside = if composes { Vec::new() } else { self.beside(step, label) };
                return Ok(Some(Next::Input { label, path: Some(inner), did, beside }));
            }
        }
        Ok(None)
    }

    /// Where a tree has what another one has at `path`.
    fn same_in(
        &self,
        tree: TreeId,
        path: &TreePath,
        entry: &Entry,
        effort: Effort,
    ) -> Result<Option<TreePath>, HistoryError> {
        let is_same = |other: &EntryKind| match (other, &entry.kind) {
            (EntryKind::Directory(_), EntryKind::Directory(_)) => true,
            (other, kind) => other == kind,
        };
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        for (number, variant) in variants(path).into_iter().enumerate() {
            // The end of a path says nothing of a directory; merged `/usr` does.
            if number > 0 && effort == Effort::Plain && !is_directory || number > 1 && is_directory
            {
                break;
            }
            if let Some(At::Entry(found)) = self.trees.get(tree, &variant)?
                && is_same(&found.kind)
            {
                return Ok(Some(variant));
            }
        }
        match (&entry.kind, effort) {
            (EntryKind::Other(kind), Effort::Thorough) => {
                self.trees.find_content(tree, kind, path, LOOKED)
            }
            _ => Ok(None),
        }
    }

    /// A step that makes something anew: its most telling input.
    fn next_of_whole(&self, step: &'a RecordedStep, path: Option<&TreePath>) -> Next<'a> {
        let role = step.parts().role;
        let mut inputs: Vec<&(String, String, ObjectId)> = step.inputs.iter().collect();
        inputs.sort_by_key(|(name, label, _)| self.telling(step, name, label, path));
        // Whoever composes knows each of its paths: what is asked about is all of it, or was not there
        // yet.
        let composed = step.outputs.iter().any(|(name, _)| name == "origins")
            || path.is_none() && step.inputs.iter().any(|(name, ..)| name.starts_with("facts."));
        if composed {
            return Next::Recipe { did: Did::Composed, about: None };
        }
        let Some((_, label, _)) = inputs.first() else {
            return Next::Recipe { did: Did::Wrote, about: path.map(ToString::to_string) };
        };
        let unpacks = role.starts_with("unpack") || role == "read";
        let did = match () {
            () if unpacks => Did::Unpacked,
            () if role == "scripts" => Did::Scripts,
            () if self.is_command(step) => Did::Made,
            () => Did::Packed,
        };
        // In what scripts changed a path is where it was; elsewhere the input has other paths.
        let path = path.filter(|_| role == "scripts").cloned();
        Next::Input { label, path, did, beside: self.beside(step, label) }
    }

    /// Whether a step runs a command: it has tools.
    fn is_command(&self, step: &'a RecordedStep) -> bool {
        let mut inputs = step.inputs.iter();
        inputs.any(|(name, label, _)| self.lineage.part(step, name, label) == Part::Tool)
    }

    /// The other inputs of a step, the most telling first; what vouches for them is left out.
    fn beside(&self, step: &'a RecordedStep, but: &str) -> Vec<Beside> {
        let mut inputs: Vec<_> = step.inputs.iter().filter(|(_, label, _)| label != but).collect();
        inputs.sort_by_key(|(name, label, _)| self.telling(step, name, label, None));
        let from = |label: &'a str| match self.lineage.maker(label) {
            Maker::Leaf(leaf) => leaf,
            Maker::Step { step, .. } => &step.label,
        };
        let told = inputs.into_iter().filter_map(|(name, label, _)| {
            let (part, from) = (self.lineage.part(step, name, label), from(label));
            let (input, from) = (name.clone(), from.to_owned());
            (part != Part::Trust).then_some(Beside { input, from, tool: part == Part::Tool })
        });
        told.collect()
    }

    /// How much an input says of what a step made: the lowest says most.
    fn telling(
        &self,
        step: &RecordedStep,
        name: &str,
        label: &'a str,
        path: Option<&TreePath>,
    ) -> (u8, u8) {
        let part = match self.lineage.part(step, name, label) {
            Part::Content => 0,
            Part::Tool => 1,
            Part::Trust => 2,
        };
        let kind = name.split('.').next().unwrap_or(name);
        // A Debian source is the upstream archive with a directory of its own on top.
        let of_debian = label.contains(".debian.tar") || label.contains(".diff.");
        let in_debian = path.is_some_and(|path| path.names().next() == Some(b"debian"));
        let rank = match kind {
            // A configuration is what was asked for, more than what it is resolved against.
            "fragments" if step.parts().role == "config" => 0,
            "dsc" => 3,
            "file" if name != "file.000" && of_debian => {
                if in_debian {
                    0
                } else {
                    2
                }
            }
            "src" | "source" | "package" | "tree" | "file" | "image" | "layout" => 1,
            "layer" | "data" | "root" | "squashfs" | "disk" | "before" | "after" => 2,
            "kernel" => 3,
            "deps" => 4,
            _ => 5,
        };
        (part, rank)
    }
}

/// The name of a package, of its owner in a label.
fn package_of(owner: &str) -> &str {
    let package = owner.strip_prefix("package ").unwrap_or(owner);
    package.split(':').next().unwrap_or(package)
}

/// How far a path is looked for in another tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// At the same path.
    Plain,
    /// Where it may have been moved from.
    Thorough,
}
