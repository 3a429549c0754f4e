//! What is read of tar: archives of the host's tar, and headers made here.

use super::*;
use crate::{
    Format, Limits,
    testing::{SMALL, Seen, damaged, only, refused, walked},
    unfold, unfold_stream,
};
use std::io;

/// An archive of headers made by hand.
struct Builder(Vec<u8>);

impl Builder {
    fn header(mut self, name: &str, flag: u8, size: usize) -> Self {
        self.0.extend_from_slice(&header(name, flag, size));
        self
    }

    fn file(self, name: &str, flag: u8, content: &[u8]) -> Self {
        let mut archive = self.header(name, flag, content.len());
        archive.0.extend_from_slice(content);
        archive.0.resize(archive.0.len().next_multiple_of(512), 0);
        archive
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let lines = records.iter().map(|(key, value)| {
            let body = format!(" {key}={value}\n");
            let length = (body.len()..).find(|n| n - n.to_string().len() == body.len()).unwrap();
            format!("{length}{body}")
        });
        let lines: String = lines.collect();
        self.file("pax", b'x', lines.as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

fn header(name: &str, flag: u8, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0004755");
    block[108..115].copy_from_slice(b"0000007");
    block[116..123].copy_from_slice(b"0000010");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000144");
    block[156] = flag;
    block[257..265].copy_from_slice(b"ustar\x0000");
    fit(&mut block);
    block
}

fn fit(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn reads_kinds_owners_and_attributes() {
    let archive = Builder(Vec::new())
        .header("./", b'5', 0)
        .pax(&[
            ("path", "d/long"),
            ("uid", "70000"),
            ("SCHILY.xattr.user.a", "1"),
            ("mtime", "7.9"),
        ])
        .file("short", b'0', b"content")
        .file("long-gnu", b'L', b"d/gnu-name\0")
        .file("cut", b'0', b"")
        .header("fifo", b'6', 0)
        .end();
    let seen = walked(Format::Tar, &archive);
    assert_eq!(seen.paths(), ["", "d/long", "d/gnu-name", "fifo"]);
    let (entry, content) = seen.get("d/long");
    assert_eq!((content, entry.uid, entry.gid, entry.mode), (&b"content"[..], 70000, 8, 0o4755));
    assert_eq!((entry.mtime, entry.xattrs.len()), (Some(7), 1));
    assert_eq!((seen.kind("fifo"), seen.kind("")), (&EntryKind::Fifo, &EntryKind::Directory));
}

#[test]
fn hard_links_and_paths_that_lead_out_are_told() {
    let mut link = header("b", b'1', 100);
    link[157..160].copy_from_slice(b"./a");
    fit(&mut link);
    let mut archive = Builder(Vec::new()).file("a", b'0', b"1").file("../x", b'0', b"2");
    archive.0.extend_from_slice(&link);
    let seen = walked(Format::Tar, &archive.file("q", b'Z', b"3").end());
    assert_eq!(seen.kind("b"), &EntryKind::HardLink(b"a".to_vec()));
    let why: Vec<&str> = seen.unread.iter().map(|(_, why)| &why[..]).collect();
    assert_eq!(why, ["its path has `..` in it", "tar: entries of kind `Z` are not supported"]);
}

#[test]
fn holes_are_zeros_in_every_form() {
    let mut old = header("old", b'S', 3);
    for (at, number) in [(386, 2), (398, 1), (410, 5), (422, 2), (434, 9), (446, 0), (483, 9)] {
        old[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
    }
    old[257..265].copy_from_slice(b"ustar  \0");
    fit(&mut old);
    let mut archive = Builder(old.to_vec());
    archive.0.extend_from_slice(b"abc");
    archive.0.resize(1024, 0);
    let mut map = b"2\n2\n1\n5\n2\n".to_vec();
    map.resize(512, 0);
    map.extend_from_slice(b"abc");
    let one = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "one")];
    let archive = archive
        .pax(&[&one[..], &[("GNU.sparse.realsize", "9")]].concat())
        .file("GNUSparseFile.0/one", b'0', &map)
        .pax(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", "2,1,5,2")])
        .file("zero", b'0', b"abc")
        .file("after", b'0', b"x")
        .end();
    let seen = walked(Format::Tar, &archive);
    assert_eq!(seen.paths(), ["old", "one", "zero", "after"]);
    for name in ["old", "one", "zero"] {
        assert_eq!(seen.get(name).1, b"\0\0a\0\0bc\0\0", "{name}");
        assert_eq!(seen.kind(name), &EntryKind::File(9));
    }
    assert_eq!(only(Format::Tar, &archive, "zero").unwrap().get("zero").1, b"\0\0a\0\0bc\0\0");
    damaged(Format::Tar, &archive);
}

#[test]
fn truncation_and_damage_are_named() {
    let archive = Builder(Vec::new()).file("a", b'0', &[1; 700]).end();
    assert_eq!(refused(Format::Tar, &archive[..600].to_vec()), "it ends too early");
    let mut damaged = archive;
    damaged[3] ^= 1;
    let why = refused(Format::Tar, &damaged);
    assert_eq!(why, "it is no well-formed tar: the checksum of a header does not fit at byte 512");
    let huge = Builder(Vec::new()).header("x", b'x', 5 << 20).end();
    assert!(refused(Format::Tar, &huge).contains("too large"));
}

#[test]
fn a_stream_gives_what_bytes_give() {
    let archive = Builder(Vec::new()).file("a", b'0', b"1").file("b", b'0', &[7; 5000]).end();
    let (mut stream, mut seen) = (&archive[..], Seen::default());
    unfold_stream(Format::Tar, &mut stream, &SMALL, &mut seen).unwrap();
    assert_eq!(seen.entries, walked(Format::Tar, &archive).entries);
    assert!(stream.is_empty());
    let limits = Limits { bytes: 100, ..SMALL };
    let mut seen = Seen::default();
    unfold(Format::Tar, &archive, &limits, &mut seen).unwrap();
    assert_eq!(
        seen.unread,
        [(b"b".to_vec(), "it has 5000 bytes, more than the limit of 100".into())]
    );
}

#[test]
fn paths_65000_deep_are_told_and_what_follows_is_read() {
    let deep = "a/".repeat(65_000);
    let archive =
        Builder(Vec::new()).pax(&[("path", &deep)]).file("cut", b'0', b"").file("b", b'0', b"");
    let seen = walked(Format::Tar, &archive.end());
    assert_eq!(seen.paths(), ["b"]);
    assert_eq!(seen.unread[0].1, "it is more than 4096 directories deep");
    assert!(seen.unread[0].0.len() <= 256, "a long path is not told in full");
}

#[test]
fn a_million_entries_end_at_the_limit() {
    let one = Builder(Vec::new()).file("a", b'0', b"").0;
    let limits = Limits { entries: 1000, ..Limits::default() };
    let error =
        unfold_stream(Format::Tar, &mut Endless(one), &limits, &mut Seen::default()).unwrap_err();
    assert_eq!(error.to_string(), "it has more than 1000 entries");
}

/// The same block again and again.
struct Endless(Vec<u8>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len() / self.0.len() * self.0.len();
        buffer[..count]
            .chunks_exact_mut(self.0.len())
            .for_each(|part| part.copy_from_slice(&self.0));
        Ok(count)
    }
}

/// Tar is one of the few programs that are on every machine where this is built.
#[test]
fn the_hosts_tar_is_read_in_its_formats() {
    let folder = std::env::temp_dir().join(format!("unfold-tar-{}", std::process::id()));
    let deep = "d".repeat(120);
    std::fs::create_dir_all(folder.join("root").join(&deep)).unwrap();
    std::fs::write(folder.join("root").join(&deep).join("f".repeat(110)), b"deep").unwrap();
    std::fs::write(folder.join("root/a"), vec![3; 100_000]).unwrap();
    std::fs::hard_link(folder.join("root/a"), folder.join("root/b")).unwrap();
    std::os::unix::fs::symlink("x".repeat(150), folder.join("root/link")).unwrap();
    let sparse = std::fs::File::create(folder.join("root/sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", 3_000_000).unwrap();
    for format in ["gnu", "posix"] {
        let archive = folder.join(format);
        let mut tar = std::process::Command::new("tar");
        tar.arg("-C").arg(folder.join("root")).args(["-S", "--sort=name", "-H", format, "-cf"]);
        assert!(tar.arg(&archive).arg(".").status().unwrap().success());
        let seen = walked(Format::Tar, &std::fs::read(&archive).unwrap());
        assert!(seen.unread.is_empty(), "{:?}", seen.unread);
        assert_eq!(seen.get(&format!("{deep}/{}", "f".repeat(110))).1, b"deep");
        assert_eq!(seen.get("a").1, vec![3; 100_000]);
        assert_eq!(seen.kind("b"), &EntryKind::HardLink(b"a".to_vec()));
        assert_eq!(seen.kind("link"), &EntryKind::Symlink("x".repeat(150).into_bytes()));
        let content = seen.get("sparse").1;
        assert_eq!((content.len(), &content[3_000_000..]), (3_000_003, &b"end"[..]), "{format}");
        assert!(content[..3_000_000].iter().all(|byte| *byte == 0));
    }
    std::fs::remove_dir_all(folder).unwrap();
}
