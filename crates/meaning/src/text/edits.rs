//! The shortest way from one sequence to another, within a budget that the sequences cannot break.
//!
//! What starts and ends both is cut off; items that stand once in both are anchors (as in patience
//! diff, Bram Cohen); between anchors the greedy algorithm of Myers ("An O(ND) Difference Algorithm",
//! 1986) is run up to [`EDITS`] edits and [`STEPS`] steps in all. Where this is not enough, the rest is
//! one edit that replaces everything: true, if not the shortest.

use std::{collections::HashMap, hash::Hash, ops::Range};

/// Edits that are looked for between two anchors.
const EDITS: usize = 1000;
/// Steps in all.
const STEPS: usize = 20_000_000;

/// A part of one sequence that stands where a part of the other stood; one of them may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) before: Range<usize>,
    pub(crate) after: Range<usize>,
}

/// What makes `after` of `before`, in order; nothing if they are equal.
pub(crate) fn edits<T: Eq + Hash>(before: &[T], after: &[T]) -> Vec<Edit> {
    let mut ids: HashMap<&T, u32> = HashMap::new();
    let mut number = |item| {
        let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        *ids.entry(item).or_insert(next)
    };
    let a: Vec<u32> = before.iter().map(&mut number).collect();
    let b: Vec<u32> = after.iter().map(&mut number).collect();
    let mut search = Search { a: &a, b: &b, steps: STEPS, found: Vec::new() };
    let (mut from, mut kinds) = ((0, 0), ids.len());
    kinds = kinds.max(1);
    for (x, y) in anchors(&a, &b, kinds) {
        search.gap(from.0..x, from.1..y);
        from = (x + 1, y + 1);
    }
    search.gap(from.0..a.len(), from.1..b.len());
    search.found
}

/// Pairs of places of items that stand once in both, as many as keep their order.
fn anchors(a: &[u32], b: &[u32], kinds: usize) -> Vec<(usize, usize)> {
    let places = |items: &[u32]| {
        let mut places: Vec<(u32, usize)> = vec![(0, 0); kinds];
        for (at, item) in items.iter().enumerate() {
            if let Some(place) = places.get_mut(*item as usize) {
                *place = (place.0.saturating_add(1), at);
            }
        }
        places
    };
    let there = places(b);
    let once = places(a).into_iter().zip(there).filter(|(x, y)| x.0 == 1 && y.0 == 1);
    let mut pairs: Vec<(usize, usize)> = once.map(|(x, y)| (x.1, y.1)).collect();
    pairs.sort_unstable();
    increasing(&pairs)
}

/// The longest part of the pairs whose second places grow (patience sorting).
fn increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tops: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|top| pairs[*top].1 < pair.1);
        previous.push(pile.checked_sub(1).and_then(|left| tops.get(left).copied()));
        match tops.get_mut(pile) {
            Some(top) => *top = at,
            None => tops.push(at),
        }
    }
    let mut chain = Vec::new();
    let mut next = tops.last().copied();
    while let Some(at) = next {
        chain.push(pairs[at]);
        next = previous[at];
    }
    chain.reverse();
    chain
}

struct Search<'a> {
    a: &'a [u32],
    b: &'a [u32],
    steps: usize,
    found: Vec<Edit>,
}

impl Search<'_> {
    /// Finds the edits between two anchors.
    fn gap(&mut self, mut before: Range<usize>, mut after: Range<usize>) {
        while !before.is_empty() && !after.is_empty() && self.a[before.start] == self.b[after.start]
        {
            before.start += 1;
            after.start += 1;
        }
        while !before.is_empty()
            && !after.is_empty()
            && self.a[before.end - 1] == self.b[after.end - 1]
        {
            before.end -= 1;
            after.end -= 1;
        }
        if before.is_empty() || after.is_empty() {
            return self.push(before, after);
        }
        match self.matches(&before, &after) {
            None => self.push(before, after),
            Some(matches) => {
                let (mut x, mut y) = (before.start, after.start);
                for (at, other) in matches {
                    self.push(x..at, y..other);
                    (x, y) = (at + 1, other + 1);
                }
                self.push(x..before.end, y..after.end);
            }
        }
    }

    /// Adds an edit, joined with the last one where they touch.
    fn push(&mut self, before: Range<usize>, after: Range<usize>) {
        if before.is_empty() && after.is_empty() {
            return;
        }
        match self.found.last_mut() {
            Some(last) if last.before.end == before.start && last.after.end == after.start => {
                last.before.end = before.end;
                last.after.end = after.end;
            }
            _ => self.found.push(Edit { before, after }),
        }
    }

    /// Pairs of equal items on a shortest way; nothing if it is too long.
    fn matches(
        &mut self,
        before: &Range<usize>,
        after: &Range<usize>,
    ) -> Option<Vec<(usize, usize)>> {
        let (a, b) = (&self.a[before.clone()], &self.b[after.clone()]);
        let most = (a.len() + b.len()).min(EDITS);
        // `furthest[k + d]` is the place in `a` that d edits reach on the diagonal k.
        let mut trace: Vec<Vec<usize>> = Vec::new();
        for d in 0..=most {
            let mut furthest = vec![0; 2 * d + 1];
            for slot in (0..=2 * d).step_by(2) {
                let mut x = start(trace.last().map(Vec::as_slice), d, slot);
                // The diagonal is slot - d; where it lies outside, the way ends.
                let Some(mut y) = (x + d).checked_sub(slot) else { continue };
                while x < a.len() && y < b.len() && a[x] == b[y] {
                    (x, y) = (x + 1, y + 1);
                    self.steps = self.steps.checked_sub(1)?;
                }
                self.steps = self.steps.checked_sub(1)?;
                furthest[slot] = x;
                if x >= a.len() && y >= b.len() {
                    trace.push(furthest);
                    return Some(back(&trace, a.len(), b.len(), (before.start, after.start)));
                }
            }
            trace.push(furthest);
        }
        None
    }
}

