//! What `whence` and `why` cost in a store with many builds: `cargo run -p groundup-tests --example
//! thousand_builds -- --root WORKSPACE --builds 1000 --target node.worker --path /usr/sbin/iptables` takes
//! the largest build record of a workspace's store, and puts it into a copy of the store in scratch (its
//! journals; contents are those of the workspace) as often as asked, each time from another commit and with
//! other outputs; then it asks for an output that some of them have, and for a path of the target. Each is
//! asked when the views of the journals are gone, as in a copy of a store; then as after a boot, which
//! the history outlives and the index does not; and then when both are there.
#![allow(clippy::print_stdout, reason = "this is what the command prints")]

use groundup_digest::BlobId;
use groundup_store::{Access, Create, OpenOptions, RecordKind, Store};
use groundup_tests::{groundup, repository, succeed};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let root = value("--root").map_or_else(repository, PathBuf::from);
    let builds: usize = value("--builds").map_or(1000, |text| text.parse().expect("a number"));
    let target = value("--target").unwrap_or_else(|| "node.worker".to_owned());
    let path = value("--path").unwrap_or_else(|| "/usr/sbin/iptables".to_owned());
    let options = OpenOptions { create: Create::Never, access: Access::ReadOnly };
    let from = Store::open(&root.join("store"), &options).expect("the workspace has a store");
    let largest = from
        .build_records()
        .expect("builds")
        .into_iter()
        .map(|id| from.get_record(id).expect("a record"));
    let record = largest.max_by_key(Vec::len).expect("a build");
    let scratch = tempfile::tempdir().expect("scratch");
    let store = scratch.path().join("store");
    copy(&root.join("store"), &store);
    let to = Store::open(&store, &OpenOptions::default()).expect("a store");
    let places = outputs(&record);
    let mut asked = String::new();
    let put = Instant::now();
    for build in 0..builds {
        let mut bytes = record.clone();
        // One build in ten moves ten outputs; all have another commit.
        let version = build / 10;
        for place in places.iter().skip(version % 7).step_by(places.len() / 10).take(10) {
            let id = BlobId::of(format!("{place} {version}").as_bytes());
            // The last one is as it was built, so that its paths can be asked for.
            if build + 1 < builds {
                bytes[*place..place + 32].copy_from_slice(id.as_bytes());
            }
            if version == builds / 20 {
                asked = id.to_string();
            }
        }
        let commit = format!("{build:040x}");
        if let Some(at) = commit_of(&bytes) {
            bytes[at..at + 40].copy_from_slice(commit.as_bytes());
        }
        to.put_record(RecordKind::Build, None, &bytes).expect("a record is put");
    }
    drop(to);
    println!("{builds} builds of {} bytes each, put in {:.1?}", record.len(), put.elapsed());
    let question = |words: &[&str]| {
        let mut command = Command::new(groundup());
        command.arg("-C").arg(&root).arg("--store").arg(&store).args(words).arg("--json");
        command.current_dir(scratch.path());
        command
    };
    for words in [&["whence", &asked][..], &["why", &target, &path]] {
        forget(&store, Views::All);
        let first = Instant::now();
        let said = succeed(&mut question(words));
        println!("{}, without views: {:.1?}", words.join(" "), first.elapsed());
        forget(&store, Views::Index);
        let first = Instant::now();
        succeed(&mut question(words));
        println!("  as after a boot: {:.1?}", first.elapsed());
        let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        match words[0] {
            "whence" => {
                assert_eq!(answer["known"], "born", "{answer}");
                println!("  it is in {} builds", answer["born"][0]["builds"]);
            }
            _ => assert!(answer["end"]["kind"].is_string(), "{answer}"),
        }
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let start = Instant::now();
                succeed(&mut question(words));
                start.elapsed()
            })
            .collect();
        times.sort();
        println!("  then: median {:.1?}, fastest {:.1?}", times[10], times[0]);
        let counters: [&[&str]; 2] = [&["strace", "-f", "-c", "-o"], &CPU];
        for counter in counters {
            println!("  {}", counted(counter, &question(words), scratch.path()));
        }
        for (views, when) in [(Views::All, "without views"), (Views::Index, "as after a boot")] {
            forget(&store, views);
            println!("  {when}: {}", counted(&CPU, &question(words), scratch.path()));
        }
    }
}

/// Time of processors, which says what something costs on a machine that has others to serve.
const CPU: [&str; 5] = ["perf", "stat", "-e", "task-clock,instructions:u", "-o"];

/// What a tool counts of a command; nothing where the tool is not there.
fn counted(counter: &[&str], command: &Command, scratch: &Path) -> String {
    let file = scratch.join(counter[0]);
    let mut watched = Command::new(counter[0]);
    watched.args(&counter[1..]).arg(&file).arg(groundup()).current_dir(scratch);
    watched.args(command.get_args());
    let mut told = vec![counter[0].to_owned()];
    if watched.output().is_ok_and(|output| output.status.success()) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let figures = ["total", "task-clock", "instructions"];
        let lines = text.lines().filter(|line| figures.iter().any(|it| line.contains(it)));
        told.extend(lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    told.join(": ")
}

/// A store with the journals of another, and its contents by a link.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory");
    fs::copy(from.join("format"), to.join("format")).expect("the format is copied");
    for journal in ["trees", "results", "records", "hints"] {
        fs::create_dir(to.join(journal)).expect("a directory");
        let [from, to] = [from, to].map(|store| store.join(journal).join("journal"));
        fs::copy(from, to).expect("a journal is copied");
    }
    std::os::unix::fs::symlink(from.join("blobs"), to.join("blobs")).expect("a link");
}

/// Views of the journals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Views {
    All,
    /// What a boot of the machine makes anew.
    Index,
}

fn forget(store: &Path, views: Views) {
    let names = walkdir::WalkDir::new(store.join("index")).min_depth(1).sort_by_file_name();
    for entry in names.into_iter().map(|entry| entry.expect("a file of the store")) {
        let is_history = entry.file_name().to_string_lossy().starts_with("history.db");
        if views == Views::All || !is_history {
            fs::remove_file(entry.path()).expect("a view is removed");
        }
    }
}

/// Where the ids of blobs that a record names stand: after a byte 1, as objects are encoded.
fn outputs(record: &[u8]) -> Vec<usize> {
    let name = b"\x03\0\0\0\0\0\0\0out\x01";
    let places = record.windows(name.len()).enumerate().filter(|(_, bytes)| bytes == name);
    places.map(|(at, _)| at + name.len()).collect()
}

/// Where the 40 digits of the commit stand.
fn commit_of(record: &[u8]) -> Option<usize> {
    record.windows(40).take(200).position(|bytes| bytes.iter().all(|byte| byte.is_ascii_hexdigit()))
}
