//! Dropping what was marked on the way and nothing needs in the end.

use super::{marks::Marks, universe::PkgId};

impl Marks<'_, '_> {
    /// Keeps what is reachable from wanted, Essential and Protected packages along positive
    /// relations (`Recommends` and `Suggests` too: they keep, though they do not pull in).
    pub(super) fn sweep(&mut self) {
        let mut keep = vec![false; self.universe.pkgs.len()];
        let mut open: Vec<PkgId> = self.installed().filter(|pkg| self.is_root(*pkg)).collect();
        while let Some(pkg) = open.pop() {
            if std::mem::replace(&mut keep[pkg as usize], true) {
                continue;
            }
            let Some(ver) = self.installs(pkg) else { continue };
            for dep in self.universe.vers[ver as usize].deps.clone() {
                let dep = &self.universe.deps[dep as usize];
                if dep.kind.is_negative() {
                    continue;
                }
                let accepts =
                    |ver: u32| dep.accepts(self.universe.vers[ver as usize].package.version());
                if self.installs(dep.target).is_some_and(accepts) {
                    open.push(dep.target);
                }
                for (ver, version) in &self.universe.pkgs[dep.target as usize].providers {
                    let provider = self.universe.vers[*ver as usize].pkg;
                    if self.installs(provider) == Some(*ver) && dep.accepts_provided(*version) {
                        open.push(provider);
                    }
                }
            }
        }
        let garbage: Vec<PkgId> = self.installed().filter(|pkg| !keep[*pkg as usize]).collect();
        for pkg in garbage {
            self.mark_delete(pkg);
        }
    }

    fn is_root(&self, pkg: PkgId) -> bool {
        let node = &self.universe.pkgs[pkg as usize];
        self.is_wanted(pkg) || self.is_protected(pkg) || node.essential || node.protected
    }
}
