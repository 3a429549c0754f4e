//! One header of tar: 512 bytes.

use crate::numbers::{byte, until_zero};

/// A header whose checksum fits.
pub(super) struct Header {
    block: [u8; 512],
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) mtime: i64,
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// Whether these bytes start with a header whose checksum fits.
pub(crate) fn is_header(start: &[u8]) -> bool {
    let block: Option<&[u8; 512]> = start.first_chunk();
    block.is_some_and(|block| byte(block, 0) != 0 && checksum_fits(block))
}

fn part(block: &[u8; 512], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// The sum of all bytes, the checksum itself taken as spaces; some old writers summed signed bytes.
fn checksum_fits(block: &[u8; 512]) -> bool {
    let Some(written) = number(part(block, 148, 8)) else { return false };
    let bytes = || block.iter().enumerate();
    let of_spaces = |at: usize, value: u8| if (148..156).contains(&at) { b' ' } else { value };
    let sum: i64 = bytes().map(|(at, value)| i64::from(of_spaces(at, *value))).sum();
    let signed: i64 = bytes().map(|(at, value)| i64::from(of_spaces(at, *value) as i8)).sum();
    written == sum || written == signed
}

/// An octal number with spaces and zeros around it, or a binary one after a byte of 0x80 or 0xff.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let mut value: i128 = if first & 0x40 != 0 { -1 } else { 0 };
        value = value << 6 | i128::from(first & 0x3f);
        for byte in rest {
            value = value.checked_mul(256)?.checked_add(i128::from(*byte))?;
        }
        return i64::try_from(value).ok();
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ');
    let mut value = 0i64;
    for digit in digits.take_while(|byte| !matches!(byte, 0 | b' ')) {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(i64::from(digit))?;
    }
    Some(value)
}

impl Header {
    pub(super) fn parse(block: [u8; 512]) -> Result<Self, String> {
        if !checksum_fits(&block) {
            return Err("the checksum of a header does not fit".to_owned());
        }
        let field = |start, length, what: &str| {
            number(part(&block, start, length)).ok_or_else(|| format!("{what} is no number"))
        };
        let is_device = matches!(byte(&block, 156), b'3' | b'4');
        let device = |start| if is_device { field(start, 8, "a device") } else { Ok(0) };
        Ok(Self {
            size: u64::try_from(field(124, 12, "a size")?).map_err(|_| "a size is negative")?,
            mode: (field(100, 8, "a mode")? & 0o7777) as u32,
            uid: field(108, 8, "an owner")?,
            gid: field(116, 8, "a group")?,
            mtime: field(136, 12, "a time")?,
            major: u32::try_from(device(329)?).unwrap_or(u32::MAX),
            minor: u32::try_from(device(337)?).unwrap_or(u32::MAX),
            block,
        })
    }

    pub(super) fn flag(&self) -> u8 {
        byte(&self.block, 156)
    }

    pub(super) fn part(&self, start: usize, length: usize) -> &[u8] {
        part(&self.block, start, length)
    }

    pub(super) fn path(&self) -> Vec<u8> {
        let name = until_zero(self.part(0, 100));
        // GNU's own magic, `ustar` and two spaces, keeps other things in the place of the prefix.
        let prefix = until_zero(self.part(345, 155));
        if self.part(257, 6) != b"ustar\0" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(super) fn link(&self) -> Vec<u8> {
        until_zero(self.part(157, 100)).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   17 \0x"), Some(0o17));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Some(2 << 32));
        assert_eq!(number(&[0xff, 0xff, 0xff, 0xfe]), Some(-2));
        assert_eq!(number(b"9"), None);
        assert_eq!(number(&[0xbf; 12]), None);
    }
}
