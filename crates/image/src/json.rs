//! Canonical JSON: the one way in which this crate writes JSON that is hashed.
//!
//! A subset of RFC 8785: keys sorted by their UTF-16 code units, no white space, the shortest
//! escapes, and integers only (a fraction is refused, so that no float formatting enters a digest).

use serde::Serialize;
use serde_json::Value;

/// Why a value has no canonical JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The value does not fit JSON, such as a map whose keys are no texts.
    #[error("a value cannot be written as JSON")]
    Serialize(#[source] serde_json::Error),
    /// A number has a fraction or does not fit 64 bits.
    #[error("the number {0} is not an integer, so it has no canonical JSON here")]
    Number(serde_json::Number),
}

/// The canonical JSON of a value.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, JsonError> {
    let value = serde_json::to_value(value).map_err(JsonError::Serialize)?;
    let mut out = Vec::new();
    write_value(&mut out, &value)?;
    Ok(out)
}

fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<(), JsonError> {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            out.extend(number.to_string().bytes());
        }
        Value::Number(number) => return Err(JsonError::Number(number.clone())),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index);
                write_value(out, item)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(out, index);
                write_text(out, key);
                out.push(b':');
                write_value(out, value)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            0x08 => out.extend(b"\\b"),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            0x0c => out.extend(b"\\f"),
            b'\r' => out.extend(b"\\r"),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: Value) -> String {
        String::from_utf8(canonical_json(&value).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_sorted_by_utf16_as_rfc_8785_has_it() {
        // RFC 8785, section 3.2.3: U+1F600 stands before U+FB33.
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "a": 3, "B": 4, "": 5});
        assert_eq!(text(value), "{\"\":5,\"B\":4,\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn texts_have_the_shortest_escapes() {
        let value = json!(["\u{8}\t\n\u{c}\r\"\\/", "\u{1}\u{1f}\u{7f}ä"]);
        assert_eq!(text(value), "[\"\\b\\t\\n\\f\\r\\\"\\\\/\",\"\\u0001\\u001f\u{7f}ä\"]");
    }

    #[test]
    fn fractions_are_refused_and_integers_keep_64_bits() {
        assert!(matches!(canonical_json(&json!(1.5)), Err(JsonError::Number(_))));
        assert_eq!(
            text(json!([u64::MAX, i64::MIN, true, null])),
            format!("[{},{},true,null]", u64::MAX, i64::MIN)
        );
    }
}
