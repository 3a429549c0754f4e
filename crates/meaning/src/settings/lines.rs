//! Lines with comments, words with quotes.

/// The lines of a text that are neither empty nor comments, trimmed; a backslash at the end continues.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for raw in text.lines() {
        let line = raw.trim();
        if (line.is_empty() || line.starts_with(['#', ';'])) && !open {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut() {
            Some(last) if open => last.push_str(part),
            _ => found.push(part.to_owned()),
        }
        open = more;
    }
    found
}

/// The words of a line; what stands in quotes is one word, without them.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut quote, mut open) = (None, false);
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                if !open {
                    found.push(String::new());
                    open = true;
                }
            }
            None if c.is_whitespace() => open = false,
            _ => {
                if !open {
                    found.push(String::new());
                    open = true;
                }
                if let Some(last) = found.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    found
}

/// A word by its place, and nothing where the line is shorter or says `-`.
pub(crate) fn word(words: &[String], at: usize) -> String {
    words.get(at).filter(|word| *word != "-").cloned().unwrap_or_default()
}

/// All words from a place.
pub(crate) fn rest(words: &[String], from: usize) -> String {
    let rest = words.get(from..).unwrap_or_default().join(" ");
    if rest == "-" { String::new() } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_quotes_are_one() {
        assert_eq!(words("u x - \"a b\" ''"), ["u", "x", "-", "a b", ""]);
        assert_eq!(lines("# a\nb \\\nc\n\n;d\n"), ["b c"]);
    }
}
