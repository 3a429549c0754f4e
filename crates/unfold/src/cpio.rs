//! `cpio` in its ASCII forms (`newc`, `crc`, `odc`), and what Linux takes as an initramfs: several
//! such archives with zeros between them, and a compressed one at the end.
//!
//! ```text
//! header (110, or 76 of odc) name 0 padding to 4 content padding to 4 … TRAILER!!!
//! ```
//!
//! Entries of a further archive stand under `archive-2/`, `archive-3/` …: the kernel unpacks all over
//! each other, but microcode in the first is found by its place alone. What follows in compressed form
//! is the entry `archive-N` itself, whose content is to be opened further. Sources:
//! `Documentation/driver-api/early-userspace/buffer-format.rst` of Linux, `cpio(5)` of FreeBSD.

use crate::{
    Entry, EntryKind, UNKNOWN_SIZE, UnfoldError,
    source::Source,
    walk::{Damage, Walk},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, Read},
};

const NAME: &str = "cpio";
const MAX_NAME: u64 = 64 << 10;

fn malformed(what: &str, source: &Source<'_>) -> UnfoldError {
    UnfoldError::malformed(NAME, what, source.at())
}

/// The header of one entry.
struct Header {
    inode: (u64, u64),
    mode: u32,
    uid: u32,
    gid: u32,
    links: u64,
    mtime: i64,
    size: u64,
    device: (u32, u32),
    name: u64,
    /// To what names and contents are padded.
    align: u64,
}

pub(crate) fn walk(source: &mut Source<'_>, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    for number in 1u64.. {
        let prefix = if number == 1 { String::new() } else { format!("archive-{number}") };
        match source.fill_buf()? {
            [] => break,
            // A seventh of the magic is enough, since the buffer may end here.
            [b'0', ..] => archive(source, walk, prefix.as_bytes())?,
            _ if number == 1 => return Err(malformed("it does not start with `0707`", source)),
            _ => {
                let mut entry = Entry::plain(prefix.into_bytes(), EntryKind::File(UNKNOWN_SIZE));
                entry.fact("cpio.offset", source.at());
                walk.entry(&entry, source, Damage::Fatal)?;
                break;
            }
        }
        zeros(source)?;
    }
    Ok(())
}

/// Jumps over zeros.
fn zeros(source: &mut Source<'_>) -> Result<(), UnfoldError> {
    loop {
        let held = source.fill_buf()?;
        let count = held.iter().take_while(|byte| **byte == 0).count();
        let ends = count < held.len() || held.is_empty();
        source.consume(count);
        if ends {
            return Ok(());
        }
    }
}

/// One archive, up to its trailer or the end.
fn archive(source: &mut Source<'_>, walk: &mut Walk<'_>, prefix: &[u8]) -> Result<(), UnfoldError> {
    let start = source.at();
    let mut names: BTreeMap<(u64, u64), Vec<u8>> = BTreeMap::new();
    while let Some(magic) = source.block::<6>()? {
        let header = match &magic {
            b"070701" | b"070702" => newc(source)?,
            b"070707" => odc(source)?,
            _ => return Err(malformed("an entry does not start with `0707`", source)),
        };
        if header.name == 0 || header.name > MAX_NAME {
            return Err(malformed("a name has an impossible length", source));
        }
        let name = source.vec(header.name as usize)?;
        pad(source, start, header.align)?;
        let name = crate::numbers::until_zero(&name);
        if name == b"TRAILER!!!" && header.size == 0 {
            return Ok(());
        }
        let raw = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        let after = source.at().checked_add(header.size);
        let after = after.ok_or_else(|| malformed("a size is too large", source))?;
        if let Some(path) = walk.path(&raw) {
            entry(source, walk, path, &header, &mut names)?;
        }
        let left = after.checked_sub(source.at());
        source.skip(left.ok_or_else(|| malformed("a link is longer than its size", source))?)?;
        pad(source, start, header.align)?;
    }
    Ok(())
}

