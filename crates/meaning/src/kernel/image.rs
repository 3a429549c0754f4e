//! Kernels as boot loaders take them: what their headers say, and where the kernel itself is in them.
//!
//! Source: Linux 6.1, Documentation/x86/boot.rst (bzImage), Documentation/arm64/booting.rst (Image).

use super::pe::Part;
use crate::{
    Finding, Kind, Pair,
    elf::words::{count, name},
};
use std::ops::Range;

/// Whether it begins as a kernel does.
pub(crate) fn is_image(bytes: &[u8]) -> bool {
    is_x86(bytes) || is_arm(bytes)
}

fn is_x86(bytes: &[u8]) -> bool {
    bytes.get(0x202..0x206) == Some(b"HdrS")
}

fn is_arm(bytes: &[u8]) -> bool {
    bytes.get(0x38..0x3c) == Some(b"ARM\x64")
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Fields that decide how it is loaded: name, place, size.
const X86: &[(&str, usize, usize)] = &[
    ("flags of the root device", 0x1f2, 2),
    ("video mode", 0x1fa, 2),
    ("root device", 0x1fc, 2),
    ("version of the boot protocol", 0x206, 2),
    ("kind of boot loader", 0x210, 1),
    ("load flags", 0x211, 1),
    ("32-bit entry", 0x214, 4),
    ("highest address of an initramfs", 0x22c, 4),
    ("alignment", 0x230, 4),
    ("relocatable", 0x234, 1),
    ("extended load flags", 0x236, 2),
    ("longest command line", 0x238, 4),
    ("preferred address", 0x258, 8),
];
const ARM: &[(&str, usize, usize)] = &[("text offset", 0x8, 8), ("flags", 0x18, 8)];

/// Compares headers; the kernel inside is a part of its own.
pub(crate) fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let (before, after) = (pair.before, pair.after);
    if before == after {
        return Vec::new();
    }
    let mut findings = version(before, after);
    if is_x86(before) != is_x86(after) {
        let word = |bytes| if is_x86(bytes) { "bzImage of x86" } else { "Image of AArch64" };
        findings.push(Finding::changed(Kind::Section, "form", word(before), word(after)));
        return findings;
    }
    for (what, at, width) in if is_x86(after) { X86 } else { ARM } {
        let [old, new] = [before, after].map(|bytes| number(bytes, *at, *width));
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            let [old, new] = [old, new].map(|value| format!("{value:#x}"));
            findings.push(Finding::changed(Kind::Section, *what, old, new));
        }
    }
    let [old, new] = [before, after].map(|bytes| payload(bytes).unwrap_or(0..bytes.len()));
    let codecs = [(before, &old), (after, &new)].map(|(bytes, range)| codec(bytes, range));
    if codecs[0] != codecs[1] {
        let finding = Finding::changed(Kind::Section, "compression", codecs[0], codecs[1]);
        findings.push(finding.note("boot loaders or firmware may have to know it"));
    }
    if before.get(old.clone()) != after.get(new.clone()) {
        let what = "the kernel inside";
        let [old, new] = [old, new].map(|range| count(range.len(), "byte"));
        let note = "its symbols, configuration and modules tell what it means";
        findings.push(Finding::changed(Kind::Bytes, what, old, new).note(note));
    }
    if findings.is_empty() {
        findings.push(Finding::bare(Kind::Identity, "boot code and checksums around the kernel"));
    }
    findings
}

/// What it says that it is: `6.1.176 (user@host) #1 SMP time`.
fn version(before: &[u8], after: &[u8]) -> Vec<Finding> {
    let [old, new] = [before, after].map(|bytes| banner(bytes).map(name).unwrap_or_default());
    if old == new {
        return Vec::new();
    }
    let release = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    let releases = [release(&old), release(&new)];
    if releases[0] == releases[1] {
        let note = "the same release: who built it, when, and with what";
        return vec![Finding::changed(Kind::Identity, "version", old, new).note(note)];
    }
    let [a, b] = releases;
    let note = format!("{old} -> {new}");
    vec![Finding::changed(Kind::Setting, "release of the kernel", a, b).note(note)]
}

