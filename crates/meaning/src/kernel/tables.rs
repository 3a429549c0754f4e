//! The tables that `depmod` and the build of a kernel write beside modules, entry by entry.
//!
//! Source: kmod 30, man pages modules.dep(5) and depmod(8); Linux 6.1, Documentation/kbuild/kbuild.rst
//! (`modules.builtin`, `modules.builtin.modinfo`, `modules.order`).

use crate::{Finding, Kind, Pair, elf::words::count};
use std::collections::{BTreeMap, BTreeSet};

/// Entries are told one by one up to this many.
const TOLD: usize = 400;

/// A table by the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Paths of modules that are built in.
    Builtin,
    /// Path: paths that it needs.
    Dep,
    /// `alias PATTERN MODULE`.
    Alias,
    /// `alias symbol:NAME MODULE`.
    Symbols,
    Softdep,
    /// The order in which modules were built.
    Order,
    /// `module.key=value` behind zeros.
    BuiltinInfo,
    /// Trees of the same content.
    Index,
}

fn table(path: &str) -> Option<Table> {
    if !path.contains("modules/") && path.contains('/') {
        return None;
    }
    Some(match path.rsplit('/').next()? {
        "modules.builtin" => Table::Builtin,
        "modules.dep" => Table::Dep,
        "modules.alias" | "modules.builtin.alias" => Table::Alias,
        "modules.symbols" => Table::Symbols,
        "modules.softdep" | "modules.weakdep" => Table::Softdep,
        "modules.order" => Table::Order,
        "modules.builtin.modinfo" => Table::BuiltinInfo,
        "modules.dep.bin"
        | "modules.alias.bin"
        | "modules.symbols.bin"
        | "modules.builtin.bin"
        | "modules.builtin.alias.bin" => Table::Index,
        _ => return None,
    })
}

/// Whether a file is one, by its name.
pub(crate) fn is_table(path: &str) -> bool {
    table(path).is_some()
}

/// What an entry is called, and its values.
type Entries = BTreeMap<String, BTreeSet<String>>;

/// Compares two tables.
pub(crate) fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(table) = table(pair.path) else { return crate::text::bytes(pair) };
    if pair.before == pair.after {
        return Vec::new();
    }
    if table == Table::Index {
        let what = "index of a table of modules";
        let note = "the table beside it, without `.bin`, tells what differs";
        return vec![Finding::bare(Kind::Encoding, what).note(note)];
    }
    let [old, new] = [pair.before, pair.after].map(|bytes| entries(table, bytes));
    let mut findings = Vec::new();
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old != new => {
                let rows = difference(table, name, old, new);
                findings.extend(rows);
            }
            (Some(old), None) => {
                findings.push(Finding::removed(kind(table), what(table, name), joined(old)));
            }
            (None, Some(new)) => {
                findings.push(Finding::added(kind(table), what(table, name), joined(new)));
            }
            _ => {}
        }
    }
    if findings.is_empty() {
        findings.push(Finding::bare(Kind::Encoding, "order of the entries"));
    }
    let more = findings.len().saturating_sub(TOLD);
    if more > 0 {
        findings.truncate(TOLD);
        let what = format!("{more} more entries, not told one by one");
        findings.push(Finding::bare(kind(table), what));
    }
    findings
}

fn difference(
    table: Table,
    name: &str,
    old: &BTreeSet<String>,
    new: &BTreeSet<String>,
) -> Vec<Finding> {
    let what = what(table, name);
    let gone: BTreeSet<String> = old.difference(new).cloned().collect();
    let came: BTreeSet<String> = new.difference(old).cloned().collect();
    match table {
        Table::Dep => {
            let gone = gone.into_iter().map(|one| Finding::removed(Kind::Needs, &what, one));
            let came = came.into_iter().map(|one| Finding::added(Kind::Needs, &what, one));
            gone.chain(came).collect()
        }
        _ => vec![Finding::changed(kind(table), what, joined(&gone), joined(&came))],
    }
}

