//! The name that somebody probably meant.

/// The name in `names` with the fewest edits from `name`, if they are few for its length.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let most = match name.len() {
        0..=2 => 0,
        3..=5 => 1,
        6..=11 => 2,
        _ => 3,
    };
    let near = |other: &&str| other.len().abs_diff(name.len()) <= most;
    let measured = names.filter(near).map(|other| (distance(name, other), other));
    let best = measured.filter(|(edits, _)| (1..=most).contains(edits)).min()?;
    Some(best.1.to_owned())
}

/// Levenshtein distance, with a swap of neighbours as one edit (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for row in 1..=a.len() {
        let mut current = vec![row];
        for column in 1..=b.len() {
            let other = usize::from(a[row - 1] != b[column - 1]);
            let change = above[column - 1] + other;
            let mut edits = change.min(above[column] + 1).min(current[column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1];
            if swapped {
                edits = edits.min(before[column - 2] + 1);
            }
            current.push(edits);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_meant_and_a_strange_one_none() {
        let names = || ["nginx", "nginx-core", "python3", "git"].into_iter();
        assert_eq!(nearest("ngixn", names()).as_deref(), Some("nginx"));
        assert_eq!(nearest("pyton3", names()).as_deref(), Some("python3"));
        assert_eq!(nearest("kubernetes", names()), None);
        assert_eq!(nearest("gi", names()), None);
    }
}
