//! Databases of rpm and apk, sound and damaged.

use super::*;
use std::collections::BTreeMap;

const SQLITE: &[u8] = include_bytes!("../../tests/fixtures/rpmdb.sqlite");

struct One(BTreeMap<&'static str, Vec<u8>>);

impl Files for One {
    fn below(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    fn link(&self, _: &str) -> Option<String> {
        None
    }
}

fn one(path: &'static str, bytes: Vec<u8>) -> Packages {
    Packages::of(&One(BTreeMap::from([(path, bytes)])))
}

/// A header with texts alone.
fn header(texts: &[(u32, &str)]) -> Vec<u8> {
    let (mut entries, mut store) = (Vec::new(), Vec::new());
    for (tag, text) in texts {
        for word in [*tag, 6, u32::try_from(store.len()).unwrap(), 1] {
            entries.extend(word.to_be_bytes());
        }
        store.extend(text.as_bytes());
        store.push(0);
    }
    let sizes = [texts.len(), store.len()].map(|size| u32::try_from(size).unwrap().to_be_bytes());
    [sizes.concat(), entries, store].concat()
}

fn bash() -> Vec<u8> {
    header(&[
        (1000, "bash"),
        (1001, "5.1"),
        (1002, "2"),
        (1022, "x86_64"),
        (1044, "bash-5.1-2.src.rpm"),
    ])
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn ndb(blob: &[u8]) -> Vec<u8> {
    let mut bytes = [b"RpmP".to_vec(), words(&[0, 1, 1, 2, 0, 0, 0])].concat();
    bytes.extend([b"Slot".to_vec(), words(&[1, 256, 1])].concat());
    bytes.resize(4096, 0);
    bytes.extend([b"BlbS".to_vec(), words(&[1, 1, u32::try_from(blob.len()).unwrap()])].concat());
    bytes.extend(blob);
    bytes
}

/// Pages of 512 bytes: the first tells so, the second is of a hash, the others hold the value.
fn berkeley(blob: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    bytes[12..16].copy_from_slice(&0x0006_1561u32.to_le_bytes());
    bytes[20..24].copy_from_slice(&512u32.to_le_bytes());
    let page = &mut bytes[512..];
    page[20..22].copy_from_slice(&2u16.to_le_bytes());
    page[25] = 13;
    page[28..30].copy_from_slice(&500u16.to_le_bytes());
    page[500] = 3;
    page[504..508].copy_from_slice(&2u32.to_le_bytes());
    page[508..512].copy_from_slice(&u32::try_from(blob.len()).unwrap().to_le_bytes());
    for (at, part) in blob.chunks(100).enumerate() {
        let mut page = vec![0; 512];
        page[16..20].copy_from_slice(&u32::try_from(at + 3).unwrap().to_le_bytes());
        page[22..24].copy_from_slice(&u16::try_from(part.len()).unwrap().to_le_bytes());
        page[25] = 7;
        page[26..26 + part.len()].copy_from_slice(part);
        bytes.extend(page);
    }
    bytes
}

#[test]
fn all_three_databases_of_rpm_are_read() {
    let found = one("var/lib/rpm/rpmdb.sqlite", SQLITE.to_vec());
    assert_eq!(found.problems, []);
    let names: Vec<(&str, &str, &str)> = found
        .all
        .iter()
        .map(|one| (one.name.as_str(), one.version.as_str(), one.source.as_str()))
        .collect();
    assert_eq!(names[0], ("bash", "5.2.26-3.fc40", "bash"));
    // Its blob is on overflow pages.
    assert_eq!(names[1], ("openssl-libs", "1:3.2.1-2.fc40", "openssl"));
    assert_eq!(names.len(), 5);
    for (path, bytes) in [
        ("usr/lib/sysimage/rpm/Packages.db", ndb(&bash())),
        ("var/lib/rpm/Packages", berkeley(&bash())),
    ] {
        let found = one(path, bytes);
        assert_eq!(found.problems, [], "{path}");
        assert_eq!((&*found.all[0].name, &*found.all[0].version), ("bash", "5.1-2"), "{path}");
    }
}

#[test]
fn files_of_rpm_have_owners_and_digests() {
    let root = One(BTreeMap::from([("usr/lib/sysimage/rpm/rpmdb.sqlite", SQLITE.to_vec())]));
    let found = owners(&root);
    assert_eq!(found["usr/bin/bash"].package, "bash");
    assert!(found["usr/bin/bash"].checksum.unwrap().fits(b""));
    assert_eq!(found["etc/skel/.bashrc"].checksum, None);
}

#[test]
fn a_damaged_database_is_told_and_never_more_than_that() {
    let found = one("var/lib/rpm/Packages", b"no database at all".to_vec());
    assert_eq!(found.problems[0].kind, crate::Kind::NotCompared);
    let databases: [(&'static str, Vec<u8>); 3] = [
        ("var/lib/rpm/rpmdb.sqlite", SQLITE.to_vec()),
        ("var/lib/rpm/Packages.db", ndb(&bash())),
        ("var/lib/rpm/Packages", berkeley(&bash())),
    ];
    for (path, bytes) in databases {
        for at in (0..bytes.len()).filter(|at| bytes[*at] != 0 || at % 64 == 0) {
            for value in [0, 0xff, bytes[at].wrapping_add(1)] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                one(path, damaged);
            }
            one(path, bytes[..at].to_vec());
        }
    }
}

#[test]
fn apk_and_distroless_images_are_read() {
    let text =
        "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nP:musl-utils\nV:1.2.5-r0\nA:x86_64\no:musl\n";
    let found = one("lib/apk/db/installed", text.as_bytes().to_vec());
    assert_eq!(found.all.len(), 2);
    assert_eq!(found.all[1].source, "musl");
}
