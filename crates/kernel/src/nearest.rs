//! The symbol that a misspelt or former name most likely stands for.

/// The candidate nearest to `name` by edit distance, if it is near enough to be meant: a third of
/// the letters may differ, as when a part of a name was dropped in a later kernel.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best = None;
    let mut limit = (name.len() / 3).max(1);
    let mut rows = Rows::default();
    for candidate in candidates {
        // A strictly smaller distance only: of equals the first, in the order of names, stays.
        if let Some(distance) = rows.distance(name.as_bytes(), candidate.as_bytes(), limit) {
            best = Some(candidate);
            match distance.checked_sub(1) {
                Some(smaller) => limit = smaller,
                None => break,
            }
        }
    }
    best
}

/// Two rows of the table of edit distances, kept since a kernel has twenty thousand candidates.
#[derive(Default)]
struct Rows {
    above: Vec<usize>,
    here: Vec<usize>,
}

impl Rows {
    /// Edit distance with insertions, removals and replacements, unless it is over `limit`.
    fn distance(&mut self, a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
        if a.len().abs_diff(b.len()) > limit {
            return None;
        }
        self.above.clear();
        self.above.extend(0..=b.len());
        for (i, from) in a.iter().enumerate() {
            self.here.clear();
            self.here.push(i + 1);
            for (j, to) in b.iter().enumerate() {
                let replaced = self.above[j] + usize::from(from != to);
                self.here.push(replaced.min(self.above[j + 1] + 1).min(self.here[j] + 1));
            }
            if self.here.iter().min().is_some_and(|least| *least > limit) {
                return None;
            }
            std::mem::swap(&mut self.above, &mut self.here);
        }
        self.above.last().copied().filter(|distance| *distance <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_part_and_a_slip_are_near_and_another_word_is_not() {
        let names = ["NETFILTER_XT_MARK", "NET_NS", "OVERLAY_FS"];
        assert_eq!(nearest("NETFILTER_XT_TMARK", names), Some("NETFILTER_XT_MARK"));
        assert_eq!(nearest("OVERLAYFS_FS", names), Some("OVERLAY_FS"));
        assert_eq!(nearest("NETNS", names), Some("NET_NS"));
        assert_eq!(nearest("SQUASHFS", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn of_equally_near_names_the_first_is_given() {
        assert_eq!(nearest("ABCX", ["ABCD", "ABCE"]), Some("ABCD"));
    }
}
