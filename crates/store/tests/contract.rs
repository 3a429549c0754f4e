//! What the store promises to everybody who puts and gets.

#![allow(clippy::unwrap_used, reason = "functions shared by tests are tests too")]

mod support;

use groundup_digest::{BlobId, Content, ObjectId, RecordId, Sha256, TreeId};
use groundup_store::{
    Access, Create, Executable, Notice, OpenError, OpenOptions, RecordKind, Store, StoreError,
    StoreErrorKind, Stored, StoredBlob, owner_of,
};
use groundup_tree::{FILE_TIME, FileTree};
use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};
use support::{key, open, put_tree, result, unrecorded, verify};

#[test]
fn a_blob_comes_back_and_its_file_is_what_check_outs_need() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let content = store.put_blob(b"hello").unwrap();
    assert_eq!(content, Content::of(b"hello"));
    assert_eq!(store.read_blob(content.blob).unwrap(), b"hello");
    let plain = store.blob_path(content.blob, Executable::No).unwrap();
    let twin = store.blob_path(content.blob, Executable::Yes).unwrap();
    for (path, mode) in [(&plain, 0o644), (&twin, 0o755)] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, mode);
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (FILE_TIME, 0));
        assert_eq!(fs::read(path).unwrap(), b"hello");
    }
    assert_ne!(fs::metadata(&plain).unwrap().ino(), fs::metadata(&twin).unwrap().ino());
    let missing = BlobId::of(b"missing");
    assert!(!store.has_blob(missing).unwrap());
    assert!(matches!(store.read_blob(missing), Err(StoreError::MissingBlob(id)) if id == missing));
    assert!(verify(&store).is_clean());
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let mut writer = store.blob_writer().unwrap();
    writer.write_all(b"half").unwrap();
    drop(writer);
    assert!(!store.has_blob(BlobId::of(b"half")).unwrap());
    assert_eq!(store.status().unwrap().scratch.bytes, 0);
    drop(store);
    assert_eq!(open(temp.path()).status().unwrap().scratch.count, 0);
}

#[test]
fn parallel_writers_of_one_blob_leave_one_whole_file() {
    let temp = tempfile::tempdir().unwrap();
    let stores = [open(temp.path()), open(temp.path())];
    let bytes = vec![7; 300_000];
    std::thread::scope(|scope| {
        for store in stores.iter().cycle().take(8) {
            scope.spawn(|| {
                for _ in 0..10 {
                    store.put_blob(&bytes).unwrap();
                }
            });
        }
    });
    assert_eq!(stores[0].read_blob(BlobId::of(&bytes)).unwrap(), bytes);
    assert_eq!(stores[0].status().unwrap().blobs.count, 1);
    assert!(verify(&stores[0]).is_clean());
}

#[test]
fn an_adopted_file_is_moved_and_one_with_other_links_is_copied() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let scratch = store.tmp_dir().unwrap();
    let file = scratch.fresh_path();
    fs::write(&file, "plain").unwrap();
    let inode = fs::metadata(&file).unwrap().ino();
    store.adopt_file(&file, StoredBlob::of(b"plain"), Executable::Yes).unwrap();
    assert!(!file.exists());
    let path = store.blob_path(BlobId::of(b"plain"), Executable::Yes).unwrap();
    assert_eq!(fs::metadata(path).unwrap().ino(), inode);

    let (file, link) = (scratch.fresh_path(), scratch.fresh_path());
    fs::write(&file, "linked").unwrap();
    fs::hard_link(&file, &link).unwrap();
    store.adopt_file(&file, StoredBlob::of(b"linked"), Executable::No).unwrap();
    fs::write(&link, "LINKED").unwrap();
    assert_eq!(store.read_blob(BlobId::of(b"linked")).unwrap(), b"linked");

    let file = scratch.fresh_path();
    fs::write(&file, "longer than it was").unwrap();
    let changed = store.adopt_file(&file, StoredBlob::of(b"short"), Executable::No);
    assert!(matches!(changed, Err(StoreError::ChangedFile { expected: 5, found: 18, .. })));
    assert!(verify(&store).is_clean());
}

#[test]
fn a_flipped_byte_is_refused_when_read_and_found_by_verify_and_removed_by_repair() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let content = store.put_blob(b"hello").unwrap();
    let path = store.blob_path(content.blob, Executable::No).unwrap();
    fs::write(&path, "hellO").unwrap();
    let error = store.read_blob(content.blob).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert!(error.to_string().contains("groundup store verify"));
    let mut bytes = Vec::new();
    let error = store.open_blob(content.blob).unwrap().read_to_end(&mut bytes).unwrap_err();
    let source = error.get_ref().unwrap().downcast_ref::<StoreError>().unwrap();
    assert_eq!(source.kind(), StoreErrorKind::Damaged);
    let report = verify(&store);
    assert_eq!(report.problems.len(), 1);
    assert!(report.problems[0].to_string().contains(&content.blob.to_string()));
    assert_eq!(store.repair(&report).unwrap().removed, report.problems);
    assert!(verify(&store).is_clean());
    assert!(!store.has_blob(content.blob).unwrap());
    store.put_blob(b"hello").unwrap();
    assert_eq!(store.read_blob(content.blob).unwrap(), b"hello");
}

