//! Claims about taking in what a step left.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod surroundings;

use groundup_store::{
    Executable, IngestError, IngestOptions, Ingested, LostThing, Oddity, Permissions,
};
use groundup_tree::{Kind, Mode, TreePath};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use surroundings::{Place, again_as_ordinary_user, at, inode, make_dir, mode, write};

const KEEP: IngestOptions = IngestOptions { permissions: Permissions::Keep };

impl Place {
    fn ingest(&self, dir: &Path, options: IngestOptions) -> Result<Ingested, IngestError> {
        self.store.ingest(dir, &options)
    }

    fn normal(&self, dir: &Path) -> Result<Ingested, IngestError> {
        self.ingest(dir, IngestOptions::default())
    }
}

fn mode_of(taken: &Ingested, path: &str) -> u16 {
    taken.tree.get(&at(path)).unwrap().meta.mode.bits()
}

#[test]
fn every_claim_holds_for_an_ordinary_user_with_a_strict_umask() {
    again_as_ordinary_user("every_claim_holds_for_an_ordinary_user_with_a_strict_umask");
}

#[test]
fn an_output_comes_back_as_the_same_tree() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(out.join("lib"));
    write(out.join("run"), b"#!/bin/sh\n", 0o755);
    write(out.join("lib/data"), &vec![1; 200_000], 0o644);
    symlink("lib/data", out.join("link")).unwrap();
    let taken = place.normal(&out).unwrap();
    assert_eq!(place.content(&taken.tree, "run"), b"#!/bin/sh\n");
    assert_eq!(taken.tree.len(), 5);
    let checkout = place.store.checkout(taken.id).unwrap();
    let copy = place.path("copy");
    place.store.export(taken.id, &copy, Default::default()).unwrap();
    let again = place.normal(&copy).unwrap();
    assert_eq!((again.id, &again.tree), (taken.id, &taken.tree));
    assert_eq!(place.store.load_tree(taken.id).unwrap(), taken.tree);
    assert_eq!(fs::read(checkout.path().join("link")).unwrap(), vec![1; 200_000]);
}

#[test]
fn files_are_moved_and_equal_ones_once() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    write(out.join("a"), b"equal", 0o644);
    write(out.join("b"), b"equal", 0o644);
    let inodes = [inode(out.join("a")), inode(out.join("b"))];
    let taken = place.normal(&out).unwrap();
    let Kind::File { blob, .. } = taken.tree.get(&at("a")).unwrap().kind else { panic!() };
    let kept = inode(place.store.blob_path(blob, Executable::No).unwrap());
    assert!(inodes.contains(&kept), "one of the two files itself is the blob now");
    assert!(!out.join("a").exists() && !out.join("b").exists());
    assert!(taken.tree.links().is_empty());
    let second = place.path("second");
    make_dir(&second);
    write(second.join("c"), b"equal", 0o644);
    place.normal(&second).unwrap();
    assert_eq!(inode(place.store.blob_path(blob, Executable::No).unwrap()), kept);
}

#[test]
fn a_file_linked_from_elsewhere_is_copied() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    write(out.join("in"), b"shared", 0o644);
    fs::hard_link(out.join("in"), place.path("outside")).unwrap();
    let taken = place.normal(&out).unwrap();
    fs::write(place.path("outside"), "changed").unwrap();
    assert_eq!(place.content(&taken.tree, "in"), b"shared");
}

#[test]
fn hard_links_inside_become_the_link_table() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(out.join("d"));
    write(out.join("z"), b"one", 0o755);
    fs::hard_link(out.join("z"), out.join("d/y")).unwrap();
    write(out.join("w"), b"one", 0o755);
    let before = [inode(out.join("z")), inode(out.join("w"))];
    let taken = place.normal(&out).unwrap();
    assert_eq!(taken.tree.links().sets(), [[&at("d/y"), &at("z")]]);
    let blob = groundup_digest::BlobId::of(b"one");
    let executable = place.store.blob_path(blob, Executable::Yes).unwrap();
    assert!(before.contains(&inode(executable)), "one of the two inodes was moved");
    let checkout = place.store.checkout(taken.id).unwrap();
    let of = |path: &str| inode(checkout.path().join(path));
    assert_eq!(of("z"), of("d/y"));
    assert_ne!(of("z"), of("w"));
}

