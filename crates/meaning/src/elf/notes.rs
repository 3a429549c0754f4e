//! What was written for a build and has no effect: build ids, compilers, debug information.

use super::{
    binary::{Binary, name_at},
    sections::Class,
    words::{count, name},
};
use crate::{Finding, Kind};
use std::collections::BTreeSet;

/// Compares build ids, compilers and debug information.
pub(super) fn compare(before: &Binary<'_>, after: &Binary<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let binaries = [before, after];
    let row = |what: &str, texts: [Option<String>; 2]| {
        let finding = match texts {
            [Some(a), Some(b)] if a != b => Finding::changed(Kind::Identity, what, a, b),
            [Some(a), None] => Finding::removed(Kind::Identity, what, a),
            [None, Some(b)] => Finding::added(Kind::Identity, what, b),
            _ => return None,
        };
        Some(finding)
    };
    findings.extend(row("build id", binaries.map(|binary| note(binary, b".note.gnu.build-id"))));
    findings.extend(compiler(binaries));
    let debuglink =
        |binary: &Binary<'_>| Some(name(name_at(binary.section(b".gnu_debuglink")?.data, 0)));
    let links = binaries.map(debuglink);
    let is_same_link = links[0] == links[1];
    findings.extend(row("file with debug information", links));
    let mut others = BTreeSet::new();
    let mut sizes = [0, 0];
    for (side, (binary, other)) in [(before, after), (after, before)].into_iter().enumerate() {
        for section in &binary.sections {
            let class = Class::of(section.name);
            let is_own = matches!(class, Class::Debug)
                || matches!(
                    section.name,
                    b".gnu_debugdata" | b".gnu_debugaltlink" | b".orc_header"
                )
                || (section.name == b".gnu_debuglink" && is_same_link)
                || section.name.starts_with(b".note.")
                    && class == Class::Identity
                    && section.name != b".note.gnu.build-id";
            if !is_own {
                continue;
            }
            sizes[side] += section.data.len();
            let same = other.section(section.name);
            if same.is_none_or(|same| same.data != section.data) {
                others.insert(section.name);
            }
        }
    }
    if !others.is_empty() {
        let names: Vec<String> = others.into_iter().map(name).collect();
        let [from, to] = sizes.map(|size| count(size, "byte"));
        let what = "debug and build information";
        findings.push(Finding::changed(Kind::Identity, what, from, to).note(names.join(", ")));
    }
    findings
}

/// The content of a note, in hexadecimal.
fn note(binary: &Binary<'_>, section: &[u8]) -> Option<String> {
    let data = binary.section(section)?.data;
    let name = binary.word(data, 4)? as usize;
    let size = binary.word(data.get(4..)?, 4)? as usize;
    let start = 12usize.checked_add(name.checked_next_multiple_of(4)?)?;
    let content = data.get(start..start.checked_add(size)?)?;
    Some(content.iter().take(64).map(|byte| format!("{byte:02x}")).collect())
}

/// The compilers that the file names.
fn compiler([before, after]: [&Binary<'_>; 2]) -> Option<Finding> {
    let list = |binary: &Binary<'_>| -> BTreeSet<String> {
        let data = binary.section(b".comment").map(|section| section.data).unwrap_or_default();
        let texts = data.split(|byte| *byte == 0).filter(|text| !text.is_empty());
        texts.map(name).collect()
    };
    let (old, new) = (list(before), list(after));
    if old == new {
        let data = [before, after].map(|binary| binary.section(b".comment").map(|one| one.data));
        let what = "order of compilers in .comment";
        return (data[0] != data[1]).then(|| Finding::bare(Kind::Identity, what));
    }
    let joined = |list: &BTreeSet<String>| list.iter().cloned().collect::<Vec<_>>().join(", ");
    let (from, to) = (joined(&old), joined(&new));
    let finding = match (old.is_empty(), new.is_empty()) {
        (true, _) => Finding::added(Kind::Identity, "compiler", to),
        (_, true) => Finding::removed(Kind::Identity, "compiler", from),
        _ => Finding::changed(Kind::Identity, "compiler", from, to),
    };
    Some(finding.note("built by another compiler: functions may differ though no source does"))
}
