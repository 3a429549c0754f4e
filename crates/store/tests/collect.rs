//! What a collection keeps and drops, and that leases and collections do not miss each other.

#![allow(clippy::unwrap_used, reason = "functions shared by tests are tests too")]

mod support;

use groundup_digest::{BlobId, ObjectId};
use groundup_store::{
    Dropped, Executable, KeepCheckouts, KeepLogs, KeepOptions, KeepReason, Store,
};
use std::{fs, io::Write, sync::atomic::AtomicBool, sync::atomic::Ordering};
use support::{key, open, put_tree, result, unrecorded, verify};

fn collect(path: &std::path::Path) -> groundup_store::Collected {
    let store = open(path);
    let plan = store.plan_collect(&KeepOptions::default()).unwrap();
    store.perform_collect(&plan).unwrap()
}

fn has(store: &Store, content: &str) -> bool {
    store.has_blob(BlobId::of(content.as_bytes())).unwrap()
}

#[test]
fn what_roots_keep_stays_and_the_rest_goes_but_for_its_history() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let kept = put_tree(&store, &["kept"]);
    let output = put_tree(&store, &["output"]);
    let gone = put_tree(&store, &["gone"]);
    let blob = store.put_blob(b"blob").unwrap().blob;
    store.blob_path(BlobId::of(b"gone"), Executable::Yes).unwrap();
    let kept_result = result(&store, ObjectId::Tree(output));
    let gone_result = result(&store, ObjectId::Tree(gone));
    store.put_result(key("kept"), &kept_result).unwrap();
    store.put_result(key("gone"), &gone_result).unwrap();
    let mut log = store.log_writer(key("gone")).unwrap();
    log.write_all(b"text").unwrap();
    let log = log.finish().unwrap();
    store.set_root("objects", &[ObjectId::Tree(kept), ObjectId::Blob(blob)], &[]).unwrap();
    store.set_root("keys", &[], &[key("kept"), key("unknown")]).unwrap();
    drop(store);

    let store = open(temp.path());
    let plan = store.plan_collect(&KeepOptions::default()).unwrap();
    let reasons: Vec<_> =
        plan.kept.iter().map(|(reason, total)| (reason.clone(), *total)).collect();
    let of_key = KeepReason::Result { root: "keys".into(), key: key("kept") };
    assert_eq!(reasons[0].0, of_key);
    assert_eq!((reasons[0].1.count, reasons[0].1.bytes), (1, 6));
    assert_eq!(reasons[1].0, KeepReason::Root("objects".into()));
    assert_eq!(reasons[1].1.count, 2);
    let id = BlobId::of(b"gone");
    let both = [Executable::No, Executable::Yes].map(|form| (Dropped::Blob(id, form), 4));
    assert_eq!(plan.dropped, both);
    assert!(has(&store, "gone"), "a plan changes nothing");

    let collected = store.perform_collect(&plan).unwrap();
    assert_eq!((collected.dropped.count, collected.dropped.bytes), (2, 8));
    for content in ["kept", "output", "blob"] {
        assert!(has(&store, content));
    }
    assert!(!has(&store, "gone"));
    assert_eq!(store.get_result(key("gone")).unwrap(), Some(gone_result));
    assert!(store.load_tree(gone).is_ok());
    assert!(!store.has_complete(ObjectId::Tree(gone)).unwrap());
    assert!(store.read_log(log).is_ok());
    assert!(verify(&store).is_clean());

    store.remove_root("objects").unwrap();
    assert_eq!(collect(temp.path()).dropped.count, 2);
    assert!(!has(&store, "kept") && has(&store, "output"));
}

#[test]
fn what_a_process_put_or_leased_stays_until_it_lets_go() {
    let temp = tempfile::tempdir().unwrap();
    let putting = open(temp.path());
    let tree = put_tree(&putting, &["a"]);
    assert_eq!(collect(temp.path()).dropped.count, 0);
    let leasing = open(temp.path());
    let lease = leasing.lease().unwrap();
    lease.add(ObjectId::Tree(tree)).unwrap();
    drop(putting);
    assert_eq!(collect(temp.path()).dropped.count, 0);
    assert!(has(&leasing, "a"));
    drop(lease);
    assert_eq!(collect(temp.path()).dropped.count, 1);
    assert!(!has(&leasing, "a"));
}

#[test]
fn what_comes_into_use_after_the_plan_is_spared() {
    let temp = tempfile::tempdir().unwrap();
    for content in ["leased", "rooted", "put", "gone"] {
        open(temp.path()).put_blob(content.as_bytes()).unwrap();
    }
    let store = open(temp.path());
    let plan = store.plan_collect(&KeepOptions::default()).unwrap();
    assert_eq!(plan.dropped.len(), 4);
    let lease = store.lease().unwrap();
    lease.add(ObjectId::Blob(BlobId::of(b"leased"))).unwrap();
    store.set_root("r", &[ObjectId::Blob(BlobId::of(b"rooted"))], &[]).unwrap();
    store.put_blob(b"put").unwrap();
    let collected = store.perform_collect(&plan).unwrap();
    assert_eq!((collected.dropped.count, collected.spared.count), (1, 3));
    assert!(!has(&store, "gone"));
    assert!(["leased", "rooted", "put"].iter().all(|content| has(&store, content)));
}