#[test]
fn normal_permissions_are_0644_and_0755() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    write(out.join("plain"), b"1", 0o664);
    write(out.join("readonly"), b"2", 0o444);
    write(out.join("run"), b"3", 0o777);
    write(out.join("owner-runs"), b"4", 0o744);
    write(out.join("group-runs"), b"5", 0o654);
    fs::create_dir(out.join("dir")).unwrap();
    fs::set_permissions(out.join("dir"), fs::Permissions::from_mode(0o555)).unwrap();
    // The top directory is the builder's own.
    fs::set_permissions(&out, fs::Permissions::from_mode(0o700)).unwrap();
    let taken = place.normal(&out).unwrap();
    let names = ["", "plain", "readonly", "run", "owner-runs", "group-runs", "dir"];
    let modes = names.map(|name| mode_of(&taken, name));
    assert_eq!(modes, [0o755, 0o644, 0o644, 0o755, 0o755, 0o644, 0o755]);
    assert!(taken.tree.iter().all(|(_, node)| (node.meta.uid, node.meta.gid) == (0, 0)));
}

#[test]
fn what_normal_permissions_would_lose_is_named_and_nothing_is_consumed() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    write(out.join("setuid"), b"1", 0o4755);
    write(out.join("secret"), b"2", 0o600);
    write(out.join("fine"), b"3", 0o644);
    fs::create_dir(out.join("closed")).unwrap();
    fs::set_permissions(out.join("closed"), fs::Permissions::from_mode(0o750)).unwrap();
    let error = place.normal(&out).unwrap_err();
    let IngestError::Losses(losses) = &error else { panic!("{error:?}") };
    let lost = losses.as_slice().iter().map(|loss| (loss.path.clone(), loss.what.clone()));
    let mode = |bits| LostThing::Mode(Mode::from_bits(bits));
    let expected =
        [(at("closed"), mode(0o750)), (at("secret"), mode(0o600)), (at("setuid"), mode(0o4755))];
    assert_eq!(lost.collect::<Vec<_>>(), expected);
    assert_eq!(
        error.to_string(),
        "normal permissions would lose those of /closed (mode 0750), /secret (mode 0600), /setuid \
         (mode 4755); set `permissions = \"keep\"` in the recipe to keep them, or change them at \
         the end of the step"
    );
    assert_eq!(fs::read(out.join("fine")).unwrap(), b"3");
    let taken = place.ingest(&out, KEEP).unwrap();
    let modes = ["setuid", "secret", "fine", "closed"].map(|name| mode_of(&taken, name));
    assert_eq!(modes, [0o4755, 0o600, 0o644, 0o750]);
}

#[test]
fn a_long_list_of_losses_is_cut_in_the_message() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    for number in 0..8 {
        write(out.join(format!("f{number}")), b"", 0o600);
    }
    let message = place.normal(&out).unwrap_err().to_string();
    assert!(message.contains("/f4 (mode 0600) and 3 more; set"), "{message}");
}

#[test]
fn what_is_closed_to_its_owner_is_taken_in_too() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(out.join("closed"));
    write(out.join("closed/file"), b"hidden", 0o000);
    fs::set_permissions(out.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let taken = place.ingest(&out, KEEP).unwrap();
    assert_eq!((mode_of(&taken, "closed"), mode_of(&taken, "closed/file")), (0, 0));
    assert_eq!(place.content(&taken.tree, "closed/file"), b"hidden");
}

#[test]
fn attributes_are_a_loss_unless_kept() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    write(out.join("file"), b"x", 0o644);
    let set = |name: &str| {
        rustix::fs::setxattr(out.join("file"), name, b"v", rustix::fs::XattrFlags::empty())
    };
    if set("user.overlay.origin").is_err() {
        return; // This file system has no attributes, so nothing can be lost.
    }
    let copy = place.path("copy");
    make_dir(&copy);
    set("user.note").unwrap();
    let error = place.normal(&out).unwrap_err();
    let IngestError::Losses(losses) = &error else { panic!("{error:?}") };
    assert_eq!(losses.to_string(), "/file (attribute user.note)");
    let taken = place.ingest(&out, KEEP).unwrap();
    let xattrs = &taken.tree.get(&at("file")).unwrap().meta.xattrs;
    assert_eq!(xattrs.iter().collect::<Vec<_>>(), [(&b"user.note"[..], &b"v"[..])]);
    let blob = groundup_digest::BlobId::of(b"x");
    let kept = place.store.blob_path(blob, Executable::No).unwrap();
    let names = rustix::fs::listxattr(kept, &mut [0; 100][..]).unwrap();
    assert_eq!(names, 0, "the store's inode carries none");
}

#[test]
fn sockets_are_refused_by_name_and_pipes_kept() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(out.join("run"));
    let pipe = out.join("pipe");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::empty(), 0).unwrap();
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.normal(&out).unwrap().tree.get(&at("pipe")).unwrap().kind, Kind::Fifo);
    let _socket = std::os::unix::net::UnixListener::bind(out.join("run/socket")).unwrap();
    let error = place.normal(&out).unwrap_err();
    let IngestError::Odd { path, oddity: Oddity::Socket } = &error else { panic!("{error:?}") };
    assert_eq!(*path, at("run/socket"));
}

