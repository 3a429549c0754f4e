//! Eight processes build overlapping targets, round after round, while others collect and verify.
//!
//!     cargo run --release -p groundup-tests --example many_hands -- --seconds 600
//!
//! Exit code 1 if a step ran twice, something needed was collected, or something was damaged.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::hands::Hands;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let at = words.iter().position(|word| word == "--seconds");
    let seconds = at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(600);
    let (since, mut hands) = (Instant::now(), Hands::new());
    let (mut rounds, mut bad) = (0, 0);
    while since.elapsed() < Duration::from_secs(seconds) {
        rounds += 1;
        if let Err(problem) = hands.round() {
            bad += 1;
            println!("{problem}\n");
        }
    }
    println!(
        "{rounds} rounds, {} steps, {} collections and {} verifications beside them: {bad} not well",
        hands.steps, hands.collections, hands.verifications
    );
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
