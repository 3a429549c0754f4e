//! Whether a root can change itself: what updates packages, or the whole system, without being asked.
//!
//! Facts are collected and compared; the verdict is the first finding. An image that installs updates by
//! itself is not what was tested the day after.

use super::{Files, Root, Section};
use crate::{
    Finding, Kind,
    apt::Settings,
    packages::{Packages, version_of},
    rows::{Order, Record, compare},
    systemd::effective::ROOTS,
};
use std::collections::BTreeSet;

/// Units that change the system when they are enabled, and what they do.
const UNITS: &[(&str, &str)] = &[
    ("apt-daily-upgrade.timer", "installs updates of packages"),
    ("apt-daily.timer", "fetches lists of packages, and packages if so configured"),
    ("unattended-upgrades.service", "finishes unattended upgrades at shutdown"),
    ("dnf-automatic.timer", "updates packages if so configured"),
    ("dnf-automatic-install.timer", "installs updates of packages"),
    ("dnf5-automatic.timer", "updates packages if so configured"),
    ("yum-cron.service", "updates packages"),
    ("packagekit-offline-update.service", "installs updates at boot if some were prepared"),
    ("transactional-update.timer", "updates the system"),
    ("rpm-ostreed-automatic.timer", "updates the system"),
    ("bootc-fetch-apply-updates.timer", "updates the system and reboots"),
    ("zincati.service", "updates the system and reboots"),
    ("update-engine.service", "updates the system"),
    ("locksmithd.service", "reboots after updates"),
    ("systemd-sysupdate.timer", "updates the system"),
    ("systemd-sysupdate-reboot.timer", "reboots after updates"),
    ("snapd.service", "updates snaps"),
    ("fwupd-refresh.timer", "fetches lists of firmware"),
    ("kured.service", "reboots after updates"),
];

/// Facts that alone install something.
const DECIDING: &[&str] = &[
    "dnf-automatic-install.timer",
    "yum-cron.service",
    "transactional-update.timer",
    "rpm-ostreed-automatic.timer",
    "bootc-fetch-apply-updates.timer",
    "zincati.service",
    "update-engine.service",
    "systemd-sysupdate.timer",
    "snapd.service",
];

/// Jobs of cron that update packages, or ask for it.
const CRON: &[&str] = &[
    "apt-compat",
    "apt",
    "0yum-daily.cron",
    "0yum-hourly.cron",
    "0yum.cron",
    "unattended-upgrades",
];

/// Settings of apt that decide.
const APT: &[&str] = &[
    "APT::Periodic::Enable",
    "APT::Periodic::Update-Package-Lists",
    "APT::Periodic::Unattended-Upgrade",
    "APT::Periodic::Download-Upgradeable-Packages",
    "Unattended-Upgrade::Automatic-Reboot",
    "Unattended-Upgrade::Automatic-Reboot-Time",
];

const LISTS: &[&str] = &[
    "Unattended-Upgrade::Allowed-Origins",
    "Unattended-Upgrade::Origins-Pattern",
    "Unattended-Upgrade::Package-Blacklist",
];

/// What is known of one root.
struct Facts {
    records: Vec<Record>,
    verdict: String,
}

/// Compares what two roots do to themselves.
pub(super) fn section(before: &Root<'_>, after: &Root<'_>) -> Section {
    let mut section = Section::new("can change itself");
    let (a, b) = (facts(before), facts(after));
    let inside = compare(Kind::Setting, &a.records, &b.records, Order::Free);
    if a.verdict != b.verdict {
        let finding = Finding::changed(Kind::Setting, "can change itself", a.verdict, b.verdict);
        section.findings.push(finding.with(inside));
    } else {
        section.findings = inside;
    }
    section
}

