//! Marking a package for installation with all that it needs, depth first, as apt does.
//!
//! Alternatives are tried in order. A branch that fails takes back the mark of its own package but
//! leaves what it marked below; [`sweep`](super::sweep) drops the leftovers at the end. While the
//! relations of a package are followed, its own mark cannot change.

use super::{
    marks::{By, Marks, Protection},
    universe::{DepId, PkgId, VerId},
};
use std::ops::Range;

/// Deeper than this nothing is tried any more.
const DEEPEST: usize = 3000;

impl Marks<'_, '_> {
    /// Marks one package and nothing that it needs.
    pub(super) fn mark_alone(&mut self, pkg: PkgId, by: By) -> bool {
        match self.may_install(pkg, by, 0) {
            Err(done) => done,
            Ok(ver) => {
                self.mark(pkg, ver);
                true
            }
        }
    }

    /// Marks a package and what it needs; false if that cannot be.
    pub(super) fn mark_install(&mut self, pkg: PkgId, by: By, depth: usize) -> bool {
        let ver = match self.may_install(pkg, by, depth) {
            Err(done) => return done,
            Ok(ver) => ver,
        };
        if !self.is_installable(pkg, ver) {
            return false;
        }
        if by == By::Request {
            self.mark(pkg, ver);
        }
        let was_protected = self.is_protected(pkg);
        let stubborn = was_protected || by == By::Request;
        let (needs, conflicts) = self.open_relations(ver, was_protected);
        let mut complete = self.remove_conflicting(&conflicts, was_protected, by);
        if !complete && !stubborn {
            return false;
        }
        if by == By::Solver {
            self.mark(pkg, ver);
        }
        self.protect(pkg, Protection::On);
        let found = self.install_needs(needs, was_protected, by, depth);
        if !was_protected {
            self.protect(pkg, Protection::Off);
        }
        if !found && !stubborn {
            self.set_install(pkg, None);
            self.give_up(pkg);
            return false;
        }
        complete &= found;
        complete
    }

    /// The candidate that is to be marked, or the answer if there is nothing to do.
    fn may_install(&mut self, pkg: PkgId, by: By, depth: usize) -> Result<VerId, bool> {
        let unknown = self.universe.pkgs[pkg as usize].versions.is_empty();
        if depth > DEEPEST || unknown {
            return Err(false);
        }
        let installed = self.installs(pkg).is_some();
        if by == By::Solver && !installed && self.is_protected(pkg) {
            return Err(false);
        }
        let ver = self.candidate(pkg).ok_or(false)?;
        if installed && !self.is_protected(pkg) && !self.is_lacking(pkg) {
            return Err(true);
        }
        Ok(ver)
    }

    fn mark(&mut self, pkg: PkgId, ver: VerId) {
        if !(self.is_protected(pkg) && self.installs(pkg) == Some(ver)) {
            self.set_install(pkg, Some(ver));
        }
    }

    /// Whether every need is offered by something; if not, the candidate is given up.
    fn is_installable(&mut self, pkg: PkgId, ver: VerId) -> bool {
        for group in self.groups(ver) {
            let kind = self.universe.deps[group.start as usize].kind;
            if kind.is_negative() || !kind.is_critical() {
                continue;
            }
            if group.clone().any(|dep| self.is_matched(dep) || self.is_offered(dep)) {
                continue;
            }
            if !self.is_protected(pkg) {
                self.give_up_wholly(pkg);
                self.set_install_quietly(pkg);
            }
            return false;
        }
        true
    }

    /// A candidate that is given up leaves no mark of its package behind.
    fn set_install_quietly(&mut self, pkg: PkgId) {
        if self.installs(pkg).is_some() {
            self.set_install(pkg, None);
        }
    }

    /// The relations that ask for something: needs to meet, and conflicts to clear.
    fn open_relations(&self, ver: VerId, protected: bool) -> (Vec<Range<DepId>>, Vec<DepId>) {
        let (mut needs, mut conflicts) = (Vec::new(), Vec::new());
        for group in self.groups(ver) {
            if (self.is_satisfied(group.clone()) && !protected) || !self.is_important(group.start) {
                continue;
            }
            match self.universe.deps[group.start as usize].kind.is_negative() {
                true => conflicts.push(group.start),
                false => needs.push(group),
            }
        }
        (needs, conflicts)
    }

    /// Takes the marks of conflicting packages away; false if one may not be taken.
    fn remove_conflicting(&mut self, conflicts: &[DepId], protected: bool, by: By) -> bool {
        let mut removed_all = true;
        for dep in conflicts {
            for ver in self.solutions(*dep..*dep + 1) {
                let pkg = self.universe.vers[ver as usize].pkg;
                if self.candidate(pkg) != Some(ver) {
                    continue;
                }
                if self.installs(pkg).is_some() && !self.mark_keep(pkg) {
                    removed_all = false;
                    if !protected && by == By::Solver {
                        return false;
                    }
                } else if protected {
                    self.give_up(pkg);
                    self.protect(pkg, Protection::On);
                }
            }
        }
        removed_all
    }

    fn install_needs(
        &mut self,
        needs: Vec<Range<DepId>>,
        protected: bool,
        by: By,
        depth: usize,
    ) -> bool {
        let mut found_all = true;
        for group in needs {
            let critical = self.universe.deps[group.start as usize].kind.is_critical();
            if group.clone().any(|dep| self.is_matched(dep)) {
                if protected && critical {
                    found_all &= self.protect_only_choice(group, depth);
                }
                continue;
            }
            let found = self.install_one_of(group, protected && critical, depth);
            if !found && critical {
                found_all = false;
                if !protected && by == By::Solver {
                    break;
                }
            }
        }
        found_all
    }

    /// What is needed by something that cannot change, and has no alternative, cannot change.
    fn protect_only_choice(&mut self, group: Range<DepId>, depth: usize) -> bool {
        let mut solutions = self.solutions(group);
        solutions.sort_unstable();
        solutions.dedup();
        let [only] = solutions.as_slice() else { return true };
        let pkg = self.universe.vers[*only as usize].pkg;
        if self.is_protected(pkg) {
            return true;
        }
        self.protect(pkg, Protection::On);
        self.mark_install(pkg, By::Solver, depth + 1)
    }

    fn install_one_of(&mut self, group: Range<DepId>, protect: bool, depth: usize) -> bool {
        let solutions = self.solutions(group);
        for ver in &solutions {
            let pkg = self.universe.vers[*ver as usize].pkg;
            if self.candidate(pkg) != Some(*ver) {
                continue;
            }
            if protect && solutions.len() == 1 {
                if !self.mark_alone(pkg, By::Solver) {
                    continue;
                }
                self.protect(pkg, Protection::On);
            }
            if self.mark_install(pkg, By::Solver, depth + 1) {
                return true;
            }
        }
        false
    }
}
