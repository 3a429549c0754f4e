//! YAML (yaml.org, 1.2): the documents of a stream. Aliases are copied within a budget; what is written
//! without quotes is taken as the core schema takes it, with the octal modes and words of 1.1.

use super::{Number, VALUES, Value};
use crate::{Limits, unread::Unread};
use granit_parser::{Event, Parser, ScalarStyle, Tag};
use std::{borrow::Cow, collections::BTreeMap};

/// Reads the documents of a stream; empty ones are left out.
pub(crate) fn read(text: &[u8], limits: &Limits) -> Result<Vec<Value>, Unread> {
    let text = std::str::from_utf8(text).map_err(|_| Unread::Other("it is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { depth: limits.depth, ..Builder::default() };
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Unread::line(error.marker().line(), format!("this is not YAML: {}", error.info()))
        })?;
        match event {
            Event::DocumentStart(..) => builder.start(),
            Event::DocumentEnd => {
                let root = builder.root.take();
                documents.extend(root.filter(|root| !matches!(root, Value::Null)));
            }
            event => builder.event(event, span.start.line())?,
        }
    }
    Ok(documents)
}

/// Something that is not finished.
enum Open {
    List { items: Vec<Value>, anchor: usize, tag: Option<String> },
    Map { entries: Vec<(String, Value)>, key: Option<String>, anchor: usize, tag: Option<String> },
}

/// Puts the values of one document together.
#[derive(Default)]
struct Builder {
    depth: usize,
    values: usize,
    open: Vec<Open>,
    root: Option<Value>,
    /// Finished anchors, with the number of values in them.
    anchors: BTreeMap<usize, (Value, usize)>,
}

impl Builder {
    fn start(&mut self) {
        self.open.clear();
        self.anchors.clear();
        self.root = None;
    }

    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), Unread> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(weight(&text))?;
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if is_plain { plain(&text) } else { tagged_scalar(&text, tag) };
                self.done(value, anchor, line)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.deeper()?;
                self.open.push(Open::List { items: Vec::new(), anchor, tag: foreign(tag) });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.deeper()?;
                let tag = foreign(tag);
                self.open.push(Open::Map { entries: Vec::new(), key: None, anchor, tag });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { items, anchor, tag }) => {
                    self.done(wrap(Value::List(items), tag), anchor, line)
                }
                Some(Open::Map { entries, anchor, tag, .. }) => {
                    self.done(wrap(Value::Map(merged(entries)), tag), anchor, line)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let found = self.anchors.get(&anchor).cloned();
                let (value, size) = found.ok_or_else(|| {
                    Unread::line(line, "an alias stands inside of what it repeats")
                })?;
                self.count(size)?;
                self.done(value, 0, line)
            }
            _ => Ok(()),
        }
    }

    fn deeper(&mut self) -> Result<(), Unread> {
        self.count(1)?;
        if self.open.len() >= self.depth { Err(Unread::Deep(self.depth)) } else { Ok(()) }
    }

    fn count(&mut self, more: usize) -> Result<(), Unread> {
        self.values = self.values.saturating_add(more);
        if self.values > VALUES { Err(Unread::Many(VALUES)) } else { Ok(()) }
    }

    /// A value is finished.
    fn done(&mut self, value: Value, anchor: usize, line: usize) -> Result<(), Unread> {
        if anchor > 0 {
            let size = size(&value);
            // What is kept for aliases counts as well: anchors in anchors are copies of copies.
            self.count(size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List { items, .. }) => items.push(value),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some(key) => entries.push((key, value)),
                None => match value {
                    Value::Map(_) | Value::List(_) => {
                        return Err(Unread::line(line, "a key that is a table or a list"));
                    }
                    value => *key = Some(value.shown()),
                },
            },
        }
        Ok(())
    }
}

/// A tag that says more than what JSON can.
fn foreign(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    let name = tag?.to_string();
    let core = name.strip_prefix("tag:yaml.org,2002:").or_else(|| name.strip_prefix("!!"));
    let known = ["str", "map", "seq", "int", "float", "bool", "null"];
    (name != "!" && !core.is_some_and(|core| known.contains(&core))).then_some(name)
}

/// A value with a tag is a table of one entry, so that the tag is seen.
fn wrap(value: Value, tag: Option<String>) -> Value {
    match tag {
        None => value,
        Some(tag) => Value::Map(vec![(tag, value)]),
    }
}

fn tagged_scalar(text: &str, tag: Option<Cow<'_, Tag>>) -> Value {
    let core = tag.as_ref().map(|tag| tag.to_string());
    let typed = core.as_deref().is_some_and(|name| {
        ["int", "float", "bool", "null"].iter().any(|kind| name.ends_with(kind))
    });
    let value = if typed { plain(text) } else { Value::Text(text.to_owned()) };
    wrap(value, foreign(tag))
}

/// Takes `<<`: what a table has itself wins, then the first that is merged.
fn merged(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    if !entries.iter().any(|entry| entry.0 == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.0 == "<<");
    let mut names: std::collections::BTreeSet<String> = own.iter().map(|e| e.0.clone()).collect();
    for (key, merge) in merges {
        let tables = match merge {
            Value::List(items) => items,
            one => vec![one],
        };
        for table in tables {
            match table {
                Value::Map(entries) => {
                    own.extend(entries.into_iter().filter(|entry| names.insert(entry.0.clone())));
                }
                other => own.push((key.clone(), other)),
            }
        }
    }
    own
}

/// A long text counts as several values, since copies of it take memory.
fn weight(text: &str) -> usize {
    1 + text.len() / 64
}

/// How many values there are in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => {
            1 + entries.iter().map(|entry| weight(&entry.0) + size(&entry.1)).sum::<usize>()
        }
        Value::Text(text) => weight(text),
        _ => 1,
    }
}

/// What is written without quotes. `yes` and `on` are texts here, as in YAML 1.2.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let based = [("0x", 16), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, radix)| u64::from_str_radix(digits.strip_prefix(prefix)?, radix).ok());
    let octal = (digits.len() > 1 && digits.starts_with('0'))
        .then(|| u64::from_str_radix(digits, 8).ok())
        .flatten();
    if let Some(number) = based.or(octal) {
        return Value::Number(Number::spelled(text, &format!("{sign}{number}")));
    }
    let starts = digits.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
    let shaped = digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    if starts && shaped && digits.parse::<f64>().is_ok() {
        return Value::Number(Number::new(text));
    }
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Value>, Unread> {
        read(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn merges_aliases_tags_and_documents_are_read() {
        let found = all("a: &a {x: 1}\nb: {<<: *a, y: !Ref two}\n---\n- 0644\n- 1.2.3\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].identity(),
            r#"{"a": {"x": 1e0}, "b": {"x": 1e0, "y": {"!Ref": "two"}}}"#
        );
        assert_eq!(found[1].identity(), r#"[42e1, "1.2.3"]"#);
    }

    #[test]
    fn an_anchor_bomb_and_a_deep_list_end_with_an_error() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert_eq!(all(&text).unwrap_err(), Unread::Many(VALUES));
        assert!(all(&"[".repeat(1000)).is_err());
        assert!(all("a: &a\n  b: *a\n").is_err());
    }
}
