//! Compares what diffoscope reports of pairs of packages and small roots with what we report.
//!
//!     cargo run --release -p groundup-tests --example compare_with_diffoscope -- [--keep DIR] [PAIR…]
//!
//! Prints each claim of diffoscope that our report lacks, exceptions that excuse nothing, and a summary;
//! exit code 1 if there is any of them. With `--keep`, all is done in DIR and stays there, and what
//! diffoscope has said there already is taken.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::compared::{Comparison, Kind, judge, pairs, table};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let keep = arguments.iter().position(|it| it == "--keep").map(|at| {
        arguments.remove(at);
        PathBuf::from(arguments.remove(at))
    });
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let root = keep.unwrap_or_else(|| scratch.path().to_owned());
    let comparison = Comparison::prepare(&root);
    let exceptions = table();
    let mut all: BTreeMap<Kind, [usize; 4]> = BTreeMap::new();
    let mut missed = 0;
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|it| it == name);
    for pair in pairs().iter().filter(|pair| wanted(&pair.name)) {
        let [theirs, ours] = comparison.reports(pair);
        let judged = judge(&pair.name, &theirs, &ours, &exceptions);
        let claims: usize = judged.counts.values().map(|counts| counts[0]).sum();
        println!("{}: {claims} claims, {} missed", pair.name, judged.missed.len());
        judged.missed.iter().for_each(|claim| println!("   {claim}"));
        missed += judged.missed.len();
        for (kind, counts) in judged.counts {
            let sum = all.entry(kind).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    println!(
        "\n| claims | made | found | told as a whole | excepted | missed |\n|---|---|---|---|---|---|"
    );
    for (kind, [made, found, whole, excused]) in &all {
        let left = made - found - whole - excused;
        println!("| {} | {made} | {found} | {whole} | {excused} | {left} |", kind.name());
    }
    let mut idle = 0;
    for exception in exceptions.iter().filter(|it| it.used.get() == 0 && arguments.is_empty()) {
        println!("an exception that excuses nothing: {}", exception.pattern());
        idle += 1;
    }
    if missed + idle == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
