//! From an old lock to a new one: what stays, what moves, and in which order it is found out.

use crate::{
    BuiltFrom, LockError, Remote, Scope,
    need::{ArchiveNeed, IndexOfAll, Need, RootfsNeed},
    scope::Fixes,
    security::{self, unfixed},
    snapshot::Snapshot,
};
use groundup_debian::resolve::Released;
use groundup_digest::Content;
use groundup_recipe::{
    At, Lock, Platform, RepoPath, Source, Sources, Span, TargetName, Workspace,
    lock::{ArchivePin, PackageId, SourcePin, StaleReason},
};
use groundup_store::Store;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Makes locks for one workspace.
pub struct Locker<'a> {
    /// The recipes.
    pub workspace: &'a Workspace,
    /// Where everything that is fetched goes, and old states are looked for first.
    pub store: &'a Store,
    /// The world outside.
    pub remote: &'a dyn Remote,
    /// The folder of the workspace.
    pub root: &'a Path,
    /// The time at which signatures are judged, in seconds since 1970.
    pub now: i64,
    /// Is told in words what is being done, from any thread.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// A new lock; [`Lock::changes`] tells what moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The lock, which fits the workspace.
    pub lock: Lock,
    /// The source packages of the packages that were resolved anew.
    pub built_from: BTreeMap<PackageId, BuiltFrom>,
}

/// What of the old lock does not fit the recipes any more.
#[derive(Default)]
struct Misfits {
    rootfs: BTreeSet<(String, Platform)>,
    sources: BTreeSet<String>,
}

impl Misfits {
    fn of(old: &Lock, workspace: &Workspace) -> Self {
        let mut misfits = Self::default();
        for stale in old.check(workspace) {
            match stale.reason {
                StaleReason::RootfsMissing { target, platform }
                | StaleReason::RootfsChanged { target, platform, .. } => {
                    misfits.rootfs.insert((target.name().to_owned(), platform));
                }
                StaleReason::SourceMissing(target) | StaleReason::SourceChanged { target, .. } => {
                    misfits.sources.insert(target.name().to_owned());
                }
                // Archives are compared with more than the recipe; what is not needed is left out.
                StaleReason::ArchiveMissing(_)
                | StaleReason::ArchiveChanged { .. }
                | StaleReason::Unneeded(_) => {}
            }
        }
        misfits
    }
}

/// What one run has found out so far.
pub(crate) struct Run<'a> {
    pub(crate) old: &'a Lock,
    pub(crate) scope: &'a Scope,
    pub(crate) need: &'a Need<'a>,
    misfits: Misfits,
    /// Archives that move.
    pub(crate) moving: BTreeSet<&'a str>,
    /// Single `.deb` sources whose content is another.
    changed_debs: BTreeSet<String>,
    /// Packages that have a fix, where only those are to move.
    pub(crate) fixes: Fixes,
}

impl Run<'_> {
    /// Whether the packages of a rootfs have to be found anew.
    fn resolves(&self, rootfs: &RootfsNeed<'_>) -> bool {
        let pin = self.old.rootfs.get(&rootfs.key());
        let lost = pin.is_none_or(|pin| {
            use groundup_recipe::lock::PackageOrigin::Archive;
            let mut packages = pin.packages.iter();
            packages.any(|id| {
                matches!(id.origin, Archive(_)) && !self.old.packages.contains_key(&id.value)
            })
        });
        let changed = |deb: &At<TargetName>| self.changed_debs.contains(deb.name());
        *self.scope == Scope::Update
            || lost
            || self.misfits.rootfs.contains(&rootfs.key())
            || rootfs.archives().iter().any(|name| self.moving.contains(name))
            || rootfs.rootfs.debs.iter().any(changed)
    }

    /// Whether the pin of a rootfs fits the recipes.
    pub(crate) fn fits(&self, rootfs: &RootfsNeed<'_>) -> bool {
        !self.misfits.rootfs.contains(&rootfs.key())
            && !rootfs.rootfs.debs.iter().any(|deb| self.changed_debs.contains(deb.name()))
    }

    /// Whether a Debian source package has to be looked up anew.
    fn resolves_dsc(&self, target: &TargetName, archive: &str) -> bool {
        self.resolves_source(target) || self.moving.contains(archive)
    }

    fn resolves_source(&self, target: &TargetName) -> bool {
        self.misfits.sources.contains(target.name()) || self.moves_source(target)
    }

    /// Whether a source is asked to move: for fixes, only source packages of suites of fixes are.
    fn moves_source(&self, target: &TargetName) -> bool {
        let pin = self.old.sources.get(target.name()).map(|pin| &pin.value);
        let fixed = match pin {
            Some(SourcePin::Dsc { archive, .. }) => self.moving.contains(archive.as_str()),
            _ => false,
        };
        let allowed = fixed || !matches!(self.scope, Scope::Security(_));
        allowed && self.scope.moves_source(target, self.old)
    }

    /// The archives whose indexes somebody has to read.
    fn read(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for rootfs in self.need.rootfs.iter().filter(|rootfs| self.resolves(rootfs)) {
            names.extend(rootfs.rootfs.archives.iter().map(|name| name.as_str()));
        }
        for (target, source) in &self.need.sources {
            if let Source::Dsc { archive, .. } = source
                && self.resolves_dsc(target, archive)
            {
                names.insert(archive.as_str());
            }
        }
        names
    }
}

