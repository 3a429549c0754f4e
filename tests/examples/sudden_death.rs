//! Kills commands at random moments; the store has to be clean and the next build the same.
//!
//!     cargo run --release -p groundup-tests --example sudden_death -- --kills 500 --seed 1
//!
//! One half of the kills come at a moment drawn by the clock, the other at a call drawn from all that
//! a command makes. Prints how often each phase of each scenario was hit; exit code 1 if something
//! did not hold, or a phase was never hit.

#![allow(clippy::print_stdout, reason = "a program for people")]

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    use groundup_tests::ordeal::{Deaths, Phase, Scenario};
    use std::process::ExitCode;

    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = words.iter().position(|word| word == name);
        at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (kills, seed) = (number("--kills", 500), number("--seed", 1));
    let mut deaths = Deaths::prepare(seed);
    let mut bad = 0;
    for kill in 0..kills {
        let ended = if kill % 2 == 0 { deaths.at_a_moment() } else { deaths.at_a_call() };
        if let Err(problem) = ended {
            bad += 1;
            println!("kill {kill}: {problem}\n");
        }
    }
    println!("phase      {}", Scenario::ALL.map(|scenario| format!("{scenario:>8}")).concat());
    for phase in Phase::ALL.into_iter().chain([Phase::Other]) {
        let hits = Scenario::ALL.map(|scenario| {
            format!("{:>8}", deaths.hits.get(&(phase, scenario)).copied().unwrap_or(0))
        });
        println!("{:<11}{}", format!("{phase:?}"), hits.concat());
    }
    let missed = Phase::ALL.into_iter().filter(|phase| deaths.hit(*phase) == 0).count();
    println!(
        "{kills} kills with seed {seed}: {} ended before, {missed} phases missed, {bad} not well",
        deaths.survivors
    );
    if bad == 0 && missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("programs are traced on x86-64 only");
}
