//! What is asked to move, and what is held where it is.

use crate::{LockError, need::Need};
use groundup_debian::archive::Version;
use groundup_recipe::{
    Lock, Platform, TargetName,
    lock::{RootfsPin, SourcePin, nearest_name},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a new lock moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// What is missing or stale is resolved; everything else stays.
    Lock,
    /// Everything moves to what is offered now.
    Update,
    /// These packages and sources move, named as in the lock (`nginx`, `source.zlib`, or the name of
    /// a source package), and what they cannot do without; everything else is held.
    Packages(Vec<String>),
    /// Packages and source packages move that a suite of security fixes has in a newer version than
    /// pinned (of these names, where some are given), and what they cannot do without; everything
    /// else is held, or it is an error.
    Security(Vec<String>),
}

/// The packages of each rootfs that are asked to move, where the scope alone does not tell.
pub(crate) type Fixes = BTreeMap<(String, Platform), BTreeSet<String>>;

impl Scope {
    /// Fails if a name stands nowhere in the lock.
    pub(crate) fn check(&self, old: &Lock) -> Result<(), LockError> {
        let (Scope::Packages(names) | Scope::Security(names)) = self else { return Ok(()) };
        let mut known: BTreeSet<String> = BTreeSet::new();
        for pin in old.rootfs.values() {
            known.extend(pin.packages.iter().map(|package| package.name.clone()));
        }
        for (name, pin) in &old.sources {
            known.insert(format!("source.{name}"));
            known.extend(package_of(pin).map(str::to_owned));
        }
        match names.iter().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => {
                let nearest = nearest_name(name, known.iter().map(String::as_str));
                let nearest = nearest.map(str::to_owned);
                Err(LockError::UnknownName { name: name.clone(), nearest })
            }
        }
    }

    /// The archives that have to move so that what is named can.
    pub(crate) fn moving_archives<'a>(&self, need: &'a Need<'a>, old: &Lock) -> BTreeSet<&'a str> {
        let all = need.archives.keys().copied();
        let names = match self {
            Scope::Lock => return BTreeSet::new(),
            Scope::Update => return all.collect(),
            // Which those are, their releases say.
            Scope::Security(_) => return BTreeSet::new(),
            Scope::Packages(names) => names,
        };
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for rootfs in &need.rootfs {
            let pin = old.rootfs.get(&rootfs.key());
            if pin.is_some_and(|pin| pin.packages.iter().any(|id| names.contains(&id.name))) {
                asked.extend(rootfs.archives().into_iter().map(str::to_owned));
            }
        }
        for (name, pin) in &old.sources {
            if let SourcePin::Dsc { archive, .. } = &pin.value
                && self.names_source(name, pin)
            {
                asked.insert(archive.clone());
            }
        }
        all.filter(|name| asked.contains(*name)).collect()
    }

    /// Whether a pinned source is asked to move.
    pub(crate) fn moves_source(&self, target: &TargetName, old: &Lock) -> bool {
        match self {
            Scope::Lock => false,
            Scope::Update => true,
            Scope::Security(names) if names.is_empty() => true,
            Scope::Packages(_) | Scope::Security(_) => {
                let pin = old.sources.get(target.name());
                pin.is_some_and(|pin| self.names_source(target.name(), pin))
            }
        }
    }

    fn names_source(&self, name: &str, pin: &SourcePin) -> bool {
        let (Scope::Packages(names) | Scope::Security(names)) = self else { return false };
        let full = format!("source.{name}");
        names.iter().any(|asked| *asked == full || package_of(pin) == Some(asked))
    }

    /// Whether a package may move for its fix.
    pub(crate) fn allows_fix(&self, package: &str) -> bool {
        match self {
            Scope::Security(names) => names.is_empty() || names.iter().any(|name| name == package),
            _ => false,
        }
    }

    /// The versions of an older resolution to keep; `fixed` are the packages that have a fix.
    pub(crate) fn held(
        &self,
        pin: Option<&RootfsPin>,
        fixed: Option<&BTreeSet<String>>,
    ) -> BTreeMap<String, Version> {
        let packages = pin.into_iter().flat_map(|pin| &pin.packages);
        let held = packages.filter(|package| match self {
            Scope::Lock => true,
            Scope::Update => false,
            Scope::Packages(names) => !names.contains(&package.name),
            Scope::Security(_) => !fixed.is_some_and(|fixed| fixed.contains(&package.name)),
        });
        // A version that cannot be read was written by hand and holds nothing.
        held.filter_map(|package| Some((package.name.clone(), package.version.parse().ok()?)))
            .collect()
    }
}

/// The package that a source is of.
fn package_of(pin: &SourcePin) -> Option<&str> {
    match pin {
        SourcePin::Dsc { package, .. } | SourcePin::Deb { package, .. } => Some(package),
        _ => None,
    }
}
