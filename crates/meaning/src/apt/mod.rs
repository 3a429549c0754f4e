//! Configuration of apt: apt.conf(5), sources.list(5), apt_preferences(5).

mod configuration;

pub(crate) use configuration::{Settings, configuration};

use crate::{
    packages::{field, paragraphs},
    rows::Record,
    settings::lines::words,
};

/// Sources in one line each, or in paragraphs (`*.sources`); each suite of each place is a record, so that
/// both forms mean the same.
pub(crate) fn sources(text: &str) -> Vec<Record> {
    let is_deb822 = text.lines().any(|line| line.to_ascii_lowercase().starts_with("uris:"));
    let mut records = Vec::new();
    if is_deb822 {
        for paragraph in paragraphs(&without_comments(text)) {
            let all = |name: &str| field(&paragraph, name).split_whitespace().collect::<Vec<_>>();
            let state = if field(&paragraph, "Enabled") == "no" { "disabled" } else { "" };
            let options = format!(
                "{}{}",
                option("signed-by", field(&paragraph, "Signed-By")),
                option("trusted", field(&paragraph, "Trusted"))
            );
            for kind in all("Types") {
                for place in all("URIs") {
                    for suite in all("Suites") {
                        let parts = all("Components").join(" ");
                        records.push(source(kind, place, suite, &parts, options.trim(), state));
                    }
                }
            }
        }
        return records;
    }
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let (options, rest) = match line.find('[').zip(line.find(']')) {
            Some((open, close)) if open < close => (
                line[open + 1..close].trim().to_owned(),
                format!("{}{}", &line[..open], &line[close + 1..]),
            ),
            _ => (String::new(), line.to_owned()),
        };
        let words = words(&rest);
        if let [kind, place, suite, parts @ ..] = words.as_slice() {
            let options = options.replace('=', " ");
            records.push(source(kind, place, suite, &parts.join(" "), &options, ""));
        }
    }
    records
}

/// Long values, such as keys in the text, are not repeated.
fn option(name: &str, value: &str) -> String {
    match value {
        "" => String::new(),
        value if value.contains('\n') => {
            format!("{name} a key in the text, {} lines ", value.lines().count())
        }
        value => format!("{name} {value} "),
    }
}

fn source(kind: &str, place: &str, suite: &str, parts: &str, options: &str, state: &str) -> Record {
    let place = place.trim_end_matches('/');
    let record = Record::fields(
        format!("{kind} {place} {suite}"),
        vec![
            ("components", parts.to_owned()),
            ("options", options.to_owned()),
            ("state", state.to_owned()),
        ],
    );
    match options.contains("trusted yes") {
        true => record.note("its signatures are not checked"),
        false => record,
    }
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Preferences by package and pin.
pub(crate) fn preferences(text: &str) -> Vec<Record> {
    let record = |paragraph: Vec<(String, String)>| {
        Record::fields(
            format!("pin of {}", field(&paragraph, "Package")),
            vec![
                ("pin", field(&paragraph, "Pin").to_owned()),
                ("priority", field(&paragraph, "Pin-Priority").to_owned()),
            ],
        )
    };
    paragraphs(&without_comments(text)).into_iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Kind,
        rows::{Order, compare},
    };

    #[test]
    fn both_forms_of_sources_mean_the_same() {
        let line = "deb [signed-by=/k.gpg] http://d.example/debian/ bookworm main contrib # x\n";
        let paragraph = "Types: deb\nURIs: http://d.example/debian\nSuites: bookworm\n\
            Components: main contrib\nSigned-By: /k.gpg\n";
        assert_eq!(sources(line), sources(paragraph));
        let found = compare(
            Kind::Setting,
            &sources(line),
            &sources(&line.replace("signed-by=/k.gpg", "trusted=yes")),
            Order::Free,
        );
        assert_eq!(found[0].what, "deb http://d.example/debian bookworm: options");
        assert_eq!(found[0].note.as_deref(), Some("its signatures are not checked"));
    }

    #[test]
    fn pins_are_told_by_package() {
        let text = "Package: *\nPin: release n=bookworm\nPin-Priority: 100\n";
        let found = compare(
            Kind::Setting,
            &preferences(text),
            &preferences(&text.replace("100", "990")),
            Order::Free,
        );
        assert_eq!(found[0].what, "pin of *: priority");
    }
}