#[test]
fn an_empty_file_left_by_a_crash_of_the_machine_counts_as_missing() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let content = store.put_blob(b"hello").unwrap();
    let path = store.blob_path(content.blob, Executable::No).unwrap();
    fs::write(&path, "").unwrap();
    assert!(!store.has_blob(content.blob).unwrap());
    store.put_blob(b"hello").unwrap();
    assert_eq!(store.read_blob(content.blob).unwrap(), b"hello");
    let empty = store.put_blob(b"").unwrap();
    assert!(store.has_blob(empty.blob).unwrap());
}

#[test]
fn digests_are_remembered_and_computed_when_they_are_not() {
    let temp = tempfile::tempdir().unwrap();
    let content = open(temp.path()).put_blob(b"hello").unwrap();
    let store = open(temp.path());
    assert_eq!(store.content_of(content.blob).unwrap(), content);
    let by_sha256 = |store: &Store, size| store.blob_by_sha256(content.sha256, size).unwrap();
    assert_eq!(by_sha256(&store, 5), Some(content.blob));
    assert_eq!(by_sha256(&store, 6), None);
    assert_eq!(store.blob_by_sha256(Sha256::of(b"other"), 5).unwrap(), None);
    drop(store);
    fs::remove_file(temp.path().join("hints/journal")).unwrap();
    let store = open(temp.path());
    assert_eq!(by_sha256(&store, 5), None);
    assert_eq!(store.content_of(content.blob).unwrap(), content);
    assert_eq!(by_sha256(&store, 5), Some(content.blob));
    store.remember_durations([("build.x", Duration::from_millis(1500))]).unwrap();
    store.remember_durations([("build.x", Duration::from_millis(2500))]).unwrap();
    let durations = store.durations_of(["build.x", "build.y"]).unwrap();
    assert_eq!(durations, [Some(Duration::from_millis(2500)), None]);
}

#[test]
fn a_tree_comes_back_and_is_complete_only_with_its_blobs() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let id = put_tree(&store, &["a", "b"]);
    let tree = store.load_tree(id).unwrap();
    assert_eq!(store.put_tree(&tree).unwrap(), id);
    assert_eq!(tree.len(), 4);
    assert!(store.has_complete(ObjectId::Tree(id)).unwrap());
    fs::remove_file(store.blob_path(BlobId::of(b"b"), Executable::No).unwrap()).unwrap();
    assert!(store.has_tree(id).unwrap());
    assert!(!store.has_complete(ObjectId::Tree(id)).unwrap());
    let missing = TreeId::from_bytes([1; 32]);
    assert!(matches!(store.load_tree(missing), Err(StoreError::MissingTree(id)) if id == missing));
    assert!(!store.has_complete(ObjectId::Tree(missing)).unwrap());
}

#[test]
fn a_damaged_tree_is_refused_named_and_can_be_put_again() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let (before, id) = (put_tree(&store, &["0"]), put_tree(&store, &["a"]));
    let after = put_tree(&store, &["z"]);
    let tree = store.load_tree(id).unwrap();
    let journal = temp.path().join("trees/journal");
    let mut bytes = fs::read(&journal).unwrap();
    let content = BlobId::of(b"a");
    let at = bytes.windows(32).position(|window| window == content.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(&journal, bytes).unwrap();
    assert_eq!(store.load_tree(id).unwrap_err().kind(), StoreErrorKind::Damaged);
    let report = verify(&store);
    assert!(report.problems.iter().any(|problem| problem.to_string().contains("trees/journal")));
    store.repair(&report).unwrap();
    // A tree without one of its directories is of no use, and would be a problem for ever.
    assert!(matches!(store.load_tree(id), Err(StoreError::MissingTree(_))));
    assert!(verify(&store).is_clean());
    for whole in [before, after] {
        store.load_tree(whole).unwrap();
    }
    store.put_tree(&tree).unwrap();
    assert_eq!(store.load_tree(id).unwrap(), tree);
    assert!(verify(&store).is_clean());
}

