//! The same tool at two versions in roots that share a kernel: each rewrites what the other wrote.

use super::{Part, Sideways};
use crate::{Finding, Kind, packages::Packages};
use std::collections::BTreeMap;

/// Packages whose programs keep state in the kernel that others of the same name read back.
const TOOLS: &[&str] =
    &["iptables", "nftables", "ipset", "ipvsadm", "iproute2", "iproute", "conntrack", "ebtables"];

/// The versions of a tool by part.
type Versions = BTreeMap<String, String>;

/// Tools that are at several versions now, and were not so before.
pub(super) fn skewed(before: &[Part<'_>], after: &[Part<'_>]) -> Vec<Sideways> {
    let (old, new) = (versions(before), versions(after));
    let mut found = Vec::new();
    for (tool, now) in &new {
        let was = old.get(tool);
        let several = now.values().any(|version| Some(version) != now.values().next());
        if !several || was == Some(now) {
            continue;
        }
        let moved =
            now.iter().find(|(part, version)| was.and_then(|was| was.get(*part)) != Some(version));
        let Some((part, _)) = moved else { continue };
        let told = |versions: &Versions| -> String {
            let list = versions.iter().map(|(part, version)| format!("{version} in {part}"));
            list.collect::<Vec<_>>().join(", ")
        };
        let what = format!("{tool} has several versions on one kernel");
        let mut finding = Finding::added(Kind::Sideways, what, told(now))
            .note("each rewrites the rules that the other wrote");
        finding.before = was.map(told);
        found.push(Sideways { part: part.clone(), path: None, finding });
    }
    found
}

fn versions(parts: &[Part<'_>]) -> BTreeMap<String, Versions> {
    let mut found: BTreeMap<String, Versions> = BTreeMap::new();
    for part in parts {
        for package in Packages::of(part.files).all {
            if TOOLS.contains(&package.name.as_str()) {
                let tool = if package.name == "iproute" { "iproute2" } else { &package.name };
                found
                    .entry(tool.to_owned())
                    .or_default()
                    .insert(part.name.to_owned(), package.version);
            }
        }
    }
    found
}
