//! What comes from Debian's archives and their mirrors.

use crate::{
    input::{Input, sections},
    own::check_tree,
    tar::with_checksums,
};
use groundup_debian::{
    archive::{
        Archive, Field, Index, Keyring, Release, Sources, Version, check_keyring, compare, deb822,
        parse_date, relations, unpack,
    },
    fuzzing,
    package::{
        Forgotten, Limits,
        changelog::{cves, newer},
        read_deb,
    },
    source::parse_patch,
};
use groundup_tree::Expansion;
use std::{cmp::Ordering, io::Write};

/// The keyring that the seeds of `inrelease` are signed by; its secret half was thrown away.
pub const KEYRING: &[u8] = include_bytes!("../keys/archive.gpg");

/// What an archive may unpack to in here.
const LIMITS: Limits = Limits {
    entries: 2_000,
    bytes: 4 << 20,
    names: 1 << 20,
    memory: 32 << 20,
    threads: 1,
    expansion: Expansion { ratio: 1000 },
};

/// A `.deb`; in the plain archives inside it, checksums are made to fit where the variant says so.
pub(crate) fn deb(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    let deb = if variant & 1 == 1 { with_fitting_members(bytes) } else { bytes.to_vec() };
    if let Ok(parts) = read_deb(&deb[..], &Forgotten, LIMITS) {
        check_tree(&parts.control);
        check_tree(&parts.data);
    }
}

/// The `ar` archive with fitting checksums in its members.
fn with_fitting_members(deb: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (deb.to_vec(), 8);
    while let Some(header) = out.get(at..at + 60) {
        let size = std::str::from_utf8(&header[48..58]).ok();
        let Some(size) = size.and_then(|text| text.trim_end().parse::<usize>().ok()) else { break };
        let Some(end) = (at + 60).checked_add(size) else { break };
        let is_tar = header.starts_with(b"control.tar ") || header.starts_with(b"data.tar ");
        if let Some(member) = out.get_mut(at + 60..end).filter(|_| is_tar) {
            let fitting = with_checksums(member);
            member.copy_from_slice(&fitting);
        }
        at = end + size % 2;
    }
    out
}

/// A changelog, after a line with the older version and one with the newer.
pub(crate) fn changelog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (old, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (new, text) = rest.split_once('\n').unwrap_or((rest, ""));
    let found = newer(text, old, new);
    assert!(!found.complete || found.entries.iter().all(|entry| entry.version != old));
    assert!(cves(&found.entries).iter().all(|name| name.starts_with("CVE-")));
}

/// A tar archive as packages (variant 0) and sources have them, plain or compressed.
pub(crate) fn tar(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    let bytes = if variant & 1 == 1 { with_checksums(bytes) } else { bytes.to_vec() };
    let bytes = match variant & 0x30 {
        0x10 => {
            let mut encoder = flate2_of(&bytes);
            encoder.extend(&bytes[bytes.len()..]);
            encoder
        }
        _ => bytes,
    };
    let strip = [None, Some(0), Some(1), Some(2)][usize::from(variant >> 1 & 3)];
    if let Ok(tree) = fuzzing::tar(&bytes, strip, LIMITS) {
        check_tree(&tree);
    }
}

/// The control-file format, and the relation and date fields in it.
pub(crate) fn control(data: &[u8]) {
    let Ok(stanzas) = deb822::stanzas(data) else { return };
    for stanza in stanzas {
        let Ok(stanza) = stanza else { return };
        assert!(!stanza.fields().is_empty() && stanza.line() > 0);
        for (name, value) in stanza.fields() {
            assert_eq!(stanza.get(name), Some(*value), "a field stands once");
            assert_eq!(value.trim(), *value);
            for relation in relations(value).map_while(Result::ok) {
                assert!(!relation.name.is_empty());
                if let Some((operator, version)) = relation.version {
                    operator.holds("1:2.3-4", version);
                }
                relation.applies_to("amd64");
            }
            let _ = parse_date(value);
        }
    }
}

