//! PE programs, such as unified kernel images: their sections as entries.
//!
//! What the sections do not cover are the entries `header` and `certificates`. A second section of a
//! name, as images of several profiles have them, gets `~2` behind it. Sources: Microsoft's "PE
//! Format"; the UAPI group's "Unified Kernel Image".

use crate::{
    Bytes, Entry, EntryKind, UnfoldError,
    numbers::{byte, le16, le32, le64, read, trimmed, until_zero},
    walk::Walk,
};
use std::collections::BTreeMap;

const NAME: &str = "PE program";

/// Where the header of a PE program stands, if it is one.
pub(crate) fn header(bytes: &dyn Bytes) -> Option<u64> {
    let start = read(bytes, 0, 64).ok()?;
    let at = u64::from(le32(&start, 60));
    let magic = read(bytes, at, 4).ok()?;
    (start.starts_with(b"MZ") && magic == b"PE\0\0").then_some(at)
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let at = header(bytes).ok_or_else(|| UnfoldError::malformed(NAME, "it has no header", 0))?;
    let coff = read(bytes, at + 4, 20)?;
    let (count, length) = (le16(&coff, 2), usize::from(le16(&coff, 16)));
    let optional = read(bytes, at + 24, length)?;
    let mut top = Entry::plain(Vec::new(), EntryKind::Directory);
    top.fact("pe.machine", format!("{:#x}", le16(&coff, 0)));
    top.fact("pe.time", le32(&coff, 4));
    top.fact("pe.characteristics", format!("{:#x}", le16(&coff, 18)));
    let is_64 = le16(&optional, 0) == 0x20b;
    if length >= 96 {
        top.fact("pe.entry", format!("{:#x}", le32(&optional, 16)));
        let base = if is_64 { le64(&optional, 24) } else { le32(&optional, 28).into() };
        top.fact("pe.base", format!("{base:#x}"));
        top.fact("pe.subsystem", le16(&optional, 68));
        top.fact("pe.dll-characteristics", format!("{:#x}", le16(&optional, 70)));
    }
    walk.bare(&top)?;
    let table = at + 24 + length as u64;
    let end = table + u64::from(count) * 40;
    let plain = |name: &[u8]| Entry::plain(name.to_vec(), EntryKind::File(0));
    walk.range(plain(b"header"), bytes, 0, end)?;
    let strings = u64::from(le32(&coff, 8)).checked_add(u64::from(le32(&coff, 12)) * 18);
    let mut met: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for number in 0..u64::from(count) {
        let section = read(bytes, table + number * 40, 40)?;
        let name = name(bytes, &section, strings.filter(|_| le32(&coff, 8) != 0));
        let times = met.entry(name.clone()).or_default();
        *times += 1;
        let name = if *times > 1 { [&name, format!("~{times}").as_bytes()].concat() } else { name };
        let mut entry = plain(&name);
        entry.fact("pe.address", format!("{:#x}", le32(&section, 12)));
        entry.fact("pe.flags", format!("{:#x}", le32(&section, 36)));
        // In files, content is filled up to a multiple; in memory, with zeros to its size.
        let (in_memory, stored) = (le32(&section, 8), le32(&section, 16));
        let size = if in_memory == 0 { stored } else { stored.min(in_memory) };
        if in_memory > stored {
            entry.fact("pe.size-in-memory", in_memory);
        }
        let start = if size == 0 { 0 } else { u64::from(le32(&section, 20)) };
        walk.range(entry, bytes, start, size.into())?;
    }
    let directories = if is_64 { 108 } else { 92 };
    if le32(&optional, directories) > 4 && le32(&optional, directories + 4 + 36) > 0 {
        let (start, size) = (le32(&optional, directories + 36), le32(&optional, directories + 40));
        walk.range(plain(b"certificates"), bytes, start.into(), size.into())?;
    }
    Ok(())
}

/// The name of a section; long ones stand in the table of strings.
fn name(bytes: &dyn Bytes, section: &[u8], strings: Option<u64>) -> Vec<u8> {
    let short = trimmed(section.get(..8).unwrap_or_default());
    let long = || {
        let digits = std::str::from_utf8(short.strip_prefix(b"/")?).ok()?;
        let at = strings?.checked_add(digits.parse().ok()?)?;
        let left = bytes.len().checked_sub(at)?.min(256);
        let name = read(bytes, at, left as usize).ok()?;
        Some(until_zero(&name).to_vec()).filter(|name| !name.is_empty())
    };
    let name = long().unwrap_or_else(|| short.to_vec());
    let plain =
        |at: usize| if matches!(byte(&name, at), b'/' | 0) { b'_' } else { byte(&name, at) };
    match &name[..] {
        b"" | b"." | b".." => b"unnamed".to_vec(),
        _ => (0..name.len()).map(plain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Format,
        testing::{damaged, only, walked},
    };

    fn program() -> Vec<u8> {
        let mut bytes = vec![0; 0x600];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[60] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        let mut put = |at: usize, value: u32, width: usize| {
            bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        };
        put(0x84, 0x8664, 2);
        put(0x86, 3, 2);
        put(0x94, 240, 2);
        put(0x98, 0x20b, 2);
        put(0x98 + 108, 16, 4);
        put(0x98 + 108 + 36, 0x580, 4);
        put(0x98 + 108 + 40, 8, 4);
        for (number, size, stored, start) in
            [(0, 5, 0x200, 0x400), (1, 0x300, 0x80, 0x500), (2, 9, 9, 0x5ff)]
        {
            let at = 0x98 + 240 + number * 40;
            put(at + 8, size, 4);
            put(at + 12, 0x1000, 4);
            put(at + 16, stored, 4);
            put(at + 20, start, 4);
        }
        bytes[0x188..0x190].copy_from_slice(b".cmdline");
        bytes[0x188 + 40..0x190 + 40].copy_from_slice(b".cmdline");
        bytes[0x188 + 80..0x188 + 86].copy_from_slice(b".linux");
        bytes[0x400..0x405].copy_from_slice(b"quiet");
        bytes
    }

    #[test]
    fn sections_are_entries() {
        let seen = walked(Format::Pe, &program());
        assert_eq!(seen.paths(), ["", "header", ".cmdline", ".cmdline~2", "certificates"]);
        assert_eq!(seen.get(".cmdline").1, b"quiet");
        assert_eq!(seen.get(".cmdline~2").1.len(), 0x80);
        assert_eq!(seen.facts(".cmdline~2")["pe.size-in-memory"], "768");
        assert_eq!(seen.unread[0].0, b".linux");
        assert_eq!(only(Format::Pe, &program(), ".cmdline").unwrap().entries.len(), 1);
        damaged(Format::Pe, &program());
    }
}
