//! Holds our check of manifests against a validator that is not ours, over the valid objects and the
//! broken ones of the tests, for any version of Kubernetes whose OpenAPI document is at hand:
//!
//! ```text
//! cargo run -p groundup-tests --example compare_manifests -- 1.30 swagger.json \
//!     kubernetes-validate -k 1.30 --strict
//! ```
//!
//! The command is given one file. What it says of a file is printed where the two disagree; it fails
//! if the other finds something in an object that we take. That we find more is expected: it sees
//! neither images nor references.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people who compare")]

use groundup_cluster::{SourceFile, extract, make};
use groundup_tests::{
    manifests::{fixture, request, valid_objects},
    repository,
};
use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [version, document, program, options @ ..] = arguments.as_slice() else {
        println!("usage: compare_manifests VERSION SWAGGER COMMAND [OPTION…]");
        return ExitCode::FAILURE;
    };
    let table = extract(&fs::read(document).unwrap(), version).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let theirs = |path: &Path| {
        let output = Command::new(program).args(options).arg(path).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (mut taken, mut unknown, mut wrong) = (0, 0, 0);
    for object in valid_objects() {
        // What 1.20 had as a beta only is stable later.
        let object = object
            .replace("batch/v1beta1\nkind: CronJob", "batch/v1\nkind: CronJob")
            .replace("policy/v1beta1\nkind: PodDisr", "policy/v1\nkind: PodDisr");
        let part = |key: &str| object.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        if table.kind(part("apiVersion: "), part("kind: ")).is_none() {
            unknown += 1;
            continue;
        }
        let file = SourceFile { name: "object.yaml".into(), bytes: object.clone().into_bytes() };
        let ours = make(request(&table, vec![fixture("valid/support.yaml"), file]));
        let found = ours.err().map(|findings| findings.0).unwrap_or_default();
        let found: Vec<_> = found.into_iter().filter(|it| it.location.is_some()).collect();
        let place = folder.path().join("object.yaml");
        fs::write(&place, &object).unwrap();
        let (good, said) = theirs(&place);
        taken += 1;
        if !good || !found.is_empty() {
            wrong += 1;
            println!("{object}\nwe say: {found:#?}\nthey say: {said}");
        }
    }
    let (mut both, mut only) = (0, 0);
    let folder = repository().join("tests/clusters/broken");
    for entry in walkdir::WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let (good, _) = theirs(entry.unwrap().path());
        if good { only += 1 } else { both += 1 }
    }
    println!("valid: {taken} taken by both but {wrong}, {unknown} of kinds that {version} has not");
    println!("broken: {both} refused by both, {only} by us alone");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
