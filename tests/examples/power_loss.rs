//! Lets the power fail at drawn moments of commands; no result may name what is not there.
//!
//!     cargo run --release -p groundup-tests --example power_loss -- --times 300 --seed 1
//!
//! Prints what did not hold; exit code 1 if there was something.

#![allow(clippy::print_stdout, reason = "a program for people")]

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    use groundup_tests::{
        ordeal::{Draw, Ordeal, Scenario},
        power::{Loss, fail},
    };
    use std::process::ExitCode;

    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = words.iter().position(|word| word == name);
        at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (times, seed) = (number("--times", 300), number("--seed", 1));
    let (ordeal, mut draw) = (Ordeal::prepare(), Draw::with_seed(seed));
    let calls = Scenario::ALL.map(|scenario| (scenario, ordeal.sites(scenario).len() as u64));
    let mut bad = 0;
    for time in 0..times {
        let (scenario, count) = calls[draw.below(calls.len() as u64) as usize];
        let loss = Loss::ALL[(time % Loss::ALL.len() as u64) as usize];
        let at = draw.below(count + 1) as usize;
        if let Err(problem) = fail(&ordeal, scenario, at, loss, &mut draw) {
            bad += 1;
            println!("{problem}\n");
        }
    }
    println!("{times} times with seed {seed}: {bad} did not end well");
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("programs are traced on x86-64 only");
}
