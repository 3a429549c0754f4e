//! The causes that are known, each once, and which of them a step's own question is due to.

use super::{Cause, CauseKind, Comparison, Place, Side};
use crate::{From, Step};
use groundup_digest::ObjectId;
use groundup_recipe::{
    Edit, Span, TargetName, edits,
    lock::{Change, Moved, PackageId},
};
use std::collections::{BTreeMap, BTreeSet};

/// Settings of the workspace that enter steps.
const SETTINGS: [&str; 4] =
    ["workspace.epoch", "workspace.compat", "workspace.platforms", "archive."];

pub(super) struct Ledger<'a> {
    old: &'a Side<'a>,
    new: &'a Side<'a>,
    causes: Vec<Cause>,
    by_identity: BTreeMap<String, usize>,
    edits: BTreeMap<Option<TargetName>, Vec<Edit>>,
    /// What moved of the packages of a rootfs, by its name, and of each package by its own.
    rootfs: BTreeMap<String, BTreeSet<usize>>,
    packages: BTreeMap<String, BTreeSet<usize>>,
    archives: BTreeMap<String, usize>,
    sources: BTreeMap<String, usize>,
    /// What the old plan read of the repository.
    leaves: BTreeMap<&'a str, ObjectId>,
    /// New steps for which nothing was found: they are there because of what reads them.
    orphans: BTreeSet<String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(old: &'a Side<'a>, new: &'a Side<'a>) -> Self {
        let mut by_target: BTreeMap<_, Vec<Edit>> = BTreeMap::new();
        for edit in edits(old.recipes, new.recipes) {
            by_target.entry(edit.target.clone()).or_default().push(edit);
        }
        let inputs = old.plan.steps().iter().flat_map(|step| &step.inputs);
        let leaves = inputs.filter_map(|input| match &input.from {
            From::Leaf { label, id } => Some((label.as_str(), *id)),
            From::Step { .. } => None,
        });
        let mut ledger = Self {
            old,
            new,
            causes: Vec::new(),
            by_identity: BTreeMap::new(),
            edits: by_target,
            rootfs: BTreeMap::new(),
            packages: BTreeMap::new(),
            archives: BTreeMap::new(),
            sources: BTreeMap::new(),
            leaves: leaves.collect(),
            orphans: BTreeSet::new(),
        };
        ledger.read_locks();
        ledger
    }

    /// The index of a cause; one of the same identity is that cause.
    fn cause(&mut self, identity: String, make: impl FnOnce() -> Cause) -> usize {
        let next = self.causes.len();
        let index = *self.by_identity.entry(identity).or_insert(next);
        if index == next {
            self.causes.push(make());
        }
        index
    }

    /// Makes the causes of all pins that moved.
    fn read_locks(&mut self) {
        let (old, new) = (self.old.lock, self.new.lock);
        let mut places: BTreeMap<(&str, &str), (Place, Option<&str>)> = BTreeMap::new();
        for (lock, place) in [(old, Place::Old as fn(Span) -> Place), (new, Place::New)] {
            for (id, file) in &lock.packages {
                let PackageId { name, version, .. } = id;
                let source = file.value.path.rsplit('/').nth(1);
                places.insert((name, version), (place(file.span), source));
            }
        }
        for moved in groundup_recipe::Lock::changes(old, new) {
            match moved {
                Moved::Archive(name, change) => {
                    let pin = new.archives.get(&name).map(|pin| Place::New(pin.span));
                    let place =
                        pin.or_else(|| old.archives.get(&name).map(|pin| Place::Old(pin.span)));
                    let kind = CauseKind::Archive { name: name.clone(), change };
                    let index = self.cause(format!("archive {name}"), || Cause { kind, place });
                    self.archives.insert(name, index);
                }
                Moved::Source(target, change) => {
                    let name = target.name().to_owned();
                    let pin = new.sources.get(&name).map(|pin| Place::New(pin.span));
                    let place =
                        pin.or_else(|| old.sources.get(&name).map(|pin| Place::Old(pin.span)));
                    let kind = CauseKind::Source { target: target.clone(), change };
                    let index = self.cause(target.to_string(), || Cause { kind, place });
                    self.sources.insert(name, index);
                }
                Moved::Package { target, package, change, .. } => {
                    let name = package.split(':').next().unwrap_or(&package).to_owned();
                    let version = match &change {
                        Change::Added(version) | Change::Removed(version) => version,
                        Change::Moved { to, .. } => to,
                    };
                    let found = places.get(&(name.as_str(), version.as_str())).copied();
                    let source = found.and_then(|(_, source)| source).map(str::to_owned);
                    let (identity, change) = match &change {
                        Change::Added(_) => {
                            (format!("added {target}"), Change::Added(String::new()))
                        }
                        Change::Removed(_) => {
                            (format!("removed {target}"), Change::Removed(String::new()))
                        }
                        Change::Moved { .. } => (
                            format!("moved {} {change}", source.as_deref().unwrap_or(&name)),
                            change.clone(),
                        ),
                    };
                    let moved = matches!(change, Change::Moved { .. });
                    let kind = CauseKind::Packages {
                        source: source.filter(|_| moved),
                        names: BTreeSet::new(),
                        change,
                    };
                    let place = found.map(|(place, _)| place);
                    let index = self.cause(identity, || Cause { kind, place });
                    if let CauseKind::Packages { names, .. } = &mut self.causes[index].kind {
                        names.insert(package);
                    }
                    self.rootfs.entry(target.name().to_owned()).or_default().insert(index);
                    self.packages.entry(name).or_default().insert(index);
                }
            }
        }
    }

    /// A leaf whose content moved.
    pub(super) fn leaf(
        &mut self,
        label: &str,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> usize {
        let kind = CauseKind::File { label: label.to_owned(), old, new };
        self.cause(format!("leaf {label}"), || Cause { kind, place: None })
    }

    /// The same for a step that was not there: its leaf may have been read by others.
    pub(super) fn new_leaf(&mut self, label: &str, id: ObjectId) -> Option<usize> {
        let old = self.leaves.get(label).copied();
        (old.is_some() && old != Some(id)).then(|| self.leaf(label, old, Some(id)))
    }

    /// Adds what a step's own question, or its being there at all, is due to.
    pub(super) fn own(&mut self, step: &Step, was_there: bool, causes: &mut BTreeSet<usize>) {
        let owner = &step.label.owner;
        let mut found = BTreeSet::new();
        if let Some(package) = owner.strip_prefix("package ") {
            let name = package.split(':').next().unwrap_or(package);
            found.extend(self.packages.get(name).into_iter().flatten());
        } else if let Some(archive) = owner.strip_prefix("archive ") {
            found.extend(self.archives.get(archive));
        } else if let Ok(target) = owner.parse::<TargetName>() {
            found = self.own_of_target(&target, &step.label.role);
        }
        if found.is_empty() && !was_there {
            self.orphans.insert(step.label.to_string());
            return;
        }
        if found.is_empty() {
            found =
                self.edits_of(None, |edit| SETTINGS.iter().any(|name| edit.path.starts_with(name)));
        }
        if found.is_empty() {
            let kind = CauseKind::Unnamed { owner: owner.clone() };
            let place = step.span.map(Place::New);
            found.insert(self.cause(format!("unnamed {owner}"), || Cause { kind, place }));
        }
        causes.append(&mut found);
    }

    fn own_of_target(&mut self, target: &TargetName, role: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        match target.kind() {
            groundup_recipe::Kind::Rootfs => {
                found.extend(self.rootfs.get(target.name()).into_iter().flatten());
            }
            groundup_recipe::Kind::Source => found.extend(self.sources.get(target.name())),
            _ => {}
        }
        // Who vouches for packages asks about nothing else.
        if role.starts_with("verify") && !found.is_empty() {
            return found;
        }
        found.append(&mut self.edits_of(Some(target), |_| true));
        if !found.is_empty() {
            return found;
        }
        // Some steps ask what a target of another kind says: a node what its kernel was asked for.
        let uses = self.new.recipes.workspace.target(target).map(|found| found.uses());
        let used: BTreeSet<TargetName> =
            uses.into_iter().flatten().map(|used| used.from.target).collect();
        used.iter().flat_map(|used| self.edits_of(Some(used), |_| true)).collect()
    }

    /// The causes for what is said differently of a target.
    fn edits_of(
        &mut self,
        target: Option<&TargetName>,
        enters: impl Fn(&Edit) -> bool,
    ) -> BTreeSet<usize> {
        let edits = self.edits.get(&target.cloned()).cloned().unwrap_or_default();
        edits.iter().filter(|edit| enters(edit)).map(|edit| self.edit(edit)).collect()
    }

    fn edit(&mut self, edit: &Edit) -> usize {
        let Edit { target, path, change, span } = edit;
        let gone = matches!(change, Change::Removed(_));
        let place = if gone { Place::Old(*span) } else { Place::New(*span) };
        let identity = format!("edit {place:?} {path} {change}");
        let kind = CauseKind::Recipe {
            targets: BTreeSet::new(),
            path: path.clone(),
            change: change.clone(),
        };
        let index = self.cause(identity, || Cause { kind, place: Some(place) });
        if let CauseKind::Recipe { targets, .. } = &mut self.causes[index].kind {
            targets.extend(target.clone());
        }
        index
    }

    /// Gives new steps that nothing explains the causes of what reads them, drops causes that affect
    /// nothing, and puts the rest in order.
    pub(super) fn finish(self, mut steps: Vec<BTreeSet<usize>>, gone: Vec<String>) -> Comparison {
        let consumers = self.new.plan.consumers();
        for index in (0..steps.len()).rev() {
            if steps[index].is_empty()
                && self.orphans.contains(&self.new.plan.steps()[index].label.to_string())
            {
                let readers = consumers[index].iter();
                steps[index] = readers.flat_map(|it| steps[it.get()].clone()).collect();
            }
        }
        let used: BTreeSet<usize> = steps.iter().flatten().copied().collect();
        let mut order: Vec<usize> = used.into_iter().collect();
        order.sort_by_key(|index| (self.causes[*index].kind.rank(), self.causes[*index].place));
        let place: BTreeMap<usize, usize> =
            order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let steps = steps
            .into_iter()
            .map(|causes| causes.into_iter().map(|index| place[&index]).collect())
            .collect();
        let mut all: Vec<Option<Cause>> = self.causes.into_iter().map(Some).collect();
        let causes = order.iter().filter_map(|index| all[*index].take()).collect();
        Comparison { causes, steps, gone }
    }
}
