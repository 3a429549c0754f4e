//! Kills at moments and calls that are drawn.

use super::{Fault, Ordeal, Phase, Scenario, Strike, place};
use crate::trace::{Change, Deed, Site};
use std::{collections::BTreeMap, time::Duration};

/// Numbers drawn with a seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// Numbers that the seed decides.
    pub fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// Kills at random moments, and which phases they hit.
#[derive(Debug)]
pub struct Deaths {
    ordeal: Ordeal,
    draw: Draw,
    /// For each scenario its calls, and how long it runs.
    known: BTreeMap<Scenario, (Vec<Site>, Duration)>,
    /// How often each phase of each scenario was hit.
    pub hits: BTreeMap<(Phase, Scenario), usize>,
    /// How many programs ended before they could be killed.
    pub survivors: usize,
}

impl Deaths {
    /// Runs each scenario once, to know how long it takes and what it does.
    pub fn prepare(seed: u64) -> Self {
        let ordeal = Ordeal::prepare();
        let known = Scenario::ALL.map(|scenario| {
            ordeal.reset(scenario);
            let since = std::time::Instant::now();
            ordeal.tiny.run(scenario.arguments());
            let took = since.elapsed();
            (scenario, (ordeal.sites(scenario), took))
        });
        let (known, hits) = (known.into(), BTreeMap::new());
        Self { ordeal, draw: Draw::with_seed(seed), known, hits, survivors: 0 }
    }

    /// Kills a command at a moment drawn by the clock, and says what did not hold afterwards.
    pub fn at_a_moment(&mut self) -> Result<(), String> {
        let scenario = self.scenario();
        let took = self.known[&scenario].1.as_micros() as u64;
        // Being watched makes it slower.
        let after = Duration::from_micros(self.draw.below(took * 4));
        let mut last = None;
        let mut note = |site: &Site| {
            last = Some(site.clone());
            Deed::Go
        };
        let watched = self.ordeal.run(scenario, Some(after), &mut note);
        if watched.output.status.code().is_some() {
            self.survivors += 1;
        }
        // It died amid these calls, or on the way from the last one to the next.
        let amid = if watched.amid.is_empty() { last.into_iter().collect() } else { watched.amid };
        for site in amid {
            *self.hits.entry((Phase::of(&site), scenario)).or_default() += 1;
        }
        let context = |problem| format!("{scenario} killed after {after:?}: {problem}");
        self.ordeal.check(scenario).map_err(context)
    }

    /// Kills a command at a call drawn from all that it makes, before it or after half of a write.
    pub fn at_a_call(&mut self) -> Result<(), String> {
        let scenario = self.scenario();
        let sites = &self.known[&scenario].0;
        let at = self.draw.below(sites.len() as u64) as usize;
        self.at(scenario, at)
    }

    /// Kills a command at a call of this phase, drawn from those of all scenarios that have any.
    pub fn in_phase(&mut self, phase: Phase) -> Result<(), String> {
        let of_phase = self.known.iter().flat_map(|(scenario, (sites, _))| {
            let ours = sites.iter().enumerate().filter(|(_, site)| Phase::of(site) == phase);
            ours.map(|(at, _)| (*scenario, at))
        });
        let of_phase: Vec<_> = of_phase.collect();
        let (scenario, at) = of_phase[self.draw.below(of_phase.len() as u64) as usize];
        self.at(scenario, at)
    }

    fn at(&mut self, scenario: Scenario, at: usize) -> Result<(), String> {
        let sites = &self.known[&scenario].0;
        let name = place(&sites[at]);
        let nth = sites[..at].iter().filter(|site| place(site) == name).count();
        let torn = sites[at].change == Change::Write && self.draw.below(2) == 0;
        let phase = Phase::of(&sites[at]);
        let mut strike = Strike::new(&name, nth, if torn { Fault::Torn } else { Fault::Kill });
        match self.ordeal.strike(scenario, &mut strike) {
            // Calls of threads come in another order each time.
            None => self.survivors += 1,
            Some(ended) => {
                *self.hits.entry((phase, scenario)).or_default() += 1;
                let fault = strike.fault;
                ended.map_err(|problem| {
                    format!("{scenario}: {fault:?} at {name} number {nth}: {problem}")
                })?;
            }
        }
        Ok(())
    }

    fn scenario(&mut self) -> Scenario {
        Scenario::ALL[self.draw.below(Scenario::ALL.len() as u64) as usize]
    }

    /// How often a phase was hit.
    pub fn hit(&self, phase: Phase) -> usize {
        self.hits.iter().filter(|((of, _), _)| *of == phase).map(|(_, count)| count).sum()
    }
}
