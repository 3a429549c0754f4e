//! What follows from another difference and says nothing of its own: the root hash in a command line,
//! and names that are made from it.

use crate::{Place, Row, Subject};
use groundup_meaning::{Finding, Kind};

/// Names that are made from a hash have at least so many digits of it.
const LEAST: usize = 12;

/// Marks what follows from the hash of a root image as an identity, not a difference in meaning.
pub(super) fn mark(rows: &mut [Row], subject: &Subject) {
    // Manifests beside the roots of what they name.
    if subject.parts.keys().any(|part| part.ends_with(" root")) {
        for finding in rows.iter_mut().flat_map(|row| &mut row.findings) {
            if differs_by_digests(finding) {
                finding.kind = Kind::Identity;
                finding.note = Some("follows from the content".to_owned());
            }
        }
    }
    for row in rows.iter_mut().filter(|row| row.places.iter().all(is_document)) {
        for finding in &mut row.findings {
            let is_digest = |text: &Option<String>| {
                text.as_ref().is_some_and(|text| text.starts_with("sha256:"))
            };
            // The root and the configuration are compared themselves.
            if is_digest(&finding.before) && is_digest(&finding.after) {
                finding.kind = Kind::Identity;
                finding.note = Some("follows from the content".to_owned());
            }
        }
    }
    let mut hashes: Vec<(String, String)> = Vec::new();
    for finding in rows.iter().flat_map(|row| &row.findings) {
        if let Some(pair) = root_hash(finding)
            && !hashes.contains(&pair)
        {
            hashes.push(pair);
        }
    }
    if hashes.is_empty() {
        return;
    }
    for finding in rows.iter_mut().flat_map(|row| &mut row.findings) {
        let follows = hashes.iter().any(|(old, new)| is_of(finding, old, new));
        if follows {
            finding.kind = Kind::Identity;
            finding.note = Some("follows from the root".to_owned());
        }
    }
}

/// Whether the values of a finding are the same but for digests.
fn differs_by_digests(finding: &Finding) -> bool {
    let (Some(before), Some(after)) = (&finding.before, &finding.after) else { return false };
    finding.inside.is_empty()
        && before != after
        && without_digests(before) == without_digests(after)
}

/// A text in which each row of hexadecimal digits that can be a digest is one sign.
pub(super) fn without_digests(text: &str) -> String {
    let mut plain = String::new();
    let mut digits = String::new();
    for sign in text.chars().chain(['\0']) {
        if sign.is_ascii_digit() || ('a'..='f').contains(&sign) {
            digits.push(sign);
            continue;
        }
        plain.push_str(if digits.len() >= LEAST { "\u{1}" } else { &digits });
        digits.clear();
        plain.push(sign);
    }
    plain
}

/// Whether a place is a document of an image whose root is a part beside it.
fn is_document(place: &Place) -> bool {
    matches!(&place.path[..], [part] if part == "config.json" || part == "manifest.json")
}

fn root_hash(finding: &Finding) -> Option<(String, String)> {
    if finding.kind != Kind::CommandLine || !finding.what.contains("hash") {
        return None;
    }
    let is_hash =
        |text: &String| text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (old, new) = (finding.before.clone()?, finding.after.clone()?);
    (is_hash(&old) && is_hash(&new)).then_some((old, new))
}

/// Whether the values of a finding differ by a hash, or the first digits of it, alone.
fn is_of(finding: &Finding, old: &str, new: &str) -> bool {
    let (Some(before), Some(after)) = (&finding.before, &finding.after) else { return false };
    let same = before.chars().zip(old.chars()).take_while(|(a, b)| a == b).count();
    if same == old.len() && before == old {
        return after == new;
    }
    // The longest piece of the old hash in the text, from its first digit on.
    let Some(start) = before.find(&old[..LEAST.min(old.len())]) else { return false };
    let length = before[start..].bytes().zip(old.bytes()).take_while(|(a, b)| a == b).count();
    let (Some(piece), Some(other)) = (old.get(..length), new.get(..length)) else { return false };
    length >= LEAST && before.replace(piece, other) == *after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Part, Thing};

    fn row(findings: Vec<Finding>) -> Row {
        Row {
            thing: Thing::CommandLine,
            change: Change::Changed,
            places: vec![Place::new("uki", "cmdline")],
            findings,
            more: 0,
            causes: Default::default(),
            classes: Default::default(),
            score: 0,
            rules: Vec::new(),
            contents: [None, None],
            files: Vec::new(),
        }
    }

    #[test]
    fn only_what_differs_by_the_hash_alone_follows_from_it() {
        let (old, new) = ("ab12".repeat(16), "cd34".repeat(16));
        let line = |what: &str, before: String, after: String| {
            Finding::changed(Kind::Line, what, before, after)
        };
        let mut rows = [row(vec![
            Finding::changed(Kind::CommandLine, "roothash", &old, &new),
            line("3", format!("ID={}", &old[..16]), format!("ID={}", &new[..16])),
            line("4", format!("ID={} a", &old[..16]), format!("ID={} b", &new[..16])),
            line("5", "x".into(), "y".into()),
        ])];
        let subject = Subject::whole("x", "node", Part::Blob(groundup_digest::BlobId::of(b"")));
        mark(&mut rows, &subject);
        let kinds: Vec<Kind> = rows[0].findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [Kind::Identity, Kind::Identity, Kind::Line, Kind::Line]);
    }

    #[test]
    fn a_digest_in_a_manifest_follows_from_the_image() {
        let finding = |a: &str, b: &str| Finding::changed(Kind::Object, "image", a, b);
        let (a, b) = ("a1".repeat(32), "b2".repeat(32));
        assert!(differs_by_digests(&finding(
            &format!("web@sha256:{a}"),
            &format!("web@sha256:{b}")
        )));
        assert!(!differs_by_digests(&finding(
            &format!("web@sha256:{a}"),
            &format!("wep@sha256:{b}")
        )));
        assert!(!differs_by_digests(&finding("replicas 3", "replicas 4")));
    }
}
