//! Packages and archives whose digest is right and whose inside is not.

use crate::support::{Served, refuses};
use groundup_testkit::{Deb, Tar, TarEntry};
use groundup_tests::tiny::{Tiny, shell};
use sha2::Digest;
use std::fs;

const RECIPE: &str = "[rootfs.base]\npackages = [\"tiny-sh\", \"evil\"]\n\n\
    [build.x]\nrootfs = \"rootfs.base\"\nscript = \"echo x\"\n";

fn evil() -> Deb {
    Deb::new("evil", "1", "all").file("usr/share/evil", "x", 0o644)
}

#[test]
fn a_package_that_no_tree_can_hold_is_refused_by_entry() {
    let file = |name: &str| TarEntry::file(name, "x", 0o644);
    let rows: [(&str, Vec<TarEntry>, &[&str]); 9] = [
        ("a path with dots", vec![file("./../../etc/x")], &["`./../../etc/x`", "`..`"]),
        ("an absolute path", vec![file("/etc/x")], &["`/etc/x`"]),
        (
            "a path through a link",
            vec![TarEntry::symlink("./way", "../.."), file("./way/x")],
            &["way"],
        ),
        ("a path twice", vec![file("./usr/share/evil")], &["usr/share/evil", "twice"]),
        ("a link out", vec![TarEntry::hard_link("./x", "../../etc/passwd")], &["etc/passwd"]),
        ("a link to nothing", vec![TarEntry::hard_link("./x", "./none")], &["none"]),
        ("a sparse file", vec![TarEntry { flag: b'S', ..file("./s") }], &["sparse"]),
        ("an unknown kind", vec![TarEntry { flag: b'Z', ..file("./s") }], &["`./s`", "'Z'"]),
        (
            "a path that is too long",
            vec![file(&vec!["a"; 3000].join("/"))],
            &["over the limit of 4094"],
        ),
    ];
    for (row, entries, words) in rows {
        let deb = entries.into_iter().fold(evil(), Deb::entry);
        let tiny = Tiny::with_packages(RECIPE, vec![shell("1"), deb]);
        tiny.says(&["lock"]);
        let words = [&["evil"], words].concat();
        refuses(&tiny, row, &["build"], 1, &words);
    }
}

/// A package with these bytes, listed by the archive with their digest.
fn with_bytes(change: impl Fn(Vec<u8>) -> Vec<u8>) -> Tiny {
    // The archive lists what it finds, so the digest of the index is right.
    let mut tiny = Tiny::with_packages(RECIPE, vec![shell("1"), evil()]);
    let bytes = change(evil().build());
    tiny.publish(vec![shell("1"), evil().raw(bytes)]);
    tiny.says(&["lock"]);
    tiny
}

#[test]
fn a_package_that_is_cut_off_or_no_package_is_refused() {
    let rows: [(&str, &dyn Fn(Vec<u8>) -> Vec<u8>); 4] = [
        ("cut off in the data", &|bytes| bytes[..bytes.len() - 1500].to_vec()),
        ("cut off in a header", &|bytes| bytes[..80].to_vec()),
        ("nothing", &|_| Vec::new()),
        ("another file", &|_| b"<html>not found</html>".to_vec()),
    ];
    for (row, change) in rows {
        refuses(&with_bytes(change), row, &["build"], 1, &["evil"]);
    }
}

