//! What a binary offers to others and needs of them, symbol by symbol.

use super::{
    binary::{Binary, Preferred, Symbol},
    words::{count, name},
};
use crate::{Finding, Kind};
use object::elf;
use std::collections::BTreeMap;

/// Compares dynamic symbols; of relocatable files, undefined ones.
pub(super) fn compare(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let mut findings = offered(before, after);
    findings.extend(needed(before, after));
    findings
}

/// Name and version. What is not the default one of several is a symbol of its own.
type Key<'a> = (&'a [u8], Option<(&'a [u8], Preferred)>);

fn key<'a>(symbol: &Symbol<'a>) -> Key<'a> {
    (symbol.name, symbol.version)
}

fn shown((bytes, version): &Key<'_>) -> String {
    match version {
        None => name(bytes),
        Some((version, Preferred::Yes)) => format!("{}@@{}", name(bytes), name(version)),
        Some((version, Preferred::No)) => format!("{}@{}", name(bytes), name(version)),
    }
}

fn is_visible(symbol: &Symbol<'_>) -> bool {
    symbol.binding != elf::STB_LOCAL.0
        && !symbol.name.is_empty()
        && !matches!(elf::SymbolVisibility(symbol.visibility), elf::STV_HIDDEN | elf::STV_INTERNAL)
}

fn offered(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let mut by_key: BTreeMap<Key<'_>, [Option<&Symbol<'_>>; 2]> = BTreeMap::new();
    for (side, binary) in [before, after].into_iter().enumerate() {
        for symbol in &binary.dynamic_symbols {
            if is_visible(symbol) && !symbol.is_undefined {
                by_key.entry(key(symbol)).or_default()[side] = Some(symbol);
            }
        }
    }
    let mut findings = Vec::new();
    for (key, sides) in by_key {
        let what = || format!("offers {}", shown(&key));
        match sides {
            [Some(old), None] => {
                findings.push(Finding::removed(Kind::Symbol, what(), kind(old)));
            }
            [None, Some(new)] => findings.push(Finding::added(Kind::Symbol, what(), kind(new))),
            [Some(old), Some(new)] => {
                if kind(old) != kind(new) {
                    findings.push(Finding::changed(Kind::Symbol, what(), kind(old), kind(new)));
                }
                // Programs copy variables of libraries with the size that they had.
                let is_object = new.kind == elf::STT_OBJECT.0 || new.kind == elf::STT_TLS.0;
                if is_object && old.size != new.size {
                    let sizes = [old, new].map(|one| count(one.size as usize, "byte"));
                    let [old, new] = sizes;
                    let finding = Finding::changed(Kind::Symbol, what(), old, new);
                    findings.push(finding.note("the size of a variable that programs may copy"));
                }
            }
            [None, None] => {}
        }
    }
    findings
}

fn kind(symbol: &Symbol<'_>) -> String {
    let kind = match elf::SymbolType(symbol.kind) {
        elf::STT_FUNC => "function",
        elf::STT_OBJECT => "variable",
        elf::STT_TLS => "variable of each thread",
        elf::STT_GNU_IFUNC => "function chosen at start",
        elf::STT_NOTYPE => "symbol",
        _ => "other symbol",
    };
    match elf::SymbolBind(symbol.binding) {
        elf::STB_WEAK => format!("weak {kind}"),
        _ => kind.to_owned(),
    }
}

fn needed(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let mut by_key: BTreeMap<Key<'_>, [Option<&Symbol<'_>>; 2]> = BTreeMap::new();
    for (side, binary) in [before, after].into_iter().enumerate() {
        let symbols = if binary.is_linked() { &binary.dynamic_symbols } else { &binary.symbols };
        for symbol in symbols.iter().filter(|one| one.is_undefined && !one.name.is_empty()) {
            by_key
                .entry((symbol.name, symbol.version.map(|(version, _)| (version, Preferred::No))))
                .or_default()[side] = Some(symbol);
        }
    }
    let mut findings = Vec::new();
    for (key, sides) in by_key {
        let what = "needs";
        let weak = |symbol: &Symbol<'_>| symbol.binding == elf::STB_WEAK.0;
        match sides {
            [Some(_), None] => {
                findings.push(Finding::removed(Kind::Symbol, what, shown(&key)));
            }
            [None, Some(_)] => findings.push(Finding::added(Kind::Symbol, what, shown(&key))),
            [Some(old), Some(new)] if weak(old) != weak(new) => {
                let word = |symbol| if weak(symbol) { "if it is there" } else { "always" };
                let what = format!("needs {}", shown(&key));
                findings.push(Finding::changed(Kind::Symbol, what, word(old), word(new)));
            }
            _ => {}
        }
    }
    findings
}
