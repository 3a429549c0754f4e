//! How much of a report is shown, and what is left out; every form states the rest.

use crate::words;
use groundup_diff::{RULES, Report, Row};

/// How much of a report is shown.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) rows: usize,
    pub(super) findings: usize,
    pub(super) places: usize,
    /// Of a value.
    pub(super) characters: usize,
    /// The points that a row has at least.
    pub(super) least: u32,
    pub(super) explain: Explain,
}

/// Whether the rules of ranking are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Explain {
    Yes,
    No,
}

/// The rows to show, by cause, and how many are not.
pub(super) struct Shown<'a> {
    /// Those of each cause, in order.
    pub(super) by_cause: Vec<Vec<&'a Row>>,
    /// Those of no cause.
    pub(super) others: Vec<&'a Row>,
    /// How many are too many.
    pub(super) over: usize,
    /// How many are below the level.
    pub(super) below: usize,
}

impl<'a> Shown<'a> {
    /// Chooses the rows of a report.
    pub(super) fn of(report: &'a Report, budget: Budget) -> Self {
        let mut left = budget.rows;
        let mut take = |cause: Option<usize>| {
            let rows = report.rows.iter().filter(|row| row.causes.first().copied() == cause);
            let rows: Vec<&Row> = rows.filter(|row| row.score >= budget.least).take(left).collect();
            left -= rows.len();
            rows
        };
        let by_cause: Vec<_> = (0..report.causes.len()).map(|number| take(Some(number))).collect();
        let others = take(None);
        let shown = by_cause.iter().map(Vec::len).sum::<usize>() + others.len();
        let below = report.rows.iter().filter(|row| row.score < budget.least).count();
        Self { by_cause, others, over: report.rows.len() - below - shown, below }
    }

    /// What is not shown, and what shows it.
    pub(super) fn hidden(&self, budget: Budget) -> Vec<String> {
        let mut lines = Vec::new();
        if self.over > 0 {
            let how = if budget.rows == 0 { "without --brief" } else { "with --all or --max-rows" };
            lines.push(format!("{} not shown; {how} they are", words::count(self.over, "row")));
        }
        if self.below > 0 {
            lines.push(format!("{} below the --level", words::count(self.below, "row")));
        }
        lines
    }
}

/// The levels: the rules that say what it is that differs, and `telling` for all that means something.
pub(super) fn levels() -> impl Iterator<Item = (&'static str, u32)> {
    let rules = RULES.first().into_iter().flat_map(|group| group.iter());
    rules.map(|rule| (rule.name, rule.points)).chain([(TELLING, 2)])
}

/// All that means something else.
const TELLING: &str = "telling";

/// The points of a level.
pub(super) fn least(level: Option<&str>) -> u32 {
    level.and_then(|word| levels().find(|(name, _)| *name == word)).map_or(0, |(_, points)| points)
}
