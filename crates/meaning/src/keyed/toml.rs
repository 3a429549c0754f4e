//! TOML (toml.io, 1.0).

use super::{Number, Value};
use crate::{Limits, unread::Unread};

/// Reads a text.
pub(super) fn read(text: &[u8], limits: &Limits) -> Result<Value, Unread> {
    let text = std::str::from_utf8(text).map_err(|_| Unread::Other("it is not UTF-8".into()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Unread::line(line, error.message())
    })?;
    value(toml::Value::Table(table), limits.depth)
}

fn value(from: toml::Value, depth: usize) -> Result<Value, Unread> {
    let deeper = || depth.checked_sub(1).ok_or(Unread::Deep(depth));
    Ok(match from {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Number(Number::new(&number.to_string())),
        toml::Value::Float(number) => Value::Number(Number::new(&number.to_string())),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::Text(time.to_string()),
        toml::Value::Array(items) => {
            let depth = deeper()?;
            Value::List(items.into_iter().map(|item| value(item, depth)).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let depth = deeper()?;
            let entries = table.into_iter().map(|(key, item)| Ok((key, value(item, depth)?)));
            Value::Map(entries.collect::<Result<_, Unread>>()?)
        }
    })
}
