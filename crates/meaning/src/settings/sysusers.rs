//! sysusers.d(5): type, name, id, description, home, shell.

use super::lines::{lines, word, words};
use crate::rows::Record;

pub(crate) fn sysusers(text: &str) -> Vec<Record> {
    let record = |line: String| {
        let words = words(&line);
        let name = words.get(1).map_or("", String::as_str);
        let kind = words.first().map_or("", String::as_str);
        let (what, id) = match kind.trim_end_matches('!') {
            "u" => (format!("user {name}"), "uid"),
            "g" => (format!("group {name}"), "gid"),
            "m" => (format!("member {name} of {}", word(&words, 2)), "group"),
            "r" => (format!("range {}", word(&words, 2)), "range"),
            _ => (format!("{kind} {name}"), "id"),
        };
        let kind = if kind.ends_with('!') { "locked".to_owned() } else { "present".to_owned() };
        Record::fields(
            what,
            vec![
                ("entry", kind),
                (id, word(&words, 2)),
                ("description", word(&words, 3)),
                ("home", word(&words, 4)),
                ("shell", word(&words, 5)),
            ],
        )
    };
    lines(text).into_iter().map(record).collect()
}
