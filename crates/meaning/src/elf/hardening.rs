//! What makes a binary harder to attack, as far as its headers say.
//!
//! Source: Linux Standard Base 5.0, section 10.2 (`PT_GNU_STACK`, `PT_GNU_RELRO`); x86-64 psABI 1.0,
//! section "Program Property" (`.note.gnu.property`); AArch64 ELF ABI, the same.

use super::binary::{Binary, MACHINE_AARCH64};
use crate::{Finding, Kind};
use object::elf;

/// Facts that both can have, with their words.
pub(super) fn compare(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let (old, new) = (facts(before), facts(after));
    let rows = old.into_iter().zip(new).filter(|(old, new)| old.1 != new.1);
    rows.map(|((what, before), (_, after))| {
        let finding = Finding::changed(Kind::Section, format!("hardening: {what}"), before, after);
        finding.note("a protection of the loader or the processor")
    })
    .collect()
}

fn facts(binary: &Binary<'_>) -> Vec<(&'static str, String)> {
    let entry = |tag: elf::DynamicTag| binary.dynamic.iter().find(|(own, _, _)| *own == tag.0);
    let flag =
        |tag: elf::DynamicTag, mask: u64| entry(tag).is_some_and(|(_, value, _)| value & mask != 0);
    let segment = |kind: elf::ProgramType| binary.segments.iter().find(|one| one.kind == kind.0);
    let now =
        entry(elf::DT_BIND_NOW).is_some() || flag(elf::DT_FLAGS, 8) || flag(elf::DT_FLAGS_1, 1);
    let relro = match (segment(elf::PT_GNU_RELRO).is_some(), now) {
        (false, _) => "none",
        (true, false) => "partial",
        (true, true) => "full",
    };
    let stack = match (binary.is_linked(), segment(elf::PT_GNU_STACK)) {
        (false, _) => match binary.section(b".note.GNU-stack") {
            Some(note) if note.is_code() => "executable",
            _ => "not executable",
        },
        (true, Some(stack)) if stack.flags & 1 == 0 => "not executable",
        (true, _) => "executable",
    };
    let position = match elf::FileType(binary.header.kind) {
        elf::ET_EXEC => "no",
        _ => "yes",
    };
    let both = |segment: &&super::binary::Segment| {
        segment.kind == elf::PT_LOAD.0 && segment.flags & 3 == 3
    };
    let mixed = if binary.segments.iter().any(|one| both(&one)) { "yes" } else { "no" };
    let canary = |name: &[u8]| name == b"__stack_chk_fail" || name == b"__stack_chk_guard";
    let names = binary.symbols.iter().chain(&binary.dynamic_symbols);
    let guarded = if names.into_iter().any(|one| canary(one.name)) { "yes" } else { "no" };
    vec![
        ("position-independent", position.to_owned()),
        ("read-only after relocation", relro.to_owned()),
        ("symbols bound at start", if now { "yes" } else { "no" }.to_owned()),
        ("stack", stack.to_owned()),
        ("segments both writable and executable", mixed.to_owned()),
        ("stack protector used", guarded.to_owned()),
        ("control flow", control_flow(binary)),
    ]
}

/// What all instructions keep to, so that the processor may enforce it.
fn control_flow(binary: &Binary<'_>) -> String {
    let Some(section) = binary.section(b".note.gnu.property") else { return "none".to_owned() };
    let (tag, names): (u64, &[(u64, &str)]) = match binary.header.machine {
        MACHINE_AARCH64 => (0xc000_0000, &[(1, "BTI"), (2, "PAC"), (4, "GCS")]),
        _ => (0xc000_0002, &[(1, "IBT"), (2, "SHSTK")]),
    };
    // Behind the header of the note: type, size, value, each property aligned to a word.
    let align = if binary.header.is_64 { 8 } else { 4 };
    let mut at = 16;
    let word = |at: usize| binary.word(section.data.get(at..)?, 4);
    while let (Some(kind), Some(size)) = (word(at), word(at + 4)) {
        if kind == tag {
            let bits = word(at + 8).unwrap_or_default();
            let found = names.iter().filter(|(bit, _)| bits & bit != 0);
            let found: Vec<&str> = found.map(|(_, name)| *name).collect();
            return if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        }
        at = at.saturating_add(8).saturating_add((size as usize).next_multiple_of(align));
    }
    "none".to_owned()
}
