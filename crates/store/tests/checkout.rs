//! Claims about check-outs and exports.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod surroundings;

use groundup_store::{CheckoutError, Existing, ExportError, ExportOptions, Missing};
use groundup_tree::{Device, FILE_TIME, FileTree, Kind, Meta, Name, Node, TreePath};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use surroundings::{Place, again_as_ordinary_user, at, inode, mode};

#[test]
fn every_claim_holds_for_an_ordinary_user_with_a_strict_umask() {
    again_as_ordinary_user("every_claim_holds_for_an_ordinary_user_with_a_strict_umask");
}

#[test]
fn a_checkout_shows_the_tree_with_its_modes_links_and_times() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"bin/run", b"#!", 0o755);
    place.add(&mut tree, b"etc/conf", b"x=1", 0o644);
    place.add(&mut tree, b"etc/secret", b"key", 0o600);
    place.add(&mut tree, b"sealed/in", b"in", 0o400);
    tree.insert(at("sealed"), Node { meta: Meta::root_owned(0o555), kind: Kind::Directory })
        .unwrap();
    tree.insert(at("link"), Node::symlink("etc/conf")).unwrap();
    let pipe = Node { meta: Meta::root_owned(0o640), kind: Kind::Fifo };
    tree.insert(at("pipe"), pipe).unwrap();
    let id = place.store.put_tree(&tree).unwrap();
    let checkout = place.store.checkout(id).unwrap();
    let root = checkout.path();
    assert_eq!(fs::read(root.join("bin/run")).unwrap(), b"#!");
    let modes = ["", "bin", "bin/run", "etc/conf", "etc/secret", "sealed", "sealed/in", "pipe"]
        .map(|path| mode(root.join(path)));
    assert_eq!(modes, [0o755, 0o755, 0o755, 0o644, 0o600, 0o555, 0o400, 0o640]);
    assert_eq!(fs::read_link(root.join("link")).unwrap().as_os_str(), "etc/conf");
    assert!(fs::symlink_metadata(root.join("pipe")).unwrap().file_type().is_fifo());
    for path in ["", "bin", "bin/run", "etc/secret", "sealed", "sealed/in", "link", "pipe"] {
        let metadata = fs::symlink_metadata(root.join(path)).unwrap();
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (FILE_TIME, 0), "{path}");
    }
    assert!(checkout.unrepresented().unwrap().is_empty());
}

#[test]
fn a_checkout_is_made_once() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"a", b"a", 0o644);
    let id = place.store.put_tree(&tree).unwrap();
    let first = inode(place.store.checkout(id).unwrap().path());
    assert_eq!(inode(place.store.checkout(id).unwrap().path()), first);
}

