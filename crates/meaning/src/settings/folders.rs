//! All files of one kind in a root, in the order in which they take effect.
//!
//! Of files of one name that of `/etc` counts before `/run`, `/usr/local/lib`, `/usr/lib` and `/lib`; a
//! link to `/dev/null` (or an empty file, which says nothing) masks. Files are read by their names, and
//! of a key the last value counts, or the first where the manual says so.

use super::Reader;
use crate::{
    Finding, Kind,
    root::{Files, Section},
    rows::{Order, Record, compare},
    systemd::effective::ROOTS,
};
use std::collections::{BTreeMap, BTreeSet};

/// One kind of files.
struct Family {
    name: &'static str,
    folder: &'static str,
    end: &'static str,
    /// A file that is read besides, after all others.
    last: Option<&'static str>,
    reader: Reader,
    order: Order,
    wins: Wins,
}

/// Which of several values of one key counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wins {
    First,
    Last,
    All,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "sysctl",
        folder: "sysctl.d",
        end: ".conf",
        // procps reads it after the folders, systemd by a link among them: sysctl(8), sysctl.d(5).
        last: Some("etc/sysctl.conf"),
        reader: super::sysctl,
        order: Order::Free,
        wins: Wins::Last,
    },
    Family {
        name: "modules to load",
        folder: "modules-load.d",
        end: ".conf",
        last: Some("etc/modules"),
        reader: super::modules_load,
        order: Order::Free,
        wins: Wins::First,
    },
    Family {
        name: "modprobe",
        folder: "modprobe.d",
        end: ".conf",
        last: None,
        reader: super::modprobe,
        order: Order::Free,
        wins: Wins::All,
    },
    Family {
        name: "udev rules",
        folder: "udev/rules.d",
        end: ".rules",
        last: None,
        reader: super::udev,
        order: Order::Matters,
        wins: Wins::All,
    },
    Family {
        name: "tmpfiles",
        folder: "tmpfiles.d",
        end: ".conf",
        last: None,
        reader: super::tmpfiles,
        order: Order::Free,
        wins: Wins::First,
    },
    Family {
        name: "sysusers",
        folder: "sysusers.d",
        end: ".conf",
        last: None,
        reader: super::sysusers,
        order: Order::Free,
        wins: Wins::First,
    },
];

/// One section for each kind.
pub(crate) fn sections(before: &dyn Files, after: &dyn Files) -> Vec<Section> {
    FAMILIES.iter().map(|family| section(family, before, after)).collect()
}

fn section(family: &Family, before: &dyn Files, after: &dyn Files) -> Section {
    let mut section = Section::new(family.name);
    let (a, b) = (effective(family, before), effective(family, after));
    let findings = compare(Kind::Setting, &a.0, &b.0, family.order);
    section.findings = match family.wins {
        // Of what is set by a key, each key is of its own interest.
        Wins::Last => findings,
        _ => whole_files(findings, &a.1, &b.1),
    };
    section.explains = a.1.into_iter().chain(b.1).collect();
    section
}

/// Puts what a file that came or went brought or took below one finding of that file.
fn whole_files(
    findings: Vec<Finding>,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Vec<Finding> {
    let file = |finding: &Finding| -> Option<String> {
        let (_, path) = finding.note.as_deref()?.rsplit_once("set by ")?;
        let is_there = (finding.before.is_some(), finding.after.is_some());
        let is_whole = match is_there {
            (true, false) => !after.contains(path),
            (false, true) => !before.contains(path),
            _ => false,
        };
        is_whole.then(|| path.to_owned())
    };
    let mut folded: Vec<Finding> = Vec::new();
    let mut places: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for finding in findings {
        let Some(path) = file(&finding) else {
            folded.push(finding);
            continue;
        };
        let key = (path.clone(), finding.after.is_some());
        let at = *places.entry(key).or_insert_with(|| {
            folded.push(Finding::bare(finding.kind, path));
            folded.len() - 1
        });
        if let Some(whole) = folded.get_mut(at) {
            whole.inside.push(finding);
        }
    }
    for at in places.into_values() {
        let Some(finding) = folded.get_mut(at) else { continue };
        if let [one] = finding.inside.as_slice() {
            *finding = one.clone();
            continue;
        }
        let count = Some(format!("{} entries", finding.inside.len()));
        let is_new = finding.inside.first().is_some_and(|one| one.after.is_some());
        if is_new { finding.after = count } else { finding.before = count }
    }
    folded
}

/// The records of a root that count, and the files they are from.
fn effective(family: &Family, files: &dyn Files) -> (Vec<Record>, BTreeSet<String>) {
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for root in ROOTS {
        let folder = format!("{root}/{}", family.folder);
        for path in files.below(&folder) {
            let name = path.strip_prefix(&folder).unwrap_or_default().trim_start_matches('/');
            if name.ends_with(family.end) && !name.contains('/') {
                chosen.entry(name.to_owned()).or_insert(path);
            }
        }
    }
    let mut paths: Vec<String> = chosen.into_values().collect();
    paths.extend(family.last.map(str::to_owned));
    let (mut records, mut read): (Vec<Record>, _) = (Vec::new(), BTreeSet::new());
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths {
        let target = files.link(&path);
        if target.as_deref() == Some("/dev/null") {
            read.insert(path);
            continue;
        }
        // A link to a file that is read anyway says nothing more.
        if target.is_some_and(|target| {
            target.ends_with("etc/sysctl.conf") || target.ends_with("../sysctl.conf")
        }) {
            continue;
        }
        let Some(text) = files.read(&path) else { continue };
        for mut record in (family.reader)(&String::from_utf8_lossy(&text)) {
            let set = format!("set by {path}");
            record.note = Some(record.note.map_or(set.clone(), |note| format!("{note}; {set}")));
            let known = places.get(&record.what).copied();
            match (family.wins, known.and_then(|at| records.get_mut(at))) {
                (Wins::Last, Some(slot)) => *slot = record,
                (Wins::First, Some(_)) => {}
                _ => {
                    places.insert(record.what.clone(), records.len());
                    records.push(record);
                }
            }
        }
        read.insert(path);
    }
    (records, read)
}
