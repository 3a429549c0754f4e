//! Which piece of one build is which of the other: by name, without the numbers of compilers.

use super::layout::{Layout, What, stem};
use std::collections::HashMap;

/// Pieces with names, by their places in the lists of both layouts.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// In the order of the second.
    pub(super) both: Vec<(usize, usize)>,
    pub(super) gone: Vec<usize>,
    pub(super) new: Vec<usize>,
}

impl Pairs {
    /// Pairs pieces of the same name; of several, first those with the same bytes, then in order.
    pub(super) fn of(before: &Layout<'_, '_>, after: &Layout<'_, '_>) -> Self {
        let mut by_name: HashMap<(What, &[u8]), [Vec<usize>; 2]> = HashMap::new();
        for (side, layout) in [before, after].into_iter().enumerate() {
            for (index, piece) in layout.pieces.iter().enumerate() {
                if let Some(name) = piece.name {
                    by_name.entry((piece.what, stem(name))).or_default()[side].push(index);
                }
            }
        }
        let mut pairs = Self::default();
        for (_, [old, new]) in by_name {
            match (&old[..], &new[..]) {
                ([old], [new]) => pairs.both.push((*old, *new)),
                _ => pairs.several(before, after, &old, &new),
            }
        }
        pairs.both.sort_unstable_by_key(|(_, new)| *new);
        pairs.gone.sort_unstable();
        pairs.new.sort_unstable();
        pairs
    }

    fn several(
        &mut self,
        before: &Layout<'_, '_>,
        after: &Layout<'_, '_>,
        old: &[usize],
        new: &[usize],
    ) {
        let mut free: HashMap<_, Vec<usize>> = HashMap::new();
        for index in old.iter().rev() {
            free.entry(bytes_of(before, *index)).or_default().push(*index);
        }
        let mut left = Vec::new();
        let mut taken = Vec::new();
        for index in new {
            match free.get_mut(&bytes_of(after, *index)).and_then(Vec::pop) {
                Some(old) => {
                    taken.push(old);
                    self.both.push((old, *index));
                }
                None => left.push(*index),
            }
        }
        taken.sort_unstable();
        let rest: Vec<usize> =
            old.iter().copied().filter(|index| taken.binary_search(index).is_err()).collect();
        let count = rest.len().min(left.len());
        self.both.extend(rest.iter().copied().zip(left.iter().copied()));
        self.gone.extend(rest.get(count..).unwrap_or_default());
        self.new.extend(left.get(count..).unwrap_or_default());
    }
}

fn bytes_of<'a>(layout: &Layout<'a, '_>, index: usize) -> &'a [u8] {
    layout.pieces.get(index).map(|piece| layout.bytes(piece)).unwrap_or_default()
}
