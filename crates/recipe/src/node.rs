//! TOML as owned nodes that know where they stand: the form in which `extends` and `vars` work.

use crate::{Diagnostic, FileIndex, Sources, Span};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// The values that recipes are made of.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no key takes, by the name of its type.
    Other(&'static str),
}

pub(crate) type Table = BTreeMap<String, Field>;

/// A key's place and its value.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) key: Span,
    pub(crate) node: Node,
}

impl Node {
    /// What it is, with an article, for messages.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a string",
            Value::Int(_) => "a number",
            Value::Bool(_) => "`true` or `false`",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(noun) => noun,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }
}

/// Reads one file of `sources`; all its syntax errors at once.
pub(crate) fn parse(sources: &Sources, file: FileIndex) -> Result<Table, Vec<Diagnostic>> {
    let text = sources.text(file);
    let (document, errors) = DeTable::parse_recoverable(text);
    let table = table(document.get_ref(), file);
    if errors.is_empty() {
        return Ok(table);
    }
    let mut diagnostics = Vec::new();
    let mut twice: Vec<Vec<String>> = Vec::new();
    for error in errors {
        let span = Span::new(file, error.span().unwrap_or(0..0));
        if error.message() != "duplicate key" {
            let title = format!("this is not TOML: {}", error.message());
            diagnostics.push(Diagnostic::error(title).label(span, "here"));
            continue;
        }
        let path = path_of(text, span);
        // What is inside of a table that is there twice needs no message of its own.
        if !twice.iter().any(|outer| path.len() > outer.len() && path.starts_with(outer)) {
            diagnostics.push(duplicate(text, &table, &path, span));
        }
        twice.push(path);
    }
    Err(diagnostics)
}

fn table(from: &DeTable<'_>, file: FileIndex) -> Table {
    let fields = from.iter().map(|(key, value)| {
        let field = Field {
            key: Span::new(file, key.span()),
            node: node(value.get_ref(), Span::new(file, value.span())),
        };
        (key.get_ref().clone().into_owned(), field)
    });
    fields.collect()
}

fn node(from: &DeValue<'_>, span: Span) -> Node {
    let value = match from {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Other("a number of more than 64 bits"),
            }
        }
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            let items =
                items.iter().map(|item| node(item.get_ref(), Span::new(span.file, item.span())));
            Value::List(items.collect())
        }
        DeValue::Table(inner) => Value::Table(table(inner, span.file)),
    };
    Node { span, value }
}

/// The message for a key that is there twice, with the place of the first where it can be told.
fn duplicate(text: &str, root: &Table, path: &[String], second: Span) -> Diagnostic {
    let name = path.join(".");
    let diagnostic =
        Diagnostic::error(format!("`{name}` is defined twice")).label(second, "defined again here");
    let first = first_of(root, path).filter(|first| first.start < second.start);
    match first.or_else(|| header_of(text, path, second)) {
        Some(first) => diagnostic.label(first, "first defined here"),
        None => diagnostic,
    }
}

/// The dotted path of the key at `span`: that of the table header above it, and its own.
fn path_of(text: &str, span: Span) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    let (start, end) = (span.start as usize, (span.end as usize).min(text.len()));
    // A place inside a character, where a message of the parser ends, is no place.
    let (Some(before), Some(_)) = (text.get(..start), text.get(start..end)) else {
        return Vec::new();
    };
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let own = &text[line_start..end];
    let header = |line: &str| line.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
    if own.trim_start().starts_with('[') {
        return words(&header(own));
    }
    let above = text[..line_start].lines().rev().find(|line| line.starts_with('['));
    let mut path = above.map(|line| words(&header(line))).unwrap_or_default();
    path.extend(words(own.rsplit(['{', ',']).next().unwrap_or(own)));
    path
}

/// The header of `path` above `second`: the parser forgets a table when it comes again.
fn header_of(text: &str, path: &[String], second: Span) -> Option<Span> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let header = line.split('#').next().unwrap_or_default().trim_end();
        let inner = start + 1..(start + header.len()).saturating_sub(1).max(start + 1);
        if inner.end > second.start as usize {
            return None;
        }
        let span = Span::new(second.file, inner);
        if header.starts_with('[') && header.ends_with(']') && path_of(text, span) == path {
            return Some(span);
        }
        start += line.len();
    }
    None
}

fn first_of(root: &Table, path: &[String]) -> Option<Span> {
    let (last, parents) = path.split_last()?;
    let mut table = root;
    for parent in parents {
        table = table.get(parent)?.node.as_table()?;
    }
    table.get(last).map(|field| field.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Table, Vec<Diagnostic>> {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        parse(&sources, file)
    }

    #[test]
    fn several_syntax_errors_are_told_at_once() {
        assert!(parsed("a = \nb = ]\nc = 1\n").unwrap_err().len() >= 2);
    }

    #[test]
    fn a_duplicate_names_both_places() {
        for text in [
            "[image.web]\ntag = 'a'\n[image.web]\n",
            "[image.web]\ntag = 'a'\ntag = 'b'\n",
            "a = 1\na = 2\n",
        ] {
            let diagnostics = parsed(text).unwrap_err();
            assert_eq!(diagnostics[0].labels.len(), 2, "{text}: {diagnostics:?}");
        }
    }

    #[test]
    fn numbers_of_every_radix_are_read() {
        let table = parsed("a = 0x1F\nb = 1_000\nc = -5\n").unwrap();
        let number = |key: &str| match table[key].node.value {
            Value::Int(number) => number,
            _ => panic!("{key}"),
        };
        assert_eq!((number("a"), number("b"), number("c")), (31, 1000, -5));
    }
}