/// Where the way of d edits enters the diagonal of a slot: down from the right diagonal, or right from
/// the left one, whichever is further.
fn start(previous: Option<&[usize]>, d: usize, slot: usize) -> usize {
    let Some(previous) = previous else { return 0 };
    if d == 0 { 0 } else { enter(previous, slot).0 }
}

/// The place, and whether it was reached by leaving an item of the first sequence out.
fn enter(previous: &[usize], slot: usize) -> (usize, Leave) {
    // In the shorter array of d - 1 edits the same diagonal has the slot one less.
    let left = slot.checked_sub(2).and_then(|slot| previous.get(slot)).map(|x| x + 1);
    let right = previous.get(slot).copied();
    match (left, right) {
        (Some(left), Some(right)) if left > right => (left, Leave::First),
        (_, Some(right)) => (right, Leave::Second),
        (Some(left), None) => (left, Leave::First),
        (None, None) => (0, Leave::Second),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    First,
    Second,
}

/// Follows the trace back from the end of both.
fn back(
    trace: &[Vec<usize>],
    mut x: usize,
    mut y: usize,
    offset: (usize, usize),
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for d in (0..trace.len()).rev() {
        let slot = (x + d).saturating_sub(y);
        let previous = d.checked_sub(1).and_then(|d| trace.get(d));
        let (entry, leave) = previous.map_or((0, Leave::Second), |row| enter(row, slot));
        while x > entry && y > 0 {
            (x, y) = (x - 1, y - 1);
            pairs.push((x + offset.0, y + offset.1));
        }
        match (previous, leave) {
            (None, _) => break,
            (Some(_), Leave::First) => x = x.saturating_sub(1),
            (Some(_), Leave::Second) => y = y.saturating_sub(1),
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(before: &[u8], after: &[u8]) -> Vec<u8> {
        let (mut made, mut at) = (Vec::new(), 0);
        for edit in edits(before, after) {
            made.extend_from_slice(&before[at..edit.before.start]);
            made.extend_from_slice(&after[edit.after.clone()]);
            at = edit.before.end;
        }
        made.extend_from_slice(&before[at..]);
        made
    }

    #[test]
    fn one_changed_item_is_one_edit() {
        let found = edits(b"abcdef", b"abXdef");
        assert_eq!(found, [Edit { before: 2..3, after: 2..3 }]);
    }

    #[test]
    fn two_long_sequences_without_anything_in_common_are_replaced() {
        let (a, b): (Vec<u32>, Vec<u32>) =
            ((0..400_000).map(|n| n % 7).collect(), (0..400_000).map(|n| 10 + n % 5).collect());
        assert_eq!(edits(&a, &b), [Edit { before: 0..400_000, after: 0..400_000 }]);
    }

    proptest! {
        #[test]
        fn the_edits_make_one_of_the_other(
            a in proptest::collection::vec(0u8..4, 0..60),
            b in proptest::collection::vec(0u8..4, 0..60),
        ) {
            prop_assert_eq!(apply(&a, &b), b);
        }

        #[test]
        fn a_few_edits_are_found_as_such(
            a in proptest::collection::vec(0u8..3, 1..80), at in 0usize..80,
        ) {
            let at = at % a.len();
            let mut b = a.clone();
            b.remove(at);
            let found = edits(&a, &b);
            let (gone, new): (usize, usize) = found
                .iter()
                .fold((0, 0), |sum, edit| (sum.0 + edit.before.len(), sum.1 + edit.after.len()));
            prop_assert_eq!((gone, new), (1, 0));
        }
    }
}
