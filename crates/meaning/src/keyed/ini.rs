//! Sections with keys: INI, desktop entries, and most `*.conf` of that form. A key that is there several
//! times is a list; the order of other keys says nothing.

use crate::{
    Finding, Kind, Pair,
    rows::{Order, Record, compare},
    unread::Unread,
};

/// Compares two texts by section and key.
pub(crate) fn ini(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    Ok(compare(Kind::Setting, &records(pair.before)?, &records(pair.after)?, Order::Free))
}

/// The settings of a text: `[section] key`.
pub(crate) fn records(text: &[u8]) -> Result<Vec<Record>, Unread> {
    let text = String::from_utf8_lossy(text);
    let (mut section, mut records) = (String::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']');
            section =
                name.ok_or_else(|| Unread::line(at + 1, "a section does not end"))?.to_owned();
            continue;
        }
        let split = line.find(['=', ':']).map(|at| (&line[..at], &line[at + 1..]));
        let (key, value) = split.unwrap_or((line, ""));
        let what = match section.is_empty() {
            true => key.trim().to_owned(),
            false => format!("[{section}] {}", key.trim()),
        };
        records.push(Record::value(what, value.trim()));
    }
    Ok(records)
}

/// Whether a text without a telling name has the form: sections, and keys with values below them.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let section = |line: &str| line.starts_with('[') && line.ends_with(']') && line.len() < 200;
    lines.next().is_some_and(section) && lines.all(|line| section(line) || line.contains('='))
}