#[test]
fn devices_and_whiteouts_are_refused_by_name() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make them.
    }
    let place = Place::new();
    for (device, expected) in [((0, 0), Oddity::Whiteout), ((1, 3), Oddity::Device)] {
        let out = place.path(&format!("out{expected:?}"));
        make_dir(&out);
        let number = rustix::fs::makedev(device.0, device.1);
        let kind = rustix::fs::FileType::CharacterDevice;
        let mode = rustix::fs::Mode::empty();
        let made = rustix::fs::mknodat(rustix::fs::CWD, out.join("n"), kind, mode, number);
        if made.is_err() {
            return; // Root of a container that may not make them.
        }
        let error = place.normal(&out).unwrap_err();
        let IngestError::Odd { oddity, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*oddity, expected);
    }
}

#[test]
fn odd_names_sparse_files_and_empty_directories_are_taken_in() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(out.join("empty"));
    let odd: [&[u8]; 3] = [b"new\nline", b"not \xff utf-8", &[b'n'; 255]];
    for name in odd {
        write(out.join(OsStr::from_bytes(name)), name, 0o644);
    }
    let sparse = fs::File::create(out.join("sparse")).unwrap();
    sparse.set_len(3_000_000).unwrap();
    fs::set_permissions(out.join("sparse"), fs::Permissions::from_mode(0o644)).unwrap();
    let taken = place.normal(&out).unwrap();
    for name in odd {
        assert!(taken.tree.has(&TreePath::new(name).unwrap()));
    }
    assert!(taken.tree.get(&at("empty")).unwrap().is_directory());
    assert_eq!(place.content(&taken.tree, "sparse"), vec![0; 3_000_000]);
}

#[test]
fn a_link_is_never_followed() {
    let place = Place::new();
    let (out, outside) = (place.path("out"), place.path("outside"));
    make_dir(&out);
    make_dir(&outside);
    write(outside.join("file"), b"outside", 0o600);
    symlink(&outside, out.join("dir")).unwrap();
    symlink(outside.join("file"), out.join("file")).unwrap();
    let taken = place.normal(&out).unwrap();
    assert_eq!(taken.tree.len(), 3);
    assert_eq!(fs::read(outside.join("file")).unwrap(), b"outside");
    assert_eq!(mode(outside.join("file")), 0o600);
}

/// A directory with so many others nested in it, and what is in the last.
fn nest(top: &Path, depth: usize) {
    use rustix::fs::{Mode, OFlags};
    make_dir(top);
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut dir = rustix::fs::open(top, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&dir, "d", Mode::from_raw_mode(0o755)).unwrap();
        dir = rustix::fs::openat(&dir, "d", flags, Mode::empty()).unwrap();
        rustix::fs::fchmod(&dir, Mode::from_raw_mode(0o755)).unwrap();
    }
}

#[test]
fn an_output_deeper_than_a_tree_may_be_is_refused_by_name() {
    let place = Place::new();
    let out = place.path("out");
    nest(&out, 300);
    let taken = place.normal(&out).unwrap();
    assert!(place.store.load_tree(taken.id).unwrap() == taken.tree);
    let deep = place.path("deep");
    nest(&deep, 2100);
    let error = place.normal(&deep).unwrap_err();
    assert!(matches!(error, IngestError::Deep { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("more than 2048 directories deep, at /d/d/d/d/d…"), "{text}");
    assert!(text.contains("remove what is so deep"), "{text}");
}

#[test]
fn a_file_whose_holes_are_larger_than_the_disk_is_refused_by_name() {
    let place = Place::new();
    let out = place.path("out");
    make_dir(&out);
    // As much as one file may have here: a file system with room for all is none to test on.
    let disk = rustix::fs::statvfs(&out).unwrap();
    let room = disk.f_blocks * disk.f_frsize;
    for (name, size) in [("half", room / 2 + 1), ("more", room / 2 + 2)] {
        let file = fs::File::create(out.join(name)).unwrap();
        if file.set_len(size).is_err() {
            return;
        }
    }
    let error = place.normal(&out).unwrap_err();
    let IngestError::Large { path, size, .. } = &error else { panic!("{error}") };
    assert_eq!((path.to_string().as_str(), *size), ("/more", room / 2 * 2 + 3));
    assert!(error.to_string().contains("truncate"), "{error}");
    assert!(out.join("half").exists());
}
