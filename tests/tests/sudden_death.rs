//! Commands that are killed, and commands that are refused a write: nothing is lost.
//!
//! The long forms are the examples `sudden_death` and `write_faults`.

#![cfg(target_arch = "x86_64")]

use groundup_tests::{
    ordeal::{Deaths, Fault, Ordeal, Phase, Scenario, Strike, place},
    trace::Site,
};

#[test]
fn a_command_killed_in_any_phase_leaves_a_clean_store_and_the_same_next_build() {
    let mut deaths = Deaths::prepare(1);
    for phase in Phase::ALL {
        for _ in 0..2 {
            deaths.in_phase(phase).unwrap_or_else(|problem| panic!("{problem}"));
        }
    }
    for _ in 0..8 {
        deaths.at_a_moment().unwrap_or_else(|problem| panic!("{problem}"));
    }
    let missed: Vec<_> = Phase::ALL.into_iter().filter(|phase| deaths.hit(*phase) == 0).collect();
    assert_eq!(missed, [], "every phase was hit: {:?}", deaths.hits);
}

/// The first call of a phase that takes a fault, in a scenario.
fn first(sites: &[Site], phase: Phase, fault: Fault) -> Option<&Site> {
    sites.iter().find(|site| Phase::of(site) == phase && fault.suits(site.change))
}

#[test]
fn a_refused_write_is_an_error_with_a_remedy_and_spoils_nothing() {
    let ordeal = Ordeal::prepare();
    let mut struck = Vec::new();
    for scenario in [Scenario::Ingest, Scenario::Collect] {
        let sites = ordeal.sites(scenario);
        for fault in [Fault::Io, Fault::Full, Fault::Short, Fault::ReadOnly] {
            for phase in Phase::ALL {
                let Some(site) = first(&sites, phase, fault) else { continue };
                let mut strike = Strike::new(&place(site), 0, fault);
                let Some(ended) = ordeal.strike(scenario, &mut strike) else { continue };
                let at = place(site);
                ended.unwrap_or_else(|what| panic!("{scenario}: {fault:?} at {at}: {what}"));
                struck.push(fault);
            }
        }
    }
    for fault in [Fault::Io, Fault::Full, Fault::Short, Fault::ReadOnly] {
        let count = struck.iter().filter(|one| **one == fault).count();
        assert!(count >= 5, "{fault:?} was tried {count} times");
    }
}
