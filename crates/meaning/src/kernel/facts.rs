//! `kernel.json`: what one of our kernels is, by configuration, exports and modules.

use crate::{Finding, Kind, Pair, elf::words::count};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a file is one: by its name and its keys.
pub(crate) fn is_facts(path: &str, bytes: &[u8]) -> bool {
    path.rsplit('/').next() == Some("kernel.json") && bytes.trim_ascii_start().starts_with(b"{")
}

type Object = Map<String, Value>;

/// Compares the facts of two kernels; nothing if one of them cannot be read, with why.
pub(crate) fn compare(pair: &Pair<'_>) -> Result<Vec<Finding>, Finding> {
    let read = |bytes: &[u8]| {
        serde_json::from_slice::<Object>(bytes)
            .map_err(|error| Finding::not_compared("facts of a kernel", error))
    };
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let mut findings = Vec::new();
    let text = |facts: &Object, key: &str| facts.get(key)?.as_str().map(str::to_owned);
    let releases = [&before, &after].map(|facts| text(facts, "release"));
    if releases[0] != releases[1] {
        let [old, new] = releases.map(|release| release.unwrap_or_else(|| "none".to_owned()));
        findings.push(Finding::changed(Kind::Setting, "release of the kernel", old, new));
    }
    config(&object(&before, "config"), &object(&after, "config"), &mut findings);
    let [old, new] = [&before, &after].map(exports);
    findings.extend(super::exports(&old, &new));
    modules(&object(&before, "modules"), &object(&after, "modules"), &mut findings);
    if findings.is_empty() && pair.before != pair.after {
        findings.push(Finding::bare(Kind::Encoding, "form of the file"));
    }
    findings.sort_by_key(|finding| finding.kind.is_boring());
    Ok(findings)
}

fn object(facts: &Object, key: &str) -> Object {
    facts.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn config(before: &Object, after: &Object, findings: &mut Vec<Finding>) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let [old, new] = [before, after].map(|config| config.get(name).map(shown));
        if old == new {
            continue;
        }
        let kind =
            if super::config::is_of_tools(name) { Kind::Identity } else { Kind::KernelOption };
        let [old, new] = [old, new].map(|value| value.unwrap_or_else(|| "n".to_owned()));
        findings.push(Finding::changed(kind, format!("CONFIG_{name}"), old, new));
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Names, and whether they are for modules under the GPL only.
fn exports(facts: &Object) -> BTreeMap<String, bool> {
    let list = facts.get("exports").and_then(Value::as_array);
    let entries = list.into_iter().flatten().filter_map(|entry| {
        let gpl = entry.get("gpl").and_then(Value::as_bool).unwrap_or_default();
        Some((entry.get("name")?.as_str()?.to_owned(), gpl))
    });
    entries.collect()
}

fn modules(before: &Object, after: &Object, findings: &mut Vec<Finding>) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut rebuilt = 0;
    for name in names {
        let what = format!("module {name}");
        match (before.get(name), after.get(name)) {
            (Some(_), None) => findings.push(Finding::removed(Kind::Needs, what, "there")),
            (None, Some(_)) => findings.push(Finding::added(Kind::Needs, what, "there")),
            (Some(old), Some(new)) if old != new => {
                let rows = module(old, new);
                match rows.is_empty() {
                    true => rebuilt += 1,
                    false => findings.push(Finding::bare(Kind::Needs, what).with(rows)),
                }
            }
            _ => {}
        }
    }
    if rebuilt > 0 {
        let what = format!("{} rebuilt", count(rebuilt, "module"));
        let note = "the same needs, exports and information; another build id or checksum";
        findings.push(Finding::bare(Kind::Identity, what).note(note));
    }
}

/// What differs between two modules, apart from what their builds gave them.
fn module(old: &Value, new: &Value) -> Vec<Finding> {
    let mut rows = Vec::new();
    let empty = Object::new();
    let part = |module: &'_ Value| module.as_object().cloned().unwrap_or_default();
    let [before, after] = [part(old), part(new)];
    let [a, b] = [exports(&before), exports(&after)];
    rows.extend(super::exports(&a, &b));
    let needs = |module: &Object| -> BTreeSet<String> {
        let list = module.get("needs").and_then(Value::as_array);
        list.into_iter().flatten().map(shown).collect()
    };
    let [a, b] = [needs(&before), needs(&after)];
    rows.extend(a.difference(&b).map(|one| Finding::removed(Kind::Symbol, "needs", one)));
    rows.extend(b.difference(&a).map(|one| Finding::added(Kind::Symbol, "needs", one)));
    let signed = |module: &Object| module.get("signed").map(shown).unwrap_or_default();
    if signed(&before) != signed(&after) {
        let (a, b) = (signed(&before), signed(&after));
        rows.push(Finding::changed(Kind::Metadata, "signed", a, b));
    }
    let info = |module: &'_ Object| {
        module.get("info").and_then(Value::as_object).unwrap_or(&empty).clone()
    };
    let [a, b] = [info(&before), info(&after)];
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys.into_iter().filter(|key| !super::module::is_identity(key)) {
        let [x, y] = [&a, &b].map(|info| info.get(key));
        if x != y {
            let [x, y] = [x, y].map(|value| {
                let list = value.and_then(Value::as_array);
                list.into_iter().flatten().map(shown).collect::<Vec<_>>().join(", ")
            });
            rows.push(Finding::changed(Kind::Setting, format!("module {key}"), x, y));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<Finding> {
        let (before, after) = (before.as_bytes(), after.as_bytes());
        assert!(is_facts("facts/kernel.json", before));
        compare(&Pair { path: "facts/kernel.json", before, after }).unwrap()
    }

    #[test]
    fn options_exports_and_modules_are_told_and_rebuilt_modules_counted() {
        let before = r#"{"version":1,"release":"6.1.1","config":{"A":"y","CC_HAS_X":"y"},
            "exports":[{"name":"f","gpl":false}],
            "modules":{"a.ko":{"build_id":"1","needs":["f"],"info":{"depends":[""]}},
                       "b.ko":{"build_id":"1","needs":[]}}}"#;
        let after = r#"{"version":1,"release":"6.1.2","config":{"A":"m"},
            "exports":[{"name":"f","gpl":true}],
            "modules":{"a.ko":{"build_id":"2","needs":["f","g"],"info":{"depends":["x"]}},
                       "b.ko":{"build_id":"2","needs":[]}}}"#;
        let found = told(before, after);
        let rows: Vec<(&str, Kind)> =
            found.iter().map(|one| (one.what.as_str(), one.kind)).collect();
        let expected = [
            ("release of the kernel", Kind::Setting),
            ("CONFIG_A", Kind::KernelOption),
            ("exports f", Kind::Symbol),
            ("module a.ko", Kind::Needs),
            ("CONFIG_CC_HAS_X", Kind::Identity),
            ("1 module rebuilt", Kind::Identity),
        ];
        assert_eq!(rows, expected);
        assert_eq!(found[3].inside.len(), 2);
    }

    #[test]
    fn what_is_no_json_says_so() {
        let pair = Pair { path: "kernel.json", before: b"{}", after: b"{" };
        assert_eq!(compare(&pair).unwrap_err().kind, Kind::NotCompared);
        assert!(told("{}", "{ }").iter().all(|one| one.kind.is_boring()));
    }
}
