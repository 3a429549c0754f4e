//! What JSON, YAML and TOML can say.

use super::number;
use crate::text::cut;
use std::fmt::Write;

/// A number as it was written, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) written: String,
    canonical: String,
}

impl Number {
    /// A decimal number; other words are kept as they are.
    pub(crate) fn new(written: &str) -> Self {
        Self { written: written.to_owned(), canonical: number::canonical(written) }
    }

    /// A number whose value is known in other ways: `0x1f` is `31`.
    pub(crate) fn spelled(written: &str, decimal: &str) -> Self {
        Self { written: written.to_owned(), canonical: number::canonical(decimal) }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

/// A value. Tables keep the order of their keys, which says nothing when they are compared.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value of a key; the last one if it is there several times.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(entries) => entries.iter().rev().find(|entry| entry.0 == key).map(|e| &e.1),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key.
    pub(crate) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The items of a list; none if it is none.
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a table; none if it is none.
    pub(crate) fn entries(&self) -> &[(String, Value)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What it is called in notes.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
        }
    }

    /// How it is shown: a text as it is, anything else as JSON on one line.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => cut(text),
            _ => {
                let mut out = String::new();
                self.write(&mut out, Numbers::Written);
                cut(&out)
            }
        }
    }

    /// A text that is the same for the same value, whatever its spelling.
    pub(crate) fn identity(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Numbers::Canonical);
        out
    }

    fn write(&self, out: &mut String, numbers: Numbers) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(match numbers {
                Numbers::Written => &number.written,
                Numbers::Canonical => &number.canonical,
            }),
            Self::Text(text) => {
                let _ = write!(out, "{text:?}");
            }
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    item.write(out, numbers);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                let mut order: Vec<&(String, Value)> = entries.iter().collect();
                if numbers == Numbers::Canonical {
                    order.sort_by(|a, b| a.0.cmp(&b.0));
                }
                for (at, (key, value)) in order.into_iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    let _ = write!(out, "{key:?}: ");
                    value.write(out, numbers);
                }
                out.push('}');
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Written,
    Canonical,
}
