//! What several fragments ask for together.

use super::{Config, ConfigError, Fault, Value};
use crate::Place;
use std::collections::BTreeMap;

/// A value that somebody asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The value.
    pub value: Value,
    /// The first line that asks for it.
    pub place: Place,
}

/// What all fragments ask for; no two of them differ on a symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests(BTreeMap<String, Request>);

impl Requests {
    /// Joins fragments. Their order does not matter but for which line is named: one that asks for
    /// another value than an earlier one is an error.
    pub fn join<'a>(
        fragments: impl IntoIterator<Item = &'a Config>,
    ) -> Result<Requests, Vec<ConfigError>> {
        let mut requests: BTreeMap<String, Request> = BTreeMap::new();
        let mut errors = Vec::new();
        for fragment in fragments {
            for (symbol, setting) in fragment.settings() {
                let place = fragment.place(setting.line);
                let value = setting.value.clone();
                match requests.get(symbol) {
                    Some(first) if !first.value.agrees(&value) => {
                        let (other, there) = (first.value.clone(), first.place.clone());
                        let symbol = symbol.clone();
                        let fault = Fault::Contradiction { symbol, value, other, there };
                        errors.push(ConfigError { place, fault });
                    }
                    Some(_) => {}
                    None => {
                        requests.insert(symbol.clone(), Request { value, place });
                    }
                }
            }
        }
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        if errors.is_empty() { Ok(Requests(requests)) } else { Err(errors) }
    }

    /// The request for a symbol.
    pub fn get(&self, symbol: &str) -> Option<&Request> {
        self.0.get(symbol)
    }

    /// All requests by symbol, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Request)> {
        self.0.iter().map(|(symbol, request)| (symbol.as_str(), request))
    }

    /// The requests as one fragment in a form of its own: sorted, without comments. Fragments that
    /// ask for the same give the same text.
    pub fn to_text(&self) -> String {
        let lines = self.0.iter().map(|(symbol, request)| match &request.value {
            value if *value == Value::NO => format!("# CONFIG_{symbol} is not set\n"),
            value => format!("CONFIG_{symbol}={value}\n"),
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(file: &str, text: &str) -> Config {
        Config::parse(file, text.as_bytes()).unwrap()
    }

    #[test]
    fn fragments_that_repeat_a_value_join_and_the_first_line_is_named() {
        let (a, b) = (parsed("a", "CONFIG_X=y\n"), parsed("b", "\nCONFIG_X=y\nCONFIG_A=\"\"\n"));
        let joined = Requests::join([&a, &b]).unwrap();
        assert_eq!(joined.get("X").unwrap().place.to_string(), "a:1");
        assert_eq!(joined.to_text(), "CONFIG_A=\"\"\nCONFIG_X=y\n");
    }

    #[test]
    fn fragments_that_contradict_each_other_are_refused_with_both_lines() {
        let (a, b) = (parsed("a", "CONFIG_X=y\n"), parsed("b", "\n# CONFIG_X is not set\n"));
        let errors = Requests::join([&a, &b]).unwrap_err();
        let message = "b:2: CONFIG_X is n here, but y at a:1: keep one of the lines";
        assert_eq!(errors[0].to_string(), message);
        assert_eq!(errors.len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            texts in prop::collection::btree_map("[A-Z0-9_]{1,8}", "[ -~é]{0,12}", 0..8),
        ) {
            let value = |text: &str| match text.len() % 4 {
                0 => Value::NO,
                1 => Value::Number(text.len().to_string()),
                2 => Value::Hex(format!("{:#x}", text.len())),
                _ => Value::Text(text.to_owned()),
            };
            let lines = texts.iter().map(|(symbol, text)| {
                format!("CONFIG_{symbol}={}\n", value(text))
            });
            let read = parsed("a", &lines.collect::<String>());
            let joined = Requests::join([&read]).unwrap();
            for (symbol, text) in &texts {
                prop_assert_eq!(&joined.get(symbol).unwrap().value, &value(text));
            }
            let again = Requests::join([&parsed("a", &joined.to_text())]).unwrap();
            prop_assert_eq!(again.to_text(), joined.to_text());
        }
    }
}