#[test]
fn a_top_directory_closed_to_its_owner_is_made_too() {
    let place = Place::new();
    for bits in [0o000, 0o555, 0o700] {
        let mut tree = FileTree::with_root(Meta::root_owned(bits));
        place.add(&mut tree, b"a", b"a", 0o644);
        let id = place.store.put_tree(&tree).unwrap();
        let checkout = place.store.checkout(id).unwrap();
        assert_eq!(mode(checkout.path()), bits);
        assert_eq!(fs::metadata(checkout.path()).unwrap().mtime(), FILE_TIME);
        // A maker that died right after the move leaves its mark: the next user settles it.
        fs::set_permissions(checkout.path(), fs::Permissions::from_mode(0o1700 | bits)).unwrap();
        assert_eq!(mode(place.store.checkout(id).unwrap().path()), bits);
        fs::set_permissions(checkout.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn plain_files_share_the_inode_of_the_store_between_checkouts() {
    let place = Place::new();
    let trees = ["one", "two"].map(|name| {
        let mut tree = FileTree::new();
        place.add(&mut tree, b"plain", b"same", 0o644);
        place.add(&mut tree, b"run", b"same", 0o755);
        place.add(&mut tree, name.as_bytes(), b"", 0o600);
        place.store.put_tree(&tree).unwrap()
    });
    let roots = trees.map(|id| place.store.checkout(id).unwrap().path().to_owned());
    for name in ["plain", "run"] {
        assert_eq!(inode(roots[0].join(name)), inode(roots[1].join(name)));
    }
    assert_ne!(inode(roots[0].join("plain")), inode(roots[0].join("run")));
}

#[test]
fn only_paths_that_the_tree_links_share_an_inode() {
    let place = Place::new();
    let mut tree = FileTree::new();
    for path in ["a", "b", "c/d", "e", "f"] {
        place.add(&mut tree, path.as_bytes(), b"equal", 0o644);
    }
    for path in ["s", "t"] {
        place.add(&mut tree, path.as_bytes(), b"special", 0o4711);
    }
    tree.link(at("c/d"), &at("a")).unwrap();
    tree.link(at("f"), &at("e")).unwrap();
    tree.link(at("t"), &at("s")).unwrap();
    let checkout = place.store.checkout(place.store.put_tree(&tree).unwrap()).unwrap();
    let of = |path: &str| inode(checkout.path().join(path));
    assert_eq!(of("a"), of("c/d"));
    assert_eq!(of("e"), of("f"));
    assert_eq!(of("s"), of("t"));
    assert_ne!(of("a"), of("b"));
    assert_ne!(of("a"), of("e"));
    assert_ne!(of("b"), of("e"));
    for path in ["a", "b", "e"] {
        assert_eq!(fs::read(checkout.path().join(path)).unwrap(), b"equal");
    }
}

#[test]
fn devices_set_id_bits_and_capabilities_are_listed_and_not_made() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"bin/su", b"su", 0o4755);
    let null = Kind::CharDevice(Device { major: 1, minor: 3 });
    let null = Node { meta: Meta::root_owned(0o666), kind: null };
    tree.insert_with_parents(at("dev/null"), null).unwrap();
    place.add(&mut tree, b"bin/ping", b"ping", 0o755);
    let mut ping = tree.get(&at("bin/ping")).unwrap().clone();
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(ping.meta.xattrs.insert(b"security.capability", &capability));
    tree.insert(at("bin/ping"), ping).unwrap();
    let checkout = place.store.checkout(place.store.put_tree(&tree).unwrap()).unwrap();
    assert_eq!(mode(checkout.path().join("bin/su")), 0o755);
    let device = fs::symlink_metadata(checkout.path().join("dev/null")).unwrap();
    assert!(device.is_file() && device.len() == 0 && device.mode() & 0o7777 == 0);
    let listed = checkout.unrepresented().unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (one.path.to_string(), one.what)).collect();
    let expected = [
        ("/bin/ping".to_owned(), Missing::Capability),
        ("/bin/su".to_owned(), Missing::SpecialBits),
        ("/dev/null".to_owned(), Missing::Device),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn odd_names_and_deep_paths_are_made() {
    let place = Place::new();
    let mut tree = FileTree::new();
    let odd: [&[u8]; 3] = [b"new\nline", b"not \xff utf-8", b"-rf *"];
    for name in odd {
        place.add(&mut tree, name, name, 0o644);
    }
    let long = [b'n'; 255];
    place.add(&mut tree, &long, b"long", 0o644);
    // As long as a path in a tree may be: below the store, no path reaches its end.
    let deep = vec![long.as_slice(); 15].join(&b'/');
    let deep = [b"deep/", deep.as_slice(), b"/", &[b'n'; 240], b"/end"].concat();
    place.add(&mut tree, &deep, b"deep", 0o640);
    let id = place.store.put_tree(&tree).unwrap();
    let checkout = place.store.checkout(id).unwrap();
    for name in odd {
        let path = checkout.path().join(OsStr::from_bytes(name));
        assert_eq!(fs::read(path).unwrap(), name);
    }
    // Taking a copy in again reaches it.
    let copy = place.path("copy");
    place.store.export(id, &copy, ExportOptions::default()).unwrap();
    let keep = groundup_store::IngestOptions { permissions: groundup_store::Permissions::Keep };
    let again = place.store.ingest(&copy, &keep).unwrap();
    assert_eq!(again.tree, tree);
    assert_eq!(again.id, id);
}

#[test]
fn threads_and_stores_that_race_get_the_same_checkout() {
    let place = Place::new();
    let mut tree = FileTree::new();
    for number in 0..200 {
        let path = format!("dir{}/file{number}", number % 7);
        place.add(&mut tree, path.as_bytes(), path.as_bytes(), 0o644);
    }
    let id = place.store.put_tree(&tree).unwrap();
    let options = groundup_store::OpenOptions::default();
    let stores: Vec<_> = (0..6)
        .map(|_| groundup_store::Store::open(place.store.path(), &options).unwrap())
        .collect();
    let inodes: Vec<_> = std::thread::scope(|scope| {
        let made: Vec<_> = stores
            .iter()
            .map(|store| scope.spawn(move || inode(store.checkout(id).unwrap().path())))
            .collect();
        made.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(inodes.iter().all(|inode| *inode == inodes[0]), "{inodes:?}");
    drop(stores);
    let root = place.store.checkout(id).unwrap().path().to_owned();
    assert_eq!(fs::read(root.join("dir3/file3")).unwrap(), b"dir3/file3");
}

#[test]
fn a_missing_content_is_named_and_leaves_no_checkout() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"etc/lost", b"lost", 0o600);
    let id = place.store.put_tree(&tree).unwrap();
    let blob = groundup_digest::BlobId::of(b"lost");
    let file = place.store.blob_path(blob, groundup_store::Executable::No).unwrap();
    fs::remove_file(file).unwrap();
    let error = place.store.checkout(id).unwrap_err();
    let CheckoutError::MissingBlob { blob: named, path } = error else { panic!("{error:?}") };
    assert_eq!((named, path), (blob, at("etc/lost")));
    assert!(!place.store.path().join("checkouts").join(id.to_string()).exists());
}

#[test]
fn an_export_is_a_copy_that_its_owner_may_change() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"a/file", b"content", 0o644);
    place.add(&mut tree, b"a/big", &vec![7; 300_000], 0o755);
    let id = place.store.put_tree(&tree).unwrap();
    let checkout = place.store.checkout(id).unwrap();
    let dest = place.path("out");
    place.store.export(id, &dest, ExportOptions::default()).unwrap();
    for name in ["a/file", "a/big"] {
        assert_ne!(inode(dest.join(name)), inode(checkout.path().join(name)));
        assert_eq!(fs::metadata(dest.join(name)).unwrap().nlink(), 1);
        assert_eq!(fs::metadata(dest.join(name)).unwrap().mtime(), FILE_TIME);
    }
    fs::write(dest.join("a/file"), "changed").unwrap();
    assert_eq!(fs::read(checkout.path().join("a/file")).unwrap(), b"content");
    assert_eq!(fs::read(dest.join("a/big")).unwrap(), vec![7; 300_000]);
}

