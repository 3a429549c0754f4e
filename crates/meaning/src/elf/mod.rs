//! Programs, libraries, kernel modules and other ELF files: what two builds mean differently.
//!
//! ```text
//! Binary (values of the file) -> Layout (pieces with names, targets of addresses)
//!    header, hardening, abi         Pairs: which piece is which
//!                                   functions: instructions without addresses
//!                                   data: bytes by variable and, with type data, by field
//! ```
//!
//! What only moved is counted, not told piece by piece; what was written for a build (ids, compilers,
//! debug information) is told as [`Kind::Identity`]. Bytes that differ always give a finding.

mod abbreviations;
mod abi;
mod align;
mod binary;
mod btf;
mod code;
mod data;
mod dwarf;
mod frames;
mod functions;
mod gaps;
mod hardening;
mod header;
mod layout;
mod notes;
mod pairs;
mod read;
mod sections;
mod sides;
mod texts;
mod types;
pub(crate) mod words;
mod x86;

use crate::{Finding, Kind, Limits, Pair};
use binary::Binary;
use layout::Layout;
use sections::Class;
use words::count;

/// Whether it begins as an ELF file does.
pub(crate) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

/// Compares two ELF files.
pub(crate) fn compare(pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
    if pair.before == pair.after {
        return Vec::new();
    }
    let read = [pair.before, pair.after].map(Binary::read);
    let (mut before, mut after) = match read {
        [Ok(before), Ok(after)] => (before, after),
        read => {
            let sides = ["the first as ELF", "the second as ELF"];
            let errors = sides.into_iter().zip(read).filter_map(|(what, read)| {
                read.err().map(|error| Finding::not_compared(what, chain(&error)))
            });
            let mut findings: Vec<Finding> = errors.collect();
            findings.extend(crate::text::bytes(pair));
            return findings;
        }
    };
    let mut findings = header::compare(&before, &after);
    if before.stripped != after.stripped {
        let word = |binary: &Binary<'_>| if binary.stripped { "none" } else { "there" };
        let what = "symbol table of functions and variables";
        let finding = Finding::changed(Kind::Identity, what, word(&before), word(&after));
        findings.push(finding.note("compared by exported symbols only, as if both had none"));
        before.strip();
        after.strip();
    }
    if before.header.machine == after.header.machine && before.header.is_64 == after.header.is_64 {
        findings.extend(contents(&before, &after, limits.symbols));
    } else {
        let why = "they are for different machines";
        findings.push(Finding::not_compared("functions and variables", why));
    }
    findings.extend(notes::compare(&before, &after));
    match [&before, &after].map(is_module) {
        [true, true] => findings.extend(crate::kernel::module(pair)),
        [false, false] => {}
        _ => findings.push(Finding::not_compared("as kernel modules", "only one of them is one")),
    }
    if findings.is_empty() {
        let what = "layout of the file";
        findings.push(Finding::bare(Kind::Encoding, what).note("nothing that is loaded differs"));
    }
    findings.sort_by_key(|finding| finding.kind.is_boring());
    findings
}

/// Whether it is a kernel module that can be read as one.
fn is_module(binary: &Binary<'_>) -> bool {
    let is_short = |section: &binary::Section<'_>| binary::has_short_texts(section.data);
    binary.section(b".modinfo").is_some() && binary.section(b".strtab").is_none_or(is_short)
}

/// Symbols, functions, variables and sections.
fn contents(before: &Binary<'_>, after: &Binary<'_>, most: usize) -> Vec<Finding> {
    let findings = abi::compare(before, after);
    let layouts = [before, after].map(Layout::new);
    let [old, new] = &layouts;
    let pairs = pairs::Pairs::of(old, new);
    let functions = functions::compare(old, new, &pairs);
    let sides =
        sides::Sides { before: old, after: new, functions: &functions, types: Default::default() };
    let variables = data::compare(&sides, &pairs);
    let is_told = !functions.changed.is_empty() || !variables.findings.is_empty();
    let moved = (functions.moved, variables.moved, variables.followed);
    let (of_data, reworded) = texts::with_users(variables.findings, functions.reworded);
    let of_functions = [reworded, functions.findings].concat();
    let mut findings = few(findings, most, Kind::Symbol, "symbols");
    findings.extend(few(of_data, most, Kind::Data, "data"));
    findings.extend(few(of_functions, most, Kind::Code, "functions"));
    findings.extend(others(before, after, is_told || moved.0 > 0));
    let moves = [(moved.0, "function"), (moved.1, "place"), (moved.2, "entry of tables of jumps")];
    let moves = moves.into_iter().filter(|(number, _)| *number > 0);
    let moves: Vec<String> = moves
        .map(|(number, noun)| match noun {
            "entry of tables of jumps" => format!("{number} entries of tables of jumps"),
            _ => count(number, noun),
        })
        .collect();
    if !moves.is_empty() {
        let note = "only addresses differ: each does and points to the same";
        findings
            .push(Finding::bare(Kind::Encoding, format!("moved: {}", moves.join(", "))).note(note));
    }
    findings
}

