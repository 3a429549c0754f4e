//! What starts by itself: links that pull units in, and presets.

use super::effective::{Loaded, ROOTS};
use crate::{Finding, Kind, root::Files};
use std::collections::{BTreeMap, BTreeSet};

/// What differs in the links of `*.wants`, `*.requires` and `*.upholds`.
pub(super) fn compare(prefix: &str, before: &Loaded, after: &Loaded) -> Vec<Finding> {
    let live =
        |loaded: &Loaded| -> BTreeMap<(String, String, String), String> { loaded.pulls.clone() };
    let (a, b) = (live(before), live(after));
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let mut findings = Vec::new();
    for key in keys {
        let (unit, how, by) = key;
        let what = format!("{prefix}{unit} enabled");
        let value = match how.as_str() {
            "wants" => format!("wanted by {by}"),
            "requires" => format!("required by {by}"),
            _ => format!("upheld by {by}"),
        };
        match (a.get(key), b.get(key)) {
            (Some(path), None) => {
                findings.push(Finding::removed(Kind::Setting, what, value).note(path));
            }
            (None, Some(path)) => {
                findings.push(Finding::added(Kind::Setting, what, value).note(path))
            }
            _ => {}
        }
    }
    findings
}

/// Rules of presets, in the order in which they are asked: systemd.preset(5).
pub(super) struct Presets {
    rules: Vec<(String, String)>,
    pub(super) read: BTreeSet<String>,
}

impl Presets {
    pub(super) fn of(files: &dyn Files) -> Self {
        let mut chosen: BTreeMap<String, String> = BTreeMap::new();
        for root in ROOTS {
            let folder = format!("{root}/systemd/system-preset");
            for path in files.below(&folder) {
                let name = path.rsplit('/').next().unwrap_or_default();
                if name.ends_with(".preset") {
                    chosen.entry(name.to_owned()).or_insert(path);
                }
            }
        }
        let mut rules = Vec::new();
        for path in chosen.values() {
            let text = files.read(path).unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines() {
                let mut words = line.split_whitespace();
                if let (Some(verb @ ("enable" | "disable" | "ignore")), Some(pattern)) =
                    (words.next(), words.next())
                {
                    rules.push((verb.to_owned(), pattern.to_owned()));
                }
            }
        }
        Self { rules, read: chosen.into_values().collect() }
    }

    fn verb(&self, unit: &str) -> &str {
        let found = self.rules.iter().find(|(_, pattern)| matches(pattern, unit));
        // Without a rule, presets enable.
        found.map_or("enable", |(verb, _)| verb)
    }
}

/// What presets say otherwise of units that both roots have.
pub(super) fn compare_presets(
    before: &Presets,
    after: &Presets,
    units: &BTreeSet<&String>,
) -> Vec<Finding> {
    if before.rules == after.rules {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for unit in units {
        let (a, b) = (before.verb(unit), after.verb(unit));
        if a != b {
            let finding = Finding::changed(Kind::Setting, format!("{unit} preset"), a, b);
            findings.push(finding.note("takes effect at the first boot, or by `systemctl preset`"));
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::bare(Kind::Encoding, "rules of presets").note("no unit is concerned"));
    }
    findings
}

/// Whether a name matches a pattern of `*` and `?`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == '?' || *c == n[j] => (i, j) = (i + 1, j + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (i, j) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_presets_match_names() {
        assert!(matches("*", "a.service") && matches("a*.s?rvice", "abc.service"));
        assert!(!matches("a*.timer", "abc.service") && matches("", "") && !matches("", "a"));
        assert!(!matches(&"*a".repeat(500), &"b".repeat(500)));
    }
}