#[test]
fn an_export_keeps_large_files_of_the_earlier_one_that_are_right() {
    let place = Place::new();
    let mut tree = FileTree::new();
    for (name, byte) in [(&b"kept"[..], 1), (b"spoilt", 2), (b"linked", 3), (b"small", 4)] {
        let size = if byte == 4 { 10 } else { 300_000 };
        place.add(&mut tree, name, &vec![byte; size], 0o644);
    }
    let dest = place.path("out");
    let export = |tree: &FileTree| {
        let id = place.store.put_tree(tree).unwrap();
        place.store.export(id, &dest, ExportOptions { existing: Existing::Replace }).unwrap();
    };
    export(&tree);
    let before = ["kept", "spoilt", "linked", "small"].map(|name| inode(dest.join(name)));
    let mut spoilt = vec![2; 300_000];
    spoilt[299_999] = 0;
    fs::write(dest.join("spoilt"), spoilt).unwrap();
    fs::hard_link(dest.join("linked"), place.path("elsewhere")).unwrap();
    place.add(&mut tree, b"added", b"added", 0o644);
    export(&tree);
    let after = ["kept", "spoilt", "linked", "small"].map(|name| inode(dest.join(name)));
    let is_kept = [0, 1, 2, 3].map(|at| before[at] == after[at]);
    assert_eq!(is_kept, [true, false, false, false]);
    assert_eq!(fs::read(dest.join("spoilt")).unwrap(), vec![2; 300_000]);
    let kept = fs::metadata(dest.join("kept")).unwrap();
    assert_eq!((kept.nlink(), kept.mtime()), (1, FILE_TIME));
    assert_eq!(fs::read(dest.join("added")).unwrap(), b"added");
}

