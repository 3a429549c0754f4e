//! The name that a misspelt word most likely stands for.

/// Nobody misspells a word of more bytes than this, and comparing takes the product of both lengths.
const LONGEST: usize = 255;

/// The candidate nearest to `word` by edit distance, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    let is_as_long = |candidate: &&str| candidate.chars().count().abs_diff(length) <= limit;
    let candidates = candidates.into_iter().filter(is_as_long);
    let scored = candidates.map(|candidate| (distance(word, candidate), candidate));
    scored.filter(|(distance, _)| *distance <= limit).min().map(|(_, candidate)| candidate)
}

/// Edit distance with insertions, removals, replacements and swaps of neighbours (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_neighbours_count_once() {
        assert_eq!(distance("imgae", "image"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_far_word_is_not_offered() {
        assert_eq!(nearest("pakages", ["packages", "platforms"]), Some("packages"));
        assert_eq!(nearest("network", ["packages", "platforms"]), None);
    }

    #[test]
    fn long_words_cost_nothing() {
        // A table of all pairs of letters would have a hundred gigabytes.
        let long = "a".repeat(1 << 20);
        assert_eq!(nearest(&long, [&long[..], "a"]), None);
        assert_eq!(nearest("image", [&long[..], "imgae"]), Some("imgae"));
    }
}
