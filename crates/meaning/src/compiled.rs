//! Small compiled files: bytes of Python, translations of gettext.
//!
//! Source: PEP 552 (header of compiled Python); GNU gettext manual, section "The Format of GNU MO
//! Files".

use crate::{
    Finding, Kind, Pair,
    elf::words::{count, hex, name, quoted},
};
use std::collections::{BTreeMap, BTreeSet};

/// Whether it begins as compiled Python does.
pub(crate) fn is_python(bytes: &[u8]) -> bool {
    bytes.len() >= 16 && bytes.get(2..4) == Some(b"\r\n")
}

/// Compares two: the header says for which source they are.
pub(crate) fn python(pair: &Pair<'_>) -> Vec<Finding> {
    let [Some((old, a)), Some((new, b))] =
        [pair.before.split_at_checked(16), pair.after.split_at_checked(16)]
    else {
        return crate::text::bytes(pair);
    };
    let mut findings = Vec::new();
    if old.get(..4) != new.get(..4) {
        let number = |head: &[u8]| {
            let bytes = head.first_chunk::<2>().copied().unwrap_or_default();
            format!("magic number {}", u16::from_le_bytes(bytes))
        };
        let what = "version of Python";
        let finding = Finding::changed(Kind::Setting, what, number(old), number(new));
        findings.push(finding.note("another one does not use the file"));
    }
    if a != b {
        let [from, to] = [a, b].map(|code| count(code.len(), "byte"));
        let finding = Finding::changed(Kind::Bytes, "compiled code", from, to);
        findings.push(finding.note("its source tells what differs"));
    }
    if old.get(4..) != new.get(4..) {
        let [from, to] = [old, new].map(|head| hex(head.get(4..).unwrap_or_default()));
        let what = "time, size or checksum of the source";
        findings.push(Finding::changed(Kind::Identity, what, from, to));
    }
    findings
}

/// Whether it begins as translations do.
pub(crate) fn is_translations(bytes: &[u8]) -> bool {
    matches!(bytes, [0xde, 0x12, 0x04, 0x95, ..] | [0x95, 0x04, 0x12, 0xde, ..])
}

/// Original texts and their translations; nothing if the file is damaged.
fn entries(bytes: &[u8]) -> Option<BTreeMap<&[u8], &[u8]>> {
    let is_big = bytes.first()? == &0x95;
    let word = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk::<4>()?;
        let word = if is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        Some(word as usize)
    };
    let text = |table: usize, index: usize| {
        let at = table.checked_add(index.checked_mul(8)?)?;
        let start = word(at.checked_add(4)?)?;
        bytes.get(start..start.checked_add(word(at)?)?)
    };
    let (number, originals, translations) = (word(8)?, word(12)?, word(16)?);
    // Each takes sixteen bytes in the tables.
    if number > bytes.len() / 16 {
        return None;
    }
    // Texts do not overlap; hostile ones may all be the whole file.
    let mut left = bytes.len();
    let mut entries = BTreeMap::new();
    for index in 0..number {
        let pair = (text(originals, index)?, text(translations, index)?);
        left = left.checked_sub(pair.0.len())?.checked_sub(pair.1.len())?;
        entries.insert(pair.0, pair.1);
    }
    Some(entries)
}

/// Compares two, message by message.
pub(crate) fn translations(pair: &Pair<'_>) -> Vec<Finding> {
    let (Some(before), Some(after)) = (entries(pair.before), entries(pair.after)) else {
        let mut findings = vec![Finding::not_compared("messages", "the file is damaged")];
        findings.extend(crate::text::bytes(pair));
        return findings;
    };
    let mut findings = Vec::new();
    let texts: BTreeSet<&&[u8]> = before.keys().chain(after.keys()).collect();
    for text in texts {
        let what = format!("message {}", quoted(text));
        match (before.get(*text), after.get(*text)) {
            (Some(old), Some(new)) if old != new && text.is_empty() => {
                findings.extend(header(old, new));
            }
            (Some(old), Some(new)) if old != new => {
                findings.push(Finding::changed(Kind::Line, what, quoted(old), quoted(new)));
            }
            (Some(old), None) => findings.push(Finding::removed(Kind::Line, what, quoted(old))),
            (None, Some(new)) => findings.push(Finding::added(Kind::Line, what, quoted(new))),
            _ => {}
        }
    }
    if findings.is_empty() && pair.before != pair.after {
        findings.push(Finding::bare(Kind::Encoding, "order of the messages"));
    }
    findings.sort_by_key(|finding| finding.kind.is_boring());
    findings
}

/// What stands under the empty message: who translated it, when, how plurals are made.
fn header(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let fields = |bytes: &[u8]| -> BTreeMap<String, String> {
        let text = name_long(bytes);
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect()
    };
    let (a, b) = (fields(old), fields(new));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let rows = keys.into_iter().filter(|key| a.get(*key) != b.get(*key)).map(|key| {
        let kind = match key.as_str() {
            "Plural-Forms" | "Content-Type" | "Language" => Kind::Setting,
            _ => Kind::Identity,
        };
        let shown = |map: &BTreeMap<String, String>| {
            map.get(key).map_or_else(|| "none".to_owned(), |value| name(value.as_bytes()))
        };
        Finding::changed(kind, format!("header {key}"), shown(&a), shown(&b))
    });
    rows.collect()
}

fn name_long(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(list: &[(&str, &str)]) -> Vec<u8> {
        let count = list.len() as u32;
        let tables = 28 + 16 * count;
        let words = [0x9504_12deu32, 0, count, 28, 28 + 8 * count, 0, 0];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut texts = Vec::new();
        for side in 0..2 {
            for entry in list {
                let text = if side == 0 { entry.0 } else { entry.1 };
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend((tables + texts.len() as u32).to_le_bytes());
                texts.extend(text.as_bytes());
                texts.push(0);
            }
        }
        bytes.extend(texts);
        bytes
    }

    #[test]
    fn messages_are_told_by_their_originals_and_dates_are_boring() {
        let before = messages(&[("", "PO-Revision-Date: 1\nLanguage: de\n"), ("Yes", "Ja")]);
        let after = messages(&[("", "PO-Revision-Date: 2\nLanguage: de\n"), ("Yes", "Jawohl")]);
        assert!(is_translations(&before));
        let found = translations(&Pair { path: "de.mo", before: &before, after: &after });
        let rows: Vec<_> = found.iter().map(|one| (one.kind, one.what.as_str())).collect();
        let expected =
            [(Kind::Line, "message \"Yes\""), (Kind::Identity, "header PO-Revision-Date")];
        assert_eq!(rows, expected);
        for length in 4..before.len() {
            translations(&Pair { path: "de.mo", before: &before[..length], after: &after });
        }
    }

    #[test]
    fn the_time_of_a_source_is_boring_and_code_is_not() {
        let file = |time: u8, code: &[u8]| [&[0xa7, 0x0d, 13, 10], &[time; 12][..], code].concat();
        let told = |before: Vec<u8>, after: Vec<u8>| {
            assert!(is_python(&before));
            let found = python(&Pair { path: "a.pyc", before: &before, after: &after });
            found.into_iter().map(|one| one.kind).collect::<Vec<_>>()
        };
        assert_eq!(told(file(1, b"x"), file(2, b"x")), [Kind::Identity]);
        assert_eq!(told(file(1, b"x"), file(1, b"y")), [Kind::Bytes]);
    }
}
