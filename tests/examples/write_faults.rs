//! Something goes wrong at each place where a command writes, in turn.
//!
//!     cargo run --release -p groundup-tests --example write_faults -- [SCENARIO [FAULT]]
//!
//! For each kind of call of each scenario, and for each fault that suits it, the command is run with
//! the fault at the first such call, at the last and at one between; then the store has to be clean
//! and the next build has to give the same. Prints each fault that did not end well and how many
//! there were of each sort; exit code 1 if there was one.

#![allow(clippy::print_stdout, reason = "a program for people")]

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    use groundup_tests::ordeal::{Fault, Ordeal, Phase, Scenario, Strike, place};
    use std::{collections::BTreeMap, process::ExitCode};

    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: String, at: usize| words.get(at).is_none_or(|word| *word == name);
    let ordeal = Ordeal::prepare();
    let (mut bad, mut struck) = (0, BTreeMap::<(Phase, Fault), usize>::new());
    for scenario in Scenario::ALL {
        if !asked(scenario.to_string(), 0) {
            continue;
        }
        let mut places = BTreeMap::new();
        for site in ordeal.sites(scenario) {
            let (_, count) = places.entry(place(&site)).or_insert((site, 0));
            *count += 1;
        }
        for (name, (site, count)) in places {
            for fault in Fault::ALL.into_iter().filter(|fault| fault.suits(site.change)) {
                if !asked(format!("{fault:?}").to_lowercase(), 1) {
                    continue;
                }
                let mut turns = vec![0, count / 2, count - 1];
                turns.dedup();
                for nth in turns {
                    let mut strike = Strike::new(&name, nth, fault);
                    let Some(ended) = ordeal.strike(scenario, &mut strike) else { continue };
                    *struck.entry((Phase::of(&site), fault)).or_default() += 1;
                    if let Err(problem) = ended {
                        bad += 1;
                        println!("{scenario}: {fault:?} at {name} number {nth}: {problem}\n");
                    }
                }
            }
        }
    }
    for ((phase, fault), count) in struck {
        println!("{count:5} {phase:?} {fault:?}");
    }
    println!("{bad} did not end well");
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("programs are traced on x86-64 only");
}