#[test]
fn check_outs_and_old_logs_go_when_nobody_uses_them() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let trees = ["used", "kept", "gone"].map(|content| put_tree(&store, &[content]));
    let folder = |index: usize| temp.path().join("checkouts").join(trees[index].to_string());
    for index in 0..3 {
        fs::create_dir(folder(index)).unwrap();
        fs::write(folder(index).join("file"), "copy").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o555);
        fs::set_permissions(folder(index), mode).unwrap();
    }
    let logs = [1, 2, 3].map(|_| store.log_writer(key("k")).unwrap().finish().unwrap());
    store.set_root("r", &[ObjectId::Tree(trees[1])], &[]).unwrap();
    drop(store);
    let store = open(temp.path());
    let lease = store.lease().unwrap();
    lease.hold_checkout(trees[0]).unwrap();
    let plan = |checkouts, logs| {
        store.plan_collect(&KeepOptions { checkouts, logs, ..KeepOptions::default() }).unwrap()
    };
    let of_kept = plan(KeepCheckouts::OfKeptTrees, KeepLogs::All);
    assert!(of_kept.dropped.contains(&(Dropped::Checkout(trees[2]), 4)));
    assert_eq!(of_kept.dropped.len(), 2);
    store.perform_collect(&of_kept).unwrap();
    assert_eq!([0, 1, 2].map(|index| folder(index).exists()), [true, true, false]);
    let none = plan(KeepCheckouts::None, KeepLogs::Newest(1));
    let dropped: Vec<_> = none.dropped.iter().map(|(item, _)| *item).collect();
    let expected = [Dropped::Checkout(trees[1]), Dropped::Log(logs[0]), Dropped::Log(logs[1])];
    assert_eq!(dropped, expected);
    store.perform_collect(&none).unwrap();
    assert_eq!([0, 1, 2].map(|index| folder(index).exists()), [true, false, false]);
    assert_eq!(store.logs_of(key("k")).unwrap(), [logs[2]]);
}

#[test]
fn a_root_that_cannot_be_read_stops_a_collection() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    store.set_root("r", &[ObjectId::Blob(BlobId::of(b"a"))], &[]).unwrap();
    let report = verify(&store);
    assert!(report.problems[0].to_string().contains("which root r keeps"));
    for entry in walkdir::WalkDir::new(temp.path().join("roots")).min_depth(1) {
        fs::write(entry.unwrap().path(), "groundup root 1\n").unwrap();
    }
    assert!(store.plan_collect(&KeepOptions::default()).is_err());
    assert_eq!(verify(&store).problems.len(), 1);
}

#[test]
fn an_unreachable_root_key_keeps_nothing_and_breaks_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    store.put_result(key("k"), &unrecorded(BlobId::of(b"never put"))).unwrap();
    store.set_root("r", &[], &[key("k")]).unwrap();
    let plan = store.plan_collect(&KeepOptions::default()).unwrap();
    assert_eq!(plan.dropped_total().count, 0);
}

/// Builders lease and look, or put, while collections run: what they were told is there has to be.
#[test]
fn builders_and_collections_at_once_lose_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut dropped = 0;
            while !done.load(Ordering::Relaxed) {
                dropped += collect(temp.path()).dropped.count;
            }
            dropped
        });
        let builders: Vec<_> = (0..3)
            .map(|builder| {
                let temp = temp.path();
                scope.spawn(move || {
                    for round in 0..40 {
                        let store = open(temp);
                        let contents = [0, 1, 2].map(|part| format!("{part} {}", round % 3));
                        let contents: Vec<_> = contents.iter().map(String::as_str).collect();
                        if (round + builder) % 2 == 0 {
                            let tree = ObjectId::Tree(put_tree(&store, &contents));
                            assert!(store.has_complete(tree).unwrap());
                            continue;
                        }
                        let lease = store.lease().unwrap();
                        for content in contents {
                            let id = BlobId::of(content.as_bytes());
                            lease.add(ObjectId::Blob(id)).unwrap();
                            if store.has_blob(id).unwrap() {
                                std::thread::yield_now();
                                assert_eq!(store.read_blob(id).unwrap(), content.as_bytes());
                            }
                        }
                    }
                })
            })
            .collect();
        for builder in builders {
            builder.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0, "no collection dropped anything");
    });
    assert!(verify(&open(temp.path())).is_clean());
}

#[test]
fn contents_that_tell_of_builds_stay_though_nothing_refers_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let told = store.put_blob(b"origins").unwrap().blob;
    let other = store.put_blob(b"content").unwrap().blob;
    let gone = BlobId::of(b"never there");
    drop(store);
    let store = open(dir.path());
    let keep = KeepOptions { facts: [told, gone].into(), ..KeepOptions::default() };
    let plan = store.plan_collect(&keep).unwrap();
    assert_eq!(plan.kept.last().unwrap().0, KeepReason::Facts);
    assert_eq!(plan.kept_total().count, 1);
    store.perform_collect(&plan).unwrap();
    assert!(store.has_blob(told).unwrap() && !store.has_blob(other).unwrap());
    let plan = store.plan_collect(&KeepOptions::default()).unwrap();
    store.perform_collect(&plan).unwrap();
    assert!(!store.has_blob(told).unwrap());
}