fn kind(table: Table) -> Kind {
    match table {
        Table::Builtin | Table::Dep | Table::Softdep => Kind::Needs,
        Table::Symbols => Kind::Symbol,
        Table::Order => Kind::Encoding,
        _ => Kind::Setting,
    }
}

fn what(table: Table, name: &str) -> String {
    match table {
        Table::Builtin => format!("built-in module {name}"),
        Table::Dep => format!("module {name} needs"),
        Table::Alias => format!("alias {name}"),
        Table::Symbols => format!("symbol {name} of modules"),
        Table::Softdep => format!("module {name} prefers"),
        Table::Order => format!("place of {name}"),
        Table::BuiltinInfo => format!("built-in {name}"),
        Table::Index => name.to_owned(),
    }
}

fn joined(values: &BTreeSet<String>) -> String {
    if values.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<&str> = values.iter().take(20).map(String::as_str).collect();
    match values.len().saturating_sub(shown.len()) {
        0 => shown.join(" "),
        more => format!("{} and {}", shown.join(" "), count(more, "other")),
    }
}

fn entries(table: Table, bytes: &[u8]) -> Entries {
    let mut entries = Entries::new();
    let text = String::from_utf8_lossy(bytes);
    let mut add = |name: &str, value: Option<&str>| {
        let values = entries.entry(name.to_owned()).or_default();
        values.extend(value.map(str::to_owned));
    };
    if table == Table::BuiltinInfo {
        for (key, value) in text.split('\0').filter_map(|entry| entry.split_once('=')) {
            add(key, Some(value));
        }
        return entries;
    }
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        match table {
            Table::Dep => {
                let Some((name, needs)) = line.split_once(':') else { continue };
                add(name, None);
                needs.split_ascii_whitespace().for_each(|one| add(name, Some(one)));
            }
            Table::Builtin => add(line, Some("built in")),
            Table::Order => add(line, None),
            _ => {
                let (Some(_), Some(name)) = (words.next(), words.next()) else { continue };
                let name = match table {
                    Table::Symbols => name.strip_prefix("symbol:").unwrap_or(name),
                    _ => name,
                };
                let rest: Vec<&str> = words.collect();
                add(name, Some(&rest.join(" ")));
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        path: &str,
        before: &str,
        after: &str,
    ) -> Vec<(String, Option<String>, Option<String>)> {
        let pair = Pair { path, before: before.as_bytes(), after: after.as_bytes() };
        assert!(is_table(path));
        compare(&pair).into_iter().map(|one| (one.what, one.before, one.after)).collect()
    }

    fn row(
        what: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        (what.to_owned(), before.map(str::to_owned), after.map(str::to_owned))
    }

    #[test]
    fn entries_come_go_and_change() {
        let path = "usr/lib/modules/6.1/modules.dep";
        let found = told(path, "a.ko: b.ko c.ko\nd.ko:\n", "a.ko: c.ko e.ko\nf.ko:\n");
        let expected = [
            row("module a.ko needs", Some("b.ko"), None),
            row("module a.ko needs", None, Some("e.ko")),
            row("module d.ko needs", Some("nothing"), None),
            row("module f.ko needs", None, Some("nothing")),
        ];
        assert_eq!(found, expected);
        let found = told("modules.builtin", "kernel/x.ko\nkernel/y.ko\n", "kernel/y.ko\n");
        assert_eq!(found, [row("built-in module kernel/x.ko", Some("built in"), None)]);
        let found = told("modules.alias", "# x\nalias fs-ext4 ext4\n", "alias fs-ext4 ext5\n");
        assert_eq!(found, [row("alias fs-ext4", Some("ext4"), Some("ext5"))]);
        let found = told("modules.symbols", "alias symbol:a x\n", "alias symbol:b x\n");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn order_does_not_count() {
        let pair = Pair { path: "modules.dep", before: b"a: b\nc:\n", after: b"c:\na: b\n" };
        assert!(compare(&pair).iter().all(|one| one.kind.is_boring()));
        let pair = Pair { path: "modules.dep.bin", before: b"1", after: b"2" };
        assert!(compare(&pair).iter().all(|one| one.kind.is_boring()));
    }
}