#[test]
fn an_export_replaces_only_when_told_to() {
    let place = Place::new();
    let mut tree = FileTree::with_root(Meta::root_owned(0o555));
    place.add(&mut tree, b"new", b"new", 0o644);
    let id = place.store.put_tree(&tree).unwrap();
    let dest = place.path("out");
    let replace = ExportOptions { existing: Existing::Replace };
    let export = |options| place.store.export(id, &dest, options);
    fs::create_dir_all(dest.join("old")).unwrap();
    assert!(matches!(export(ExportOptions::default()), Err(ExportError::Exists(_))));
    assert!(dest.join("old").exists());
    export(replace).unwrap();
    assert!(!dest.join("old").exists() && dest.join("new").exists());
    assert_eq!(mode(&dest), 0o555);
    // Also an export that its owner may not write, a file, a link, and an empty directory.
    export(replace).unwrap();
    fs::set_permissions(&dest, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&dest).unwrap();
    fs::write(&dest, "file").unwrap();
    assert!(matches!(export(ExportOptions::default()), Err(ExportError::Exists(_))));
    export(replace).unwrap();
    fs::set_permissions(&dest, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&dest).unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), &dest).unwrap();
    assert!(matches!(export(ExportOptions::default()), Err(ExportError::Exists(_))));
    export(replace).unwrap();
    fs::set_permissions(&dest, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&dest).unwrap();
    fs::create_dir(&dest).unwrap();
    export(ExportOptions::default()).unwrap();
    fs::set_permissions(&dest, fs::Permissions::from_mode(0o755)).unwrap();
    #[allow(clippy::disallowed_methods, reason = "counted, not ordered")]
    let left = fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(left, 2, "the store and the export, no scratch");
}

#[test]
fn an_export_of_a_damaged_content_is_refused() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"file", b"whole", 0o644);
    let id = place.store.put_tree(&tree).unwrap();
    let blob = groundup_digest::BlobId::of(b"whole");
    let file = place.store.blob_path(blob, groundup_store::Executable::No).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, b"wrong").unwrap();
    let dest = place.path("out");
    let error = place.store.export(id, &dest, ExportOptions::default()).unwrap_err();
    let ExportError::Make { source: CheckoutError::DamagedBlob { path, .. }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(path, TreePath::root().join(&Name::new(b"file").unwrap()));
    assert!(!dest.exists());
}

#[test]
fn user_attributes_are_set_where_the_file_system_has_them() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"file", b"x", 0o644);
    let mut node = tree.get(&at("file")).unwrap().clone();
    assert!(node.meta.xattrs.insert(b"user.note", b"hello"));
    tree.insert(at("file"), node).unwrap();
    place.add(&mut tree, b"other", b"x", 0o644);
    let checkout = place.store.checkout(place.store.put_tree(&tree).unwrap()).unwrap();
    let note = |name: &str| {
        let mut value = [0; 16];
        let path = checkout.path().join(name);
        rustix::fs::getxattr(path, "user.note", &mut value[..]).map(|size| value[..size].to_vec())
    };
    match note("file") {
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        found => assert_eq!(found, Ok(b"hello".to_vec())),
    }
    assert!(note("other").is_err());
}

#[test]
fn a_checkout_made_after_the_last_sync_is_made_again_after_a_crash_of_the_machine() {
    let place = Place::new();
    let mut tree = FileTree::new();
    place.add(&mut tree, b"dir/file", b"content", 0o644);
    let id = place.store.put_tree(&tree).unwrap();
    let file = place.store.checkout(id).unwrap().path().join("dir/file");
    let store_path = place.store.path().to_owned();
    // As after a crash: a name did not reach the disk, and the index is another boot's.
    fs::remove_file(&file).unwrap();
    let crash = || {
        let index = store_path.join("index");
        for entry in walkdir::WalkDir::new(&index).min_depth(1) {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().ends_with(".db") {
                fs::rename(entry.path(), index.join("anotherboot.db")).unwrap();
            }
        }
    };
    let options = groundup_store::OpenOptions::default();
    drop(place.store);
    crash();
    let store = groundup_store::Store::open(&store_path, &options).unwrap();
    assert!(!file.exists());
    store.checkout(id).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"content");
    // One that a sync came after is kept: the clock that tells has steps of two seconds.
    let kept = inode(&file);
    std::thread::sleep(std::time::Duration::from_secs(3));
    store.put_blob(b"more").unwrap();
    store.sync().unwrap();
    drop(store);
    crash();
    groundup_store::Store::open(&store_path, &options).unwrap();
    assert_eq!(inode(&file), kept);
}
