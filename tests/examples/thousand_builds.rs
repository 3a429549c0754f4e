//! What `whence` costs in a store with many builds: `cargo run -p groundup-tests --example
//! thousand_builds -- --root WORKSPACE --builds 1000` takes the last build record of a workspace's
//! store, and puts it into a store in scratch as often as asked, each time from another commit and with
//! another output; then it asks for an output that some of them have.
#![allow(clippy::print_stdout, reason = "this is what the command prints")]

use groundup_digest::BlobId;
use groundup_store::{Access, Create, OpenOptions, RecordKind, Store};
use groundup_tests::{groundup, repository, succeed};
use std::{path::PathBuf, process::Command, time::Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let root = value("--root").map_or_else(repository, PathBuf::from);
    let builds: usize = value("--builds").map_or(1000, |text| text.parse().expect("a number"));
    let options = OpenOptions { create: Create::Never, access: Access::ReadOnly };
    let from = Store::open(&root.join("store"), &options).expect("the workspace has a store");
    let largest = from
        .build_records()
        .expect("builds")
        .into_iter()
        .map(|id| from.get_record(id).expect("a record"));
    let record = largest.max_by_key(Vec::len).expect("a build");
    let scratch = tempfile::tempdir().expect("scratch");
    let path = scratch.path().join("store");
    let to = Store::open(&path, &OpenOptions::default()).expect("a store");
    let places = outputs(&record);
    let mut asked = String::new();
    let put = Instant::now();
    for build in 0..builds {
        let mut bytes = record.clone();
        // One build in ten moves ten outputs; all have another commit.
        let version = build / 10;
        for place in places.iter().skip(version % 7).step_by(places.len() / 10).take(10) {
            let id = BlobId::of(format!("{place} {version}").as_bytes());
            bytes[*place..place + 32].copy_from_slice(id.as_bytes());
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
    let whence = || {
        let mut command = Command::new(groundup());
        command.arg("--store").arg(&path).args(["whence", &asked, "--json"]);
        command.current_dir(scratch.path());
        command
    };
    let first = Instant::now();
    let said = succeed(&mut whence());
    println!("the first question, which fills the view: {:.1?}", first.elapsed());
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(answer["known"], "born", "{answer}");
    println!("{asked}: in {} builds", answer["born"][0]["builds"]);
    let mut times: Vec<_> = (0..20)
        .map(|_| {
            let start = Instant::now();
            succeed(&mut whence());
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("then: median {:.1?}, fastest {:.1?}", times[10], times[0]);
    for counter in
        [&["strace", "-f", "-c", "-o"][..], &["perf", "stat", "-e", "instructions:u", "-o"]]
    {
        let file = scratch.path().join(counter[0]);
        let mut watched = Command::new(counter[0]);
        watched.args(&counter[1..]).arg(&file).arg(groundup()).current_dir(scratch.path());
        watched.arg("--store").arg(&path).args(["whence", &asked, "--json"]);
        // Where the tool is not there, its figure is not told.
        if watched.output().is_ok_and(|output| output.status.success()) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let line =
                text.lines().find(|line| line.contains("total") || line.contains("instructions"));
            println!("{}: {}", counter[0], line.unwrap_or_default().trim());
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
