//! What is chosen so far: for every package its candidate and whether it is to be installed.

use super::{
    Chosen, Reason, Released, Resolution,
    explain::ResolveError,
    request::Recommends,
    universe::{DepId, Held, PkgId, Universe, VerId},
};
use std::{cmp::Ordering, ops::Range};

/// The state of one attempt.
pub(super) struct Marks<'u, 'a> {
    pub universe: &'u Universe<'a>,
    recommends: Recommends,
    /// The version that would be installed; none once a package is known not to be installable.
    candidate: Vec<Option<VerId>>,
    /// The candidates before anything was given up.
    first_candidate: Vec<Option<VerId>>,
    /// The version that is to be installed.
    install: Vec<Option<VerId>>,
    /// Packages whose mark may not change any more.
    protected: Vec<bool>,
    /// Packages that the request names.
    wanted: Vec<bool>,
    /// Per relation whether the candidates offered it when it was last looked at: a candidate that
    /// is given up does not change it, a change of an install mark does (so does apt's cache).
    offered: Vec<bool>,
}

/// Who asks for a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Request,
    Solver,
}

impl<'u, 'a> Marks<'u, 'a> {
    /// Nothing chosen; candidates are the best versions, or the held ones.
    pub(super) fn new(universe: &'u Universe<'a>, recommends: Recommends, held: &Held) -> Self {
        let pkgs = universe.pkgs.len();
        let best = universe.pkgs.iter().map(|pkg| pkg.versions.first().copied());
        let mut marks = Self {
            universe,
            recommends,
            candidate: best.collect(),
            first_candidate: Vec::new(),
            install: vec![None; pkgs],
            protected: vec![false; pkgs],
            wanted: vec![false; pkgs],
            offered: Vec::new(),
        };
        for (name, version) in held {
            let Some(pkg) = universe.find(name) else { continue };
            if let Some(ver) = universe.find_version(pkg, version) {
                marks.candidate[pkg as usize] = Some(ver);
            }
        }
        marks.first_candidate = marks.candidate.clone();
        marks.offered =
            (0..universe.deps.len() as DepId).map(|dep| marks.is_offered_now(dep)).collect();
        marks
    }

    /// Installs all of `wanted`, mends what that breaks, and drops what is not needed.
    pub(super) fn install_all(&mut self, wanted: &[VerId]) -> Result<(), ResolveError> {
        for ver in wanted {
            let pkg = self.universe.vers[*ver as usize].pkg;
            self.candidate[pkg as usize] = Some(*ver);
            self.first_candidate[pkg as usize] = Some(*ver);
            self.update(pkg);
            self.protected[pkg as usize] = true;
            self.wanted[pkg as usize] = true;
            self.mark_alone(pkg, By::Request);
        }
        for ver in wanted {
            let pkg = self.universe.vers[*ver as usize].pkg;
            self.mark_install(pkg, By::Request, 0);
        }
        self.repair();
        if self.installed().any(|pkg| self.is_broken(pkg)) {
            return Err(self.explain(wanted));
        }
        self.sweep();
        Ok(())
    }

    /// The chosen packages.
    pub(super) fn resolution(&self) -> Resolution {
        let chosen = |ver: VerId| {
            let ver = &self.universe.vers[ver as usize];
            let (source, source_version) = ver.package.source();
            Chosen {
                name: ver.package.name().to_owned(),
                version: ver.package.version().to_owned(),
                architecture: ver.package.architecture().to_owned(),
                source: source.to_owned(),
                source_version: source_version.to_owned(),
                index: ver.index,
                filename: ver.package.filename().to_owned(),
                size: ver.package.size(),
                sha256: ver.package.sha256(),
                reason: match self.wanted[ver.pkg as usize] {
                    true => Reason::Wanted,
                    false => Reason::Needed,
                },
            }
        };
        let mut packages: Vec<_> = self.install.iter().flatten().map(|ver| chosen(*ver)).collect();
        packages.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Resolution { packages, released: Released::None }
    }

