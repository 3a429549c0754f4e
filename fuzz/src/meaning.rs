//! What two versions of a file mean differently, and two roots.

use crate::input::{Input, sections};
use groundup_meaning::{
    Finding, Limits, Pair, Whole, compare, root,
    unstable::{When, classes, classes_of_names},
};
use std::collections::{BTreeMap, BTreeSet};

/// One path for each reader; the first byte of an input chooses.
const PATHS: &[&str] = &[
    "x",
    "x.json",
    "x.yaml",
    "x.toml",
    "x.ini",
    "a.service",
    "etc/systemd/network/a.network",
    "etc/passwd",
    "etc/group",
    "etc/shadow",
    "etc/gshadow",
    "etc/subuid",
    "etc/fstab",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/nsswitch.conf",
    "etc/sysctl.conf",
    "etc/modules",
    "modprobe.d/a.conf",
    "tmpfiles.d/a.conf",
    "sysusers.d/a.conf",
    "udev/rules.d/a.rules",
    "apt.conf",
    "etc/apt/sources.list",
    "etc/apt/preferences",
    "a.pem",
    "a.nft",
    "cmdline",
    "var/lib/dpkg/status",
    "x.sh",
    "x.py",
    "loader/entries/a.conf",
];

/// A path by the first byte, the first version with its length before it, and the second: a difference is
/// told, none is not, and no password hash leaves its file.
pub(crate) fn pair(data: &[u8]) {
    let mut input = Input(data);
    let path = PATHS[usize::from(input.byte()) % PATHS.len()];
    let before = input.part();
    let after = input.0;
    let limits = Limits { findings: 200, bytes: 1 << 20, depth: 30, ..Limits::default() };
    let told = compare(&Pair { path, before, after }, &limits);
    assert_eq!(told.findings.is_empty(), before == after, "{path}: {before:?} {after:?}");
    let same = compare(&Pair { path, before, after: before }, &limits);
    assert!(same.findings.is_empty(), "{path}: {before:?} differs from itself");
    told.findings.iter().for_each(check);
}

/// Whether the times of the runs are known, by the first byte; one answer with its length before it, and the
/// other: what differs has a class, what is the same has none, whichever was first.
pub(crate) fn unstable(data: &[u8]) {
    let mut input = Input(data);
    let time = (input.byte() % 2 == 1).then_some((1_795_366_396, 1_795_366_400));
    let when = When([time; 2]);
    let before = input.part();
    let after = input.0;
    let told = classes(before, after, &when);
    assert_eq!(told.is_empty(), before == after, "{before:?} {after:?}");
    assert_eq!(told, classes(after, before, &when), "{before:?} {after:?}");
    let names = [before, after].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    classes_of_names(&names[0], &names[1], &when);
}

fn check(finding: &Finding) {
    assert!(!finding.what.is_empty(), "{finding:?}");
    finding.inside.iter().for_each(check);
}

struct Sections<'a>(BTreeMap<&'a str, &'a [u8]>);

impl root::Files for Sections<'_> {
    fn below(&self, directory: &str) -> Vec<String> {
        let start = format!("{directory}/");
        self.0
            .keys()
            .filter(|path| path.starts_with(&start))
            .map(|path| (*path).to_owned())
            .collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|text| text.to_vec())
    }

    fn link(&self, path: &str) -> Option<String> {
        let text = self.0.get(path)?.strip_prefix(b"-> ")?;
        String::from_utf8(text.trim_ascii().to_vec()).ok()
    }
}

/// The files after lines `=== PATH`; those of the second root after `=== 2/PATH`, which lie over the
/// first.
pub(crate) fn roots(data: &[u8]) {
    let mut before = BTreeMap::new();
    let mut after = BTreeMap::new();
    for (path, text) in sections(data) {
        match path.strip_prefix("2/") {
            Some(path) => {
                after.insert(path, text);
            }
            None => {
                before.insert(path, text);
                after.entry(path).or_insert(text);
            }
        }
    }
    let (before, after) = (Sections(before), Sections(after));
    let limits = Limits { findings: 200, ..Limits::default() };
    for section in root::compare(&before, &after, &limits) {
        section.findings.iter().for_each(check);
    }
    for section in root::compare(&before, &before, &limits) {
        // What cannot be read is told although both roots have it.
        let only =
            section.findings.iter().all(|one| one.kind == groundup_meaning::Kind::NotCompared);
        assert!(only, "{}: a root differs from itself: {:?}", section.name, section.findings);
    }
    for (path, owned) in root::owners(&after) {
        assert!(!path.starts_with('/'), "{path:?}");
        // A byte that is not UTF-8 is told as a character of three.
        assert!(owned.package.chars().count() <= data.len(), "{owned:?}");
    }
    edited(&before, &after);
}

/// How files stand to their packages in two roots.
fn edited(before: &Sections<'_>, after: &Sections<'_>) {
    let is_equal =
        |path: &str| before.0.contains_key(path) && before.0.get(path) == after.0.get(path);
    let paths = after.0.keys().filter(|path| !is_equal(path));
    let changed: BTreeSet<String> = paths.map(|path| (*path).to_owned()).collect();
    for edit in root::edited(before, after, &changed, &is_equal) {
        assert!(changed.contains(&edit.path) || edit.standing == root::Standing::Stayed);
        check(&edit.finding());
    }
    assert!(root::edited(before, before, &BTreeSet::new(), &|_| true).is_empty());
    for text in after.0.values() {
        groundup_meaning::whole(text, Whole::Came, &Limits::default()).iter().for_each(check);
    }
}
