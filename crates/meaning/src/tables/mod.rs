//! Small files of `/etc` that are lines of fields: fstab, hosts, resolv.conf, nsswitch.conf; files of
//! variables, entries of boot loaders, and the kernel command line.

mod boot;
mod cmdline;
mod variables;

pub(crate) use boot::boot_entry;
pub(crate) use cmdline::{command_line, looks_like as looks_like_command_line};
pub(crate) use variables::{looks_like as looks_like_variables, variables};

use crate::{
    rows::Record,
    settings::lines::{lines, rest, word, words},
};
use std::collections::BTreeMap;

/// fstab(5), by mount point.
pub(crate) fn fstab(text: &str) -> Vec<Record> {
    let record = |line: String| {
        let words = words(&line);
        let (source, place) = (word(&words, 0), word(&words, 1));
        let what = match place.as_str() {
            "none" | "swap" | "" => format!("{} {source}", word(&words, 2)),
            place => format!("mount {place}"),
        };
        let options = word(&words, 3);
        let mut options: Vec<&str> = options.split(',').collect();
        options.sort_unstable();
        let fields = vec![
            ("source", source),
            ("type", word(&words, 2)),
            ("options", options.join(",")),
            ("dump", word(&words, 4)),
            ("pass", word(&words, 5)),
        ];
        Record::fields(what, fields)
    };
    lines(text).into_iter().map(record).collect()
}

/// hosts(5), by name, since a name is what is asked for.
pub(crate) fn hosts(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for line in lines(text) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next() else { continue };
        records.extend(words.map(|name| Record::value(format!("host {name}"), address)));
    }
    records
}

/// resolv.conf(5): servers in their order; of `search` and `domain` the last line; options by name.
pub(crate) fn resolv(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut servers = 0;
    for line in lines(text) {
        let words = words(&line);
        match words.first().map_or("", String::as_str) {
            "nameserver" => {
                servers += 1;
                let record = Record::value(format!("nameserver {servers}"), word(&words, 1));
                records.push(if servers > 3 {
                    record.note("only three are asked")
                } else {
                    record
                });
            }
            "search" | "domain" => {
                records.retain(|record| record.what != "search");
                records.push(Record::value("search", rest(&words, 1)));
            }
            "options" => {
                for option in words.iter().skip(1) {
                    let (name, value) = option.split_once(':').unwrap_or((option, "set"));
                    records.push(Record::value(format!("option {name}"), value));
                }
            }
            other => records.push(Record::value(other, rest(&words, 1))),
        }
    }
    records
}

/// nsswitch.conf(5), by database.
pub(crate) fn nsswitch(text: &str) -> Vec<Record> {
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for line in lines(text) {
        let line = line.split('#').next().unwrap_or_default();
        let Some((name, sources)) = line.split_once(':') else { continue };
        let sources = sources.split_whitespace().collect::<Vec<_>>().join(" ");
        records.insert(name.trim().to_owned(), Record::value(name.trim(), sources));
    }
    records.into_values().collect()
}
