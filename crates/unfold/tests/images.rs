//! Images that the tools of others made are read as they were made. They are the seeds of the fuzz
//! target `unfold`: from one folder, with `mke2fs`, `mkfs.erofs`, `mksquashfs`, `genisoimage`,
//! `mkfs.vfat`, `sfdisk`, `qemu-img`, `zip`, GNU `tar` and `ar`.

#![allow(clippy::unwrap_used, reason = "an error here fails the test")]

use groundup_unfold::{
    Bytes, Entry, EntryKind, Format, Limits, Qcow2, Sink, recognise, unfold, unfold_only,
};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
};

#[derive(Default)]
struct Seen {
    entries: BTreeMap<String, (Entry, Vec<u8>)>,
    unread: Vec<String>,
}

impl Sink for Seen {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let mut read = Vec::new();
        content.read_to_end(&mut read)?;
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        self.entries.insert(path, (entry.clone(), read));
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.unread.push(format!("{}: {why}", path.escape_ascii()));
    }
}

/// What a seed stands for: as it is behind its first byte, or with the zeros that were left out.
fn image(name: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/unfold");
    let seed = std::fs::read(corpus.join(format!("seed-{name}"))).unwrap();
    let (kind, rest) = seed.split_first().unwrap();
    if kind & 0x80 == 0 {
        return rest.to_vec();
    }
    let number = |at: usize| usize::from(u16::from_le_bytes(rest[at..at + 2].try_into().unwrap()));
    let (mut image, mut at) = (vec![0; number(0) * 512], 2);
    while at < rest.len() {
        let (place, length) = (number(at) * 64, number(at + 2));
        image[place..place + length].copy_from_slice(&rest[at + 4..at + 4 + length]);
        at += 4 + length;
    }
    image
}

fn walked(format: Format, bytes: &dyn Bytes) -> Seen {
    let mut seen = Seen::default();
    unfold(format, bytes, &Limits::default(), &mut seen).unwrap();
    assert!(seen.unread.is_empty(), "{:?}", seen.unread);
    seen
}

/// The images of whole file systems, and what each keeps of the folder.
const VOLUMES: &[(&str, Format)] = &[
    ("ext2", Format::Ext),
    ("ext4", Format::Ext),
    ("ext4-inline", Format::Ext),
    ("erofs", Format::Erofs),
    ("erofs-chunks", Format::Erofs),
    ("erofs-legacy", Format::Erofs),
    ("erofs-lz4", Format::Erofs),
    ("iso", Format::Iso),
    ("squashfs-gzip", Format::Squashfs),
    ("squashfs-lz4", Format::Squashfs),
    ("squashfs-xz", Format::Squashfs),
    ("squashfs-zstd", Format::Squashfs),
];

#[test]
fn file_systems_are_what_was_put_into_them() {
    for (name, format) in VOLUMES {
        let bytes = image(name);
        assert_eq!(recognise(&bytes), Some(*format), "{name}");
        let seen = walked(*format, &bytes);
        let names: Vec<&str> = seen.entries.keys().map(String::as_str).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "lost+found").collect();
        let long = "d/a long name of a file.conf";
        assert_eq!(
            names,
            ["", "a", "b", "d", long, "d/text", "hole", "l", "ll", "n", "p"],
            "{name}"
        );
        let get = |path: &str| &seen.entries[path];
        assert_eq!(get("a").1, b"hello, unfold\n", "{name}");
        assert_eq!(get("a").0.mtime, Some(1_700_000_000), "{name}");
        assert_eq!(get("b").0.kind, EntryKind::HardLink(b"a".to_vec()), "{name}");
        assert_eq!(get(long).1, b"x = 1\n", "{name}");
        assert_eq!(get("l").0.kind, EntryKind::Symlink(b"a".to_vec()), "{name}");
        assert_eq!(get("ll").0.kind, EntryKind::Symlink(vec![b'x'; 64]), "{name}");
        assert_eq!(get("n").0.kind, EntryKind::CharacterDevice(1, 3), "{name}");
        assert_eq!(get("p").0.kind, EntryKind::Fifo, "{name}");
        let hole = &get("hole").1;
        assert_eq!((hole.len(), &hole[20480..]), (20483, &b"end"[..]), "{name}");
        assert!(hole[..20480].iter().all(|byte| *byte == 0), "{name}");
        let text = String::from_utf8(get("d/text").1.clone()).unwrap();
        assert!(text.starts_with("line 1 of what is packed in here\nline 2 "), "{name}");
        assert!(matches!(text.len(), 1300 | 7962), "{name}");
        if *format != Format::Iso {
            assert_eq!(get("a").0.xattrs, [(b"user.k".to_vec(), b"value".to_vec())], "{name}");
        }
    }
}

