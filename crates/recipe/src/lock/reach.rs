//! How far a change of pins reaches: what it touches, and what uses that.

use super::Lock;
use crate::{Kind, TargetName, Workspace};
use std::collections::BTreeSet;

impl Lock {
    /// The root file systems and sources whose content is pinned otherwise than in `old`. Another
    /// state of an archive alone touches none: the same packages have the same content.
    pub fn touched(&self, old: &Lock) -> BTreeSet<TargetName> {
        let mut touched = BTreeSet::new();
        for (key, pin) in &self.rootfs {
            let same = old.rootfs.get(key).is_some_and(|old_pin| {
                let file = |lock: &Lock, id| lock.packages.get(id).map(|file| file.value.clone());
                old_pin.packages == pin.packages
                    && pin.packages.iter().all(|id| file(old, &id.value) == file(self, &id.value))
            });
            if !same {
                touched.extend(TargetName::new(Kind::Rootfs, &key.0).ok());
            }
        }
        for (name, pin) in &self.sources {
            if old.sources.get(name) != Some(pin) {
                touched.extend(TargetName::new(Kind::Source, name).ok());
            }
        }
        touched
    }
}

impl Workspace {
    /// The targets of `from`, and all that use them, directly or not.
    pub fn reached(&self, from: &BTreeSet<TargetName>) -> BTreeSet<TargetName> {
        let mut reached = from.clone();
        loop {
            let before = reached.len();
            for target in self.targets().values() {
                if target.uses().iter().any(|used| reached.contains(&used.from.target)) {
                    reached.insert(target.name.value.clone());
                }
            }
            if reached.len() == before {
                return reached;
            }
        }
    }
}
