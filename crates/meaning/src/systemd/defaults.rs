//! Defaults of systemd that changed between versions, for roots whose files did not.

use super::{
    effective::{Loaded, SCOPES},
    managers::manager,
};
use crate::{
    Finding, Kind,
    packages::version_of,
    root::{Files, Root},
};

/// A default that changed.
struct Changed {
    /// The first version with the new one.
    since: u32,
    /// The file whose setting decides, its section and key; the file is empty if it is no manager's.
    file: &'static str,
    section: &'static str,
    key: &'static str,
    before: &'static str,
    after: &'static str,
    /// What it does, and where it is written.
    note: &'static str,
}

/// From the file NEWS of systemd; where another source is named, from that.
const DEFAULTS: &[Changed] = &[
    Changed {
        since: 230,
        file: "logind.conf",
        section: "Login",
        key: "KillUserProcesses",
        before: "no",
        after: "yes",
        note: "processes of a user end at logout (NEWS, 230; distributions may build it otherwise)",
    },
    Changed {
        since: 238,
        file: "system.conf",
        section: "Manager",
        key: "DefaultMemoryAccounting",
        before: "no",
        after: "yes",
        note: "memory of every unit is accounted (NEWS, 238)",
    },
    Changed {
        since: 240,
        file: "system.conf",
        section: "Manager",
        key: "DefaultLimitNOFILE",
        before: "1024:4096",
        after: "1024:524288",
        note: "the hard limit of open files of every service rises to 512K (NEWS, 240)",
    },
    Changed {
        since: 243,
        file: "",
        section: "kernel command line",
        key: "systemd.unified_cgroup_hierarchy",
        before: "hybrid",
        after: "unified",
        note: "control groups are version 2 by default (NEWS, 243; distributions may build it otherwise)",
    },
    Changed {
        since: 244,
        file: "",
        section: "networkd",
        key: "KeepConfiguration",
        before: "no",
        after: "DHCP configuration is kept when networkd restarts",
        note: "and SendRelease is true (NEWS, 244)",
    },
    Changed {
        since: 246,
        file: "networkd.conf",
        section: "Network",
        key: "ManageForeignRoutes",
        before: "(not there)",
        after: "yes",
        note: "networkd manages, and may remove, routes that other programs set (NEWS, 246)",
    },
    Changed {
        since: 248,
        file: "networkd.conf",
        section: "Network",
        key: "ManageForeignRoutingPolicyRules",
        before: "rules of other programs stay",
        after: "yes",
        note: "networkd removes routing policy rules of other programs when it starts; 249 has the \
               setting to keep them (systemd issue 19106; NEWS, 249)",
    },
    Changed {
        since: 250,
        file: "user.conf",
        section: "Manager",
        key: "DefaultOOMScoreAdjust",
        before: "unchanged",
        after: "100",
        note: "services of users are killed first when memory ends (NEWS, 250)",
    },
    Changed {
        since: 256,
        file: "networkd.conf",
        section: "Network",
        key: "ManageForeignNextHops",
        before: "next hops of other programs stay",
        after: "yes",
        note: "networkd removes next hops of other programs (networkd.conf(5), added in 256)",
    },
    Changed {
        since: 256,
        file: "",
        section: "kernel command line",
        key: "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE",
        before: "control groups of version 1 boot",
        after: "they do not, unless forced",
        note: "NEWS, 256; 258 removes them altogether",
    },
    Changed {
        since: 258,
        file: "",
        section: "udev",
        key: "mode of ttys",
        before: "0620",
        after: "0600",
        note: "`mesg n` is the default (NEWS, 258)",
    },
    Changed {
        since: 259,
        file: "journald.conf",
        section: "Journal",
        key: "Storage",
        before: "auto",
        after: "persistent",
        note: "the journal is kept in /var/log/journal although nobody made it (NEWS, 259)",
    },
];

/// The changed defaults that the versions of systemd in two roots lie on two sides of, and that neither
/// root sets itself.
pub(crate) fn changed_defaults(before: &Root<'_>, after: &Root<'_>) -> Vec<Finding> {
    let major = |root: &Root<'_>| -> Option<u32> {
        let version = version_of(&root.packages, &["systemd", "systemd-udev", "libsystemd0"])?;
        let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
        let digits = upstream.find(|c: char| !c.is_ascii_digit()).unwrap_or(upstream.len());
        upstream.get(..digits)?.parse().ok()
    };
    let (Some(a), Some(b)) = (major(before), major(after)) else { return Vec::new() };
    let (low, high) = (a.min(b), a.max(b));
    let crossed = DEFAULTS.iter().filter(|one| low < one.since && one.since <= high);
    let (mut findings, mut networkd) = (Vec::new(), None);
    for one in crossed {
        let set = |root: &Root<'_>| match one.file {
            "" => None,
            file => manager(root.files, file)
                .get(one.section, one.key)
                .last()
                .map(|set| set.value.clone()),
        };
        if set(before).is_some() && set(after).is_some() {
            continue;
        }
        let what = match one.file {
            "" => format!("default of {}: {}", one.section, one.key),
            file => format!("default of {file} [{}] {}", one.section, one.key),
        };
        let (was, is) = if a < b { (one.before, one.after) } else { (one.after, one.before) };
        let mut note = format!("systemd {a} -> {b}: {}", one.note);
        if let Some(value) = set(after) {
            note = format!("{note}; this root sets it to {value}");
        }
        if one.file == "networkd.conf" || one.section == "networkd" {
            let is_on = networkd.get_or_insert_with(|| starts_networkd(after.files));
            note = format!("{note}; networkd is {is_on} in this root");
        }
        findings.push(Finding::changed(Kind::Setting, what, was, is).note(note));
    }
    findings
}

/// Whether networkd starts by itself.
fn starts_networkd(files: &dyn Files) -> &'static str {
    let system = SCOPES.first().map(|scope| Loaded::of(files, *scope)).unwrap_or_default();
    let pulled = system.pulls.keys().any(|(unit, ..)| unit == "systemd-networkd.service");
    if pulled { "enabled" } else { "not enabled" }
}
