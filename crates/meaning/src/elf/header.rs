//! What a binary is for its loader: header, interpreter, libraries and versions that it needs.

use super::{
    binary::{Binary, Header},
    hardening,
    words::name,
};
use crate::{Finding, Kind};
use object::elf;
use std::collections::{BTreeMap, BTreeSet};

/// Compares headers and what is asked of the loader.
pub(super) fn compare(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let mut findings = header(&before.header, &after.header);
    findings.extend(hardening::compare(before, after));
    let interpreters = [before, after].map(|binary| binary.header.interpreter);
    optional(Kind::Needs, "interpreter", interpreters, &mut findings);
    for (tag, what) in [
        (elf::DT_SONAME, "soname"),
        (elf::DT_RPATH, "rpath"),
        (elf::DT_RUNPATH, "runpath"),
        (elf::DT_AUXILIARY, "auxiliary library"),
        (elf::DT_FILTER, "filter library"),
    ] {
        let texts = [before, after].map(|binary| texts(binary, tag.0).first().copied());
        optional(Kind::Needs, what, texts, &mut findings);
    }
    needed(before, after, &mut findings);
    versions(before, after, &mut findings);
    findings
}

fn header(before: &Header<'_>, after: &Header<'_>) -> Vec<Finding> {
    let class = |header: &Header<'_>| if header.is_64 { "64 bits" } else { "32 bits" };
    let order = |header: &Header<'_>| if header.is_big { "big-endian" } else { "little-endian" };
    let rows = [
        ("class", class(before).to_owned(), class(after).to_owned()),
        ("byte order", order(before).to_owned(), order(after).to_owned()),
        ("machine", machine(before.machine), machine(after.machine)),
        ("type", kind(before.kind), kind(after.kind)),
        ("operating system", before.abi.to_string(), after.abi.to_string()),
        ("flags", format!("{:#x}", before.flags), format!("{:#x}", after.flags)),
    ];
    let rows = rows.into_iter().filter(|(_, before, after)| before != after);
    rows.map(|(what, before, after)| Finding::changed(Kind::Section, what, before, after)).collect()
}

fn machine(machine: u16) -> String {
    let known = match elf::Machine(machine) {
        elf::EM_386 => "x86",
        elf::EM_X86_64 => "x86-64",
        elf::EM_ARM => "ARM",
        elf::EM_AARCH64 => "AArch64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "PowerPC 64",
        elf::EM_S390 => "S/390",
        elf::EM_LOONGARCH => "LoongArch",
        elf::EM_MIPS => "MIPS",
        elf::EM_BPF => "BPF",
        _ => return format!("machine {machine}"),
    };
    known.to_owned()
}

fn kind(kind: u16) -> String {
    let known = match elf::FileType(kind) {
        elf::ET_REL => "relocatable",
        elf::ET_EXEC => "executable at a fixed address",
        elf::ET_DYN => "shared object or position-independent executable",
        elf::ET_CORE => "core dump",
        _ => return format!("type {kind}"),
    };
    known.to_owned()
}

/// Texts of all entries of a tag, in order.
fn texts<'a>(binary: &Binary<'a>, tag: i64) -> Vec<&'a [u8]> {
    let entries = binary.dynamic.iter().filter(|(own, _, _)| *own == tag);
    entries.filter_map(|(_, _, text)| *text).collect()
}

fn optional(
    kind: Kind,
    what: &str,
    [before, after]: [Option<&[u8]>; 2],
    findings: &mut Vec<Finding>,
) {
    findings.extend(match (before, after) {
        (Some(a), Some(b)) if a != b => Some(Finding::changed(kind, what, name(a), name(b))),
        (Some(a), None) => Some(Finding::removed(kind, what, name(a))),
        (None, Some(b)) => Some(Finding::added(kind, what, name(b))),
        _ => None,
    });
}

fn needed(before: &Binary<'_>, after: &Binary<'_>, findings: &mut Vec<Finding>) {
    let [old, new] = [before, after].map(|binary| texts(binary, elf::DT_NEEDED.0));
    let sets = [&old, &new].map(|list| list.iter().copied().collect::<BTreeSet<_>>());
    let what = "needed library";
    for gone in old.iter().filter(|one| !sets[1].contains(*one)) {
        findings.push(Finding::removed(Kind::Needs, what, name(gone)));
    }
    for come in new.iter().filter(|one| !sets[0].contains(*one)) {
        findings.push(Finding::added(Kind::Needs, what, name(come)));
    }
    if sets[0] == sets[1] && old != new {
        let shown = |list: &[&[u8]]| list.iter().map(|one| name(one)).collect::<Vec<_>>().join(" ");
        let finding =
            Finding::changed(Kind::Needs, "order of needed libraries", shown(&old), shown(&new));
        findings.push(finding.note("symbols are looked for in this order"));
    }
}

/// Versions that libraries must have, library by library.
fn versions(before: &Binary<'_>, after: &Binary<'_>, findings: &mut Vec<Finding>) {
    let mut by_library: BTreeMap<&[u8], [BTreeSet<&[u8]>; 2]> = BTreeMap::new();
    for (side, binary) in [before, after].into_iter().enumerate() {
        for (library, version) in &binary.needed_versions {
            by_library.entry(library).or_default()[side].insert(version);
        }
    }
    for (library, [old, new]) in by_library {
        let what = format!("needed version of {}", name(library));
        for version in old.difference(&new) {
            findings.push(Finding::removed(Kind::Needs, what.clone(), name(version)));
        }
        for version in new.difference(&old) {
            findings.push(Finding::added(Kind::Needs, what.clone(), name(version)));
        }
    }
}
