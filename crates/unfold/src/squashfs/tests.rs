//! What is read of squashfs: a small image written here. Those of `mksquashfs` are read by the
//! end-to-end tests.

use crate::{
    EntryKind, Format, recognise,
    testing::{damaged, only, refused, walked},
};

fn le(parts: &[(u64, usize)]) -> Vec<u8> {
    parts.iter().flat_map(|(value, width)| value.to_le_bytes()[..*width].to_vec()).collect()
}

fn metadata(data: &[u8]) -> Vec<u8> {
    [&(0x8000 | data.len() as u16).to_le_bytes()[..], data].concat()
}

/// `d` with a file of one block and a fragment, a link, a device; a second name of the file; xattrs.
fn image() -> Vec<u8> {
    let head = |kind: u64, mode: u64, number: u64| {
        le(&[(kind, 2), (mode, 2), (0, 2), (1, 2), (9, 4), (number, 4)])
    };
    let file = [
        head(9, 0o644, 1),
        le(&[(96, 8), (4096 + 3, 8), (0, 8), (2, 4), (0, 4), (1, 4), (0, 4)]),
        le(&[(4096 | 1 << 24, 4)]),
    ]
    .concat();
    let link = [head(3, 0o777, 2), le(&[(1, 4), (4, 4)]), b"file".to_vec()].concat();
    let device = [head(5, 0o600, 3), le(&[(1, 4), (0x103, 4)])].concat();
    let inner =
        [head(1, 0o755, 4), le(&[(0, 4), (2, 4), (3 + 12 + 8 * 3 + 10, 2), (0, 2), (5, 4)])]
            .concat();
    let names = |list: &[(&str, usize)]| {
        let mut out = le(&[(list.len() as u64 - 1, 4), (0, 4), (1, 4)]);
        for (name, offset) in list {
            out.extend(le(&[(*offset as u64, 2), (0, 2), (0, 2), (name.len() as u64 - 1, 2)]));
            out.extend(name.as_bytes());
        }
        out
    };
    let places = [0, file.len(), file.len() + link.len(), file.len() + link.len() + device.len()];
    let first = names(&[("dev", places[2]), ("file", places[0]), ("lnk", places[1])]);
    let second =
        names(&[("again", places[0]), ("d", places[3]), ("loop", places[3] + inner.len())]);
    let root = [
        head(1, 0o755, 5),
        le(&[(0, 4), (3, 4), (3 + second.len() as u64, 2), (first.len() as u64, 2), (6, 4)]),
    ]
    .concat();
    let inodes = [file, link, device, inner.clone(), root].concat();
    let mut out = vec![0; 96];
    out.extend([7; 4096]);
    let fragment = out.len() as u64;
    out.extend(b"_end");
    let inode_table = out.len() as u64;
    out.extend(metadata(&inodes));
    let directory_table = out.len() as u64;
    out.extend(metadata(&[first, second].concat()));
    let table = |out: &mut Vec<u8>, data: &[u8]| {
        let block = out.len() as u64;
        out.extend(metadata(data));
        let list = out.len() as u64;
        out.extend(block.to_le_bytes());
        list
    };
    let fragment_table = table(&mut out, &le(&[(fragment, 8), (4 | 1 << 24, 4), (0, 4)]));
    let id_table = table(&mut out, &le(&[(0, 4), (1000, 4)]));
    let pairs = out.len() as u64;
    out.extend(metadata(&[&le(&[(0, 2), (1, 2)])[..], b"a", &le(&[(3, 4)]), b"val"].concat()));
    let lookup = out.len() as u64;
    out.extend(metadata(&le(&[(0, 8), (1, 4), (11, 4)])));
    let xattr_table = out.len() as u64;
    out.extend(le(&[(pairs, 8), (1, 4), (0, 4), (lookup, 8)]));
    let super_block = [
        b"hsqs".to_vec(),
        le(&[(5, 4), (9, 4), (4096, 4), (1, 4), (1, 2), (12, 2), (0, 2), (2, 2), (4, 2), (0, 2)]),
        le(&[(places[3] as u64 + inner.len() as u64, 8), (out.len() as u64, 8), (id_table, 8)]),
        le(&[
            (xattr_table, 8),
            (inode_table, 8),
            (directory_table, 8),
            (fragment_table, 8),
            (u64::MAX, 8),
        ]),
    ];
    out[..96].copy_from_slice(&super_block.concat());
    out
}

#[test]
fn all_that_is_in_it_is_read() {
    let image = image();
    assert_eq!(recognise(&image), Some(Format::Squashfs));
    let seen = walked(Format::Squashfs, &image);
    assert_eq!(seen.paths(), ["", "again", "d", "d/dev", "d/file", "d/lnk"]);
    assert_eq!(
        seen.unread,
        [(b"loop".to_vec(), "it is a directory that was met elsewhere already".into())]
    );
    let (entry, content) = seen.get("again");
    assert_eq!((content.len(), &content[4096..]), (4099, &b"end"[..]));
    assert_eq!((entry.uid, entry.gid, entry.mtime), (0, 1000, Some(9)));
    assert_eq!(entry.xattrs, [(b"user.a".to_vec(), b"val".to_vec())]);
    assert_eq!(seen.kind("d/file"), &EntryKind::HardLink(b"again".to_vec()));
    assert_eq!(seen.kind("d/dev"), &EntryKind::CharacterDevice(1, 3));
    assert_eq!(seen.kind("d/lnk"), &EntryKind::Symlink(b"file".to_vec()));
    assert_eq!(seen.facts("")["squashfs.compression"], "gzip");
    let one = only(Format::Squashfs, &image, "d/file").unwrap();
    assert_eq!((one.paths(), one.get("d/file").1.len()), (vec!["d/file".to_owned()], 4099));
}

#[test]
fn damage_is_told_where_it_is() {
    let mut cut = image();
    let length = cut.len();
    cut.truncate(length - 8);
    assert!(walked(Format::Squashfs, &cut).unread[0].1.contains("it ends too early"));
    let mut lzo = image();
    lzo[20] = 3;
    assert_eq!(refused(Format::Squashfs, &lzo), "squashfs: compression by lzo is not supported");
    damaged(Format::Squashfs, &image());
}
