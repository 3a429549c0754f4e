//! OpenSSL's hash of a certificate's subject, by which it finds certificates in a directory.
//!
//! The subject is taken in the canonical form of `X509_NAME` (each string as UTF-8, in lower case,
//! with white space trimmed and collapsed), its relative names are encoded again one after the
//! other, and the hash is the first four bytes of their SHA-1, little end first. Structures: RFC
//! 5280, section 4.1; encoding: X.690 (DER).

use sha1::{Digest, Sha1};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8: u8 = 12;

/// The hash; none for bytes that are no certificate.
pub(super) fn subject_hash(certificate: &[u8]) -> Option<u32> {
    let (tag, certificate, _) = element(certificate)?;
    let (inner, mut fields, _) = element(certificate)?;
    if tag != SEQUENCE || inner != SEQUENCE {
        return None;
    }
    // version [0] (maybe), serial, signature, issuer, validity, subject
    if fields.first() == Some(&0xa0) {
        fields = element(fields)?.2;
    }
    for _ in 0..4 {
        fields = element(fields)?.2;
    }
    let (tag, mut names, _) = element(fields)?;
    if tag != SEQUENCE {
        return None;
    }
    let mut canonical = Vec::new();
    while !names.is_empty() {
        let (tag, set, rest) = element(names)?;
        names = rest;
        if tag != SET {
            return None;
        }
        canonical.extend(encode(SET, &canonical_set(set)?));
    }
    let hash = Sha1::digest(&canonical);
    Some(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
}

/// A relative name's attributes in canonical form, sorted as DER sorts sets.
fn canonical_set(mut set: &[u8]) -> Option<Vec<u8>> {
    let mut attributes = Vec::new();
    while !set.is_empty() {
        let (_, attribute, rest) = element(set)?;
        set = rest;
        let (tag, oid, value) = element(attribute)?;
        let (string, content, _) = element(value)?;
        let value = match text(string, content) {
            Some(text) => encode(UTF8, canonical_text(&text).as_bytes()),
            None => encode(string, content),
        };
        attributes.push(encode(SEQUENCE, &[encode(tag, oid), value].concat()));
    }
    attributes.sort();
    Some(attributes.concat())
}

/// The text of a string type that OpenSSL brings into canonical form.
fn text(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        // UTF8String, PrintableString, IA5String, VisibleString
        UTF8 | 19 | 22 | 26 => String::from_utf8(content.to_vec()).ok(),
        // T61String, which OpenSSL reads as Latin-1
        20 => Some(content.iter().map(|byte| char::from(*byte)).collect()),
        // UniversalString and BMPString
        28 => content
            .chunks(4)
            .map(|c| char::from_u32(u32::from_be_bytes(c.try_into().ok()?)))
            .collect(),
        30 => {
            let units = content.chunks(2).map(|c| Some(u16::from_be_bytes(c.try_into().ok()?)));
            String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()
        }
        _ => None,
    }
}

/// Lower case (ASCII only), white space trimmed and collapsed to single spaces.
fn canonical_text(text: &str) -> String {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r');
    let words = text.split(is_space).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

/// Tag, content and what follows of the first element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        length @ 0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        length @ 0..=0x7f => bytes.push(length as u8),
        length => {
            let digits: Vec<u8> =
                length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_brought_into_openssls_form() {
        assert_eq!(canonical_text("  The  GREAT\tCA "), "the great ca");
        assert_eq!(canonical_text("Ä Ö"), "Ä Ö");
    }

    #[test]
    fn truncated_bytes_are_no_certificate() {
        assert_eq!(subject_hash(&[0x30, 0x82, 0xff]), None);
        assert_eq!(subject_hash(b""), None);
    }
}