/// Up to three versions, one a line: their order is total.
pub(crate) fn version(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let versions: Vec<&str> = text.split('\n').take(3).collect();
    for a in &versions {
        crate::recipe::round_trip::<Version>(a);
        for b in &versions {
            let order = compare(a, b);
            assert_eq!(order, compare(b, a).reverse(), "{a:?} {b:?}");
            assert!(a != b || order == Ordering::Equal);
            for c in &versions {
                if order.is_le() && compare(b, c).is_le() {
                    assert!(compare(a, c).is_le(), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}

const FIELDS: [Field; 9] = Field::ALL;

/// An index of binary packages.
pub(crate) fn packages(data: &[u8]) {
    let Ok(index) = Index::parse(data) else { return };
    assert_eq!(index.packages().len(), index.len());
    for package in index.packages() {
        assert!(!package.name().is_empty() && !package.version().is_empty());
        assert!(is_below(package.filename()), "{}", package.filename());
        let _ = (package.source(), package.size(), package.sha256(), package.multi_arch());
        for field in FIELDS {
            package.relations(field).take_while(Result::is_ok).for_each(drop);
        }
    }
}

fn is_below(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// An index of source packages.
pub(crate) fn sources(data: &[u8]) {
    let Ok(sources) = Sources::parse(data) else { return };
    for name in sources.names() {
        let versions = sources.versions(name);
        assert!(!versions.is_empty());
        for package in versions {
            assert!(sources.find(name, Some(&package.version)).is_some());
            for file in &package.files {
                assert!(is_below(&file.path), "{}", file.path);
            }
        }
    }
}

/// A `Release` file.
pub(crate) fn release(data: &[u8]) {
    let Ok(release) = Release::parse(data) else { return };
    let _ = (release.check_suite("stable"), release.check_dates(1 << 30));
    let _ = release.check_not_older(release.date());
    for (path, file) in release.files() {
        assert!(is_below(path), "{path}");
        assert_eq!(release.file(path), Some(file));
        if let Some(path) = release.by_hash(path) {
            assert!(is_below(&path), "{path}");
        }
    }
    for index in ["main/binary-amd64/Packages", "main/source/Sources"] {
        if let Some((path, file)) = release.best_form(index) {
            assert_eq!(release.file(&path), Some(file));
        }
    }
}

/// A signed `Release`, judged with and without a clock. Nothing but what the key signed passes.
pub(crate) fn inrelease(data: &[u8]) {
    for at in [None, Some(4_000_000_000)] {
        if let Ok(verified) = Archive::verify(data, KEYRING, at) {
            assert_eq!(verified.release().suite(), "seed", "only the seeds are signed");
            assert!(!verified.signers().is_empty());
        }
    }
}

/// A keyring, binary or armoured.
pub(crate) fn keyring(data: &[u8]) {
    if let Ok(keyring) = Keyring::parse(data) {
        let fingerprints = keyring.fingerprints();
        assert!(keyring.restricted_to(&fingerprints).is_ok());
    }
    let _ = check_keyring(data, 1_700_000_000);
}

/// A compressed index: never more than the limit comes out.
pub(crate) fn index_file(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    let path = ["Packages", "Packages.gz", "Packages.xz"][usize::from(variant % 3)];
    if let Ok(text) = unpack(path, bytes, 1 << 20) {
        assert!(text.len() <= 1 << 20);
    }
}

/// The `.dsc` of a source package, signed or not.
pub(crate) fn dsc(data: &[u8]) {
    for name in fuzzing::files_of_dsc(data).unwrap_or_default() {
        assert!(!name.contains('/'), "a file of a source package has a plain name: {name}");
    }
}

/// A file (`=== before`) and a patch (`=== patch`).
pub(crate) fn patch(data: &[u8]) {
    let parts = sections(data);
    let part = |name| parts.iter().find(|(found, _)| *found == name).map_or(&b""[..], |one| one.1);
    let Ok(patches) = parse_patch(part("patch")) else { return };
    for patch in &patches {
        fuzzing::patched(part("before"), patch);
    }
}

fn flate2_of(bytes: &[u8]) -> Vec<u8> {
    // Stored blocks: what is inside stays what the search made it.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut chunks = bytes.chunks(65_535).peekable();
    while let Some(chunk) = chunks.next() {
        let length = chunk.len() as u16;
        out.push(u8::from(chunks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        let _ = out.write_all(chunk);
    }
    out.extend([0; 8]);
    out
}