/// What encoders make of a run of zeros, written by hand: a gzip stream is a thousand times
/// smaller at best, one of zstd has blocks that say a byte and how often.
fn zeros_in_zstd(count: u64) -> Vec<u8> {
    const BLOCK: u64 = 128 << 10;
    // Magic, then a frame header with a window of 128 KiB and no size.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let mut left = count;
    while left > 0 {
        let block = left.min(BLOCK);
        left -= block;
        let header = (block << 3) as u32 | 1 << 1 | u32::from(left == 0);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn bombs_are_refused_before_they_fill_a_disk() {
    // Directories without an end: few bytes, gigabytes of paths.
    let deep: Vec<TarEntry> = (0..40)
        .map(|number| {
            let path = format!("./{number:04}/{}", vec!["d"; 2000].join("/"));
            TarEntry::directory(path, 0o755)
        })
        .collect();
    let deb = deep.into_iter().fold(evil(), Deb::entry);
    let tiny = Tiny::with_packages(RECIPE, vec![shell("1"), deb]);
    tiny.says(&["lock"]);
    let words = ["evil", "the paths and attributes of the entries take more than 268435456 bytes"];
    refuses(&tiny, "deep directories", &["build"], 1, &words);

    // Ten gigabytes of zeros: three hundred kilobytes of zstd, four bytes a block.
    let mut header = Tar::default();
    header.add(&TarEntry::file("./zeros", "", 0o644));
    let mut header = header.finish();
    header.truncate(512);
    header[124..136].copy_from_slice(b"77777777777\0");
    let header = with_checksum(header);
    let data = [zstd_of(&header), zeros_in_zstd(10 << 30)].concat();
    assert!(data.len() < 400 << 10, "{}", data.len());
    let control = Tar::of(&[TarEntry::file("./control", evil().control_text(), 0o644)]);
    let members =
        [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), ("data.tar.zst", &data)];
    let bomb = groundup_testkit::ar(&members);
    let tiny = with_bytes(|_| bomb.clone());
    let words = ["evil", "compressed bytes unpack to over", "`expansion` below `[unpack]`"];
    refuses(&tiny, "ten gigabytes of zeros", &["build"], 1, &words);
    let more = tiny.workspace.read("groundup.local.toml") + "\n[unpack]\nexpansion = 4000000\n";
    tiny.workspace.write("groundup.local.toml", more);
    assert_eq!(tiny.run(&["plan", "build.x"]).code, 0, "the setting is known");

    // Two million headers, each a thousand times in a hundred bytes.
    let mut long = Tar::default();
    long.add(&TarEntry::file("n".repeat(120), "", 0o644));
    let long = &long.finish()[..1024];
    let frame = zstd::encode_all(&long.repeat(1000)[..], 3).expect("it is in memory");
    let data = frame.repeat(2000);
    assert!(data.len() < 1 << 20, "{}", data.len());
    let members =
        [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), ("data.tar.zst", &data)];
    let bomb = groundup_testkit::ar(&members);
    let words = ["evil", "compressed bytes unpack to over"];
    refuses(&with_bytes(|_| bomb.clone()), "millions of headers", &["build"], 1, &words);
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header of tar with the checksum that fits.
fn with_checksum(mut header: Vec<u8>) -> Vec<u8> {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A header in a zstd frame of its own, stored.
fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let header = (bytes.len() << 3) as u32 | 1;
    frame.extend(&header.to_le_bytes()[..3]);
    frame.extend(bytes);
    frame
}

#[test]
fn an_archive_of_a_recipe_is_held_to_the_same_rules() {
    let recipe = |digest: &str| {
        format!(
            "[rootfs.base]\npackages = [\"tiny-sh\"]\n\n[source.tar]\nurl = \"URL\"\nsha256 = \
             \"{digest}\"\nunpack = true\n\n[build.x]\nrootfs = \"rootfs.base\"\n\
             sources = {{ tar = \"source.tar\" }}\nscript = \"echo x\"\n"
        )
    };
    let file = |name: &str| TarEntry::file(name, "x", 0o644);
    let rows: [(&str, Vec<u8>, &[&str]); 3] = [
        ("dots", Tar::of(&[file("a/../../x")]), &["a/../../x"]),
        ("absolute", Tar::of(&[file("/x")]), &["`/x`"]),
        ("cut off", Tar::of(&[file("a/x")])[..700].to_vec(), &["tar"]),
    ];
    for (row, archive, words) in rows {
        let digest = sha256(&archive);
        let tiny = Tiny::unlocked(&recipe(&digest));
        fs::write(tiny.mirror().join("x.tar"), &archive).expect("the mirror is ours");
        let served = Served::of(tiny);
        let text = recipe(&digest).replace("URL", &served.server.url("/x.tar"));
        served.tiny.workspace.write("recipes/tiny.toml", text);
        served.tiny.says(&["lock"]);
        served.refuses(row, &["build"], 1, &[&["source.tar"], words].concat());
    }
}
