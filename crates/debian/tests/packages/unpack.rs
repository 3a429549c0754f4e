//! `.deb` files: what is kept, and what is refused.

use super::make::{World, ar, deb_of, dir, entry, file, hard_link, path, symlink, tar};
use groundup_debian::package::{Limits, TarError, UnpackError, unpack, unpack_within};
use groundup_tree::{Device, Kind, Mode};
use std::io::Write;

fn data_error(entries: &[super::make::Entry]) -> TarError {
    let world = World::new();
    let deb = world.blob(&deb_of(&[], entries));
    match unpack(&world.store, deb).unwrap_err() {
        UnpackError::Tar { member, source } if member == "data.tar" => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_a_package_can_hold_is_kept() {
    let long = format!("./usr/{}", "x".repeat(150));
    let deb = deb_of(
        &[file("./control", "Package: x\n")],
        &[
            dir("./"),
            dir("./usr/").mode(0o2775).owner(0, 50),
            file("./usr/su", "su").mode(0o4755),
            hard_link("./usr/su-2", "./usr/su"),
            symlink("./usr/link", "../etc/x"),
            entry(b'3', "./dev/null").mode(0o666),
            entry(b'6', "./fifo"),
            entry(b'L', "././@LongLink").content(format!("{long}\0").as_bytes()),
            file("./usr/short", "long name"),
            entry(b'x', "pax")
                .content(&pax(&[("SCHILY.xattr.user.a", b"1\n2"), ("uid", b"70000")])),
            file("./attributes", ""),
            file("./deep/down/file", vec![7; 700_000]),
        ],
    );
    let world = World::new();
    let tree = world.tree(world.unpack(&deb).data);
    let get = |at: &str| tree.get(&path(at)).unwrap();
    assert_eq!((get("usr").meta.mode, get("usr").meta.gid), (Mode::from_bits(0o2775), 50));
    assert_eq!(get("usr/su").meta.mode, Mode::from_bits(0o4755));
    assert_eq!(tree.links().first(&path("usr/su-2")), Some(&path("usr/su")));
    assert_eq!(get("dev/null").kind, Kind::CharDevice(Device { major: 1, minor: 3 }));
    assert_eq!(get("fifo").kind, Kind::Fifo);
    assert!(matches!(&get("usr/link").kind, Kind::Symlink { target } if **target == *b"../etc/x"));
    assert!(tree.has(&path(&long)) && !tree.has(&path("usr/short")));
    let attributes = &get("attributes").meta;
    assert_eq!(attributes.xattrs.iter().collect::<Vec<_>>(), [(&b"user.a"[..], &b"1\n2"[..])]);
    assert_eq!(attributes.uid, 70000);
    assert!(matches!(get("deep/down/file").kind, Kind::File { size: 700_000, .. }));
    assert_eq!(get("deep/down"), &groundup_tree::Node::directory());
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest + 1..).find(|l| l.to_string().len() + rest == *l).unwrap();
        bytes.extend(format!("{length} {key}=").bytes());
        bytes.extend(*value);
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn every_compression_gives_the_same_tree() {
    let world = World::new();
    let (control, data) = (tar(&[]), tar(&[file("./a", "content")]));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&data).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&data).unwrap();
    let compressed = [
        ("data.tar", data.clone()),
        ("data.tar.gz", gz.finish().unwrap()),
        ("data.tar.xz", xz.finish().unwrap()),
        ("data.tar.zst", zstd::encode_all(&data[..], 1).unwrap()),
    ];
    let trees = compressed.map(|(name, bytes)| {
        let members: [(&str, &[u8]); 3] =
            [("debian-binary", b"2.0\n"), ("control.tar", &control), (name, &bytes)];
        world.unpack(&ar(&members)).data
    });
    assert!(trees.iter().all(|tree| *tree == trees[0]));
}

