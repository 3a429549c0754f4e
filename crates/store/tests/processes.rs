//! Several processes on one store, some of which are killed.
//!
//! The workers are this test binary, run again with the name of a worker in the environment.

#![allow(clippy::unwrap_used, reason = "functions shared by tests are tests too")]

mod support;

use groundup_digest::{BlobId, ObjectId};
use groundup_store::{Executable, KeepOptions, RecordKind, StepResult, Stored};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::AtomicBool,
    time::Duration,
};
use support::{key, open, put_tree, verify};

const WORKER: &str = "GROUNDUP_TEST_WORKER";
const PLACE: &str = "GROUNDUP_TEST_STORE";

fn start(worker: &str, place: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--nocapture"])
        .env(WORKER, worker)
        .env(PLACE, place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a claim by itself: what the processes started by the other tests do.
#[test]
#[allow(clippy::disallowed_methods, reason = "how a started test binary knows that it is a worker")]
fn worker() {
    let Some(worker) = std::env::var_os(WORKER) else { return };
    let place = PathBuf::from(std::env::var_os(PLACE).unwrap());
    match worker.to_str().unwrap() {
        "put" => work(&place),
        "collect" => loop {
            let store = open(&place);
            let plan = store.plan_collect(&KeepOptions::default()).unwrap();
            store.perform_collect(&plan).unwrap();
        },
        "count" => count(&place),
        other => panic!("no worker {other}"),
    }
}

/// Puts blobs, trees, records, results, logs and roots without end.
fn work(place: &Path) {
    for round in 0.. {
        let store = open(place);
        for step in 0..5 {
            let content = format!("{round} {step} {}", "x".repeat(20_000));
            let tree = put_tree(&store, &["same", &content]);
            store.blob_path(BlobId::of(content.as_bytes()), Executable::Yes).unwrap();
            let key = key(&format!("{} {step}", round % 7));
            let mut log = store.log_writer(key).unwrap();
            log.write_all(content.as_bytes()).unwrap();
            log.finish().unwrap();
            let text = content.as_bytes();
            let record = store.put_record(RecordKind::Step, Some(key), text).unwrap();
            let outputs = [("out".to_owned(), ObjectId::Tree(tree))].into();
            store.put_result(key, &StepResult { outputs, record }).unwrap();
            store.set_root(&format!("r{step}"), &[ObjectId::Tree(tree)], &[]).unwrap();
        }
    }
}

/// Adds one to a number in a file, under a step's lock and through the store's results.
fn count(place: &Path) {
    let store = open(place);
    for _ in 0..25 {
        let lock = store.lock_step(key("counter"), &AtomicBool::new(false)).unwrap();
        let file = place.join("tmp-counter");
        let number: u32 = fs::read_to_string(&file).unwrap().parse().unwrap();
        std::thread::yield_now();
        fs::write(&file, (number + 1).to_string()).unwrap();
        drop(lock);
    }
}

#[test]
fn processes_that_are_killed_anywhere_leave_a_clean_store() {
    let temp = tempfile::tempdir().unwrap();
    drop(open(temp.path()));
    let mut results = 0;
    for round in 0..20_u64 {
        let mut workers =
            [start("put", temp.path()), start("put", temp.path()), start("collect", temp.path())];
        // Different moments in each round; which ones does not matter.
        std::thread::sleep(Duration::from_millis(40 + round * 37 % 150));
        for worker in &mut workers {
            assert_eq!(worker.try_wait().unwrap(), None, "a worker ended by itself");
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        let store = open(temp.path());
        let report = verify(&store);
        assert_eq!(report.problems, [], "after round {round}");
        assert_eq!(store.status().unwrap().scratch.count, 0);
        assert_eq!(store.status().unwrap().leased, 0);
        for (_, result) in store.results().unwrap() {
            store.get_record(result.record).unwrap();
            for tree in result.outputs.values().filter_map(|object| object.tree()) {
                store.load_tree(tree).unwrap();
            }
        }
        assert!(report.results >= results, "a result was lost in round {round}");
        results = report.results;
    }
    assert!(results > 0, "the workers were killed before they did anything");
}

#[test]
fn two_processes_take_turns_at_a_step() {
    let temp = tempfile::tempdir().unwrap();
    drop(open(temp.path()));
    fs::write(temp.path().join("tmp-counter"), "0").unwrap();
    let mut workers = [start("count", temp.path()), start("count", temp.path())];
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    assert_eq!(fs::read_to_string(temp.path().join("tmp-counter")).unwrap(), "50");
}

#[test]
fn a_result_is_seen_by_another_process_only_with_its_objects() {
    let temp = tempfile::tempdir().unwrap();
    let store = open(temp.path());
    let mut worker = start("put", temp.path());
    let mut seen = 0;
    for _ in 0..2_000_000 {
        let number = seen % 5;
        // The worker's first round puts the keys `0 0` to `0 4`, in this order.
        if let Some(result) = store.get_result(key(&format!("0 {number}"))).unwrap() {
            assert!(store.has_complete(result.outputs["out"]).unwrap());
            store.get_record(result.record).unwrap();
            seen += 1;
            if seen == 5 {
                break;
            }
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(seen, 5);
    let result = store.get_result(key("0 0")).unwrap().unwrap();
    assert_eq!(store.put_result(key("0 0"), &result).unwrap(), Stored::Same);
}
