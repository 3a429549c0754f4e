//! modules-load.d(5) and modprobe.d(5).

use super::lines::{lines, rest, words};
use crate::rows::Record;

/// Names of modules are the same with minus and underscore.
fn module(name: &str) -> String {
    name.replace('-', "_")
}

pub(crate) fn modules_load(text: &str) -> Vec<Record> {
    let line = |line: String| {
        let words = words(&line);
        let name = words.first().map_or(String::new(), |name| module(name));
        Record::value(
            format!("load {name}"),
            if words.len() > 1 { rest(&words, 1) } else { "loaded".into() },
        )
    };
    lines(text).into_iter().map(line).collect()
}

/// `options` by parameter, `blacklist`, `install`, `remove`, `alias`, `softdep`.
pub(crate) fn modprobe(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for line in lines(text) {
        let words = words(&line);
        let command = words.first().map_or("", String::as_str);
        let name = words.get(1).map_or(String::new(), |name| module(name));
        match command {
            "options" => {
                for word in words.iter().skip(2) {
                    let (key, value) = word.split_once('=').unwrap_or((word, "set"));
                    records.push(Record::value(format!("options {name} {key}"), value));
                }
            }
            "blacklist" => {
                let note = "its aliases do not load it; by name it loads still";
                records.push(Record::value(format!("blacklist {name}"), "blacklisted").note(note));
            }
            "install" | "remove" => {
                let rest = rest(&words, 2);
                let never = ["/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true"];
                let record = Record::value(format!("{command} {name}"), &*rest);
                records.push(match never.contains(&rest.as_str()) && command == "install" {
                    true => record.note("it never loads"),
                    false => record,
                });
            }
            "alias" => {
                let pattern = words.get(1).map_or("", String::as_str);
                records.push(Record::value(format!("alias {pattern}"), module(&rest(&words, 2))));
            }
            _ => records.push(Record::value(format!("{command} {name}"), rest(&words, 2))),
        }
    }
    records
}