    /// The packages that are to be installed, by number.
    pub(super) fn installed(&self) -> impl Iterator<Item = PkgId> + '_ {
        (0..self.install.len() as PkgId).filter(|pkg| self.installs(*pkg).is_some())
    }

    pub(super) fn installs(&self, pkg: PkgId) -> Option<VerId> {
        self.install[pkg as usize]
    }

    pub(super) fn candidate(&self, pkg: PkgId) -> Option<VerId> {
        self.candidate[pkg as usize]
    }

    pub(super) fn first_candidate(&self, pkg: PkgId) -> Option<VerId> {
        self.first_candidate[pkg as usize]
    }

    /// Gives up the candidate of a package; what was offered stays in memory.
    pub(super) fn give_up(&mut self, pkg: PkgId) {
        self.candidate[pkg as usize] = self.install[pkg as usize];
    }

    /// Gives up the candidate of a package even if it is to be installed.
    pub(super) fn give_up_wholly(&mut self, pkg: PkgId) {
        self.candidate[pkg as usize] = None;
    }

    pub(super) fn is_protected(&self, pkg: PkgId) -> bool {
        self.protected[pkg as usize]
    }

    pub(super) fn protect(&mut self, pkg: PkgId, protected: Protection) {
        self.protected[pkg as usize] = protected == Protection::On;
    }

    pub(super) fn is_wanted(&self, pkg: PkgId) -> bool {
        self.wanted[pkg as usize]
    }

    /// Sets or clears the install mark and looks again at every relation that this touches.
    pub(super) fn set_install(&mut self, pkg: PkgId, ver: Option<VerId>) {
        self.install[pkg as usize] = ver;
        self.update(pkg);
    }

    /// Takes the install mark away; false if it may not be taken.
    pub(super) fn mark_keep(&mut self, pkg: PkgId) -> bool {
        if self.installs(pkg).is_none() {
            return !self.universe.pkgs[pkg as usize].versions.is_empty();
        }
        if self.is_protected(pkg) {
            return false;
        }
        self.set_install(pkg, None);
        true
    }

    /// Removes a package that was only marked; Essential, Protected and wanted ones stay.
    pub(super) fn mark_delete(&mut self, pkg: PkgId) -> bool {
        let node = &self.universe.pkgs[pkg as usize];
        if node.versions.is_empty() || self.is_protected(pkg) || node.essential || node.protected {
            return false;
        }
        if self.installs(pkg).is_some() && self.is_wanted(pkg) {
            return false;
        }
        self.set_install(pkg, None);
        true
    }

    fn update(&mut self, pkg: PkgId) {
        let universe = self.universe;
        self.look_again(&universe.pkgs[pkg as usize].reverse);
        if let Some(ver) = self.candidate(pkg) {
            for provided in &universe.vers[ver as usize].provides {
                self.look_again(&universe.pkgs[*provided as usize].reverse);
            }
        }
    }

    fn look_again(&mut self, deps: &[DepId]) {
        for dep in deps {
            self.offered[*dep as usize] = self.is_offered_now(*dep);
        }
    }

    /// Whether candidates match the relation, as last looked at; for negative ones too.
    pub(super) fn is_offered(&self, dep: DepId) -> bool {
        self.offered[dep as usize]
    }

    fn is_offered_now(&self, dep: DepId) -> bool {
        self.matches(dep, &self.candidate)
    }

    /// Whether installed versions match the relation (for a conflict: whether it is violated).
    pub(super) fn is_matched(&self, dep: DepId) -> bool {
        self.matches(dep, &self.install)
    }

    fn matches(&self, dep: DepId, picked: &[Option<VerId>]) -> bool {
        let universe = self.universe;
        let dep = &universe.deps[dep as usize];
        let owner = universe.vers[dep.owner as usize].pkg;
        let target = &universe.pkgs[dep.target as usize];
        if !(dep.kind.is_negative() && owner == dep.target)
            && let Some(ver) = picked[dep.target as usize]
            && dep.accepts(universe.vers[ver as usize].package.version())
        {
            return true;
        }
        target.providers.iter().any(|(ver, version)| {
            let provider = universe.vers[*ver as usize].pkg;
            !(dep.kind.is_negative() && provider == owner)
                && picked[provider as usize] == Some(*ver)
                && dep.accepts_provided(*version)
        })
    }

    /// Whether the relation group (alternatives, or one conflict) is as it should be.
    pub(super) fn is_satisfied(&self, group: Range<DepId>) -> bool {
        match self.universe.deps[group.start as usize].kind.is_negative() {
            true => !self.is_matched(group.start),
            false => group.clone().any(|dep| self.is_matched(dep)),
        }
    }

    /// Whether the relation counts for what is installed.
    pub(super) fn is_important(&self, dep: DepId) -> bool {
        use super::universe::Kind;
        match self.universe.deps[dep as usize].kind {
            Kind::Recommends => self.recommends == Recommends::Install,
            Kind::Suggests => false,
            _ => true,
        }
    }

    /// The relations of a version, alternatives together.
    pub(super) fn groups(&self, ver: VerId) -> Groups<'u, 'a> {
        Groups { universe: self.universe, rest: self.universe.vers[ver as usize].deps.clone() }
    }

    /// Whether a package is to be installed though a critical relation of it does not hold.
    pub(super) fn is_broken(&self, pkg: PkgId) -> bool {
        self.has_unsatisfied(pkg, |dep| self.universe.deps[dep as usize].kind.is_critical())
    }

    /// The same for all relations that count.
    pub(super) fn is_lacking(&self, pkg: PkgId) -> bool {
        self.has_unsatisfied(pkg, |dep| self.is_important(dep))
    }

    fn has_unsatisfied(&self, pkg: PkgId, counts: impl Fn(DepId) -> bool) -> bool {
        let Some(ver) = self.installs(pkg) else { return false };
        self.groups(ver).any(|group| counts(group.start) && !self.is_satisfied(group))
    }

    /// The candidates that match a relation, the preferred first.
    pub(super) fn solutions(&self, group: Range<DepId>) -> Vec<VerId> {
        let universe = self.universe;
        let mut all = Vec::new();
        for id in group.clone().filter(|dep| self.is_offered(*dep)) {
            let dep = &universe.deps[id as usize];
            let owner = universe.vers[dep.owner as usize].pkg;
            let ignored = |pkg: PkgId| dep.kind.is_negative() && pkg == owner;
            let mut found = Vec::new();
            if let Some(ver) = self.candidate(dep.target)
                && !ignored(dep.target)
                && dep.accepts(universe.vers[ver as usize].package.version())
            {
                found.push(ver);
            }
            for (ver, version) in &universe.pkgs[dep.target as usize].providers {
                let provider = universe.vers[*ver as usize].pkg;
                if !ignored(provider)
                    && self.candidate(provider) == Some(*ver)
                    && dep.accepts_provided(*version)
                {
                    found.push(*ver);
                }
            }
            found.sort_by(|a, b| self.prefer(dep.target, *a, *b));
            all.append(&mut found);
        }
        all.dedup();
        if !universe.deps[group.start as usize].kind.is_negative() {
            all.retain(|ver| {
                let pkg = universe.vers[*ver as usize].pkg;
                !self.is_protected(pkg) || self.installs(pkg).is_some()
            });
        }
        all
    }

    /// apt's order among versions that satisfy one relation on `target`.
    fn prefer(&self, target: PkgId, a: VerId, b: VerId) -> Ordering {
        let rank = |ver: VerId| {
            let version = &self.universe.vers[ver as usize];
            let pkg = &self.universe.pkgs[version.pkg as usize];
            let first = [
                self.is_protected(version.pkg),
                version.pkg == target,
                pkg.essential,
                pkg.protected,
            ];
            (first.map(|yes| !yes), version.priority, std::cmp::Reverse(version.pkg))
        };
        rank(a).cmp(&rank(b))
    }
}

/// Whether a mark may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    On,
    Off,
}

/// Iterates over relations, alternatives together.
pub(super) struct Groups<'u, 'a> {
    universe: &'u Universe<'a>,
    rest: Range<DepId>,
}

impl Iterator for Groups<'_, '_> {
    type Item = Range<DepId>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.next()?;
        let mut end = start;
        while self.universe.deps[end as usize].or && end + 1 < self.rest.end {
            end += 1;
        }
        self.rest.start = end + 1;
        Some(start..end + 1)
    }
}