fn entry(
    source: &mut Source<'_>,
    walk: &mut Walk<'_>,
    path: Vec<u8>,
    header: &Header,
    names: &mut BTreeMap<(u64, u64), Vec<u8>>,
) -> Result<(), UnfoldError> {
    let kind = match (header.mode & 0o170_000, Entry::kind_of_mode(header.mode, header.size)) {
        (_, Some(kind)) => kind,
        (0o120_000, _) if header.size <= MAX_NAME => {
            EntryKind::Symlink(source.vec(header.size as usize)?)
        }
        (0o020_000, _) => EntryKind::CharacterDevice(header.device.0, header.device.1),
        (0o060_000, _) => EntryKind::BlockDevice(header.device.0, header.device.1),
        _ => {
            walk.unread(&path, &format!("its mode {:o} is of no known kind", header.mode));
            return Ok(());
        }
    };
    let mut entry = Entry {
        path,
        mode: header.mode & 0o7777,
        uid: header.uid,
        gid: header.gid,
        mtime: Some(header.mtime),
        xattrs: Vec::new(),
        at: matches!(kind, EntryKind::File(_)).then_some(source.at()),
        kind,
    };
    // Of several names of a file, the last has the content: those before it are links to it in
    // spirit, but as they stand they are empty. What comes after the content links to it.
    if header.links > 1 && matches!(entry.kind, EntryKind::File(_)) {
        match names.get(&header.inode) {
            Some(first) if header.size == 0 => {
                entry.kind = EntryKind::HardLink(first.clone());
                entry.at = None;
            }
            _ => drop(names.insert(header.inode, entry.path.clone())),
        }
    }
    let mut content = source.by_ref().take(match entry.kind {
        EntryKind::File(size) => size,
        _ => 0,
    });
    walk.entry(&entry, &mut crate::ar::Whole(&mut content), Damage::Fatal)
}

fn pad(source: &mut Source<'_>, start: u64, align: u64) -> Result<(), UnfoldError> {
    let over = (source.at() - start) % align;
    // Padding may be left out at the very end.
    if over > 0 && !source.fill_buf()?.is_empty() {
        source.skip(align - over)?;
    }
    Ok(())
}

fn digits(field: &[u8], radix: u32, source: &Source<'_>) -> Result<u64, UnfoldError> {
    let text = std::str::from_utf8(field).ok().filter(|text| !text.starts_with('+'));
    let number = text.and_then(|text| u64::from_str_radix(text, radix).ok());
    number.ok_or_else(|| malformed("a number of a header is damaged", source))
}

fn newc(source: &mut Source<'_>) -> Result<Header, UnfoldError> {
    let bytes = source.vec(104)?;
    let field = |at: usize| digits(bytes.get(at * 8..at * 8 + 8).unwrap_or_default(), 16, source);
    let inode = (field(7)? << 32 | field(8)?, field(0)?);
    Ok(Header {
        inode,
        mode: field(1)? as u32,
        uid: field(2)? as u32,
        gid: field(3)? as u32,
        links: field(4)?,
        mtime: field(5)? as i64,
        size: field(6)?,
        device: (field(9)? as u32, field(10)? as u32),
        name: field(11)?,
        align: 4,
    })
}

