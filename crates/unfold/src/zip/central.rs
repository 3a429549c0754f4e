//! The central directory of zip: where it is, and one entry of it.

use super::NAME;
use crate::{
    Bytes, UnfoldError,
    numbers::{byte, dos_time, le16, le32, le64, read},
    source::Source,
};

/// How far before the end the last record may start: a comment of 65535 bytes behind 22.
const MAX_END: u64 = 65_557;

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

pub(super) fn unknown_method(method: u16) -> UnfoldError {
    UnfoldError::unsupported(NAME, format!("compression method {method}"))
}

/// Where the directory is.
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) entries: u64,
    /// What stands before the archive, such as a program that unpacks it.
    pub(super) shift: u64,
}

pub(super) fn find(bytes: &dyn Bytes) -> Result<Directory, UnfoldError> {
    let length = bytes.len().min(MAX_END);
    let base = bytes.len() - length;
    let tail = read(bytes, base, length as usize)?;
    let is_end = |at: &usize| {
        le32(&tail, *at) == 0x0605_4b50 && at + 22 + usize::from(le16(&tail, at + 20)) <= tail.len()
    };
    let at = (0..tail.len().saturating_sub(21)).rev().find(is_end);
    let at = at.ok_or_else(|| malformed("there is no central directory", bytes.len()))?;
    let end = base + at as u64;
    if le16(&tail, at + 4) != le16(&tail, at + 6) {
        return Err(UnfoldError::unsupported(NAME, "an archive of several disks"));
    }
    let (mut entries, mut size, mut offset) = (
        u64::from(le16(&tail, at + 10)),
        u64::from(le32(&tail, at + 12)),
        u64::from(le32(&tail, at + 16)),
    );
    let mut before = end;
    let locator = end.checked_sub(20).and_then(|at| Some((at, read(bytes, at, 20).ok()?)));
    if let Some((at, locator)) = locator.filter(|(_, locator)| le32(locator, 0) == 0x0706_4b50) {
        // The record's own place does not count what stands before the archive: search it there too.
        let said = le64(&locator, 8);
        let places = [Some(said), at.checked_sub(56)];
        let record = places.into_iter().flatten().find_map(|place| {
            let record = read(bytes, place, 56).ok()?;
            (le32(&record, 0) == 0x0606_4b50).then_some((place, record))
        });
        let (place, record) = record.ok_or_else(|| malformed("a zip64 record is missing", at))?;
        (entries, size, offset) = (le64(&record, 32), le64(&record, 40), le64(&record, 48));
        before = place;
    }
    let start = before.checked_sub(size);
    let start = start.ok_or_else(|| malformed("the central directory is too large", end))?;
    let shift = start.checked_sub(offset);
    let shift = shift.ok_or_else(|| malformed("the central directory is misplaced", end))?;
    Ok(Directory { start, length: size, entries, shift })
}

/// What the directory says of one entry.
pub(super) struct Central {
    pub(super) name: Vec<u8>,
    pub(super) raw_name: Vec<u8>,
    flags: u16,
    pub(super) method: u16,
    pub(super) sum: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// With the kind, if it was written on Unix.
    pub(super) mode: Option<u32>,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: Option<i64>,
}

pub(super) fn next(source: &mut Source<'_>, start: u64) -> Result<Central, UnfoldError> {
    let bad = |what: &str, source: &Source<'_>| malformed(what, start + source.at());
    let header = source.block::<46>()?.filter(|header| le32(header, 0) == 0x0201_4b50);
    let header =
        header.ok_or_else(|| bad("an entry of the central directory is missing", source))?;
    let raw_name = source.vec(le16(&header, 28).into())?;
    let extra = source.vec(le16(&header, 30).into())?;
    source.skip(le16(&header, 32).into())?;
    let (is_unix, attributes) = (matches!(byte(&header, 5), 3 | 19), le32(&header, 38));
    let mode = Some(attributes >> 16).filter(|mode| is_unix && *mode != 0);
    let mut central = Central {
        name: raw_name.clone(),
        flags: le16(&header, 8),
        method: le16(&header, 10),
        sum: le32(&header, 16),
        packed: le32(&header, 20).into(),
        size: le32(&header, 24).into(),
        offset: le32(&header, 42).into(),
        mode,
        uid: 0,
        gid: 0,
        mtime: dos_time(le16(&header, 14), le16(&header, 12)),
        raw_name,
    };
    // DOS and its heirs write backslashes.
    if byte(&header, 5) == 0 && !central.name.contains(&b'/') {
        central.name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    central.extra(&extra);
    Ok(central)
}

impl Central {
    fn extra(&mut self, mut extra: &[u8]) {
        while extra.len() >= 4 {
            let length = usize::from(le16(extra, 2));
            let Some((field, rest)) = extra.get(4..).and_then(|rest| rest.split_at_checked(length))
            else {
                break;
            };
            match le16(extra, 0) {
                // Numbers that do not fit: those that are all ones, in this order.
                1 => {
                    let mut at = 0;
                    for number in [&mut self.size, &mut self.packed, &mut self.offset] {
                        if *number == u64::from(u32::MAX) && at + 8 <= field.len() {
                            *number = le64(field, at);
                            at += 8;
                        }
                    }
                }
                0x5455 if byte(field, 0) & 1 == 1 && field.len() >= 5 => {
                    self.mtime = Some(i64::from(le32(field, 1) as i32));
                }
                0x7875 if byte(field, 1) == 4 && byte(field, 6) == 4 => {
                    (self.uid, self.gid) = (le32(field, 2), le32(field, 7));
                }
                _ => {}
            }
            extra = rest;
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.name.ends_with(b"/") || self.mode.is_some_and(|mode| mode & 0o170_000 == 0o040_000)
    }

    pub(super) fn is_symlink(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000)
    }

    /// Why it cannot be read, if the directory tells already.
    pub(super) fn problem(&self) -> Option<UnfoldError> {
        match self.method {
            _ if self.flags & 1 == 1 => Some(UnfoldError::unsupported(NAME, "encryption")),
            0 | 8 | 12 | 93 | 95 => None,
            method => Some(unknown_method(method)),
        }
    }
}
