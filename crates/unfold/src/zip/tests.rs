//! What is read of zip, on archives made here.

use crate::{
    EntryKind, Format,
    testing::{damaged, only, refused, walked},
};

/// A stored file with a mode of Unix.
fn zip(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, mode, content) in files {
        let offset = out.len() as u32;
        let sum = crc32fast::hash(content).to_le_bytes();
        let size = (content.len() as u32).to_le_bytes();
        let common = [
            &[0, 0, 0, 0][..],
            &[0x21, 0x10, 0x21, 0x58],
            &sum,
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
        ]
        .concat();
        let local = [b"PK\x03\x04\x14\0", &common[..], &[0, 0], name.as_bytes(), content].concat();
        out.extend_from_slice(&local);
        let tail =
            [&[9, 0, 0, 0, 0, 0, 0, 0][..], &(mode << 16).to_le_bytes(), &offset.to_le_bytes()];
        let time = [b"UT\x05\0\x01", &1000u32.to_le_bytes()[..]].concat();
        let line =
            [b"PK\x01\x02\x14\x03\x14\0", &common[..], &tail.concat(), name.as_bytes(), &time];
        central.extend_from_slice(&line.concat());
    }
    let start = out.len() as u32;
    out.extend_from_slice(&central);
    let count = (files.len() as u16).to_le_bytes();
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[count, count].concat());
    out.extend_from_slice(&(central.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn sample() -> Vec<u8> {
    zip(&[
        ("d/", 0o40755, b""),
        ("d/a", 0o100_640, b"content"),
        ("link", 0o120_777, b"d/a"),
        ("../x", 0o100_644, b"out"),
    ])
}

#[test]
fn entries_are_those_of_the_central_directory() {
    let seen = walked(Format::Zip, &sample());
    assert_eq!(seen.paths(), ["d", "d/a", "link"]);
    let (entry, content) = seen.get("d/a");
    assert_eq!((entry.mode, entry.mtime, content), (0o640, Some(1000), &b"content"[..]));
    assert_eq!(seen.kind("link"), &EntryKind::Symlink(b"d/a".to_vec()));
    assert_eq!(seen.unread[0].1, "its path has `..` in it");
    assert_eq!(only(Format::Zip, &sample(), "d/a").unwrap().paths(), ["d/a"]);
    damaged(Format::Zip, &sample());
}

#[test]
fn a_program_may_stand_before_the_archive() {
    let seen = walked(Format::Zip, &[&[7; 99][..], &sample()].concat());
    assert_eq!(seen.get("d/a").1, b"content");
}

#[test]
fn overlaps_sums_and_names_that_differ_are_told() {
    let mut bytes = zip(&[("a", 0o100_644, b"1234"), ("b", 0o100_644, b"5678")]);
    let good = bytes.clone();
    bytes[31] ^= 1;
    let why = |bytes: &Vec<u8>| walked(Format::Zip, bytes).unread[0].1.clone();
    assert!(why(&bytes).contains("the sum of the content does not fit"));
    let mut bytes = good.clone();
    bytes[30] = b'c';
    assert!(why(&bytes).contains("its local header has another name"));
    let mut bytes =
        zip(&[("a", 0o100_644, &zip(&[("b", 0o100_644, b"5678")])), ("b", 0o100_644, b"5678")]);
    let central = bytes.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    bytes[central + 42] = 31;
    assert!(why(&bytes).contains("overlaps"), "{}", why(&bytes));
    assert!(
        refused(Format::Zip, &good[..good.len() - 1].to_vec()).contains("no central directory")
    );
}

#[test]
fn compressed_contents_are_read_and_unknown_methods_named() {
    let packed = zstd::encode_all(&b"content"[..], 3).unwrap();
    let mut bytes = zip(&[("a", 0o100_644, &packed)]);
    let central = bytes.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    let sum = crc32fast::hash(b"content").to_le_bytes();
    (bytes[central + 10], bytes[central + 24]) = (93, 7);
    bytes[central + 16..central + 20].copy_from_slice(&sum);
    assert_eq!(walked(Format::Zip, &bytes).get("a").1, b"content");
    let deflate = [0x4b, 0xce, 0xcf, 0x2b, 0x49, 0xcd, 0x2b, 0x01, 0x00];
    let mut bytes = zip(&[("a", 0o100_644, &deflate)]);
    let central = bytes.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    (bytes[central + 10], bytes[central + 24]) = (8, 7);
    bytes[central + 16..central + 20].copy_from_slice(&sum);
    assert_eq!(walked(Format::Zip, &bytes).get("a").1, b"content");
    bytes[central + 10] = 98;
    let why = &walked(Format::Zip, &bytes).unread[0].1;
    assert_eq!(why, "zip: compression method 98 is not supported");
}
