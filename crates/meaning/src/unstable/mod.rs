//! By what two answers to one question differ: the class of what is not reproducible.
//!
//! [`classes`] is given both contents of a file that the same inputs gave, and when the two runs were.
//! What differs is looked at as words of text, also those in programs, and as numbers: a class is named
//! when taking what it allows out of both sides makes them equal. What nothing explains is `unknown`, said
//! beside the classes that explain a part. This is evidence for people; no verdict rests on it.

mod binary;
mod words;

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// By what two answers to one question differ. As JSON in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A clock: dates, seconds since 1970, durations.
    Time,
    /// The directory that something was built in.
    Path,
    /// The same in another order.
    Order,
    /// Random values: identifiers, seeds of hashes, names of temporary files, process ids.
    Seed,
    /// Several jobs at once: the runs were told other numbers of them.
    Parallelism,
    /// None that is known.
    Unknown,
}

impl Class {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Path => "path",
            Self::Order => "order",
            Self::Seed => "seed",
            Self::Parallelism => "parallelism",
            Self::Unknown => "unknown",
        }
    }
}

/// When two runs were, in seconds since 1970, from the start to the end of each; if that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct When(pub [Option<(u64, u64)>; 2]);

/// Clocks of builders may be wrong, and times local, by this many seconds.
const SLACK: u64 = 86_400;
/// What can be a time of a build, if nothing is known of the runs: the years 2001 to 2099.
const YEARS: (u64, u64) = (978_307_200, 4_102_444_800);

impl When {
    /// Whether seconds since 1970 can be a time of a run: the one on that side, if it is known.
    fn has(&self, side: usize, seconds: u64) -> bool {
        match self.0[side] {
            Some((from, to)) => {
                (from.saturating_sub(SLACK)..=to.saturating_add(SLACK)).contains(&seconds)
            }
            None => (YEARS.0..=YEARS.1).contains(&seconds),
        }
    }

    /// Whether both runs are known, so that a number is hardly a time by chance.
    fn is_known(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }
}

/// More bytes than this are not looked at.
const MOST: usize = 16 << 20;

/// By what two contents differ; nothing if they are the same.
pub fn classes(before: &[u8], after: &[u8], when: &When) -> BTreeSet<Class> {
    if before == after {
        return BTreeSet::new();
    }
    if before.len().max(after.len()) > MOST {
        return BTreeSet::from([Class::Unknown]);
    }
    let texts = [before, after].map(|bytes| std::str::from_utf8(bytes).ok());
    match texts {
        [Some(a), Some(b)] if !a.contains('\0') && !b.contains('\0') => of_texts(a, b, when),
        _ => binary::classes(before, after, when),
    }
}

/// By what two names of one thing differ; nothing if they are not alike but for that.
pub fn classes_of_names(before: &str, after: &str, when: &When) -> BTreeSet<Class> {
    let found = of_texts(before, after, when);
    if found.contains(&Class::Unknown) { BTreeSet::new() } else { found }
}

/// What can be taken out of words, in the order of how sure it is.
const TAKEN: [Class; 3] = [Class::Time, Class::Path, Class::Seed];

fn of_texts(before: &str, after: &str, when: &When) -> BTreeSet<Class> {
    let sides = [before, after];
    let plain = |out: &[Class]| {
        [0, 1].map(|side| words::without(sides[side], out, |seconds| when.has(side, seconds)))
    };
    // One class alone, then two, then all; in each also by order.
    let mut sets: Vec<Vec<Class>> = vec![Vec::new()];
    sets.extend(TAKEN.map(|class| vec![class]));
    sets.extend([[0, 1], [0, 2], [1, 2]].map(|pair| pair.map(|at| TAKEN[at]).to_vec()));
    sets.push(TAKEN.to_vec());
    for set in &sets {
        let [a, b] = plain(set);
        if a == b {
            return set.iter().copied().collect();
        }
        if is_another_order(&a, &b) {
            return set.iter().copied().chain([Class::Order]).collect();
        }
    }
    // What nothing explains as a whole may be explained in part: line by line.
    let rest = |out: &[Class]| {
        let [a, b] = plain(out);
        let (a, b) = (counted(a.lines()), counted(b.lines()));
        let missing = |a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>| -> usize {
            a.iter()
                .map(|(line, count)| count.saturating_sub(b.get(line).copied().unwrap_or(0)))
                .sum()
        };
        missing(&a, &b) + missing(&b, &a)
    };
    let all = rest(&[]);
    let mut found = BTreeSet::from([Class::Unknown]);
    found.extend(TAKEN.iter().filter(|class| rest(&[**class]) < all));
    found
}

/// Whether two texts have the same lines, or else the same words, in another order.
fn is_another_order(a: &str, b: &str) -> bool {
    let apart = |sign: char| sign.is_whitespace() || ",;:{}[]()\"'=<>|".contains(sign);
    a.len() == b.len()
        && (counted(a.lines()) == counted(b.lines())
            || counted(a.split(apart)) == counted(b.split(apart)))
}

fn counted<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
