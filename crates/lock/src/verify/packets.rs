//! Cutting a binary OpenPGP keyring into its certificates (RFC 9580, sections 4.2 and 10.1), bytes
//! untouched.

use std::ops::Range;

const PUBLIC_KEY: u8 = 6;

/// The ranges of the certificates in `keyring`; on failure the offset of the bad packet.
pub(super) fn certificates(keyring: &[u8]) -> Result<Vec<Range<usize>>, usize> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < keyring.len() {
        let (tag, end) = packet(keyring, at).ok_or(at)?;
        match found.last_mut() {
            _ if tag == PUBLIC_KEY => found.push(at..end),
            Some(last) => last.end = end,
            None => return Err(at),
        }
        at = end;
    }
    Ok(found)
}

/// The tag of the packet at `at` and the offset behind it. Partial and indeterminate lengths never
/// occur in keys.
fn packet(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let head = *bytes.get(at)?;
    let number = |from: usize, length: usize| -> Option<usize> {
        let digits = bytes.get(from..from + length)?;
        Some(digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
    };
    let (tag, start, length) = match head >> 6 {
        0b10 => {
            let size = match head & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            };
            (head >> 2 & 0xf, at + 1 + size, number(at + 1, size)?)
        }
        0b11 => match *bytes.get(at + 1)? {
            short @ 0..=191 => (head & 0x3f, at + 2, usize::from(short)),
            long @ 192..=223 => {
                let low = usize::from(*bytes.get(at + 2)?);
                (head & 0x3f, at + 3, ((usize::from(long) - 192) << 8) + low + 192)
            }
            255 => (head & 0x3f, at + 6, number(at + 2, 4)?),
            _ => return None,
        },
        _ => return None,
    };
    let end = start.checked_add(length)?;
    (end <= bytes.len()).then_some((tag, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_both_formats_are_told_apart() {
        let old = [0x80 | 6 << 2, 2, 1, 2];
        let new = [0xc0 | 13, 3, b'a', b'b', b'c'];
        let two_octets = [[0xc0 | 6, 192, 0].as_slice(), &[7; 192]].concat();
        let keyring = [old.as_slice(), &new, &two_octets, &new].concat();
        assert_eq!(certificates(&keyring), Ok(vec![0..9, 9..9 + 195 + 5]));
    }

    #[test]
    fn cut_and_foreign_bytes_name_the_offset() {
        assert_eq!(certificates(&[0x80 | 6 << 2, 2, 1]), Err(0));
        assert_eq!(certificates(b"-----BEGIN PGP"), Err(0));
        assert_eq!(certificates(&[0xc0 | 13, 0]), Err(0));
        assert_eq!(certificates(&[0xc0 | 6, 0, 0xc0 | 13, 230]), Err(2));
        assert_eq!(certificates(&[]), Ok(vec![]));
    }
}
