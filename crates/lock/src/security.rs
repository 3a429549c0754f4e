//! Moving to security fixes and nothing else: which archives have them, which packages they are
//! for, and what stays as it was.
//!
//! A fix is a version in a suite that calls itself one of security fixes, newer than the pinned
//! version of the same package. Other archives stay in the state that is pinned.

use crate::{
    LockError, Locker,
    locker::Run,
    need::{Need, RootfsNeed},
    scope::{Fixes, Scope},
    snapshot::Snapshot,
};
use groundup_debian::archive::compare;
use groundup_recipe::{
    Lock,
    lock::{ArchivePin, PackageId, PackageOrigin, RootfsPin, SourcePin},
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

impl Locker<'_> {
    /// The archives in use that are suites of security fixes.
    pub(crate) fn security_archives<'a>(
        &self,
        need: &'a Need<'a>,
        old: &Lock,
    ) -> Result<BTreeSet<&'a str>, LockError> {
        let mut found = BTreeSet::new();
        for (name, archive) in &need.archives {
            let suite = archive.archive.suite.as_str();
            let named = suite.ends_with("-security") || suite.ends_with("/updates");
            let pin = old.archives.get(*name).map(|pin| &pin.value);
            if named || pin.is_some_and(|pin| self.says_security(name, pin)) {
                found.insert(*name);
            }
        }
        match found.is_empty() {
            false => Ok(found),
            true => Err(LockError::NoSecurity {
                archives: need.archives.keys().map(|name| (*name).to_owned()).collect(),
            }),
        }
    }

    /// Whether the pinned release calls itself one of fixes; one that is gone says nothing.
    fn says_security(&self, archive: &str, pin: &ArchivePin) -> bool {
        let release = self.pinned(archive, &pin.inrelease, "the pinned InRelease").ok();
        let bytes = release.and_then(|blob| self.store.read_blob(blob).ok());
        let path = &pin.inrelease.path;
        bytes
            .and_then(|bytes| self.release(archive, path, &bytes).ok())
            .is_some_and(|release| release.is_security())
    }
}

/// The packages that have a fix, by rootfs and platform; nothing in another scope.
pub(crate) fn fixes(run: &Run<'_>, snapshots: &BTreeMap<String, Snapshot>) -> Fixes {
    let mut fixes = Fixes::new();
    if !matches!(run.scope, Scope::Security(_)) {
        return fixes;
    }
    for rootfs in &run.need.rootfs {
        let Some(pin) = run.old.rootfs.get(&rootfs.key()) else { continue };
        let offered = offered(run, rootfs, snapshots);
        let fixed = pin.packages.iter().filter(|id| {
            matches!(id.origin, PackageOrigin::Archive(_))
                && run.scope.allows_fix(&id.name)
                && offered
                    .get(id.name.as_str())
                    .is_some_and(|best| compare(best, &id.version) == Ordering::Greater)
        });
        let names: BTreeSet<String> = fixed.map(|id| id.name.clone()).collect();
        if !names.is_empty() {
            fixes.insert(rootfs.key(), names);
        }
    }
    fixes
}

/// The highest version of each package in the suites of fixes of a rootfs.
fn offered<'a>(
    run: &Run<'_>,
    rootfs: &RootfsNeed<'_>,
    snapshots: &'a BTreeMap<String, Snapshot>,
) -> BTreeMap<&'a str, &'a str> {
    let mut best: BTreeMap<&str, &str> = BTreeMap::new();
    let archives = rootfs.archives();
    let moved = archives.into_iter().filter(|archive| run.moving.contains(archive));
    for snapshot in moved.filter_map(|archive| snapshots.get(archive)) {
        for component in &snapshot.pin.components {
            let arch = rootfs.platform.architecture();
            for (_, index) in snapshot.indexes.binaries(component, arch) {
                for package in index.packages() {
                    let known = best.entry(package.name()).or_insert(package.version());
                    if compare(package.version(), known) == Ordering::Greater {
                        *known = package.version();
                    }
                }
            }
        }
    }
    best
}

/// Whether a rootfs can stay as it is when only fixes move: it has none, and the new states still
/// vouch for all that it has.
pub(crate) fn unfixed(
    run: &Run<'_>,
    rootfs: &RootfsNeed<'_>,
    snapshots: &BTreeMap<String, Snapshot>,
) -> bool {
    let pin = run.old.rootfs.get(&rootfs.key()).map(|pin| &pin.value);
    matches!(run.scope, Scope::Security(_))
        && run.fits(rootfs)
        && !run.fixes.contains_key(&rootfs.key())
        && pin.is_some_and(|pin| vouched(run, rootfs, pin, snapshots))
}

fn vouched(
    run: &Run<'_>,
    rootfs: &RootfsNeed<'_>,
    pin: &RootfsPin,
    snapshots: &BTreeMap<String, Snapshot>,
) -> bool {
    let arch = rootfs.platform.architecture();
    let mut of_moved = pin.packages.iter().filter_map(|id| match &id.origin {
        PackageOrigin::Archive(archive) if run.moving.contains(archive.as_str()) => {
            Some((&id.value, snapshots.get(archive)))
        }
        _ => None,
    });
    of_moved.all(|(id, snapshot)| {
        let file = run.old.packages.get(id);
        snapshot.zip(file).is_some_and(|(snapshot, file)| {
            snapshot.pin.components.iter().any(|component| {
                let indexes = snapshot.indexes.binaries(component, arch);
                let mut packages = indexes.iter().flat_map(|(_, index)| index.packages());
                packages.any(|package| {
                    package.name() == id.name
                        && package.version() == id.version
                        && package.sha256() == file.sha256
                })
            })
        })
    })
}

/// Gives archives from which nothing moved the state back that they had.
pub(crate) fn restore(old: &Lock, lock: &mut Lock) {
    let names: Vec<String> = lock.archives.keys().cloned().collect();
    for name in names {
        let packages = |lock: &Lock| -> BTreeSet<PackageId> {
            let of_it = PackageOrigin::Archive(name.clone());
            lock.packages.keys().filter(|id| id.origin == of_it).cloned().collect()
        };
        let sources = |lock: &Lock| -> BTreeMap<String, SourcePin> {
            let of_it =
                |pin: &SourcePin| matches!(pin, SourcePin::Dsc { archive, .. } if *archive == name);
            let all = lock.sources.iter().filter(|(_, pin)| of_it(pin));
            all.map(|(source, pin)| (source.clone(), pin.value.clone())).collect()
        };
        let Some(before) = old.archives.get(&name) else { continue };
        let asks_more = lock.archives.get(&name).is_some_and(|now| {
            now.suite != before.suite
                || now.components != before.components
                || now.indexes.keys().any(|key| !before.indexes.contains_key(key))
        });
        if !asks_more
            && packages(lock).is_subset(&packages(old))
            && sources(lock).iter().all(|(source, pin)| sources(old).get(source) == Some(pin))
        {
            lock.archives.insert(name.clone(), before.clone());
        }
    }
}
