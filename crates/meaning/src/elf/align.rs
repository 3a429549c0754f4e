//! Which of two lists of things without names are the same: by content and order.

use std::collections::HashMap;

/// Two lists side by side.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Aligned {
    /// Places of equal content.
    pub(super) same: Vec<(usize, usize)>,
    /// What is left between them, of the first and of the second list.
    pub(super) open: Vec<(Vec<usize>, Vec<usize>)>,
}

/// Aligns two lists as patience sorting does: content that stands once in each is an anchor, if the
/// anchors have the same order; around anchors, neighbours of equal content are the same. Content
/// that moved elsewhere is the same too.
pub(super) fn align(old: &[u64], new: &[u64]) -> Aligned {
    let mut aligned = Aligned::default();
    let (mut from, mut to) = (0, 0);
    let mut anchors = anchors(old, new);
    anchors.push((old.len(), new.len()));
    for (at, other) in anchors {
        if at < from || other < to {
            continue; // taken as a neighbour of an anchor before
        }
        let (a, b) = (&old[from..at], &new[to..other]);
        let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let rest = (&a[start..], &b[start..]);
        let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
        aligned.same.extend((0..start).map(|index| (from + index, to + index)));
        aligned.same.extend((1..=end).map(|index| (at - index, other - index)));
        let left = ((from + start..at - end).collect(), (to + start..other - end).collect());
        if left != (Vec::new(), Vec::new()) {
            aligned.open.push(left);
        }
        if at < old.len() && other < new.len() {
            aligned.same.push((at, other));
        }
        (from, to) = (at + 1, other + 1);
    }
    moved(old, new, &mut aligned);
    aligned.same.sort_unstable();
    aligned
}

/// The longest list of anchors with the same order on both sides.
fn anchors(old: &[u64], new: &[u64]) -> Vec<(usize, usize)> {
    let mut places: HashMap<u64, (usize, usize, usize)> = HashMap::new();
    for (index, content) in old.iter().enumerate() {
        let place = places.entry(*content).or_default();
        (place.0, place.1) = (place.0 + 1, index);
    }
    for content in new {
        if let Some(place) = places.get_mut(content) {
            place.2 += 1;
        }
    }
    let unique = new.iter().enumerate().filter_map(|(index, content)| {
        let (count, at, times) = places.get(content)?;
        (*count == 1 && *times == 1).then_some((*at, index))
    });
    let unique: Vec<(usize, usize)> = unique.collect();
    // Longest increasing subsequence by the places in the first list.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(unique.len());
    for (number, (at, _)) in unique.iter().enumerate() {
        let length = tails.partition_point(|tail| unique[*tail].0 < *at);
        before.push(length.checked_sub(1).and_then(|last| tails.get(last).copied()));
        match tails.get_mut(length) {
            Some(tail) => *tail = number,
            None => tails.push(number),
        }
    }
    let mut chain = Vec::new();
    let mut next = tails.last().copied();
    while let Some(number) = next {
        chain.extend(unique.get(number));
        next = before.get(number).copied().flatten();
    }
    chain.reverse();
    chain
}

/// Takes what has equal content in different gaps out of them.
fn moved(old: &[u64], new: &[u64], aligned: &mut Aligned) {
    let mut free: HashMap<u64, Vec<usize>> = HashMap::new();
    for index in aligned.open.iter().flat_map(|(list, _)| list).rev() {
        free.entry(old[*index]).or_default().push(*index);
    }
    let mut taken: Vec<usize> = Vec::new();
    for (_, list) in &mut aligned.open {
        list.retain(|index| match free.get_mut(&new[*index]).and_then(Vec::pop) {
            Some(at) => {
                taken.push(at);
                aligned.same.push((at, *index));
                false
            }
            None => true,
        });
    }
    taken.sort_unstable();
    for (list, _) in &mut aligned.open {
        list.retain(|index| taken.binary_search(index).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_have_nothing_open() {
        let aligned = align(&[1, 2, 2, 3], &[1, 2, 2, 3]);
        assert_eq!(aligned.same, [(0, 0), (1, 1), (2, 2), (3, 3)]);
        assert!(aligned.open.is_empty());
        assert_eq!(align(&[], &[]), Aligned::default());
    }

    #[test]
    fn what_differs_stands_between_anchors() {
        let aligned = align(&[1, 7, 3, 4], &[1, 8, 3, 9, 4]);
        assert_eq!(aligned.same, [(0, 0), (2, 2), (3, 4)]);
        assert_eq!(aligned.open, [(vec![1], vec![1]), (vec![], vec![3])]);
    }

    #[test]
    fn what_moved_is_found_again() {
        let aligned = align(&[5, 1, 2, 3], &[1, 2, 3, 5]);
        assert_eq!(aligned.same, [(0, 3), (1, 0), (2, 1), (3, 2)]);
        assert!(aligned.open.iter().all(|(a, b)| a.is_empty() && b.is_empty()));
    }
}
