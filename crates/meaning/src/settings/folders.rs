//! All files of one kind in a root, in the order in which they take effect.
//!
//! Of files of one name that of `/etc` counts before `/run`, `/usr/local/lib`, `/usr/lib` and `/lib`; a
//! link to `/dev/null` (or an empty file, which says nothing) masks. Files are read by their names, and
//! of a key the last value counts, or the first where the manual says so.

use super::Reader;
use crate::{
    Kind,
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
    section.findings = compare(Kind::Setting, &a.0, &b.0, family.order);
    section.explains = a.1.into_iter().chain(b.1).collect();
    section
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
