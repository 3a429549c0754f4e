//! Kernel modules: what `.modinfo` says, what they export and need, checksums, the signature.
//!
//! Source: Linux 6.1, include/linux/moduleparam.h (`.modinfo`), scripts/mod/modpost.c
//! (`__versions`: a checksum and a name of 64 bytes in all), scripts/sign-file.c.

use crate::{
    Finding, Kind, Pair,
    elf::{chain, words::count},
};
use groundup_kernel::facts::{Export, ModuleError, ModuleFacts, module};
use object::{Object, ObjectSection};
use std::collections::{BTreeMap, BTreeSet};

/// Keys that say for which build a module is, and not what it does.
const IDENTITY: &[(&str, &str)] = &[
    ("srcversion", "a checksum of its sources"),
    ("vermagic", "it loads into a kernel of this build only"),
    ("build_id", "of its build"),
    ("scmversion", "the revision of its sources"),
];
/// Values are told one by one up to this many.
const TOLD: usize = 100;

/// Whether a key of `.modinfo` says only for which build the module is.
pub(super) fn is_identity(key: &str) -> bool {
    IDENTITY.iter().any(|(name, _)| *name == key)
}

/// Compares what modules say of themselves; nothing if both are no modules.
pub(super) fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let (before, after) = match [pair.before, pair.after].map(module) {
        [Ok(before), Ok(after)] => (before, after),
        [Err(ModuleError::NoInfo), Err(ModuleError::NoInfo)] => return Vec::new(),
        sides => {
            let names = ["the first as a kernel module", "the second as a kernel module"];
            let errors = names
                .into_iter()
                .zip(sides)
                .filter_map(|(what, side)| Some(Finding::not_compared(what, chain(&side.err()?))));
            return errors.collect();
        }
    };
    let mut findings = info(&before, &after);
    findings.extend(exports(&before, &after));
    findings.extend(versions(pair));
    let word = |facts: &ModuleFacts| if facts.signed { "signed" } else { "not signed" };
    if before.signed != after.signed {
        let finding = Finding::changed(Kind::Metadata, "signature", word(&before), word(&after));
        findings.push(finding.note("a kernel may refuse modules without one"));
    } else if before.signed && tail(pair.before) != tail(pair.after) {
        findings.push(Finding::bare(Kind::Identity, "signature").note("signed again"));
    }
    findings
}

fn info(before: &ModuleFacts, after: &ModuleFacts) -> Vec<Finding> {
    let none = Vec::new();
    let keys: BTreeSet<&String> = before.info.keys().chain(after.info.keys()).collect();
    let mut findings = Vec::new();
    for key in keys {
        let [old, new] = [before, after].map(|facts| facts.info.get(key).unwrap_or(&none));
        if old == new {
            continue;
        }
        let identity = IDENTITY.iter().find(|(name, _)| name == key);
        let kind = match key.as_str() {
            _ if identity.is_some() => Kind::Identity,
            "depends" | "softdep" | "firmware" | "import_ns" => Kind::Needs,
            _ => Kind::Setting,
        };
        let what = format!("module {key}");
        if let ([old], [new]) = (&old[..], &new[..]) {
            let finding = Finding::changed(kind, what, old, new);
            findings.push(match identity {
                Some((_, note)) => finding.note(*note),
                None => finding,
            });
            continue;
        }
        let sets = [old, new].map(|list| list.iter().collect::<BTreeSet<_>>());
        let gone = sets[0].difference(&sets[1]).map(|one| Finding::removed(kind, &what, *one));
        let came = sets[1].difference(&sets[0]).map(|one| Finding::added(kind, &what, *one));
        let mut rows: Vec<Finding> = gone.chain(came).collect();
        if rows.is_empty() {
            rows.push(Finding::bare(Kind::Encoding, what).note("the same in another order"));
        } else if rows.len() > TOLD {
            let note = format!("{} differ", count(rows.len(), "value"));
            rows = vec![Finding::bare(kind, what).note(note).with(rows)];
        }
        findings.extend(rows);
    }
    findings
}

fn exports(before: &ModuleFacts, after: &ModuleFacts) -> Vec<Finding> {
    let by_name = |facts: &ModuleFacts| -> BTreeMap<String, bool> {
        let exports = facts.exports.iter();
        exports.map(|Export { name, gpl }| (name.clone(), *gpl)).collect()
    };
    super::exports(&by_name(before), &by_name(after))
}

/// Checksums of what the module needs, by name.
fn versions(pair: &Pair<'_>) -> Vec<Finding> {
    let [old, new] = [pair.before, pair.after].map(checksums);
    let names: BTreeSet<&Vec<u8>> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| {
        let both = [old.get(*name), new.get(*name)];
        both[0].is_some() && both[1].is_some() && both[0] != both[1]
    });
    let inside: Vec<Finding> = changed
        .map(|name| {
            let shown = |map: &BTreeMap<Vec<u8>, u32>| {
                map.get(name).map(|sum| format!("{sum:#010x}")).unwrap_or_default()
            };
            let name = String::from_utf8_lossy(name);
            Finding::changed(Kind::Identity, name, shown(&old), shown(&new))
        })
        .collect();
    if inside.is_empty() {
        return Vec::new();
    }
    let what = format!("checksums of {}", count(inside.len(), "needed symbol"));
    let note = "it is for a kernel in which these have other types";
    let inside = inside.into_iter().take(TOLD).collect();
    vec![Finding::bare(Kind::Identity, what).note(note).with(inside)]
}

fn checksums(bytes: &[u8]) -> BTreeMap<Vec<u8>, u32> {
    let read = || {
        let file = object::File::parse(bytes).ok()?;
        let section = file.section_by_name("__versions")?.data().ok()?;
        // The checksum takes a word of the machine.
        let word = if file.is_64() { 8 } else { 4 };
        let entries = section.chunks_exact(64).filter_map(|entry| {
            let (sum, name) = entry.split_at_checked(word)?;
            let sum = sum.first_chunk::<4>()?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            Some((name[..end].to_vec(), u32::from_le_bytes(*sum)))
        });
        Some(entries.collect())
    };
    read().unwrap_or_default()
}

/// The signature behind a module: its last 40 bytes say how long it is.
fn tail(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_suffix(b"~Module signature appended~\n")?;
    let size = u32::from_be_bytes(*rest.last_chunk::<4>()?) as usize;
    rest.get(rest.len().checked_sub(size.checked_add(12)?)?..)
}
