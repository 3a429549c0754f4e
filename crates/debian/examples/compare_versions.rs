//! Compares the order of versions with dpkg's, on neighbours among the versions of an index.
//!
//!     compare_versions FILE SEED COUNT -- DPKG…
//!
//! `DPKG…` is the command that compares, without the versions: `dpkg --compare-versions`. Ends
//! with 1 if any of COUNT drawn pairs disagrees, with 2 if it is called wrongly.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use groundup_debian::archive::{Index, compare};
use std::{
    cmp::Ordering,
    env,
    error::Error,
    fs,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare_versions: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [file, seed, count, dashes, dpkg @ ..] = words.as_slice() else {
        return Err("FILE SEED COUNT -- DPKG… are needed".into());
    };
    let (Some((program, rest)), "--") = (dpkg.split_first(), dashes.as_str()) else {
        return Err("a dpkg command after -- is needed".into());
    };
    let (mut state, count): (u64, usize) = (seed.parse()?, count.parse()?);
    let index = Index::parse(&fs::read(file)?)?;
    let mut versions: Vec<&str> = index.packages().map(|package| package.version()).collect();
    versions.sort_by(|a, b| compare(a, b).then_with(|| a.cmp(b)));
    versions.dedup();
    let mut disagreed = 0;
    for _ in 0..count {
        // Knuth's MMIX generator; neighbours and near ones are the hard cases.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let at = (state >> 40) as usize % versions.len();
        let other = (at + 1 + (state >> 33) as usize % 3).min(versions.len() - 1);
        let (a, b) = (versions[at], versions[other]);
        let operator = match compare(a, b) {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        if !Command::new(program).args(rest).args([a, operator, b]).status()?.success() {
            disagreed += 1;
            println!("{a} {operator} {b}: dpkg says no");
        }
    }
    println!("{} of {count} pairs agree with dpkg", count - disagreed);
    Ok(disagreed == 0)
}