#[test]
fn members_in_another_order_or_number_are_refused() {
    let world = World::new();
    let tar = tar(&[]);
    let binary: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    let (control, data) = (("control.tar", &tar[..]), ("data.tar", &tar[..]));
    let error =
        |members: &[(&str, &[u8])]| unpack(&world.store, world.blob(&ar(members))).unwrap_err();
    for members in [
        &[control, binary, data][..],
        &[binary, data, control],
        &[binary, control],
        &[binary, control, data, ("extra", b"")],
    ] {
        assert!(matches!(error(members), UnpackError::Member { .. }), "{:?}", error(members));
    }
    assert!(matches!(error(&[("debian-binary", b"3.0\n"), control, data]), UnpackError::Format(_)));
    let odd = ("data.tar.rar", &tar[..]);
    assert!(matches!(error(&[binary, control, odd]), UnpackError::Compression(_)));
    assert!(matches!(unpack(&world.store, world.blob(b"PK..")), Err(UnpackError::Ar(_))));
}

#[test]
fn a_truncated_package_is_refused_wherever_it_ends() {
    let world = World::new();
    let deb = deb_of(&[], &[file("./a", vec![1; 3000])]);
    for length in (0..deb.len()).step_by(331) {
        assert!(unpack(&world.store, world.blob(&deb[..length])).is_err(), "{length}");
    }
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    for path in ["/etc/passwd", "../x", "./a/../../x", "a/.."] {
        assert!(matches!(data_error(&[file(path, "")]), TarError::Path { .. }), "{path}");
    }
    let through = [symlink("./a", "/etc"), file("./a/passwd", "")];
    assert!(matches!(data_error(&through), TarError::Tree(_)));
    let target = [hard_link("./a", "../../etc/shadow")];
    assert!(matches!(data_error(&target), TarError::Path { .. }));
}

#[test]
fn a_path_that_comes_twice_is_refused_unless_it_is_the_same_directory() {
    assert!(matches!(data_error(&[file("./a", "1"), file("./a", "2")]), TarError::Duplicate(_)));
    assert!(matches!(data_error(&[file("./a", ""), dir("./a")]), TarError::Duplicate(_)));
    let other_mode = [dir("./a"), dir("./a").mode(0o700)];
    assert!(matches!(data_error(&other_mode), TarError::Duplicate(_)));
    let world = World::new();
    world.unpack(&deb_of(&[], &[dir("./a/"), file("./a/b", ""), dir("./a")]));
}

#[test]
fn what_a_tree_cannot_hold_is_refused_by_name() {
    assert!(matches!(data_error(&[entry(b'S', "./a")]), TarError::Unsupported { .. }));
    assert!(matches!(data_error(&[entry(b'Q', "./a")]), TarError::Unsupported { .. }));
    let attribute = pax(&[("SCHILY.xattr.trusted.a", b"1")]);
    let entries = [entry(b'x', "p").content(&attribute), file("./a", "")];
    assert!(matches!(data_error(&entries), TarError::Xattr { name, .. } if name == "trusted.a"));
    let missing = [hard_link("./a", "./b")];
    assert!(matches!(data_error(&missing), TarError::LinkTarget { .. }));
    let early = [hard_link("./a", "./b"), file("./b", "")];
    assert!(matches!(data_error(&early), TarError::LinkTarget { .. }));
}

#[test]
fn limits_stop_archives_that_grow() {
    let world = World::new();
    let zeros = tar(&[file("./a", vec![0; 4 << 20])]);
    let bomb = zstd::encode_all(&zeros[..], 1).unwrap();
    let control = tar(&[]);
    let deb =
        ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar.zst", &bomb)]);
    let source = |limits| match unpack_within(&world.store, world.blob(&deb), limits) {
        Err(UnpackError::Tar { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    let small = Limits { bytes: 1 << 20, ..Limits::default() };
    assert!(matches!(source(small), TarError::TooLarge(_)));
    let few = Limits { entries: 0, ..Limits::default() };
    assert!(matches!(source(few), TarError::TooMany(0)));
    let claimed = [file("./a", "x").claims(1 << 32)];
    assert!(matches!(data_error(&claimed), TarError::Read(_)));
    let name = [entry(b'L', "x").claims(1 << 32)];
    assert!(matches!(data_error(&name), TarError::Unsupported { .. }));
}

#[test]
fn bytes_after_the_end_of_the_archive_are_refused() {
    let world = World::new();
    let control = tar(&[]);
    let mut data = tar(&[file("./a", "")]);
    data.extend([1; 512]);
    let deb = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)]);
    let error = unpack(&world.store, world.blob(&deb)).unwrap_err();
    assert!(matches!(error, UnpackError::Tar { source: TarError::TrailingBytes, .. }));
}
