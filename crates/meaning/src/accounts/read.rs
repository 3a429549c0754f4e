//! The lines of the files of accounts to records.

use crate::rows::Record;
use std::collections::BTreeSet;

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Passwd,
    Group,
    Shadow,
    Gshadow,
    SubIds,
}

impl Base {
    /// Where they are.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("etc/passwd", Self::Passwd),
        ("etc/group", Self::Group),
        ("etc/shadow", Self::Shadow),
        ("etc/gshadow", Self::Gshadow),
        ("etc/subuid", Self::SubIds),
        ("etc/subgid", Self::SubIds),
        ("usr/lib/passwd", Self::Passwd),
        ("usr/lib/group", Self::Group),
    ];

    pub(super) fn records(self, text: &str) -> Vec<Record> {
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        lines.map(|line| self.record(&line.split(':').collect::<Vec<_>>())).collect()
    }

    fn record(self, parts: &[&str]) -> Record {
        let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
        let name = part(0);
        match self {
            Self::Passwd => {
                let record = Record::fields(
                    format!("user {name}"),
                    vec![
                        ("password", inline(&part(1))),
                        ("uid", part(2)),
                        ("gid", part(3)),
                        ("description", part(4)),
                        ("home", part(5)),
                        ("shell", part(6)),
                    ],
                );
                match part(2).trim_start_matches('0').is_empty()
                    && !part(2).is_empty()
                    && name != "root"
                {
                    true => record.note("uid 0 is root, whatever its name"),
                    false => record,
                }
            }
            Self::Group => Record::fields(
                format!("group {name}"),
                vec![("password", inline(&part(1))), ("gid", part(2)), ("members", set(&part(3)))],
            ),
            Self::Shadow => {
                let days = |at: usize| part(at);
                let hash = part(1);
                let fields = vec![
                    ("password", password(&hash)),
                    ("last change", days(2)),
                    ("minimum age", days(3)),
                    ("maximum age", days(4)),
                    ("warning", days(5)),
                    ("inactivity", days(6)),
                    ("expires", days(7)),
                ];
                let record = Record::fields(format!("password of {name}"), fields);
                record.hidden("password", hash.trim_start_matches('!'))
            }
            Self::Gshadow => Record::fields(
                format!("group {name}"),
                vec![
                    ("password", password(&part(1))),
                    ("administrators", set(&part(2))),
                    ("members", set(&part(3))),
                ],
            )
            .hidden("password", part(1).trim_start_matches('!')),
            Self::SubIds => Record::fields(
                format!("ids of {name}"),
                vec![("first", part(1)), ("count", part(2))],
            ),
        }
    }
}

/// Whether a password hash is in a file that everybody reads.
fn inline(field: &str) -> String {
    match field {
        "x" | "*" | "!" => String::new(),
        "" => "empty: anyone can log in without a password".to_owned(),
        _ => "a hash that everybody can read".to_owned(),
    }
}

/// What a field of a password says: crypt(5) names the methods.
fn password(field: &str) -> String {
    let hash = field.trim_start_matches('!');
    let method = match hash.split('$').nth(1) {
        Some("y") => "yescrypt",
        Some("gy") => "gost-yescrypt",
        Some("7") => "scrypt",
        Some("2a" | "2b" | "2x" | "2y") => "bcrypt",
        Some("6") => "sha512crypt",
        Some("5") => "sha256crypt",
        Some("1") => "md5crypt: weak",
        _ => "an old method: weak",
    };
    match (field, hash) {
        ("", _) => "empty: anyone can log in without a password".to_owned(),
        (_, "*" | "" | "*LK*" | "x") => "locked: none fits".to_owned(),
        _ if field.starts_with('!') => format!("locked, with a hash ({method})"),
        _ => format!("a hash ({method})"),
    }
}

fn set(words: &str) -> String {
    let words: BTreeSet<&str> = words.split(',').filter(|word| !word.is_empty()).collect();
    words.into_iter().collect::<Vec<_>>().join(",")
}
