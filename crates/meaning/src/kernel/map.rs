//! `System.map`: which symbols a kernel has; where they lie is counted.

use crate::{Finding, Kind, Pair, elf::words::count};
use std::collections::BTreeMap;

/// Symbols are told one by one up to this many.
const TOLD: usize = 400;

/// Whether a file is one: by its name, or its first line.
pub(crate) fn is_map(path: &str, bytes: &[u8]) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    file.starts_with("System.map") && entry(line).is_some()
}

/// Address, letter, name.
fn entry(line: &[u8]) -> Option<(&str, char, &str)> {
    let line = std::str::from_utf8(line.get(..line.len().min(4096))?).ok()?;
    let mut words = line.split_ascii_whitespace();
    let (address, kind, name) = (words.next()?, words.next()?, words.next()?);
    let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut letters = kind.chars();
    (is_address && kind.len() == 1).then_some((address, letters.next()?, name))
}

/// Compares two maps.
pub(crate) fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, [Vec<(char, &str)>; 2]> = BTreeMap::new();
    for (side, bytes) in [pair.before, pair.after].into_iter().enumerate() {
        for (address, kind, name) in bytes.split(|byte| *byte == b'\n').filter_map(entry) {
            by_name.entry(name).or_default()[side].push((kind, address));
        }
    }
    let (mut findings, mut moved, mut more) = (Vec::new(), 0, 0);
    for (name, [old, new]) in by_name {
        // Names of the compiler and of linkers are no symbols that anybody uses.
        let is_inner = name.starts_with("__pfx_") || name.starts_with(".L");
        let mut add = |finding: Finding| match findings.len() < TOLD && !is_inner {
            true => findings.push(finding),
            false => more += 1,
        };
        let letters = |list: &[(char, &str)]| {
            let mut letters: Vec<char> = list.iter().map(|(kind, _)| *kind).collect();
            letters.sort_unstable();
            letters
        };
        let what = || format!("symbol {name}");
        match (letters(&old).as_slice(), letters(&new).as_slice()) {
            (old @ [first, ..], []) => {
                add(Finding::removed(Kind::Symbol, what(), word(*first, old)))
            }
            ([], new @ [first, ..]) => add(Finding::added(Kind::Symbol, what(), word(*first, new))),
            (x @ [first, ..], y @ [second, ..]) if x != y => {
                let (from, to) = (word(*first, x), word(*second, y));
                add(Finding::changed(Kind::Symbol, what(), from, to));
            }
            _ => moved += usize::from(old != new),
        }
    }
    if more > 0 {
        let what = format!("{} more, not told one by one", count(more, "symbol"));
        findings.push(Finding::bare(Kind::Symbol, what));
    }
    if moved > 0 {
        let what = format!("{} at other addresses", count(moved, "symbol"));
        findings.push(Finding::bare(Kind::Encoding, what));
    }
    if findings.is_empty() && pair.before != pair.after {
        findings.push(Finding::bare(Kind::Encoding, "order of the file"));
    }
    findings
}

/// The letter of `nm` in words, and how many there are of the name.
fn word(letter: char, all: &[char]) -> String {
    let kind = match letter.to_ascii_lowercase() {
        't' => "code",
        'd' | 'g' | 's' => "data",
        'b' => "zeroed data",
        'r' => "read-only data",
        'w' | 'v' => "weak",
        'a' => "number",
        _ => "other",
    };
    let scope = if letter.is_ascii_uppercase() { "global" } else { "local" };
    match all.len() {
        1 => format!("{scope} {kind}"),
        count => format!("{scope} {kind}, {count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_come_and_go_and_addresses_are_counted() {
        let before = b"ffffffff81000000 T _text\nffffffff81000010 t gone\nffffffff81000020 D x\n";
        let after = b"ffffffff81000000 T _text\nffffffff81000020 t new\nffffffff81000030 D x\n";
        assert!(is_map("boot/System.map-6.1", before));
        let found = compare(&Pair { path: "boot/System.map-6.1", before, after });
        let rows: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(rows, ["symbol gone", "symbol new", "1 symbol at other addresses"]);
    }

    #[test]
    fn what_is_no_map_is_none() {
        assert!(!is_map("System.map", b"not a map"));
        let pair = Pair { path: "System.map", before: b"\xff\0", after: b"1 2" };
        assert_eq!(compare(&pair).len(), 1);
    }
}