/// The first of many findings, and how many more there are: one kind does not hide the others.
fn few(mut findings: Vec<Finding>, most: usize, kind: Kind, noun: &str) -> Vec<Finding> {
    let more = findings.len().saturating_sub(most);
    if more > 0 {
        findings.truncate(most);
        let what = format!("{more} more differences of {noun}, not told one by one");
        findings.push(Finding::bare(kind, what));
    }
    findings
}

/// Sections that came or went, and tables that follow from the rest.
fn others(before: &Binary<'_>, after: &Binary<'_>, is_told: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let has = |binary: &Binary<'_>, name: &[u8]| binary.section(name).is_some();
    let is_told_elsewhere = |name: &[u8]| {
        matches!(Class::of(name), Class::Debug | Class::Identity | Class::Module)
            // Those of files that are not linked yet follow their sections.
            || name.starts_with(b".rel") && !(before.is_linked() || after.is_linked())
            || matches!(name, b"" | b".symtab" | b".strtab" | b".symtab_shndx")
    };
    let mut seen = std::collections::BTreeSet::new();
    for (binary, other, is_new) in [(before, after, false), (after, before, true)] {
        for section in binary.sections.iter().filter(|one| !is_told_elsewhere(one.name)) {
            if has(other, section.name) || !seen.insert((is_new, section.name)) {
                continue;
            }
            let what = format!("section {}", words::name(section.name));
            let size = count(section.size as usize, "byte");
            findings.push(match is_new {
                true => Finding::added(Kind::Section, what, size),
                false => Finding::removed(Kind::Section, what, size),
            });
        }
    }
    let mut follow = Vec::new();
    for section in &after.sections {
        let Some(old) = before.section(section.name) else { continue };
        let flags = [old.flags, section.flags].map(permissions);
        if flags[0] != flags[1] {
            let what = format!("section {}", words::name(section.name));
            let [old, new] = flags;
            findings.push(Finding::changed(Kind::Section, what, old, new));
        }
        let class = Class::of(section.name);
        if old.data == section.data {
            continue;
        }
        let is_table = class == Class::Table;
        let is_quiet = !section.is_loaded() && class == Class::Content;
        let is_own = matches!(
            section.name,
            b".dynamic" | b".interp" | b".note.gnu.property" | b".gnu.version_r" | b""
        ) || section.name.starts_with(b".rel");
        if is_quiet {
            let what = format!("section {}", words::name(section.name));
            let sizes = [old, section].map(|one| count(one.data.len(), "byte"));
            let [from, to] = sizes;
            let finding = Finding::changed(Kind::Section, what, from, to);
            findings.push(finding.note("not loaded when it runs"));
        } else if is_table && !is_own {
            follow.push(words::name(section.name));
        }
    }
    follow.sort();
    follow.dedup();
    if !follow.is_empty() {
        let note = match is_told {
            true => "they follow from what else differs",
            false => "nothing that they are made of differs in meaning",
        };
        let what = format!("tables: {}", follow.join(", "));
        findings.push(Finding::bare(Kind::Encoding, what).note(note));
    }
    findings
}

fn permissions(flags: u64) -> String {
    let letters = [(2, "loaded"), (1, "writable"), (4, "executable")];
    let found = letters.iter().filter(|(bit, _)| flags & bit != 0);
    let found: Vec<&str> = found.map(|(_, word)| *word).collect();
    if found.is_empty() { "not loaded".to_owned() } else { found.join(", ") }
}

/// An error with its causes, as one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

/// How many types some type data holds, each of which is asked for its fields.
pub(crate) fn count_types(own: &[u8], base: Option<&[u8]>) -> Result<usize, btf::BtfError> {
    Ok(btf::read(own, base)?.asked())
}
