//! What moved, for people: packages of one source that moved alike stand together.

use crate::{Locked, Moves};
use groundup_recipe::{
    Lock, Platform, TargetName,
    lock::{Change, Moved, PackageId},
};
use std::collections::{BTreeMap, BTreeSet};

/// All that moved between two locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// States of archives.
    pub archives: Vec<(String, Change)>,
    /// Packages, sorted by their source.
    pub packages: Vec<Group>,
    /// Sources.
    pub sources: Vec<(TargetName, Change)>,
    /// How many pins moved, before they were put together.
    pub pins: usize,
}

/// Packages of one source that moved alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The source package; the package itself where that is not known.
    pub source: String,
    /// The packages.
    pub names: BTreeSet<String>,
    /// From which version to which.
    pub change: Change,
    /// The root file systems that have some of them.
    pub targets: BTreeSet<(TargetName, Platform)>,
    /// Those that have a pin now.
    pub now: BTreeSet<PackageId>,
}

impl Report {
    /// What moved from `old` to `new`.
    pub fn of(old: &Lock, new: &Locked) -> Self {
        let mut report = Report::default();
        let mut groups: BTreeMap<(String, Change), Group> = BTreeMap::new();
        let sources: BTreeMap<(&str, &str), &str> = new
            .built_from
            .iter()
            .map(|(id, from)| ((id.name.as_str(), id.version.as_str()), from.source.as_str()))
            .collect();
        let changes = Lock::changes(old, &new.lock);
        report.pins = changes.len();
        for moved in changes {
            match moved {
                Moved::Archive(name, change) => report.archives.push((name, change)),
                Moved::Source(name, change) => report.sources.push((name, change)),
                Moved::Package { target, platform, package, change } => {
                    let name = package.split(':').next().unwrap_or(&package);
                    let to = match &change {
                        Change::Added(to) | Change::Moved { to, .. } => Some(to.as_str()),
                        Change::Removed(_) => None,
                    };
                    let source = to.and_then(|to| sources.get(&(name, to))).copied();
                    let source = source.unwrap_or(name).to_owned();
                    let now = new
                        .lock
                        .packages
                        .keys()
                        .filter(|id| id.name == name && to.is_some_and(|to| id.version == to));
                    let now: BTreeSet<PackageId> = now.cloned().collect();
                    let group = groups.entry((source.clone(), change.clone()));
                    let group = group.or_insert_with(|| Group {
                        source,
                        change,
                        names: BTreeSet::new(),
                        targets: BTreeSet::new(),
                        now: BTreeSet::new(),
                    });
                    group.names.insert(package);
                    group.targets.insert((target, platform));
                    group.now.extend(now);
                }
            }
        }
        report.packages = groups.into_values().collect();
        report
    }

    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        self.pins == 0
    }
}

impl Group {
    /// What a changelog can tell about, if it moved from one version to another.
    pub fn moves(&self) -> Option<Moves> {
        let Change::Moved { from, to } = &self.change else { return None };
        let packages = self.now.iter().cloned().collect();
        Some(Moves { packages, from: from.clone(), to: to.clone() })
    }
}
