//! The database of dpkg field by field: what its packages say beside their versions.

use super::{field, paragraphs};
use crate::{Finding, Kind, Pair};
use std::collections::{BTreeMap, BTreeSet};

/// Name and architecture of a package, and a field.
type Key = (String, String, String);

/// Each field that differs, of packages that came and went too: `dash: Depends`.
pub(crate) fn fields(pair: &Pair<'_>) -> Vec<Finding> {
    let [before, after] = [pair.before, pair.after].map(read);
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let mut findings = Vec::new();
    for key in keys {
        let (before, after) = (before.get(key).cloned(), after.get(key).cloned());
        if before != after {
            let what = Finding::bare(Kind::Encoding, format!("{}: {}", key.0, key.2));
            findings.push(Finding { before, after, ..what });
        }
    }
    findings
}

fn read(bytes: &[u8]) -> BTreeMap<Key, String> {
    let mut found = BTreeMap::new();
    for paragraph in paragraphs(&String::from_utf8_lossy(bytes)) {
        let own = |name: &str| field(&paragraph, name).to_owned();
        let (name, architecture) = (own("Package"), own("Architecture"));
        for (field, value) in &paragraph {
            found.insert((name.clone(), architecture.clone(), field.clone()), value.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_depends_on_is_told_beside_its_version() {
        let before = b"Package: a\nVersion: 1\nDepends: b\nConffiles:\n /etc/a 1\n";
        let after = b"Package: a\nVersion: 2\nDepends: b, c\nConffiles:\n /etc/a 2\n";
        let found = fields(&Pair { path: "var/lib/dpkg/status", before, after });
        let whats: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(whats, ["a: Conffiles", "a: Depends", "a: Version"]);
        assert_eq!(found[1].after.as_deref(), Some("b, c"));
    }
}
