//! Where functions of a stripped file start and end, by what is there for unwinding stacks.
//!
//! Source: Linux Standard Base 5.0, section 10.6 (`.eh_frame`); DWARF 5, section 6.4.

use super::binary::Binary;
use std::collections::HashMap;

/// Bytes that are read from the front.
struct Cursor<'a, 'b> {
    binary: &'b Binary<'a>,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a, '_> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn word(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?;
        self.binary.word(bytes, width)
    }

    /// Passes a number of variable length.
    fn pass_leb(&mut self) -> Option<()> {
        while self.byte()? & 0x80 != 0 {}
        Some(())
    }

    /// A pointer in one of the encodings, without what it is relative to.
    fn pointer(&mut self, encoding: u8) -> Option<u64> {
        let native = if self.binary.header.is_64 { 8 } else { 4 };
        Some(match encoding & 0x0f {
            0x00 => self.word(native)?,
            0x02 => self.word(2)?,
            0x03 => self.word(4)?,
            0x04 | 0x0c => self.word(8)?,
            0x0a => (self.word(2)? as u16 as i16 as i64).cast_unsigned(),
            0x0b => (self.word(4)? as u32 as i32 as i64).cast_unsigned(),
            _ => return None,
        })
    }
}

/// Addresses and sizes of functions, in the order of the section; what is damaged ends the list.
pub(super) fn functions(binary: &Binary<'_>) -> Vec<(u64, u64)> {
    let Some(section) = binary.section(b".eh_frame") else { return Vec::new() };
    let mut found = Vec::new();
    // How the entries behind a common one write pointers.
    let mut encodings: HashMap<usize, u8> = HashMap::new();
    let mut at = 0;
    while let Some(length) = section.data.get(at..).and_then(|rest| binary.word(rest, 4)) {
        let start = at + 4;
        let end = start.saturating_add(length as usize);
        if length == 0 || length >= 0xffff_fff0 {
            break;
        }
        let Some(entry) = section.data.get(..end) else { break };
        let mut cursor = Cursor { binary, bytes: entry, at: start };
        let Some(id) = cursor.word(4) else { break };
        if id == 0 {
            if let Some(encoding) = common(&mut cursor) {
                encodings.insert(at, encoding);
            }
        } else if let Some(common) = start.checked_sub(id as usize)
            && let Some(encoding) = encodings.get(&common)
        {
            found.extend(function(&mut cursor, *encoding, section.address));
        }
        at = end;
    }
    found
}

/// The encoding of pointers that a common entry sets.
fn common(cursor: &mut Cursor<'_, '_>) -> Option<u8> {
    let version = cursor.byte()?;
    let mut augmentation = Vec::new();
    loop {
        match cursor.byte()? {
            0 => break,
            _ if augmentation.len() > 8 => return None,
            letter => augmentation.push(letter),
        }
    }
    cursor.pass_leb()?;
    cursor.pass_leb()?;
    if version == 1 {
        cursor.byte()?;
    } else {
        cursor.pass_leb()?;
    }
    let mut letters = augmentation.into_iter();
    if letters.next() != Some(b'z') {
        return Some(0);
    }
    cursor.pass_leb()?;
    for letter in letters {
        match letter {
            b'R' => return cursor.byte(),
            b'L' => {
                cursor.byte()?;
            }
            b'P' => {
                let encoding = cursor.byte()?;
                cursor.pointer(encoding)?;
            }
            b'S' | b'B' => {}
            _ => return None,
        }
    }
    Some(0)
}

fn function(cursor: &mut Cursor<'_, '_>, encoding: u8, base: u64) -> Option<(u64, u64)> {
    let place = base.wrapping_add(cursor.at as u64);
    let start = cursor.pointer(encoding)?;
    let size = cursor.pointer(encoding & 0x0f)?;
    let address = match encoding & 0xf0 {
        0x00 => start,
        0x10 => place.wrapping_add(start),
        _ => return None,
    };
    (size > 0).then_some((address, size))
}
