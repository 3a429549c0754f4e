//! Mending what is broken after marking: the scored pass of apt's problem resolver.
//!
//! Packages are looked at from the highest score to the lowest. A broken one either makes the
//! package in its way give up its mark, or gives up its own; a protected one tries to bring in
//! what it lacks. In an empty root nothing is installed yet, so much of apt's case work
//! (upgrades, holding back, removal) falls together.

use super::{
    marks::{By, Marks},
    universe::{DepId, Kind, PkgId, VerId},
};
use crate::archive::Priority;
use std::{cmp::Reverse, ops::Range};

/// After so many rounds without rest the pass ends.
const ROUNDS: usize = 20;

struct Repair {
    scores: Vec<i32>,
    upgradable: Vec<bool>,
    changed: bool,
    round: usize,
}

/// What a broken relation led to.
enum Step {
    /// The owner's mark is settled; look no further.
    Done,
    /// Look at the next relation.
    Next,
}

impl Marks<'_, '_> {
    /// Tries to leave nothing broken; the caller looks whether that worked.
    pub(super) fn repair(&mut self) {
        if !self.installed().any(|pkg| self.is_broken(pkg)) {
            return;
        }
        let scores = self.scores();
        let mut order: Vec<PkgId> = (0..self.universe.pkgs.len() as PkgId).collect();
        order.sort_by_key(|pkg| Reverse(scores[*pkg as usize]));
        let upgradable = vec![true; scores.len()];
        let mut repair = Repair { scores, upgradable, changed: true, round: 0 };
        while repair.changed && repair.round < ROUNDS {
            repair.changed = false;
            for pkg in &order {
                if let Some(ver) = self.installs(*pkg).filter(|_| self.is_broken(*pkg)) {
                    self.repair_one(&mut repair, *pkg, ver);
                }
            }
            repair.round += 1;
        }
    }

    fn repair_one(&mut self, repair: &mut Repair, pkg: PkgId, ver: VerId) {
        let mut kill: Vec<PkgId> = Vec::new();
        for group in self.groups(ver) {
            let kind = self.universe.deps[group.start as usize].kind;
            if !kind.is_critical() || self.is_satisfied(group.clone()) {
                continue;
            }
            let step = match kind.is_negative() {
                true => self.repair_conflict(repair, pkg, group.start, &mut kill),
                false => self.repair_need(repair, pkg, group),
            };
            if let Step::Done = step {
                break;
            }
        }
        if self.installs(pkg).is_none() {
            return;
        }
        for victim in kill {
            let kept = self.mark_keep(victim);
            repair.changed |= kept;
            let (own, other) = (repair.scores[pkg as usize], repair.scores[victim as usize]);
            if (!kept || repair.round > 1) && own > other {
                repair.scores[victim as usize] = own;
                repair.changed = true;
            }
        }
    }

    /// A conflict is cleared by the lower score: the owner goes, or what it conflicts with.
    fn repair_conflict(
        &mut self,
        repair: &mut Repair,
        pkg: PkgId,
        dep: DepId,
        kill: &mut Vec<PkgId>,
    ) -> Step {
        for ver in self.targets(dep) {
            let other = self.universe.vers[ver as usize].pkg;
            if self.installs(other) != Some(ver) {
                continue;
            }
            if repair.scores[pkg as usize] <= repair.scores[other as usize] {
                if !self.is_protected(pkg) {
                    self.mark_keep(pkg);
                    repair.changed = true;
                    return Step::Done;
                }
                if self.bring_in(repair, other) {
                    let own = repair.scores[pkg as usize];
                    let score = &mut repair.scores[other as usize];
                    *score = own.min(*score);
                    return Step::Next;
                }
                continue;
            }
            let breaks = self.universe.deps[dep as usize].kind == Kind::Breaks;
            if breaks && !self.is_offered(dep) {
                self.mark_alone(other, By::Solver);
            } else if !self.is_protected(other) {
                kill.push(other);
            }
        }
        Step::Next
    }

    /// A need that is not met costs the owner its mark, unless that is protected.
    fn repair_need(&mut self, repair: &mut Repair, pkg: PkgId, group: Range<DepId>) -> Step {
        let alternatives = group.len() > 1;
        let mut give_way = false;
        for dep in group {
            let targets = self.targets(dep);
            if !self.is_protected(pkg) {
                if targets.is_empty() && alternatives {
                    continue;
                }
                give_way = true;
                continue;
            }
            for ver in targets {
                let other = self.universe.vers[ver as usize].pkg;
                if self.bring_in(repair, other) {
                    let own = repair.scores[pkg as usize];
                    let score = &mut repair.scores[other as usize];
                    *score = own.min(*score);
                    break;
                }
            }
        }
        if !self.is_protected(pkg) {
            self.mark_keep(pkg);
            repair.changed = true;
            if give_way {
                return Step::Done;
            }
        }
        Step::Next
    }

    /// Marks a package and, one level after the other, what it critically lacks.
    fn bring_in(&mut self, repair: &mut Repair, pkg: PkgId) -> bool {
        let fresh = std::mem::replace(&mut repair.upgradable[pkg as usize], false);
        if !fresh || self.candidate(pkg).is_none() || self.is_wanted(pkg) {
            return false;
        }
        if !self.mark_alone(pkg, By::Solver) {
            return false;
        }
        let Some(ver) = self.installs(pkg) else { return false };
        for group in self.groups(ver) {
            let kind = self.universe.deps[group.start as usize].kind;
            if kind.is_critical() && !self.bring_in_one_of(repair, group) {
                self.mark_keep(pkg);
                return false;
            }
        }
        true
    }

