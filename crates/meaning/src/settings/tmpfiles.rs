//! tmpfiles.d(5): type, path, mode, user, group, age, argument.

use super::lines::{lines, rest, word, words};
use crate::rows::Record;

pub(crate) fn tmpfiles(text: &str) -> Vec<Record> {
    let record = |line: String| {
        let words = words(&line);
        let kind = words.first().map_or("", String::as_str);
        let path = words.get(1).map_or("", String::as_str);
        let base: String = kind.chars().filter(char::is_ascii_alphabetic).take(1).collect();
        Record::fields(
            format!("{base} {path}"),
            vec![
                ("type", kind.to_owned()),
                ("mode", word(&words, 2)),
                ("user", word(&words, 3)),
                ("group", word(&words, 4)),
                ("age", word(&words, 5)),
                ("argument", rest(&words, 6)),
            ],
        )
    };
    lines(text).into_iter().map(record).collect()
}
