//! The power fails in the middle of a command: no result names what is not there, and the next
//! build gives the same. The long form is the example `power_loss`.

#![cfg(target_arch = "x86_64")]

use groundup_tests::{
    ordeal::{Draw, Ordeal, Phase, Scenario, place},
    power::{Loss, fail},
    trace::Change,
};

#[test]
fn nothing_that_was_noted_is_lost_with_the_power() {
    let (ordeal, mut draw) = (Ordeal::prepare(), Draw::with_seed(1));
    let mut failures = 0;
    for scenario in [Scenario::Lock, Scenario::Build, Scenario::Ingest, Scenario::Collect] {
        let sites = ordeal.sites(scenario);
        // Right after something was noted, and anywhere.
        let noted: Vec<_> = sites
            .iter()
            .enumerate()
            .filter(|(_, site)| {
                let root = site.change == Change::Rename && place(site).contains("/roots/");
                Phase::of(site) == Phase::Append || root
            })
            .map(|(at, _)| at + 1)
            .collect();
        for loss in Loss::ALL {
            let anywhere = draw.below(sites.len() as u64) as usize;
            let mut moments = vec![anywhere];
            if !noted.is_empty() {
                moments.push(noted[draw.below(noted.len() as u64) as usize]);
            }
            for at in moments {
                fail(&ordeal, scenario, at, loss, &mut draw)
                    .unwrap_or_else(|problem| panic!("{problem}"));
                failures += 1;
            }
        }
    }
    assert!(failures >= 24);
}
