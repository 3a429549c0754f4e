//! Packages that came, went and moved, those of one source together.

use super::{Package, Packages, version};
use crate::{Finding, Kind, Pair, root::Section};
use std::collections::{BTreeMap, BTreeSet};

/// Compares the packages of two roots.
pub(crate) fn section(a: &Packages, b: &Packages) -> Section {
    let mut section = Section::new("packages");
    section.findings = a.problems.iter().chain(&b.problems).cloned().collect();
    section.findings.dedup();
    section.findings.extend(compare(&a.all, &b.all));
    section.explains.extend(a.read.iter().chain(&b.read).cloned());
    section
}

/// Compares two status files of dpkg.
pub(crate) fn dpkg_status(pair: &Pair<'_>) -> Vec<Finding> {
    let read = |text: &[u8]| super::dpkg::read_status(&String::from_utf8_lossy(text));
    compare(&read(pair.before), &read(pair.after))
}

/// What differs between two lists of packages.
pub(crate) fn compare(before: &[Package], after: &[Package]) -> Vec<Finding> {
    let (a, b) = (names(before), names(after));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    // Changes by source and both versions, in the order of the first package.
    let mut groups: BTreeMap<(String, Option<String>, Option<String>), Vec<Finding>> =
        BTreeMap::new();
    let mut findings = Vec::new();
    for name in keys {
        let none = Vec::new();
        let (x, y) = (a.get(name).unwrap_or(&none), b.get(name).unwrap_or(&none));
        let (was, is) = (versions(x), versions(y));
        if was != is {
            let mut finding = Finding::bare(Kind::Package, name.as_str());
            (finding.before, finding.after) = (was.clone(), is.clone());
            finding.note = note(x, y);
            let source = y.first().or(x.first()).map_or("", |package| &package.source);
            groups.entry((source.to_owned(), was, is)).or_default().push(finding);
        } else {
            findings.extend(states(name, x, y));
        }
    }
    findings.extend(groups.into_iter().map(|((source, was, is), found)| {
        match <[Finding; 1]>::try_from(found) {
            Ok([one]) => one,
            Err(found) => {
                let mut finding = Finding::bare(Kind::Package, format!("source {source}"));
                (finding.before, finding.after) = (was, is);
                let older = found.iter().find_map(|one| one.note.clone());
                let count = format!("{} packages", found.len());
                finding.note = Some(older.map_or(count.clone(), |note| format!("{count}, {note}")));
                finding.with(found)
            }
        }
    }));
    findings.extend(sources_split(after, before));
    findings
}

/// Packages by name; those of a second architecture are named with it.
fn names(all: &[Package]) -> BTreeMap<String, Vec<&Package>> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    all.iter().for_each(|one| *count.entry(&one.architecture).or_default() += 1);
    let main = count.iter().filter(|(name, _)| !matches!(**name, "all" | "noarch" | ""));
    let main = main.max_by_key(|(_, count)| **count).map_or("", |(name, _)| name);
    let mut found: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for one in all {
        let native =
            one.architecture == main || matches!(&*one.architecture, "all" | "noarch" | "");
        let name =
            if native { one.name.clone() } else { format!("{}:{}", one.name, one.architecture) };
        found.entry(name).or_default().push(one);
    }
    found
}

/// All versions of one name: there may be several kernels.
fn versions(packages: &[&Package]) -> Option<String> {
    let versions: BTreeSet<&str> =
        packages.iter().map(|package| package.version.as_str()).collect();
    let text = versions.into_iter().collect::<Vec<_>>().join(", ");
    (!packages.is_empty()).then_some(text)
}

fn note(before: &[&Package], after: &[&Package]) -> Option<String> {
    match (before, after) {
        ([a], [b]) if version::order(&a.version, &b.version).is_gt() => {
            Some("an older version".to_owned())
        }
        ([a], [b]) if a.source != b.source => {
            Some(format!("built from {}, was {}", b.source, a.source))
        }
        (_, [_, _, ..]) => Some("several versions are installed".to_owned()),
        _ => None,
    }
}

/// The state and the source of packages whose version stayed.
fn states(name: &str, before: &[&Package], after: &[&Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (a, b) in before.iter().zip(after) {
        let shown = |state: &str| if state.is_empty() { "installed" } else { state }.to_owned();
        if a.state != b.state {
            let what = format!("{name}: state");
            findings.push(Finding::changed(Kind::Package, what, shown(&a.state), shown(&b.state)));
        }
        if a.source != b.source {
            let what = format!("{name}: source");
            findings.push(Finding::changed(Kind::Package, what, &a.source, &b.source));
        }
    }
    findings
}

/// Sources whose packages were of one version and are of several now.
fn sources_split(after: &[Package], before: &[Package]) -> Vec<Finding> {
    let split = |all: &[Package]| -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for one in all {
            found.entry(one.source.clone()).or_default().insert(one.version.clone());
        }
        found
    };
    let was = split(before);
    let skewed = split(after).into_iter().filter(|(source, versions)| {
        versions.len() > 1 && was.get(source).is_some_and(|versions| versions.len() == 1)
    });
    let tell = |(source, versions): (String, BTreeSet<String>)| {
        let before = was.get(&source).and_then(|versions| versions.first().cloned());
        let mut finding = Finding::bare(Kind::Package, format!("source {source}: versions"));
        finding.before = before;
        finding.after = Some(versions.into_iter().collect::<Vec<_>>().join(", "));
        finding.note("packages of one source have several versions")
    };
    skewed.map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::dpkg::read_status, *};

    const STATUS: &str = "Package: libgcc-s1\nStatus: install ok installed\nArchitecture: amd64\n\
        Source: gcc-12 (12.2.0-14)\nVersion: 12.2.0-14\nDescription: x\n more\n\n\
        Package: libstdc++6\nStatus: install ok installed\nArchitecture: amd64\nSource: gcc-12\n\
        Version: 12.2.0-14\n\nPackage: tar\nStatus: install ok installed\nArchitecture: amd64\n\
        Version: 1.34+dfsg-1.2\n";

    fn told(before: &str, after: &str) -> Vec<Finding> {
        compare(&read_status(before), &read_status(after))
    }

    #[test]
    fn packages_of_one_source_are_one_finding() {
        let found = told(STATUS, &STATUS.replace("12.2.0-14\n", "12.2.0-14+deb12u1\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].what, "source gcc-12");
        assert_eq!(found[0].inside.len(), 2);
        assert_eq!(found[0].after.as_deref(), Some("12.2.0-14+deb12u1"));
    }

    #[test]
    fn added_removed_and_older_packages_are_told() {
        let found = told(STATUS, &STATUS.replace("1.34+dfsg-1.2", "1.33-1"));
        assert_eq!(found[0].note.as_deref(), Some("an older version"));
        let found = told(STATUS, "");
        assert!(found.iter().all(|one| one.after.is_none()) && found.len() == 2, "{found:#?}");
        let hold = STATUS.replacen("install ok installed", "hold ok installed", 1);
        assert_eq!(told(STATUS, &hold)[0].what, "libgcc-s1: state");
        assert_eq!(told(STATUS, STATUS), []);
    }
}
