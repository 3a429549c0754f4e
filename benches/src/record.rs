//! What a run of the benchmarks leaves: every single time, and what it was taken on.

use crate::process::Taken;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long the workloads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// As the marks are meant.
    Full,
    /// To see that all runs.
    Quick,
}

impl Size {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }
}

/// What was measured on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The day.
    pub date: String,
    /// How long the workloads were.
    pub size: Size,
    /// The model of the processor.
    pub cpu: String,
    /// Processors.
    pub cores: usize,
    /// Memory in bytes.
    pub memory: u64,
    /// Kernel release.
    pub kernel: String,
    /// File system of the workloads.
    pub file_system: String,
    /// The commit of groundup.
    pub commit: String,
    /// Versions of the peers.
    pub peers: BTreeMap<String, String>,
}

/// One program of a workload, and what its runs took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    /// Who: `groundup`, or a peer's name.
    pub name: String,
    /// What was run, for people.
    pub command: String,
    /// Each run.
    pub runs: Vec<Taken>,
}

/// What a workload is held to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The least time of groundup in seconds.
    Within(f64),
    /// The least time of processors that groundup takes, in seconds.
    Processor(f64),
    /// The time of groundup as a part of this peer's (median of pairs).
    Times {
        /// The peer.
        peer: String,
        /// At most this part of its time.
        most: f64,
    },
    /// The most memory of groundup in bytes.
    Memory(u64),
    /// The most bytes that groundup writes.
    Written(u64),
}

/// A workload: several programs at the same job, by turns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name on the command line.
    pub workload: String,
    /// What one run does.
    pub what: String,
    /// How many equal things one run does; times are given for one.
    pub per: u32,
    /// The load average before.
    pub load: f64,
    /// Groundup first.
    pub sides: Vec<Side>,
    /// What it is held to.
    pub marks: Vec<Mark>,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
}

/// The least, the middle and the largest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The middle.
    pub median: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of numbers, of which there is at least one.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let (least, most) = (*numbers.first()?, *numbers.last()?);
        let half = numbers.len() / 2;
        let median = if numbers.len() % 2 == 1 {
            numbers[half]
        } else {
            (numbers[half - 1] + numbers[half]) / 2.0
        };
        Some(Self { least, median, most })
    }
}

impl Outcome {
    /// Groundup's side.
    pub fn ours(&self) -> Option<&Side> {
        self.sides.first()
    }

    /// The side of a peer.
    pub fn peer(&self, name: &str) -> Option<&Side> {
        self.sides.iter().skip(1).find(|side| side.name == name)
    }

    /// Groundup's time as parts of a peer's, pair by pair.
    pub fn ratio(&self, peer: &Side) -> Option<Spread> {
        let pairs = self.ours()?.runs.iter().zip(&peer.runs);
        Spread::of(pairs.map(|(ours, theirs)| ours.wall / theirs.wall))
    }

    /// What was found for a mark, and whether it is met.
    pub fn judge(&self, mark: &Mark) -> Option<(f64, bool)> {
        let ours = self.ours()?;
        let found = match mark {
            Mark::Within(_) => Spread::of(ours.runs.iter().map(|run| run.wall))?.least,
            Mark::Processor(_) => Spread::of(ours.runs.iter().map(Taken::cpu))?.least,
            Mark::Times { peer, .. } => self.ratio(self.peer(peer)?)?.median,
            Mark::Memory(_) => ours.runs.iter().map(|run| run.memory).max()? as f64,
            Mark::Written(_) => Spread::of(ours.runs.iter().map(|run| run.written as f64))?.median,
        };
        let most = match mark {
            Mark::Within(most) | Mark::Processor(most) | Mark::Times { most, .. } => *most,
            Mark::Memory(most) | Mark::Written(most) => *most as f64,
        };
        Some((found, found <= most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(name: &str, walls: &[f64]) -> Side {
        let taken =
            |wall: &f64| Taken { wall: *wall, user: 0.0, system: 0.0, memory: 5, written: 0 };
        Side { name: name.into(), command: String::new(), runs: walls.iter().map(taken).collect() }
    }

    #[test]
    fn marks_are_judged_by_pairs_and_least_times() {
        let outcome = Outcome {
            workload: "x".into(),
            what: String::new(),
            per: 1,
            load: 0.0,
            sides: vec![side("groundup", &[1.0, 2.0, 9.0]), side("peer", &[2.0, 3.0, 10.0])],
            marks: Vec::new(),
            notes: Vec::new(),
        };
        let times = |most| Mark::Times { peer: "peer".into(), most };
        assert_eq!(outcome.judge(&times(0.5)), Some((2.0 / 3.0, false)));
        assert_eq!(outcome.judge(&times(0.7)), Some((2.0 / 3.0, true)));
        assert_eq!(outcome.judge(&Mark::Within(1.0)), Some((1.0, true)));
        assert_eq!(outcome.judge(&Mark::Processor(0.1)), Some((0.0, true)));
        assert_eq!(outcome.judge(&Mark::Memory(4)), Some((5.0, false)));
    }
}