impl Locker<'_> {
    /// A lock that fits the workspace, moved from `old` as `scope` asks.
    ///
    /// What fits and is not asked to move stays line by line; with nothing to do, nothing is
    /// fetched and nothing but files of the repository is read.
    pub fn lock(&self, old: &Lock, scope: &Scope) -> Result<Locked, LockError> {
        scope.check(old)?;
        let need = Need::of(self.workspace);
        let misfits = Misfits::of(old, self.workspace);
        let mut moving = scope.moving_archives(&need, old);
        if let Scope::Security(_) = scope {
            moving.extend(self.security_archives(&need, old)?);
        }
        for (name, need_of) in &need.archives {
            if !self.stays(need_of, old.archives.get(*name).map(|pin| &pin.value))? {
                moving.insert(name);
            }
        }
        let changed_debs = BTreeSet::new();
        let fixes = Fixes::new();
        let mut run = Run { old, scope, need: &need, misfits, moving, changed_debs, fixes };
        let mut lock = Lock { sources: self.sources_apart(&run)?, ..Lock::default() };
        run.changed_debs = lock
            .sources
            .iter()
            .filter(|(name, pin)| {
                matches!(pin.value, SourcePin::Deb { .. }) && old.sources.get(*name) != Some(pin)
            })
            .map(|(name, _)| name.clone())
            .collect();
        let mut snapshots = self.opened(&mut run)?;
        let moving: Vec<&ArchiveNeed<'_>> =
            run.moving.iter().filter_map(|name| need.archives.get(name)).collect();
        snapshots.extend(self.advance(&moving, old)?);
        run.fixes = security::fixes(&run, &snapshots);
        for (name, need) in &need.archives {
            let pin = match (snapshots.get(*name), old.archives.get(*name)) {
                (Some(snapshot), _) => Some(snapshot.pin.clone()),
                (None, Some(old)) => Some(pruned(need, old)),
                (None, None) => None,
            };
            lock.archives.extend(pin.map(|pin| ((*name).to_owned(), at(pin))));
        }
        let built_from = self.add_packages(&run, &snapshots, &mut lock)?;
        for (target, source) in &need.sources {
            if let Source::Dsc { archive, .. } = source {
                let pin = self.dsc(&run, target, source, snapshots.get(archive.as_str()))?;
                lock.sources.insert(target.name().to_owned(), at(pin));
            }
        }
        if let Scope::Security(_) = scope {
            security::restore(old, &mut lock);
        }
        Ok(Locked { lock, built_from })
    }

    /// Whether the pin of an archive is good for what is asked of it now.
    fn stays(
        &self,
        archive: &ArchiveNeed<'_>,
        pin: Option<&ArchivePin>,
    ) -> Result<bool, LockError> {
        let Some(pin) = pin else { return Ok(false) };
        let holder = pin.keyring_archive.as_ref();
        let reachable = holder.is_none_or(|name| self.workspace.archives.contains_key(name));
        Ok(reachable && self.fits(archive, pin)?)
    }

    /// Opens the pinned states that are to be read; an archive whose state is gone moves, and with
    /// it everything that reads it.
    fn opened(&self, run: &mut Run<'_>) -> Result<BTreeMap<String, Snapshot>, LockError> {
        let mut open: BTreeMap<String, Snapshot> = BTreeMap::new();
        loop {
            let mut lost = Vec::new();
            let asked: Vec<(&str, &ArchiveNeed<'_>, &ArchivePin)> = run
                .need
                .archives
                .iter()
                .filter(|(name, _)| run.read().contains(*name) && !run.moving.contains(*name))
                .filter(|(name, _)| !open.contains_key(**name))
                .filter_map(|(name, need)| Some((*name, need, &run.old.archives.get(*name)?.value)))
                .collect();
            let tried: Vec<_> =
                asked.par_iter().map(|(name, need, pin)| (*name, self.open(need, pin))).collect();
            for (name, snapshot) in tried {
                match snapshot {
                    Ok(snapshot) => drop(open.insert(name.to_owned(), snapshot)),
                    Err(LockError::Fetch { what, source, .. })
                        if matches!(run.scope, Scope::Security(_)) =>
                    {
                        let archive = name.to_owned();
                        return Err(LockError::CannotHold { archive, what, source });
                    }
                    Err(LockError::Fetch { what, .. }) => {
                        self.say(&format!("archive {name}: {what} is gone, so the archive moves"));
                        lost.push(name);
                    }
                    Err(error) => return Err(error),
                }
            }
            if lost.is_empty() {
                return Ok(open);
            }
            run.moving.extend(lost);
        }
    }

    fn add_packages(
        &self,
        run: &Run<'_>,
        snapshots: &BTreeMap<String, Snapshot>,
        lock: &mut Lock,
    ) -> Result<BTreeMap<PackageId, BuiltFrom>, LockError> {
        let (resolving, staying): (Vec<&RootfsNeed<'_>>, Vec<_>) = run
            .need
            .rootfs
            .iter()
            .partition(|rootfs| run.resolves(rootfs) && !unfixed(run, rootfs, snapshots));
        let debs = self.debs(&resolving, &lock.sources)?;
        let held = |rootfs: &RootfsNeed<'_>| {
            let pin = run.old.rootfs.get(&rootfs.key()).map(|pin| &pin.value);
            run.scope.held(pin, run.fixes.get(&rootfs.key()))
        };
        let resolved = self.resolved(&resolving, snapshots, &debs, &held)?;
        let mut built_from = BTreeMap::new();
        for (rootfs, resolved) in resolving.iter().zip(resolved) {
            if let (Scope::Security(_), Released::All) = (run.scope, &resolved.released) {
                let fixes = run.fixes.get(&rootfs.key()).cloned().unwrap_or_default();
                let (target, platform) = (rootfs.target.clone(), rootfs.platform);
                let fixes = fixes.into_iter().collect();
                return Err(LockError::NotAlone { target, platform, fixes });
            }
            let files = resolved.files.into_iter();
            lock.packages.extend(files.map(|(id, file)| (id, at(file))));
            lock.rootfs.insert(rootfs.key(), at(resolved.pin));
            built_from.extend(resolved.built_from);
        }
        for rootfs in staying {
            let Some(pin) = run.old.rootfs.get(&rootfs.key()) else { continue };
            let files =
                pin.packages.iter().filter_map(|id| run.old.packages.get_key_value(&id.value));
            lock.packages.extend(files.map(|(id, file)| (id.clone(), file.clone())));
            lock.rootfs.insert(rootfs.key(), pin.clone());
        }
        Ok(built_from)
    }

    /// The pins of all sources but Debian source packages, which need their archive first.
    fn sources_apart(&self, run: &Run<'_>) -> Result<BTreeMap<String, At<SourcePin>>, LockError> {
        let apart: Vec<_> = run
            .need
            .sources
            .iter()
            .filter(|(_, source)| !matches!(source, Source::Dsc { .. }))
            .collect();
        let pins = apart.par_iter().map(|(target, source)| {
            let old = run.old.sources.get(target.name()).map(|pin| &pin.value);
            let old = old.filter(|_| !run.misfits.sources.contains(target.name()));
            let asked = run.resolves_source(target);
            let pin = self.source(target, source, old, asked)?;
            Ok((target.name().to_owned(), at(pin)))
        });
        pins.collect()
    }

    /// The pin of a Debian source package.
    fn dsc(
        &self,
        run: &Run<'_>,
        target: &TargetName,
        source: &Source,
        snapshot: Option<&Snapshot>,
    ) -> Result<SourcePin, LockError> {
        let old = run.old.sources.get(target.name()).map(|pin| &pin.value);
        let kept = |archive: &str| !run.resolves_dsc(target, archive);
        match (source, old, snapshot) {
            (Source::Dsc { archive, .. }, Some(pin), _) if kept(archive) => Ok(pin.clone()),
            (_, old, snapshot) => {
                let held = old.filter(|_| !run.moves_source(target));
                self.source_package(target, source, snapshot, held)
            }
        }
    }

    pub(crate) fn say(&self, words: &str) {
        (self.progress)(words);
    }

    /// A file of the repository, taken into the store.
    pub(crate) fn repository_file(
        &self,
        path: &RepoPath,
        what: &str,
    ) -> Result<(Vec<u8>, Content), LockError> {
        let full = self.root.join(path.as_str());
        let bytes = std::fs::read(&full).map_err(|source| LockError::RepositoryFile {
            what: what.to_owned(),
            path: full,
            source,
        })?;
        let content = self.store.put_blob(&bytes).map_err(LockError::store(what))?;
        Ok((bytes, content))
    }
}

/// A pin that stays, without the indexes that nobody asks for any more.
fn pruned(need: &ArchiveNeed<'_>, pin: &ArchivePin) -> ArchivePin {
    let keys = need.keys(IndexOfAll::Apart);
    let indexes = pin.indexes.iter().filter(|(key, _)| keys.contains(key));
    let indexes = indexes.map(|(key, file)| (key.clone(), file.clone())).collect();
    ArchivePin { indexes, ..pin.clone() }
}

/// A value of a lock that no file has yet.
pub(crate) fn at<T>(value: T) -> At<T> {
    let file = Sources::new().add(groundup_recipe::lock::LOCK_FILE, "");
    At::new(value, Span { file, start: 0, end: 0 })
}
