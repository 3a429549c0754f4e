//! Assignments of a shell and nothing else: os-release(5), `/etc/default/*`, environment(5).

use crate::rows::Record;

/// The name and the rest, if a line is an assignment.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(fits)).then_some((name, value))
}

/// Whether a text is nothing but assignments of one line each.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_whole = |line: &str| {
        let value = assignment(line).map(|(_, value)| value);
        // A quote that does not end, or a command, is for a shell to read.
        value.is_some_and(|value| !value.contains(['`', '\\']) && unquoted(value).is_some())
    };
    let first = lines.next();
    first.is_some_and(is_whole) && lines.all(is_whole)
}

/// A value without its quotes; nothing if they do not end it.
fn unquoted(value: &str) -> Option<&str> {
    match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => {
            let inner = value.get(1..)?.trim_end().strip_suffix(quote)?;
            (!inner.contains(quote)).then_some(inner)
        }
        None => (!value.contains(['"', '\''])).then(|| value.trim_end()),
    }
}

/// The variables; of those that are there twice the last counts.
pub(crate) fn variables(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = assignment(line) else { continue };
        let record = Record::value(name, unquoted(value).unwrap_or(value));
        match places.get(name).and_then(|at: &usize| records.get_mut(*at)) {
            Some(slot) => *slot = record,
            None => {
                places.insert(name.to_owned(), records.len());
                records.push(record);
            }
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_say_nothing_and_scripts_are_left_to_others() {
        assert_eq!(
            variables("A=1\nB='x y'\n"),
            variables("# a\nB=\"x y\"\nexport A=1\n").into_iter().rev().collect::<Vec<_>>()
        );
        assert!(looks_like("NAME=\"Debian\"\nID=debian\n"));
        for text in ["A=`x`\n", "if a\n", "A=\"x\n", "", "A=\"a\" b \"c\"\n"] {
            assert!(!looks_like(text), "{text}");
        }
    }
}
