//! Contents that are no text: numbers that are times, texts that are inside, blocks in another order,
//! bytes that chance made.

use super::{Class, When, counted, of_texts};
use std::collections::BTreeSet;

/// Differences with fewer equal bytes than this between them are one.
const GAP: usize = 4;
/// Shorter strings are bytes.
const STRING: usize = 6;
/// More differences than this are not looked at one by one.
const MOST: usize = 10_000;
/// How much of the text that a place is in is read, on each side of it.
const AROUND: usize = 256;
/// Fewer bytes than this are not told from others by chance.
const RANDOM: usize = 8;
/// Blocks of archives, of aligned records and of numbers, from large to small.
const BLOCKS: [usize; 4] = [512, 16, 8, 4];

pub(super) fn classes(before: &[u8], after: &[u8], when: &When) -> BTreeSet<Class> {
    if before.len() != after.len() {
        return of_strings(before, after, when);
    }
    let another_order = |size: &usize| {
        before.len().is_multiple_of(*size)
            && before.len() > *size
            && counted(before.chunks(*size)) == counted(after.chunks(*size))
    };
    if BLOCKS.iter().any(another_order) {
        return BTreeSet::from([Class::Order]);
    }
    let places = differences(before, after);
    if places.len() > MOST {
        return of_strings(before, after, when);
    }
    let mut found = BTreeSet::new();
    for (start, end) in places {
        found.extend(of_place(before, after, start, end, when));
    }
    // A checksum over what moved moves with it and says nothing of its own.
    if found.len() > 1 && found.contains(&Class::Unknown) && found.contains(&Class::Time) {
        found.remove(&Class::Unknown);
    }
    found
}

/// Where two contents of one length differ.
fn differences(before: &[u8], after: &[u8]) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (at, _) in before.iter().zip(after).enumerate().filter(|(_, (a, b))| a != b) {
        match places.last_mut() {
            Some((_, end)) if at <= *end + GAP => *end = at + 1,
            _ => places.push((at, at + 1)),
        }
        if places.len() > MOST {
            break;
        }
    }
    places
}

fn of_place(before: &[u8], after: &[u8], start: usize, end: usize, when: &When) -> BTreeSet<Class> {
    let one = |class| BTreeSet::from([class]);
    let texts = [before, after].map(|bytes| text_around(bytes, start, end));
    if let [Some(a), Some(b)] = texts {
        let found = of_texts(a, b, when);
        if !found.contains(&Class::Unknown) {
            return found;
        }
    }
    if is_time(before, after, start, end, when) {
        return one(Class::Time);
    }
    let (a, b) = (&before[start..end], &after[start..end]);
    if end - start >= RANDOM && is_random(a) && is_random(b) {
        return one(Class::Seed);
    }
    one(Class::Unknown)
}

/// The printable text that a place is in, as far as [`AROUND`]: whole scripts are in programs, and they
/// may differ in thousands of places.
fn text_around(bytes: &[u8], start: usize, end: usize) -> Option<&str> {
    let is_text = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\t';
    if !bytes[start..end].iter().all(is_text) {
        return None;
    }
    let (first, last) = (start.saturating_sub(AROUND), bytes.len().min(end + AROUND));
    let before = bytes[first..start].iter().rposition(|byte| !is_text(byte));
    let behind = bytes[end..last].iter().position(|byte| !is_text(byte));
    let from = before.map_or(first, |at| first + at + 1);
    let to = behind.map_or(last, |at| end + at);
    std::str::from_utf8(&bytes[from..to]).ok()
}

/// Whether a place is, or is in, a number of seconds since 1970 near the runs.
fn is_time(before: &[u8], after: &[u8], start: usize, end: usize, when: &When) -> bool {
    // Without the times of the runs one number in five would be a time.
    if !when.is_known() || end - start > 8 {
        return false;
    }
    let first = end.saturating_sub(4);
    let fits = |from: usize| {
        let number =
            |bytes: &[u8]| -> Option<[u8; 4]> { bytes.get(from..from + 4)?.try_into().ok() };
        let (Some(a), Some(b)) = (number(before), number(after)) else { return false };
        let both = |read: fn([u8; 4]) -> u32| {
            when.has(0, u64::from(read(a))) && when.has(1, u64::from(read(b)))
        };
        both(u32::from_le_bytes) || both(u32::from_be_bytes)
    };
    (first.min(start)..=start).any(fits)
}

/// Whether bytes have no pattern: nearly all of them others.
fn is_random(bytes: &[u8]) -> bool {
    let distinct = bytes.iter().take(256).collect::<BTreeSet<_>>().len();
    let wanted = bytes.len().min(256);
    // Of 256 random bytes 162 are distinct.
    distinct * 8 >= wanted * if wanted <= 32 { 5 } else { 4 }
}

/// By what the texts in two contents differ, where places cannot be compared.
fn of_strings(before: &[u8], after: &[u8], when: &When) -> BTreeSet<Class> {
    let [a, b] = [before, after].map(|bytes| strings(bytes).join("\n"));
    if a == b {
        return BTreeSet::from([Class::Unknown]);
    }
    of_texts(&a, &b, when)
}

fn strings(bytes: &[u8]) -> Vec<&str> {
    let parts = bytes.split(|byte| !((0x20..0x7f).contains(byte) || *byte == b'\t'));
    parts
        .filter(|part| part.len() >= STRING)
        .filter_map(|part| std::str::from_utf8(part).ok())
        .collect()
}