#[test]
fn one_entry_is_read_without_the_others() {
    for (name, format) in VOLUMES {
        let bytes = image(name);
        let (mut seen, paths) = (Seen::default(), [b"d/text".to_vec(), b"b".to_vec()].into());
        unfold_only(*format, &bytes, &Limits::default(), &paths, &mut seen).unwrap();
        assert_eq!(seen.entries.keys().collect::<Vec<_>>(), ["b", "d/text"], "{name}");
        assert_eq!(seen.entries["b"].1, b"hello, unfold\n", "a further name has the content");
    }
}

#[test]
fn damage_anywhere_ends_the_walk_or_is_told() {
    let limits = Limits { entries: 500, bytes: 1 << 20, depth: 64, ..Limits::default() };
    for (name, format) in VOLUMES {
        let bytes = image(name);
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        for at in used.iter().step_by(used.len() / 60 + 1) {
            for value in [0, 0xff, 0x7f] {
                let mut changed = bytes.clone();
                changed[*at] = value;
                let _ = unfold(*format, &changed, &limits, &mut Seen::default());
            }
        }
        for end in (0..bytes.len()).step_by(bytes.len() / 20 + 1) {
            let cut = bytes[..end].to_vec();
            let _ = unfold(*format, &cut, &limits, &mut Seen::default());
        }
    }
}

#[test]
fn disks_hold_what_was_put_on_them() {
    let gpt = walked(Format::Gpt, &image("gpt"));
    let second = "2-0fc63daf-8483-4772-8e79-3d69d8477de4";
    assert_eq!(gpt.entries.keys().collect::<Vec<_>>(), ["", "1-one", second]);
    assert!(
        gpt.entries["1-one"].1.starts_with(b"content\0") && gpt.entries["1-one"].1.len() == 4096
    );
    let mbr = walked(Format::Mbr, &image("mbr"));
    assert_eq!(mbr.entries.keys().collect::<Vec<_>>(), ["", "1-83", "5-82", "6-83"]);
    let fat = image("fat");
    for name in ["qcow2", "qcow2-c", "qcow2-zstd"] {
        let bytes = image(name);
        assert_eq!(recognise(&bytes), Some(Format::Qcow2), "{name}");
        assert!(walked(Format::Qcow2, &bytes).entries["disk"].1 == fat, "{name}");
        let disk = Qcow2::open(&bytes).unwrap();
        assert_eq!(recognise(&disk), Some(Format::Fat), "{name}");
    }
    let fat = walked(Format::Fat, &fat);
    assert_eq!(fat.entries["d/a long name of a file.conf"].1, b"x = 1\n");
    assert_eq!(fat.entries["d/text"].1.len(), 1300);
}

#[test]
fn archives_are_what_was_put_into_them() {
    for name in ["tar-gnu", "tar-pax"] {
        let bytes = image(name);
        assert_eq!(recognise(&bytes), Some(Format::Tar));
        let seen = walked(Format::Tar, &bytes);
        assert_eq!(seen.entries["b"].0.kind, EntryKind::HardLink(b"a".to_vec()));
        assert_eq!(seen.entries["hole"].1.len(), 20483, "{name}");
    }
    let pax = walked(Format::Tar, &image("tar-pax"));
    assert_eq!(pax.entries["a"].0.xattrs, [(b"user.k".to_vec(), b"value".to_vec())]);
    let zip = walked(Format::Zip, &image("zip"));
    assert_eq!(zip.entries["d/text"].1.len(), 1300);
    assert_eq!(zip.entries["l"].0.kind, EntryKind::Symlink(b"a".to_vec()));
    let ar = walked(Format::Ar, &image("ar"));
    assert_eq!(ar.entries["a long name of a file.conf"].1, b"x = 1\n");
    for (name, format) in [
        ("bzip2", Format::Bzip2),
        ("gzip", Format::Gzip),
        ("xz", Format::Xz),
        ("zstd", Format::Zstd),
    ] {
        let bytes = image(name);
        assert_eq!(recognise(&bytes), Some(format));
        assert_eq!(walked(format, &bytes).entries["content"].1.len(), 7962, "{name}");
    }
}
