//! Source packages that are made here, in each format.

use super::make::{World, dir, file, path, tar};
use groundup_debian::source::{ApplyError, SourceError, unpack_dsc, unpack_tar};
use groundup_digest::{BlobId, Sha256};
use groundup_tree::{FileTree, Kind, Mode};
use std::io::Write;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A `.dsc` for these files, with the files in the store.
fn dsc(world: &World, format: &str, files: &[(&str, Vec<u8>)]) -> (BlobId, Vec<(String, BlobId)>) {
    let mut text = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nFormat: {format}\nSource: x\n\
         Checksums-Sha256:\n"
    );
    for (name, bytes) in files {
        text.push_str(&format!(" {} {} {name}\n", Sha256::of(bytes), bytes.len()));
    }
    text.push_str("Version: 1-1\n\n-----BEGIN PGP SIGNATURE-----\n\nnone\n");
    let stored = files.iter().map(|(name, bytes)| ((*name).to_owned(), world.blob(bytes)));
    (world.blob(text.as_bytes()), stored.collect())
}

fn unpacked(
    world: &World,
    format: &str,
    files: &[(&str, Vec<u8>)],
) -> Result<FileTree, SourceError> {
    let (dsc, files) = dsc(world, format, files);
    unpack_dsc(&world.store, dsc, &files).map(|id| world.tree(id))
}

fn text(world: &World, tree: &FileTree, at: &str) -> String {
    match tree.get(&path(at)).unwrap_or_else(|| panic!("nothing at {at}")).kind {
        Kind::File { blob, .. } => String::from_utf8(world.store.read_blob(blob).unwrap()).unwrap(),
        ref other => panic!("{at} is a {}", other.noun()),
    }
}

fn orig() -> Vec<u8> {
    gz(&tar(&[
        dir("x-1/"),
        file("x-1/main.c", "one\ntwo\nthree\n").owner(1000, 1000).mode(0o664),
        file("x-1/configure", "#!/bin/sh\n").mode(0o775),
        file("x-1/old", "gone\n"),
    ]))
}

const PATCH: &str = "A change.\n\n--- a/main.c\n+++ b/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
    --- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+n\n";

fn debian(series: &str) -> Vec<u8> {
    gz(&tar(&[
        dir("debian/"),
        file("debian/rules", "#!/usr/bin/make -f\n"),
        file("debian/patches/series", series),
        file("debian/patches/fix.patch", PATCH),
    ]))
}

#[test]
fn quilt_sources_have_their_patches_applied_and_components_placed() {
    let world = World::new();
    let part = gz(&tar(&[file("part-1/p", "p")]));
    let tree = unpacked(
        &world,
        "3.0 (quilt)",
        &[
            ("x_1.orig.tar.gz", orig()),
            ("x_1.orig-part.tar.gz", part),
            ("x_1-1.debian.tar.gz", debian("# first\nfix.patch -p1\n")),
        ],
    )
    .unwrap();
    assert_eq!(text(&world, &tree, "main.c"), "one\n2\nthree\n");
    assert_eq!(text(&world, &tree, "sub/new"), "n\n");
    assert_eq!(text(&world, &tree, "part/p"), "p");
    assert!(!tree.has(&path("old")));
    let mode = |at: &str| tree.get(&path(at)).unwrap().meta.mode;
    assert_eq!(mode("main.c"), Mode::from_bits(0o644));
    assert_eq!(mode("configure"), Mode::from_bits(0o755));
    assert_eq!(mode("debian/rules"), Mode::from_bits(0o755));
    assert_eq!(tree.get(&path("main.c")).unwrap().meta.uid, 0);
}

#[test]
fn native_sources_and_sources_with_a_diff_are_read() {
    let world = World::new();
    let tree = unpacked(&world, "3.0 (native)", &[("x_1.tar.gz", orig())]).unwrap();
    assert!(tree.has(&path("main.c")));
    let diff = "--- x-1.orig/debian/rules\n+++ x-1/debian/rules\n@@ -0,0 +1 @@\n+all:\n\
        --- x-1.orig/main.c\n+++ x-1/main.c\n@@ -3 +3,2 @@\n three\n+four\n";
    let files = [("x_1.orig.tar.gz", orig()), ("x_1-1.diff.gz", gz(diff.as_bytes()))];
    let tree = unpacked(&world, "1.0", &files).unwrap();
    assert_eq!(text(&world, &tree, "debian/rules"), "all:\n");
    assert_eq!(text(&world, &tree, "main.c"), "one\ntwo\nthree\nfour\n");
}

#[test]
fn a_patch_that_does_not_fit_is_named_with_file_and_hunk() {
    let world = World::new();
    let other = gz(&tar(&[file("x-1/main.c", "uno\ndos\n"), file("x-1/old", "gone\n")]));
    let files = [("x_1.orig.tar.gz", other), ("x_1-1.debian.tar.gz", debian("fix.patch\n"))];
    match unpacked(&world, "3.0 (quilt)", &files).unwrap_err() {
        SourceError::Apply { patch, source: ApplyError::Hunk { path: at, number, .. } } => {
            assert_eq!((patch.as_str(), at, number), ("fix.patch", path("main.c"), 1));
        }
        error => panic!("{error:?}"),
    }
    let files = [("x_1.orig.tar.gz", orig()), ("x_1-1.debian.tar.gz", debian("none.patch\n"))];
    assert!(matches!(unpacked(&world, "3.0 (quilt)", &files), Err(SourceError::Series(_))));
}

#[test]
fn files_must_be_those_of_the_dsc() {
    let world = World::new();
    let (id, mut files) = dsc(&world, "3.0 (native)", &[("x_1.tar.gz", orig())]);
    files[0].1 = world.blob(b"other");
    assert!(matches!(
        unpack_dsc(&world.store, id, &files),
        Err(SourceError::Checksum { file, .. }) if file == "x_1.tar.gz"
    ));
    assert!(matches!(unpack_dsc(&world.store, id, &[]), Err(SourceError::MissingFile(_))));
    let unknown = unpacked(&world, "3.0 (git)", &[("x_1.tar.gz", orig())]);
    assert!(matches!(unknown, Err(SourceError::Format(_))));
}

#[test]
fn an_archive_is_read_whatever_its_compression_with_names_cut_off() {
    let world = World::new();
    let plain = tar(&[dir("top"), file("top/a", "a")]);
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(&plain).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&plain).unwrap();
    let archives = [
        plain.clone(),
        gz(&plain),
        bz.finish().unwrap(),
        xz.finish().unwrap(),
        zstd::encode_all(&plain[..], 1).unwrap(),
    ];
    let trees = archives.map(|bytes| unpack_tar(&world.store, world.blob(&bytes), 1).unwrap());
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    assert_eq!(text(&world, &world.tree(trees[0]), "a"), "a");
    assert!(unpack_tar(&world.store, world.blob(b"nonsense"), 0).is_err());
}
