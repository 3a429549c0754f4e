//! The characters that changed within a line.

use super::edits::edits;

/// Characters of a value that are shown; of longer ones the length is told.
const SHOWN: usize = 1000;
/// Characters around a change that are shown of a long line.
const AROUND: usize = 60;
/// Changes within a line that are named one by one.
const NAMED: usize = 4;
/// Words of a line up to which they are compared one by one.
const WORDS: usize = 4000;

/// A text short enough to be shown, with its length if it was cut.
pub(crate) fn cut(text: &str) -> String {
    cut_to(text, SHOWN)
}

pub(super) fn cut_to(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
    }
}

/// Whether two lines have so much in common that one stands for the other: half of what the longer
/// has, at their starts and ends.
pub(super) fn alike(a: &str, b: &str) -> bool {
    let (head, tail) = common(a.as_bytes(), b.as_bytes());
    (head + tail) * 2 >= a.len().max(b.len()) && head + tail > 0
}

/// How many bytes start and end both.
fn common(a: &[u8], b: &[u8]) -> (usize, usize) {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (head, tail)
}

/// Both lines, cut around what changed if they are longer than `shown`, and the characters that changed.
pub(super) fn excerpt(before: &str, after: &str, shown: usize) -> (String, String, String) {
    let note = moved(before, after);
    if before.len() <= shown && after.len() <= shown {
        return (before.to_owned(), after.to_owned(), note);
    }
    let (head, tail) = common(before.as_bytes(), after.as_bytes());
    let part = |text: &str| {
        let (mut start, mut end) =
            (head.saturating_sub(AROUND), (text.len() - tail + AROUND).min(text.len()));
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let (left, right) = (mark(start > 0), mark(end < text.len()));
        format!("{left}{}{right}", cut_to(&text[start..end], shown))
    };
    (part(before), part(after), note)
}

fn mark(is_cut: bool) -> &'static str {
    if is_cut { "…" } else { "" }
}

/// A word, a run of blanks, or one other character, with the number of its first character from 1.
fn words(text: &str) -> Vec<(usize, &str)> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        ' ' | '\t' => 2,
        _ => 0,
    };
    let mut found: Vec<(usize, &str)> = Vec::new();
    let (mut start, mut last) = (0, 0);
    for (number, (at, c)) in text.char_indices().enumerate() {
        let joined = class(c) != 0 && class(c) == last && !found.is_empty();
        match found.last_mut() {
            Some(word) if joined => word.1 = &text[start..at + c.len_utf8()],
            _ => {
                start = at;
                found.push((number + 1, &text[at..at + c.len_utf8()]));
            }
        }
        last = class(c);
    }
    found
}

/// The characters that changed, by whole words: `characters 12-15: "IPV4" -> "IPV6"`. Numbers are those
/// of the first text, or of the second where nothing was replaced.
pub(crate) fn moved(before: &str, after: &str) -> String {
    let (head, tail) = common(before.as_bytes(), after.as_bytes());
    if before.len().max(after.len()) > 64 * SHOWN {
        let size = |text: &str| text.len() - head - tail;
        return format!("byte {}: {} bytes -> {} bytes", head + 1, size(before), size(after));
    }
    let (a, b) = (words(before), words(after));
    let text = |words: &[(usize, &str)]| words.iter().map(|word| word.1).collect::<String>();
    let only = |words: &[(usize, &'_ str)]| words.iter().map(|word| word.1.to_owned()).collect();
    let (left, right): (Vec<String>, Vec<String>) = (only(&a), only(&b));
    let mut found = if a.len().max(b.len()) <= WORDS { edits(&left, &right) } else { Vec::new() };
    if found.len() > NAMED || found.is_empty() {
        let ends = found.first().zip(found.last());
        let whole = ends.map(|(first, last)| super::edits::Edit {
            before: first.before.start..last.before.end,
            after: first.after.start..last.after.end,
        });
        found = whole.into_iter().collect();
    }
    let names = found.iter().map(|edit| {
        let gone = a.get(edit.before.clone()).unwrap_or_default();
        let new = b.get(edit.after.clone()).unwrap_or_default();
        let (gone, new, place) = (text(gone), text(new), if gone.is_empty() { new } else { gone });
        let first = place.first().map_or(0, |word| word.0);
        let count: usize = place.iter().map(|word| word.1.chars().count()).sum();
        let range = match count {
            1 => format!("character {first}"),
            _ => format!("characters {first}-{}", (first + count).saturating_sub(1)),
        };
        format!("{range}: {:?} -> {:?}", cut_to(&gone, 200), cut_to(&new, 200))
    });
    names.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_words_are_named_where_they_stand() {
        assert_eq!(moved("a = 4096", "a = 409"), "characters 5-8: \"4096\" -> \"409\"");
        assert_eq!(moved("a b", "a c b"), "characters 3-4: \"\" -> \"c \"");
        assert_eq!(
            moved("é=1 x=1", "é=2 x=3"),
            "character 3: \"1\" -> \"2\"; character 7: \"1\" -> \"3\""
        );
    }

    #[test]
    fn long_values_are_cut_with_their_length() {
        let text = cut(&"é".repeat(1001));
        assert!(text.ends_with("… (1001 characters)"));
    }
}