#[test]
fn the_first_result_of_a_key_stays_and_others_make_it_unstable() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let (a, b) = (store.put_blob(b"a").unwrap().blob, store.put_blob(b"b").unwrap().blob);
    let first = result(&store, ObjectId::Blob(a));
    let other = result(&store, ObjectId::Blob(b));
    assert_eq!(store.get_result(key("k")).unwrap(), None);
    assert_eq!(store.put_result(key("k"), &first).unwrap(), Stored::First);
    assert_eq!(store.put_result(key("k"), &first).unwrap(), Stored::Same);
    assert!(store.unstable().unwrap().is_empty());
    for _ in 0..2 {
        let stored = store.put_result(key("k"), &other).unwrap();
        assert_eq!(stored, Stored::Differs(first.clone()));
    }
    assert_eq!(store.get_result(key("k")).unwrap(), Some(first.clone()));
    let reopened = open(temp.path());
    for store in [&store, &reopened] {
        let unstable = store.unstable().unwrap();
        assert_eq!(unstable.len(), 1);
        assert_eq!((unstable[0].key, &unstable[0].first), (key("k"), &first));
        assert_eq!(unstable[0].others, std::slice::from_ref(&other));
    }
    assert!(verify(&store).is_clean());
}

#[test]
fn a_forgotten_result_is_compared_with_what_the_step_gives_again() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let (a, b) = (unrecorded(BlobId::of(b"a")), unrecorded(BlobId::of(b"b")));
    store.put_result(key("k"), &a).unwrap();
    store.forget_result(key("k")).unwrap();
    assert_eq!(open(temp.path()).get_result(key("k")).unwrap(), None);
    let again = groundup_store::StepResult { record: RecordId::of_encoded(b"again"), ..a.clone() };
    assert_eq!(store.put_result(key("k"), &again).unwrap(), Stored::Same);
    assert_eq!(store.get_result(key("k")).unwrap(), Some(a.clone()));
    assert!(store.unstable().unwrap().is_empty());
    store.forget_result(key("k")).unwrap();
    assert_eq!(store.put_result(key("k"), &b).unwrap(), Stored::Differs(a.clone()));
    assert_eq!(store.get_result(key("k")).unwrap(), Some(a));
    assert_eq!(store.unstable().unwrap().len(), 1);
}

#[test]
fn of_results_put_at_once_by_two_processes_one_is_the_first() {
    let temp = tempfile::tempdir().unwrap();
    let stores = [open(temp.path()), open(temp.path())];
    for round in 0..20 {
        let key = key(&round.to_string());
        let stored: Vec<Stored> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|index| {
                    let store = &stores[index % 2];
                    let output = unrecorded(BlobId::of(&[index as u8]));
                    scope.spawn(move || store.put_result(key, &output).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(stored.iter().filter(|stored| **stored == Stored::First).count(), 1);
        let first = stores[0].get_result(key).unwrap().unwrap();
        for stored in stored.into_iter().filter(|stored| *stored != Stored::First) {
            assert_eq!(stored, Stored::Differs(first.clone()));
        }
        assert_eq!(stores[1].get_result(key).unwrap(), Some(first));
    }
}

#[test]
fn records_are_added_and_listed_in_order() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let put = |kind, key, text: &str| store.put_record(kind, key, text.as_bytes()).unwrap();
    let steps = ["1", "2", "3"].map(|text| put(RecordKind::Step, Some(key("k")), text));
    let builds = ["x", "y"].map(|text| put(RecordKind::Build, None, text));
    put(RecordKind::Build, None, "x");
    let store = open(temp.path());
    assert_eq!(store.step_records(key("k")).unwrap(), steps);
    assert_eq!(store.step_records(key("l")).unwrap(), []);
    assert_eq!(store.build_records().unwrap(), builds, "newest first, and x was put last");
    assert_eq!(store.get_record(steps[1]).unwrap(), b"2");
    assert_eq!(steps[1], RecordId::of_encoded(b"2"));
    let missing = RecordId::of_encoded(b"none");
    assert!(matches!(store.get_record(missing), Err(StoreError::MissingRecord(_))));
}

#[test]
fn a_lost_or_damaged_index_is_made_again() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let tree = put_tree(&store, &["a"]);
    let first = result(&store, ObjectId::Tree(tree));
    store.put_result(key("k"), &first).unwrap();
    let other = unrecorded(BlobId::of(b"b"));
    store.put_result(key("k"), &other).unwrap();
    store.put_result(key("l"), &first).unwrap();
    store.forget_result(key("l")).unwrap();
    drop(store);
    let check = |store: &Store| {
        assert_eq!(store.get_result(key("k")).unwrap().as_ref(), Some(&first));
        assert_eq!(store.get_result(key("l")).unwrap(), None);
        assert_eq!(store.unstable().unwrap()[0].others, std::slice::from_ref(&other));
        store.load_tree(tree).unwrap();
        store.get_record(first.record).unwrap();
        assert!(verify(store).is_clean());
    };
    let index = fs::canonicalize(temp.path().join("index")).unwrap();
    let files = || walkdir::WalkDir::new(&index).sort_by_file_name().min_depth(1);
    files().into_iter().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    let store = open(temp.path());
    assert!(store.notices().is_empty());
    check(&store);
    store.rebuild_index().unwrap();
    check(&store);
    drop(store);
    for file in files() {
        fs::write(file.unwrap().path(), "this is no database, and longer than its header").unwrap();
    }
    let store = open(temp.path());
    assert_eq!(store.notices().len(), 1);
    check(&store);
}

