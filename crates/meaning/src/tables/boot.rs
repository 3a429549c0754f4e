//! Entries of boot loaders: `loader/entries/*.conf` of the Boot Loader Specification (uapi-group.org),
//! lines of a key and a value; `options` are words of a kernel command line.

use super::command_line;
use crate::{
    Finding, Kind, Pair,
    rows::{Order, Record, compare},
    settings::lines::lines,
};

/// Compares two entries.
pub(crate) fn boot_entry(pair: &Pair<'_>) -> Vec<Finding> {
    let (a, b) = (read(pair.before), read(pair.after));
    let mut findings = compare(Kind::Setting, &a.0, &b.0, Order::Free);
    let options = Pair { path: "cmdline", before: a.1.as_bytes(), after: b.1.as_bytes() };
    findings.extend(command_line(&options));
    findings
}

/// The keys, and all options in their order.
fn read(text: &[u8]) -> (Vec<Record>, String) {
    let (mut records, mut options) = (Vec::new(), Vec::new());
    for line in lines(&String::from_utf8_lossy(text)) {
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match key {
            "options" => options.push(value.trim().to_owned()),
            key => records.push(Record::value(key, value.trim())),
        }
    }
    (records, options.join(" "))
}