fn banner(bytes: &[u8]) -> Option<&[u8]> {
    const LONGEST: usize = 400;
    let start = match is_x86(bytes) {
        true => (number(bytes, 0x20e, 2)? as usize).checked_add(0x200)?,
        false => {
            const MARK: &[u8] = b"Linux version ";
            bytes.windows(MARK.len()).position(|window| window == MARK)? + MARK.len()
        }
    };
    let rest = bytes.get(start..bytes.len().min(start.saturating_add(LONGEST)))?;
    let end = rest.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Where the compressed kernel of a bzImage lies.
fn payload(bytes: &[u8]) -> Option<Range<usize>> {
    if !is_x86(bytes) || number(bytes, 0x206, 2)? < 0x208 {
        return None;
    }
    let sectors = match number(bytes, 0x1f1, 1)? {
        0 => 4,
        sectors => sectors,
    };
    let start = ((sectors + 1) * 512).checked_add(number(bytes, 0x248, 4)?)?;
    let end = start.checked_add(number(bytes, 0x24c, 4)?)?;
    let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
    (range.start < range.end && range.end <= bytes.len()).then_some(range)
}

fn codec(bytes: &[u8], range: &Range<usize>) -> &'static str {
    match bytes.get(range.clone()).unwrap_or_default() {
        [0x1f, 0x8b, ..] => "gzip",
        [0xfd, b'7', b'z', b'X', ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [b'B', b'Z', b'h', ..] => "bzip2",
        [0x5d, 0, 0, ..] => "lzma",
        [0x02, 0x21, 0x4c, 0x18, ..] => "lz4",
        [0x89, b'L', b'Z', b'O', ..] => "lzo",
        _ => "none",
    }
}

/// The kernel inside, as a part.
pub(super) fn parts(bytes: &[u8]) -> Vec<Part> {
    let range = payload(bytes);
    range.map(|range| Part { name: "kernel".to_owned(), range }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(version: &str, payload: &[u8], flags: u8) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[0x1f1] = 1;
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
        bytes[0x20e..0x210].copy_from_slice(&0x100u16.to_le_bytes());
        bytes[0x211] = flags;
        bytes[0x24c] = payload.len() as u8;
        bytes[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn a_release_is_told_apart_from_who_built_it() {
        let told = |before: Vec<u8>, after: Vec<u8>| {
            assert!(is_image(&before));
            let pair = Pair { path: "vmlinuz", before: &before, after: &after };
            compare(&pair).into_iter().map(|one| (one.kind, one.what)).collect::<Vec<_>>()
        };
        let first = image("6.1.1 (a@b) #1", b"\x1f\x8bx", 1);
        let rebuilt = image("6.1.1 (c@d) #2", b"\x1f\x8bx", 1);
        assert_eq!(told(first.clone(), rebuilt), [(Kind::Identity, "version".to_owned())]);
        let newer = image("6.1.2 (a@b) #1", b"\xfd7zXy", 0x81);
        let expected = [
            (Kind::Setting, "release of the kernel".to_owned()),
            (Kind::Section, "load flags".to_owned()),
            (Kind::Section, "compression".to_owned()),
            (Kind::Bytes, "the kernel inside".to_owned()),
        ];
        assert_eq!(told(first.clone(), newer), expected);
        assert_eq!(parts(&first)[0].range, 1024..1027);
    }

    #[test]
    fn damaged_headers_give_no_parts() {
        let mut bytes = image("6.1", b"\x1f\x8bx", 1);
        bytes[0x248..0x24c].fill(0xff);
        assert!(parts(&bytes).is_empty());
        for length in 0x206..bytes.len() {
            let pair = Pair { path: "x", before: &bytes[..length], after: &bytes };
            compare(&pair);
        }
    }
}