fn odc(source: &mut Source<'_>) -> Result<Header, UnfoldError> {
    let bytes = source.vec(70)?;
    let field = |start: usize, length: usize| {
        digits(bytes.get(start..start + length).unwrap_or_default(), 8, source)
    };
    let device = field(36, 6)? as u32;
    Ok(Header {
        inode: (field(0, 6)?, field(6, 6)?),
        mode: field(12, 6)? as u32,
        uid: field(18, 6)? as u32,
        gid: field(24, 6)? as u32,
        links: field(30, 6)?,
        device: (device >> 8, device & 0xff),
        mtime: field(42, 11)? as i64,
        name: field(53, 6)?,
        size: field(59, 11)?,
        align: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Format,
        testing::{damaged, only, refused, walked},
    };

    fn newc(out: &mut Vec<u8>, name: &str, mode: u32, (inode, links): (u32, u32), content: &[u8]) {
        let start = out.len() % 4;
        let size = content.len();
        out.extend_from_slice(
            format!(
                "070701{inode:08x}{mode:08x}{:08x}{:08x}{links:08x}{:08x}{size:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{name}\0",
                1, 2, 3, 8, 1, 4, 64, name.len() + 1, 0
            )
            .as_bytes(),
        );
        out.resize((out.len() - start).next_multiple_of(4) + start, 0);
        out.extend_from_slice(content);
        out.resize((out.len() - start).next_multiple_of(4) + start, 0);
    }

    type Line<'a> = (&'a str, u32, (u32, u32), &'a [u8]);

    fn archive(entries: &[Line<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, mode, links, content) in entries {
            newc(&mut out, name, *mode, *links, content);
        }
        newc(&mut out, "TRAILER!!!", 0, (0, 1), b"");
        out
    }

    #[test]
    fn an_initramfs_is_all_its_archives() {
        let microcode = archive(&[("kernel/x86/ucode", 0o100644, (1, 1), b"code")]);
        let main = archive(&[
            (".", 0o40755, (1, 2), b""),
            ("init", 0o100755, (2, 2), b"#!"),
            ("linuxrc", 0o100755, (2, 2), b""),
            ("sh", 0o120777, (3, 1), b"bin/sh"),
            ("dev/null", 0o20666, (4, 1), b""),
        ]);
        let mut image = microcode;
        image.resize(1024, 0);
        image.extend_from_slice(&main);
        image.resize(2048, 0);
        image.extend_from_slice(b"\x1f\x8bcompressed");
        let seen = walked(Format::Cpio, &image);
        let under = [
            "archive-2",
            "archive-2/init",
            "archive-2/linuxrc",
            "archive-2/sh",
            "archive-2/dev/null",
        ];
        assert_eq!(seen.paths(), [&["kernel/x86/ucode"][..], &under, &["archive-3"]].concat());
        assert_eq!(
            seen.kind("archive-2/linuxrc"),
            &EntryKind::HardLink(b"archive-2/init".to_vec())
        );
        assert_eq!(seen.kind("archive-2/sh"), &EntryKind::Symlink(b"bin/sh".to_vec()));
        assert_eq!(seen.kind("archive-2/dev/null"), &EntryKind::CharacterDevice(4, 64));
        assert_eq!(seen.get("archive-3").1, b"\x1f\x8bcompressed");
        assert_eq!(seen.facts("archive-3")["cpio.offset"], "2048");
        let one = only(Format::Cpio, &image, "archive-2/init").unwrap();
        assert_eq!(
            (one.paths(), one.get("archive-2/init").1),
            (vec!["archive-2/init".to_owned()], &b"#!"[..])
        );
        damaged(Format::Cpio, &image);
    }

    #[test]
    fn the_old_form_is_read() {
        let header = |name: &str, mode: &str, size: usize| {
            let length = name.len() + 1;
            format!(
                "070707000001000002{mode}000003000004000001000000{:011o}{length:06o}{size:011o}{name}\0",
                9
            )
        };
        let text = header("a", "100644", 3) + "abc" + &header("TRAILER!!!", "000000", 0);
        let seen = walked(Format::Cpio, &text.into_bytes());
        let (entry, content) = seen.get("a");
        assert_eq!((content, entry.uid, entry.gid, entry.mtime), (&b"abc"[..], 3, 4, Some(9)));
    }

    #[test]
    fn damage_is_named() {
        let bytes = archive(&[("a", 0o100644, (1, 1), b"content")]);
        assert_eq!(refused(Format::Cpio, &bytes[..118].to_vec()), "it ends too early");
        let mut bad = bytes;
        bad[20] = b'z';
        assert!(refused(Format::Cpio, &bad).contains("a number of a header is damaged"));
    }
}
