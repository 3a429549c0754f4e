//! Causes: who knows what moved, and which of it a difference comes from.

use crate::{CauseRow, Row};
use std::collections::BTreeSet;

/// Who knows causes.
pub trait Attribution: Sync {
    /// The causes, in any order.
    fn causes(&self) -> Vec<CauseRow>;
    /// The causes of what differs in a row, which is at one place still, as numbers.
    fn of(&self, row: &Row) -> BTreeSet<usize>;
    /// Whether all inputs of both things are known, so that no cause means none there is.
    fn is_complete(&self) -> bool;
    /// What is known of the two runs that gave the things, if one question had two answers.
    fn runs(&self) -> Option<Runs> {
        None
    }
}

/// Two runs of one step: what can tell why their answers differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// When each was, in milliseconds since 1970: from its start to its end.
    pub times: [Option<(u64, u64)>; 2],
    /// How many jobs each was told to use.
    pub jobs: [Option<u32>; 2],
}

/// Of things that others made.
#[derive(Debug, Clone, Copy)]
pub struct NoCauses;

impl Attribution for NoCauses {
    fn causes(&self) -> Vec<CauseRow> {
        Vec::new()
    }

    fn of(&self, _row: &Row) -> BTreeSet<usize> {
        BTreeSet::new()
    }

    fn is_complete(&self) -> bool {
        false
    }
}
