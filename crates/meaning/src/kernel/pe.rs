//! Programs for UEFI, and kernels with their command line and initramfs in one file (UKI): their
//! sections, each of which may be a file of its own.
//!
//! Source: Microsoft PE format specification (headers, section table, certificate table);
//! UAPI.5 Unified Kernel Image (names of sections).

use crate::{
    Finding, Kind, Pair,
    elf::words::{count, name, quoted},
    tables::command_line,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A part of a file that can be compared as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is called in the file: `.initrd`, `kernel`.
    pub name: String,
    /// Where it lies.
    pub range: Range<usize>,
}

/// Whether it begins as a program for UEFI does.
pub(crate) fn is_pe(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MZ") && header(bytes).is_some()
}

struct Header {
    machine: u64,
    time: u64,
    parts: Vec<Part>,
    /// Bytes of signatures.
    signed: u64,
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn header(bytes: &[u8]) -> Option<Header> {
    let at = number(bytes, 0x3c, 4)? as usize;
    if bytes.get(at..at.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let optional = at.checked_add(24)?;
    let size = number(bytes, at + 20, 2)? as usize;
    // The fifth directory is that of certificates, which lie outside of all sections.
    let directories = match number(bytes, optional, 2) {
        Some(0x20b) => optional + 112,
        _ => optional + 96,
    };
    let signed = match size > directories - optional + 4 * 8 + 8 {
        true => number(bytes, directories + 4 * 8 + 4, 4).unwrap_or_default(),
        false => 0,
    };
    let table = optional.checked_add(size)?;
    let parts = (0..number(bytes, at + 6, 2)? as usize).map_while(|index| {
        let entry = table.checked_add(index * 40)?;
        let own = bytes.get(entry..entry.checked_add(8)?)?;
        let end = own.iter().position(|byte| *byte == 0).unwrap_or(own.len());
        let size = number(bytes, entry + 8, 4)?.min(number(bytes, entry + 16, 4)?) as usize;
        let start = number(bytes, entry + 20, 4)? as usize;
        let range = start..start.checked_add(size)?;
        Some((name(&own[..end]), range))
    });
    // Sections do not overlap; hostile ones may all be the whole file.
    let mut left = bytes.len();
    let parts = parts.filter(|(_, range)| range.end <= bytes.len());
    let parts = parts.take_while(|(_, range)| match left.checked_sub(range.len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    let parts = parts.map(|(name, range)| Part { name, range }).collect();
    Some(Header {
        machine: number(bytes, at + 4, 2)?,
        time: number(bytes, at + 8, 4)?,
        parts,
        signed,
    })
}

/// The parts of a program for UEFI or of a bzImage; none of other files.
pub fn parts(bytes: &[u8]) -> Vec<Part> {
    if super::image::is_image(bytes) {
        return super::image::parts(bytes);
    }
    match bytes.starts_with(b"MZ") {
        true => header(bytes).map(|header| header.parts).unwrap_or_default(),
        false => Vec::new(),
    }
}

/// Compares headers and sections. Sections that are files are told with their sizes.
pub(crate) fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let (Some(before), Some(after)) = (header(pair.before), header(pair.after)) else {
        return crate::text::bytes(pair);
    };
    if pair.before == pair.after {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if before.machine != after.machine {
        let [old, new] = [&before, &after].map(|header| format!("{:#x}", header.machine));
        findings.push(Finding::changed(Kind::Section, "machine", old, new));
    }
    let mut sections: BTreeMap<&str, [Option<&[u8]>; 2]> = BTreeMap::new();
    for (side, (header, bytes)) in
        [(&before, pair.before), (&after, pair.after)].into_iter().enumerate()
    {
        for part in &header.parts {
            sections.entry(&part.name).or_default()[side] = bytes.get(part.range.clone());
        }
    }
    for (name, sides) in sections {
        let what = format!("section {name}");
        let size = |bytes: &[u8]| count(bytes.len(), "byte");
        match sides {
            [Some(old), Some(new)] if old != new => findings.extend(section(name, old, new)),
            [Some(old), None] => {
                findings.push(Finding::removed(Kind::Section, what, size(old)));
            }
            [None, Some(new)] => findings.push(Finding::added(Kind::Section, what, size(new))),
            _ => {}
        }
    }
    let word = |signed: bool| if signed { "signed" } else { "not signed" };
    let signed = [before.signed > 0, after.signed > 0];
    if signed[0] != signed[1] {
        let finding =
            Finding::changed(Kind::Metadata, "signature", word(signed[0]), word(signed[1]));
        findings.push(finding.note("firmware with Secure Boot refuses programs without one"));
    }
    if before.time != after.time {
        let [old, new] = [before.time, after.time].map(|time| time.to_string());
        findings.push(Finding::changed(Kind::Identity, "time in the header", old, new));
    }
    if findings.is_empty() {
        let what = "headers, padding or signature: no section differs";
        findings.push(Finding::bare(Kind::Identity, what));
    }
    findings
}

fn section(name: &str, old: &[u8], new: &[u8]) -> Vec<Finding> {
    let text = |bytes: &'_ [u8]| {
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(bytes).trim().to_owned()
    };
    match name {
        ".cmdline" => {
            let (old, new) = (text(old), text(new));
            let (before, after) = (old.as_bytes(), new.as_bytes());
            let found = command_line(&Pair { path: "cmdline", before, after });
            match found.is_empty() {
                true => vec![Finding::bare(Kind::Encoding, "spaces of the command line")],
                false => found,
            }
        }
        ".uname" => {
            vec![Finding::changed(Kind::Setting, "release of the kernel", text(old), text(new))]
        }
        ".osrel" | ".sbat" | ".pcrpkey" | ".profile" => lines(name, &text(old), &text(new)),
        _ => {
            let [from, to] = [old, new].map(|bytes| count(bytes.len(), "byte"));
            let finding = Finding::changed(Kind::Bytes, format!("section {name}"), from, to);
            vec![match name {
                ".linux" | ".initrd" | ".ucode" | ".dtb" | ".splash" => {
                    finding.note("a file of its own")
                }
                _ => finding,
            }]
        }
    }
}

fn lines(name: &str, old: &str, new: &str) -> Vec<Finding> {
    let entries = |text: &str| -> BTreeMap<String, String> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let split = |line: &str| match line.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (line.to_owned(), String::new()),
        };
        lines.map(split).collect()
    };
    let (a, b) = (entries(old), entries(new));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let rows = keys.into_iter().filter_map(|key| {
        let what = format!("{name} {key}");
        let shown = |value: &String| quoted(value.as_bytes());
        match (a.get(key), b.get(key)) {
            (Some(old), Some(new)) if old != new => {
                Some(Finding::changed(Kind::Setting, what, shown(old), shown(new)))
            }
            (Some(old), None) => Some(Finding::removed(Kind::Setting, what, shown(old))),
            (None, Some(new)) => Some(Finding::added(Kind::Setting, what, shown(new))),
            _ => None,
        }
    });
    let rows: Vec<Finding> = rows.collect();
    match rows.is_empty() {
        true => vec![Finding::bare(Kind::Encoding, format!("section {name}"))],
        false => rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(sections: &[(&str, &[u8])], time: u32) -> Vec<u8> {
        let mut bytes = vec![0; 0x80];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x40;
        bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
        bytes[0x44..0x46].copy_from_slice(&0x8664u16.to_le_bytes());
        bytes[0x46] = sections.len() as u8;
        bytes[0x48..0x4c].copy_from_slice(&time.to_le_bytes());
        bytes.truncate(0x58);
        let mut at = bytes.len() + 40 * sections.len();
        for (name, data) in sections {
            let mut entry = [0; 40];
            entry[..name.len()].copy_from_slice(name.as_bytes());
            for place in [8, 16] {
                entry[place..place + 4].copy_from_slice(&(data.len() as u32).to_le_bytes());
            }
            entry[20..24].copy_from_slice(&(at as u32).to_le_bytes());
            bytes.extend(entry);
            at += data.len();
        }
        sections.iter().for_each(|(_, data)| bytes.extend(*data));
        bytes
    }

    #[test]
    fn words_of_the_command_line_are_told_one_by_one() {
        let before = program(&[(".cmdline", b"ro quiet console=tty0\0"), (".linux", b"x")], 1);
        let after = program(&[(".cmdline", b"ro console=ttyS0 debug\0"), (".linux", b"yz")], 2);
        assert!(is_pe(&before));
        let found = compare(&Pair { path: "a.efi", before: &before, after: &after });
        let rows: Vec<_> = found
            .iter()
            .map(|one| (one.what.as_str(), one.before.as_deref(), one.after.as_deref()))
            .collect();
        let expected = [
            ("console", Some("tty0"), Some("ttyS0")),
            ("debug", None, Some("given")),
            ("quiet", Some("given"), None),
            ("section .linux", Some("1 byte"), Some("2 bytes")),
            ("time in the header", Some("1"), Some("2")),
        ];
        assert_eq!(rows, expected);
        assert_eq!(parts(&after).len(), 2);
        assert_eq!(&after[parts(&after)[1].range.clone()], b"yz");
    }

    #[test]
    fn a_cut_file_gives_no_parts_beyond_its_end() {
        let bytes = program(&[(".osrel", b"ID=a\n"), (".sbat", b"sbat,1\n")], 1);
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            assert!(parts(cut).iter().all(|part| part.range.end <= length));
            compare(&Pair { path: "a.efi", before: cut, after: &bytes });
        }
    }
}
