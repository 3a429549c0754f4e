//! What two versions of a file mean differently, and two roots.

use crate::input::{Input, sections};
use groundup_meaning::{Finding, Limits, Pair, compare, root};
use std::collections::BTreeMap;

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
    let limits = Limits { findings: 200, bytes: 1 << 20, depth: 30 };
    let told = compare(&Pair { path, before, after }, &limits);
    assert_eq!(told.findings.is_empty(), before == after, "{path}: {before:?} {after:?}");
    let same = compare(&Pair { path, before, after: before }, &limits);
    assert!(same.findings.is_empty(), "{path}: {before:?} differs from itself");
    told.findings.iter().for_each(check);
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
        assert!(!path.starts_with('/') && owned.package.len() <= data.len());
    }
}
