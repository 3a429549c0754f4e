//! The bytes of `ld.so.cache` in glibc's new format.
//!
//! ```text
//! "glibc-ld.so.cache" "1.1"   u32 entries   u32 string bytes   u8 flags (2: little endian)
//! 3 bytes 0   u32 offset of the extensions   12 bytes 0
//! entries: u32 flags, u32 offset of the soname, u32 offset of the path, u32 0, u64 0
//! strings, each ended by NUL; one that ends another is a part of it
//! padding to 4; u32 0xeaa42174, u32 1; u32 0, u32 0, u32 offset, u32 size; the generator's name
//! ```
//!
//! Source of the format: glibc's `dl-cache.h`, `cache.c` and `stringtable.c`.

use std::{cmp::Ordering, collections::BTreeMap};

const MAGIC: &[u8; 20] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
const EXTENSIONS: u32 = 0xeaa4_2174;

/// One library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What a program asks for.
    pub soname: String,
    /// The file that it gets.
    pub path: String,
    /// For which loader it is.
    pub flags: u32,
}

/// The cache with these entries. Of two with the same soname and flags the earlier stays first.
pub fn encode(mut entries: Vec<Entry>, generator: &str) -> Vec<u8> {
    entries.sort_by(|a, b| compare_names(&b.soname, &a.soname).then_with(|| b.flags.cmp(&a.flags)));
    let texts = entries.iter().flat_map(|entry| [entry.soname.as_str(), entry.path.as_str()]);
    let base = HEADER + ENTRY * entries.len();
    let (strings, offsets) = string_table(texts, base);
    let extensions = (base + strings.len()).next_multiple_of(4);
    let mut bytes = MAGIC.to_vec();
    let put = |bytes: &mut Vec<u8>, number: u32| bytes.extend(number.to_le_bytes());
    put(&mut bytes, entries.len() as u32);
    put(&mut bytes, strings.len() as u32);
    bytes.extend([2, 0, 0, 0]);
    put(&mut bytes, extensions as u32);
    bytes.extend([0; 12]);
    for entry in &entries {
        put(&mut bytes, entry.flags);
        put(&mut bytes, offsets[entry.soname.as_str()]);
        put(&mut bytes, offsets[entry.path.as_str()]);
        bytes.extend([0; 12]);
    }
    bytes.extend(&strings);
    bytes.resize(extensions, 0);
    for number in [EXTENSIONS, 1, 0, 0, extensions as u32 + 24, generator.len() as u32] {
        put(&mut bytes, number);
    }
    bytes.extend(generator.as_bytes());
    bytes
}

/// The strings with their offsets (from the start of the file) where they start at `base`.
///
/// Sorted downwards from their ends, the longer first, so that a string stands right after one that ends
/// with it and can be a part of that.
fn string_table<'a>(
    texts: impl Iterator<Item = &'a str>,
    base: usize,
) -> (Vec<u8>, BTreeMap<&'a str, u32>) {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_by(|a, b| {
        let (ends_a, ends_b) = (a.bytes().rev(), b.bytes().rev());
        let differ = ends_a.zip(ends_b).map(|(a, b)| b.cmp(&a)).find(|order| order.is_ne());
        differ.unwrap_or_else(|| b.len().cmp(&a.len()))
    });
    texts.dedup();
    let (mut strings, mut offsets) = (Vec::new(), BTreeMap::new());
    let mut before: Option<&str> = None;
    for text in texts {
        let offset = match before {
            Some(longer) if longer.ends_with(text) => {
                offsets[longer] as usize - base + longer.len() - text.len()
            }
            _ => {
                let offset = strings.len();
                strings.extend(text.as_bytes());
                strings.push(0);
                offset
            }
        };
        offsets.insert(text, (base + offset) as u32);
        before = Some(text);
    }
    (strings, offsets)
}

/// glibc's order of library names: runs of digits compare as numbers, a digit is more than any
/// other character.
pub(super) fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first().copied(), b.first().copied()) {
            (None, None) => return Ordering::Equal,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let order = take_number(&mut a).cmp(&take_number(&mut b));
                if order.is_ne() {
                    return order;
                }
            }
            (Some(x), _) if x.is_ascii_digit() => return Ordering::Greater,
            // The end of the first name is compared as a byte, without the rule for digits.
            (None, Some(_)) => return Ordering::Less,
            (Some(_), Some(y)) if y.is_ascii_digit() => return Ordering::Less,
            (Some(x), y) if Some(x) != y => return Some(x).cmp(&y),
            _ => (a, b) = (&a[1..], &b[1..]),
        }
    }
}

/// Reads a number off the front, wrapping as C's `int` does.
fn take_number(text: &mut &[u8]) -> i32 {
    let mut value = 0i32;
    while let Some(digit) = text.first().filter(|byte| byte.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
        *text = &text[1..];
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_order_by_their_numbers() {
        assert_eq!(compare_names("libx.so.9", "libx.so.10"), Ordering::Less);
        assert_eq!(compare_names("libx.so.1", "libx.so"), Ordering::Greater);
        assert_eq!(compare_names("libx2.so", "libxa.so"), Ordering::Greater);
        assert_eq!(compare_names("libx.so.01", "libx.so.1"), Ordering::Equal);
    }

    #[test]
    fn a_string_that_ends_another_is_not_stored_twice() {
        let entry = |soname: &str, path: &str| Entry {
            soname: soname.to_owned(),
            path: path.to_owned(),
            flags: 0x303,
        };
        let entries =
            vec![entry("liba.so.1", "/lib/liba.so.1"), entry("libb.so.2", "/lib/libb.so.2")];
        let bytes = encode(entries, "g");
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(number(20), 2);
        assert_eq!(number(24), 30, "two paths of 14 bytes and their ends");
        // The first entry is the last name, since the loader searches backwards.
        assert_eq!(&bytes[number(52)..][..9], b"libb.so.2");
        assert_eq!(number(52), number(56) + 5);
        assert_eq!(number(32) % 4, 0);
        assert!(bytes.ends_with(b"g"));
    }
}