    fn bring_in_one_of(&mut self, repair: &mut Repair, group: Range<DepId>) -> bool {
        for dep in group.clone() {
            if self.is_satisfied(group.clone()) {
                return true;
            }
            if self.universe.deps[dep as usize].kind.is_negative() {
                // Left to the next round.
                return true;
            }
            let target = self.only_target(dep);
            if !self.is_protected(target) && self.is_offered(dep) && self.bring_in(repair, target) {
                return true;
            }
        }
        self.is_satisfied(group)
    }

    /// The named package, or its only provider if it is virtual.
    fn only_target(&self, dep: DepId) -> PkgId {
        let target = self.universe.deps[dep as usize].target;
        let node = &self.universe.pkgs[target as usize];
        match node.providers.first() {
            Some((ver, _)) if node.versions.is_empty() => self.universe.vers[*ver as usize].pkg,
            _ => target,
        }
    }

    /// All versions, candidates or not, that match a relation.
    fn targets(&self, dep: DepId) -> Vec<VerId> {
        let dep = &self.universe.deps[dep as usize];
        let owner = self.universe.vers[dep.owner as usize].pkg;
        let ignored = |pkg: PkgId| dep.kind.is_negative() && pkg == owner;
        let node = &self.universe.pkgs[dep.target as usize];
        let version = |ver: VerId| self.universe.vers[ver as usize].package.version();
        let own = node.versions.iter().copied();
        let own = own.filter(|ver| !ignored(dep.target) && dep.accepts(version(*ver)));
        let provided = node.providers.iter().filter(|(ver, provided)| {
            !ignored(self.universe.vers[*ver as usize].pkg) && dep.accepts_provided(*provided)
        });
        own.chain(provided.map(|(ver, _)| *ver)).collect()
    }

    /// How much harm giving a package up would do.
    fn scores(&self) -> Vec<i32> {
        let universe = self.universe;
        let mut scores = vec![0; universe.pkgs.len()];
        for pkg in self.installed() {
            let node = &universe.pkgs[pkg as usize];
            let Some(ver) = self.installs(pkg) else { continue };
            let important = node.essential || node.protected;
            scores[pkg as usize] += if important { 100 } else { 0 };
            scores[pkg as usize] += match universe.vers[ver as usize].priority {
                Priority::Unstated => 0,
                Priority::Required => 3,
                Priority::Important => 2,
                Priority::Standard => 1,
                Priority::Optional => -1,
                Priority::Extra => -2,
            };
            self.score_relations(ver, &mut scores);
        }
        let own = scores.clone();
        for pkg in self.installed() {
            for dep in &universe.pkgs[pkg as usize].reverse {
                let dep = &universe.deps[*dep as usize];
                let parent = universe.vers[dep.owner as usize].pkg;
                let positive = !dep.kind.is_negative() && dep.kind != Kind::Suggests;
                if positive && self.installs(parent) == Some(dep.owner) {
                    scores[pkg as usize] += own[parent as usize].max(0);
                }
            }
        }
        for (pkg, node) in universe.pkgs.iter().enumerate() {
            let inherited = (scores[pkg] - own[pkg]).abs();
            if inherited != 0 {
                for provider in self.installed_providers(&node.providers, |_| true) {
                    scores[provider as usize] += inherited;
                }
            }
        }
        for (pkg, node) in universe.pkgs.iter().enumerate() {
            if self.is_wanted(pkg as PkgId) {
                scores[pkg] += 10_000;
            }
            if node.essential || node.protected {
                scores[pkg] += 5_000;
            }
        }
        scores
    }

    /// What a version needs gains, what it conflicts with loses.
    fn score_relations(&self, ver: VerId, scores: &mut [i32]) {
        let universe = self.universe;
        let owner = universe.vers[ver as usize].pkg;
        for dep in universe.vers[ver as usize].deps.clone() {
            let dep = &universe.deps[dep as usize];
            let points = match dep.kind {
                Kind::PreDepends | Kind::Depends | Kind::Recommends => 1,
                Kind::Conflicts | Kind::Breaks => -1,
                Kind::Suggests => continue,
            };
            if !(dep.kind.is_negative() && owner == dep.target) {
                let installed = self.installs(dep.target);
                let version = |ver: VerId| universe.vers[ver as usize].package.version();
                if dep.version.is_some() && !installed.is_some_and(|ver| dep.accepts(version(ver)))
                {
                    continue;
                }
                scores[dep.target as usize] += points;
            }
            let providers = &universe.pkgs[dep.target as usize].providers;
            for provider in self.installed_providers(providers, |v| dep.accepts_provided(v)) {
                if !(dep.kind.is_negative() && provider == owner) {
                    scores[provider as usize] += points;
                }
            }
        }
    }

    fn installed_providers(
        &self,
        providers: &[(VerId, Option<&str>)],
        accepts: impl Fn(Option<&str>) -> bool,
    ) -> Vec<PkgId> {
        let installed = |ver: VerId| {
            let pkg = self.universe.vers[ver as usize].pkg;
            (self.installs(pkg) == Some(ver)).then_some(pkg)
        };
        let matching = providers.iter().filter(|(_, version)| accepts(*version));
        let mut found: Vec<PkgId> = matching.filter_map(|(ver, _)| installed(*ver)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
