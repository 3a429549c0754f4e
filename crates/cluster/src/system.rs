//! Nodes and images that could change themselves: their digest would no longer say what runs.

use crate::{Finding, Rule};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Units that fetch and install packages or images by themselves, and what they are of.
const UPDATERS: &[(&str, &str)] = &[
    ("apt-daily.timer", "apt"),
    ("apt-daily-upgrade.timer", "apt"),
    ("unattended-upgrades.service", "unattended-upgrades"),
    ("dnf-automatic.timer", "dnf"),
    ("dnf-automatic-install.timer", "dnf"),
    ("dnf5-automatic.timer", "dnf"),
    ("yum-cron.service", "yum"),
    ("packagekit-offline-update.service", "PackageKit"),
    ("snapd.service", "snapd"),
    ("snapd.refresh.timer", "snapd"),
    ("rpm-ostreed-automatic.timer", "rpm-ostree"),
    ("bootc-fetch-apply-updates.timer", "bootc"),
    ("podman-auto-update.timer", "podman"),
    ("systemd-sysupdate.timer", "systemd-sysupdate"),
    ("systemd-sysupdate-reboot.timer", "systemd-sysupdate"),
    ("fwupd-refresh.timer", "fwupd"),
    ("update-engine.service", "update-engine"),
    ("needrestart.timer", "needrestart"),
];

/// What the facts of a system (`node.json`) say of its units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// Links among units by path, with what they point to.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

/// A node or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its target.
    pub name: String,
    /// What is in it.
    pub facts: Facts,
}

impl System {
    /// Says which units would change it.
    pub(crate) fn check(&self, out: &mut Vec<Finding>) {
        for (unit, of) in UPDATERS {
            let masked = self.facts.links.iter().any(|(path, target)| {
                path.starts_with("/etc/systemd/system/")
                    && path.strip_prefix("/etc/systemd/system/") == Some(unit)
                    && target == "/dev/null"
            });
            let enabled = self.facts.links.iter().find(|(path, target)| {
                let wanted = path.rsplit_once('/').is_some_and(|(directory, name)| {
                    name == *unit
                        && (directory.ends_with(".wants") || directory.ends_with(".requires"))
                });
                wanted && *target != "/dev/null"
            });
            let Some((path, _)) = enabled.filter(|_| !masked) else { continue };
            out.push(Finding {
                rule: Rule::SelfChanging,
                location: None,
                object: Some(self.name.clone()),
                message: format!("`{unit}` of {of} is enabled by `{path}`: it would change what its digest says"),
                help: Some(format!(
                    "take the link away with `remove`, mask the unit, or name `self-changing {}` in `allow`",
                    self.name
                )),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(links: &[(&str, &str)]) -> Vec<Finding> {
        let links = links.iter().map(|(path, to)| ((*path).to_owned(), (*to).to_owned())).collect();
        let system = System { name: "node.worker".into(), facts: Facts { links } };
        let mut out = Vec::new();
        system.check(&mut out);
        out
    }

    #[test]
    fn an_enabled_timer_of_packages_is_found_and_a_masked_one_is_not() {
        let wants = "/etc/systemd/system/timers.target.wants/apt-daily.timer";
        let timer = ("/lib/systemd/system/apt-daily.timer", wants);
        let lint = found(&[(wants, timer.0)]);
        assert_eq!(lint.len(), 1);
        assert_eq!(lint[0].rule, Rule::SelfChanging);
        assert!(lint[0].message.contains("apt-daily.timer"), "{}", lint[0]);
        let mask = ("/etc/systemd/system/apt-daily.timer", "/dev/null");
        assert_eq!(found(&[(wants, timer.0), mask]), []);
        assert_eq!(found(&[(wants, "/dev/null")]), []);
    }

    #[test]
    fn other_timers_are_nobodys_affair() {
        let path = "/etc/systemd/system/timers.target.wants/logrotate.timer";
        assert_eq!(found(&[(path, "/lib/systemd/system/logrotate.timer")]), []);
    }
}
