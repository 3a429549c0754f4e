//! Claims about taking in a person's files.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod surroundings;

use groundup_store::{Executable, KnownHashes, Snapshot, SnapshotEntry, SnapshotError};
use groundup_tree::Kind;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use surroundings::{Place, again_as_ordinary_user, at, inode, make_dir, mode, write};

impl Place {
    fn snapshot(&self, root: &Path) -> Snapshot {
        let files = self.store.walk_all(root).unwrap().files;
        self.store.snapshot(root, &files, KnownHashes::Trust).unwrap()
    }
}

/// Lets the clock move past the tick in which the last file was written.
fn settle() {
    std::thread::sleep(Duration::from_millis(2_100));
}

fn listed(path: &str) -> SnapshotEntry {
    SnapshotEntry { path: at(path), executable: None }
}

#[test]
fn every_claim_holds_for_an_ordinary_user_with_a_strict_umask() {
    again_as_ordinary_user("every_claim_holds_for_an_ordinary_user_with_a_strict_umask");
}

#[test]
fn files_are_copied_with_the_modes_of_git() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(work.join("src"));
    write(work.join("src/main.c"), b"int main;", 0o600);
    write(work.join("configure"), b"#!", 0o750);
    symlink("src", work.join("link")).unwrap();
    let snapshot = place.snapshot(&work);
    let modes: Vec<_> = snapshot
        .tree
        .iter()
        .map(|(path, node)| (path.to_string(), node.meta.mode.bits()))
        .collect();
    let expected = [
        ("/", 0o755),
        ("/configure", 0o755),
        ("/link", 0o777),
        ("/src", 0o755),
        ("/src/main.c", 0o644),
    ];
    assert_eq!(modes, expected.map(|(path, mode)| (path.to_owned(), mode)));
    fs::write(work.join("src/main.c"), "changed").unwrap();
    assert_eq!(place.content(&snapshot.tree, "src/main.c"), b"int main;");
    assert_eq!(mode(work.join("configure")), 0o750);
}

#[test]
fn what_version_control_says_of_the_mode_counts() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    write(work.join("a"), b"a", 0o644);
    let files = [SnapshotEntry { path: at("a"), executable: Some(Executable::Yes) }];
    let snapshot = place.store.snapshot(&work, &files, KnownHashes::Trust).unwrap();
    assert_eq!(snapshot.tree.get(&at("a")).unwrap().meta.mode.bits(), 0o755);
}

#[test]
fn an_unchanged_file_is_read_once_and_a_changed_one_again() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    for name in ["a", "b", "c"] {
        write(work.join(name), name.as_bytes(), 0o644);
    }
    settle();
    let first = place.snapshot(&work);
    let second = place.snapshot(&work);
    assert_eq!((first.read, second.read), (3, 0));
    assert_eq!(first.id, second.id);
    // The same size and, put back, the same time of modification.
    let old = fs::metadata(work.join("b")).unwrap().modified().unwrap();
    write(work.join("b"), b"B", 0o644);
    fs::File::options().append(true).open(work.join("b")).unwrap().set_modified(old).unwrap();
    let third = place.snapshot(&work);
    assert_eq!(third.read, 1);
    assert_eq!(place.content(&third.tree, "b"), b"B");
    let ignored = place.store.walk_all(&work).unwrap().files;
    let all = place.store.snapshot(&work, &ignored, KnownHashes::Ignore).unwrap();
    assert_eq!((all.read, all.id), (3, third.id));
}

#[test]
fn a_file_changed_right_after_a_snapshot_is_seen() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    for round in 0..50u8 {
        fs::write(work.join("a"), [round]).unwrap();
        let snapshot = place.snapshot(&work);
        assert_eq!(place.content(&snapshot.tree, "a"), [round]);
    }
}

#[test]
fn a_known_file_whose_blob_is_gone_is_read_again() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    write(work.join("a"), b"bytes", 0o644);
    settle();
    let first = place.snapshot(&work);
    let Kind::File { blob, .. } = first.tree.get(&at("a")).unwrap().kind else { panic!() };
    fs::remove_file(place.store.blob_path(blob, Executable::No).unwrap()).unwrap();
    let second = place.snapshot(&work);
    assert_eq!(second.read, 1);
    assert_eq!(place.content(&second.tree, "a"), b"bytes");
}

#[test]
fn a_damaged_cache_costs_a_read_and_nothing_else() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    write(work.join("a"), b"bytes", 0o644);
    settle();
    let first = place.snapshot(&work);
    let folder = place.store.path().join("stat-cache");
    for cache in walkdir::WalkDir::new(folder).min_depth(1) {
        fs::write(cache.unwrap().path(), "damaged").unwrap();
    }
    let second = place.snapshot(&work);
    assert_eq!((second.read, second.id), (1, first.id));
    assert_eq!(place.snapshot(&work).read, 0);
}

#[test]
fn what_is_listed_and_not_there_is_said() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(work.join("real"));
    write(work.join("real/file"), b"x", 0o644);
    symlink("real", work.join("link")).unwrap();
    let files = [listed("gone"), listed("real/file"), listed("link/file"), listed("no/dir")];
    let snapshot = place.store.snapshot(&work, &files, KnownHashes::Trust).unwrap();
    assert_eq!(snapshot.missing, [at("gone"), at("link/file"), at("no/dir")]);
    assert_eq!(snapshot.tree.len(), 3);
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(work.join("module"));
    let result = place.store.snapshot(&work, &[listed("module")], KnownHashes::Trust);
    let Err(SnapshotError::NotAFile { path, .. }) = result else { panic!("{result:?}") };
    assert_eq!(path, work.join("module"));
}

#[test]
fn a_walk_finds_every_file_but_those_of_the_store() {
    let place = Place::new();
    make_dir(place.path("d/empty"));
    write(place.path(".hidden"), b"", 0o644);
    write(place.path("d/x"), b"", 0o644);
    symlink("nowhere", place.path("d/link")).unwrap();
    let found = place.store.walk_all(place.folder.path()).unwrap().files;
    let paths: Vec<_> = found.iter().map(|entry| entry.path.to_string()).collect();
    assert_eq!(paths, ["/.hidden", "/d/link", "/d/x"]);
}

#[test]
fn the_files_of_a_person_are_never_the_inodes_of_the_store() {
    let place = Place::new();
    let work = place.path("work");
    make_dir(&work);
    write(work.join("a"), &vec![9; 600_000], 0o644);
    let snapshot = place.snapshot(&work);
    let Kind::File { blob, size } = snapshot.tree.get(&at("a")).unwrap().kind else { panic!() };
    assert_eq!(size, 600_000);
    let kept = place.store.blob_path(blob, Executable::No).unwrap();
    assert_ne!(inode(kept), inode(work.join("a")));
}
