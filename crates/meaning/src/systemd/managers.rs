//! The sections of a root that systemd explains: units, what is enabled, and the managers' own files.

use super::{
    Unit,
    defaults::changed_defaults,
    effective::{self, Absent, Loaded, SCOPES, Scope, State},
    enabled::{self, Presets},
};
use crate::root::{Files, Root, Section};
use std::collections::BTreeSet;

/// Files of the managers, each with drop-ins: systemd-system.conf(5), journald.conf(5), …
const MANAGERS: &[&str] = &[
    "system.conf",
    "user.conf",
    "journald.conf",
    "logind.conf",
    "networkd.conf",
    "resolved.conf",
    "timesyncd.conf",
    "sleep.conf",
    "coredump.conf",
    "oomd.conf",
    "homed.conf",
    "pstore.conf",
    "journal-upload.conf",
    "journal-remote.conf",
    "repart.conf",
];

fn is_manager(name: &str) -> bool {
    MANAGERS.contains(&name)
}

const MANAGER: Scope =
    Scope { prefix: "", folder: "systemd", accepts: is_manager, absent: Absent::Defaults };

/// The effective settings of one manager's file.
pub(super) fn manager(files: &dyn Files, name: &str) -> Unit {
    match Loaded::of(files, MANAGER).states.remove(name) {
        Some(State::Made { unit, .. }) => unit,
        _ => Unit::default(),
    }
}

/// Compares units, networks and managers of two roots.
pub(crate) fn sections(one: &Root<'_>, other: &Root<'_>) -> Vec<Section> {
    let (before, after) = (one.files, other.files);
    let mut units = Section::new("units");
    for scope in SCOPES {
        let (a, b) = (Loaded::of(before, *scope), Loaded::of(after, *scope));
        units.findings.extend(effective::compare(*scope, &a, &b));
        units.findings.extend(enabled::compare(scope.prefix, &a, &b));
        if scope.folder == "systemd/system" {
            let (x, y) = (Presets::of(before), Presets::of(after));
            let both: BTreeSet<&String> =
                a.states.keys().filter(|name| b.states.contains_key(*name)).collect();
            units.findings.extend(enabled::compare_presets(&x, &y, &both));
            units.explains.extend(x.read.into_iter().chain(y.read));
        }
        for loaded in [a, b] {
            units.explains.extend(loaded.read);
            units.explains.extend(loaded.pulls.into_values());
        }
    }
    let mut managers = Section::new("system managers");
    let (a, b) = (Loaded::of(before, MANAGER), Loaded::of(after, MANAGER));
    managers.findings.extend(effective::compare(MANAGER, &a, &b));
    managers.findings.extend(changed_defaults(one, other));
    managers.explains.extend(a.read.into_iter().chain(b.read));
    vec![units, managers]
}