#[test]
fn blobs_that_a_crash_of_the_machine_cut_off_are_removed_at_the_next_boot() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let (whole, torn) = (store.put_blob(b"whole").unwrap(), store.put_blob(b"torn").unwrap());
    fs::write(store.blob_path(torn.blob, Executable::No).unwrap(), "to").unwrap();
    store.sync().unwrap();
    drop(store);
    for file in walkdir::WalkDir::new(temp.path().join("index")).min_depth(1) {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().ends_with(".db") {
            fs::rename(file.path(), file.path().with_file_name("anotherboot.db")).unwrap();
        }
    }
    let store = open(temp.path());
    assert_eq!(store.notices(), [Notice::TornBlobsRemoved { count: 1 }]);
    assert!(store.has_blob(whole.blob).unwrap());
    assert!(!store.has_blob(torn.blob).unwrap());
    drop(store);
    assert_eq!(open(temp.path()).notices(), []);
}

#[test]
fn a_store_opened_for_reading_answers_and_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let tree = put_tree(&store, &["a"]);
    let first = result(&store, ObjectId::Tree(tree));
    store.put_result(key("k"), &first).unwrap();
    drop(store);
    let list = || {
        let files = walkdir::WalkDir::new(temp.path()).sort_by_file_name().into_iter();
        let files = files.map(|entry| {
            let entry = entry.unwrap();
            (entry.path().to_owned(), entry.metadata().unwrap().mtime_nsec())
        });
        files.collect::<Vec<_>>()
    };
    let before = list();
    let options = OpenOptions { access: Access::ReadOnly, create: Create::Never };
    let store = Store::open(temp.path(), &options).unwrap();
    assert_eq!(store.get_result(key("k")).unwrap(), Some(first.clone()));
    assert!(store.has_complete(ObjectId::Tree(tree)).unwrap());
    assert_eq!(store.read_blob(BlobId::of(b"a")).unwrap(), b"a");
    assert!(verify(&store).is_clean());
    let refused = [
        store.put_blob(b"b").map(|_| ()),
        store.put_tree(&FileTree::new()).map(|_| ()),
        store.put_result(key("l"), &first).map(|_| ()),
        store.set_root("r", &[], &[]),
        store.lease().map(|_| ()),
        store.tmp_dir().map(|_| ()),
        store.try_lock_step(key("k")).map(|_| ()),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::ReadOnlyStore);
    }
    drop(store);
    assert_eq!(list(), before);
}

#[test]
fn what_is_no_store_of_ours_is_refused_by_name() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().join("not/yet");
    let never = OpenOptions { create: Create::Never, ..OpenOptions::default() };
    assert!(matches!(Store::open(&place, &never), Err(OpenError::Missing { .. })));
    assert_eq!(owner_of(&place).unwrap(), None);
    drop(open(&place));
    let owner = owner_of(&place).unwrap().unwrap();
    assert_eq!(owner, fs::metadata(&place).unwrap().uid());
    // Without its check, which would not fit any more; early versions wrote none.
    let format = fs::read_to_string(place.join("format")).unwrap();
    let format = format.split("check = ").next().unwrap();
    let refuse = |text: String| {
        fs::write(place.join("format"), text).unwrap();
        Store::open(&place, &never).unwrap_err()
    };
    let error = refuse(format.replace("version = 1", "version = 2"));
    assert!(matches!(error, OpenError::Newer { found: 2, .. }));
    let error = refuse(format.replace("incompatible =\n", "incompatible = packs\n"));
    assert!(matches!(error, OpenError::UnknownFeature { .. }));
    let error = refuse(format.replace(&format!("owner = {owner}"), "owner = 54321"));
    assert!(matches!(
        error,
        OpenError::OtherOwner { owner: 54321, .. } | OpenError::RootIsNotOwner { owner: 54321, .. }
    ));
    let error = refuse("something else\n".to_owned());
    assert!(matches!(error, OpenError::NotAStore { .. }));
    fs::remove_file(place.join("format")).unwrap();
    let error = Store::open(&place, &OpenOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotAStore { .. }));
}

#[test]
fn two_processes_may_make_a_store_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().join("store");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| open(&place).put_blob(b"a").unwrap());
        }
    });
    assert!(verify(&open(&place)).is_clean());
}