fn facts(root: &Root<'_>) -> Facts {
    let (files, packages) = (root.files, &root.packages);
    let enabled = enabled(files);
    let mut records: Vec<Record> = Vec::new();
    for (unit, does) in UNITS {
        if enabled.contains(*unit) {
            records.push(Record::value(format!("{unit} enabled"), "by a link").note(*does));
        }
    }
    for name in ["unattended-upgrades", "dnf-automatic", "yum-cron", "needrestart", "snapd"] {
        if let Some(version) = version_of(packages, &[name]) {
            records.push(Record::value(format!("package {name}"), version));
        }
    }
    let settings = apt(files);
    for name in APT {
        records.extend(settings.get(name).map(|value| Record::value(*name, value)));
    }
    for name in LISTS {
        records.extend(settings.list(name).iter().map(|value| Record::value(*name, value)));
    }
    for folder in ["etc/cron.daily", "etc/cron.hourly", "etc/cron.weekly", "etc/cron.d"] {
        for path in files.below(folder) {
            let name = path.rsplit('/').next().unwrap_or_default();
            if CRON.contains(&name) {
                records.push(Record::value(format!("cron {path}"), "there"));
            }
        }
    }
    if files.read("etc/dnf/automatic.conf").is_some_and(|text| applies(&text)) {
        records.push(Record::value("dnf automatic apply_updates", "yes"));
    }
    let verdict = verdict(packages, &enabled, &settings);
    Facts { records, verdict }
}

fn applies(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let set = |line: &str| {
        line.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(set).any(|(key, value)| key == "apply_updates" && value == "yes")
}

/// Whether anything installs updates.
fn verdict(packages: &Packages, enabled: &BTreeSet<String>, settings: &Settings) -> String {
    if let Some(unit) = DECIDING.iter().find(|unit| enabled.contains(**unit)) {
        return format!("yes, by {unit}");
    }
    let on = |name: &str| {
        settings.get(name).is_some_and(|value| !matches!(value, "" | "0" | "no" | "false"))
    };
    let is_off = settings.get("APT::Periodic::Enable") == Some("0");
    let upgrades = on("APT::Periodic::Unattended-Upgrade") && !is_off;
    let installed = version_of(packages, &["unattended-upgrades"]).is_some();
    match (upgrades, installed, enabled.contains("apt-daily-upgrade.timer")) {
        (true, true, true) => "yes, by unattended-upgrades".to_owned(),
        (true, true, false) => "no: apt-daily-upgrade.timer is not enabled".to_owned(),
        (true, false, _) => "no: unattended-upgrades is not installed".to_owned(),
        (false, true, _) => "no: APT::Periodic::Unattended-Upgrade is not set".to_owned(),
        (false, false, _) => "no".to_owned(),
    }
}

/// Units that a link enables and none masks.
fn enabled(files: &dyn Files) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut masked = BTreeSet::new();
    for root in ROOTS {
        let folder = format!("{root}/systemd/system");
        for path in files.below(&folder) {
            let rest = path.strip_prefix(&folder).unwrap_or_default().trim_start_matches('/');
            match rest.split_once('/') {
                Some((by, name)) if by.ends_with(".wants") || by.ends_with(".requires") => {
                    found.insert(name.to_owned());
                }
                None if links_to_nothing(files, &path) => {
                    masked.insert(rest.to_owned());
                }
                _ => {}
            }
        }
    }
    found.difference(&masked).cloned().collect()
}

fn links_to_nothing(files: &dyn Files, path: &str) -> bool {
    files.link(path).as_deref() == Some("/dev/null")
}

/// The settings of apt, in the order of apt.conf(5): the folder by name, then the file.
fn apt(files: &dyn Files) -> Settings {
    let mut settings = Settings::default();
    let paths =
        files.below("etc/apt/apt.conf.d").into_iter().chain(["etc/apt/apt.conf".to_owned()]);
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or_default();
        // Files with another end are passed over by apt itself.
        if name.contains('.') && !name.ends_with(".conf") {
            continue;
        }
        if let Some(text) = files.read(&path) {
            // What cannot be read is told where the file is compared by itself.
            let _ = settings.add(&String::from_utf8_lossy(&text));
        }
    }
    settings
}
