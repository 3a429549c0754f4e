//! The long comparison with apt: all sets, and packages drawn with a seed.
//!
//!     cargo run --release -p groundup-tests --example compare_with_apt -- [COUNT [SEED]]
//!
//! Prints each disagreement and a summary; exit code 1 if more than two of the sets or more than 2 %
//! of the drawn packages (200 by default) disagree.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::oracle::{ARCHITECTURES, Oracle, SETS};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let mut number = |default| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (count, seed) = (number(200) as usize, number(1));
    let root = tempfile::tempdir().expect("a temporary directory");
    let oracle = Oracle::prepare(root.path());
    let mut good = true;
    for arch in ARCHITECTURES {
        let sets: Vec<String> = SETS.iter().map(|set| (*set).to_owned()).collect();
        let drawn = oracle.draw(arch, seed, count);
        for (what, sets, allowed) in [("sets", sets, 2), ("drawn packages", drawn, count / 50)] {
            let found = oracle.disagreements(arch, &sets);
            found.iter().for_each(|line| println!("{line}"));
            println!("{arch}: {} of {} {what} agree", sets.len() - found.len(), sets.len());
            good &= found.len() <= allowed;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
