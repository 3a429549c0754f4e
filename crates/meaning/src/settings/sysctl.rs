//! sysctl.d(5): `key = value`, with dots or slashes; a minus in front ignores failures.

use super::lines::lines;
use crate::rows::Record;

pub(crate) fn sysctl(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for line in lines(text) {
        let (key, value) = line.split_once('=').unwrap_or((&line, ""));
        let (key, is_tolerant) = match key.trim().strip_prefix('-') {
            Some(key) => (key.trim(), true),
            None => (key.trim(), false),
        };
        let key = dotted(key);
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut record = match line.contains('=') {
            true => Record::value(&key, value),
            // `-net.ipv4.conf.eth0.rp_filter` takes a key out of a pattern.
            false => Record::value(&key, "left as it is"),
        };
        if is_tolerant && line.contains('=') {
            record = record.note("failures are ignored");
        }
        // The last line of a key counts.
        records.retain(|earlier| earlier.what != key);
        records.push(record);
    }
    records
}

/// The first separator decides which of both separates: `net/ipv4/conf/eth0.1/x` is with dots
/// `net.ipv4.conf.eth0/1.x`.
fn dotted(key: &str) -> String {
    match key.find(['.', '/']).and_then(|at| key.as_bytes().get(at)) {
        Some(b'/') => {
            let swap = |c: char| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            };
            key.chars().map(swap).collect()
        }
        _ => key.to_owned(),
    }
}
