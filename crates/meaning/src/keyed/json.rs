//! JSON (RFC 8259), with what its relatives allow: comments, commas at the end, several values after
//! another. Numbers keep their digits, and a key that is there twice is kept twice.

use super::{Number, VALUES, Value};
use crate::{Limits, unread::Unread};

/// Reads all values of a text.
pub(crate) fn read(text: &[u8], limits: &Limits) -> Result<Vec<Value>, Unread> {
    let text = std::str::from_utf8(text).map_err(|_| Unread::Other("it is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, depth: limits.depth, left: VALUES };
    let mut values = Vec::new();
    reader.blank();
    while reader.at < text.len() {
        values.push(reader.value(0)?);
        reader.blank();
    }
    match values.is_empty() {
        true => Err(Unread::Other("it is empty".into())),
        false => Ok(values),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    left: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error(&self, why: impl Into<String>) -> Unread {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        Unread::line(before.iter().filter(|byte| **byte == b'\n').count() + 1, why)
    }

    /// Passes over white space and comments.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let rest = self.rest();
            let length = if rest.starts_with("//") {
                rest.find('\n')
            } else if rest.starts_with("/*") {
                rest.find("*/").map(|end| end + 2)
            } else {
                return;
            };
            self.at += length.unwrap_or(rest.len());
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Unread> {
        self.left = self.left.checked_sub(1).ok_or(Unread::Many(VALUES))?;
        if depth > self.depth {
            return Err(Unread::Deep(self.depth));
        }
        match self.peek() {
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => {
                let rest = self.rest();
                let number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                let length = rest.find(|c| !number(c)).unwrap_or(rest.len());
                self.at += length;
                Ok(Value::Number(Number::new(&rest[..length])))
            }
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.rest().starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.error("here is no value of JSON"))
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Unread> {
        let mut entries = Vec::new();
        self.at += 1;
        loop {
            self.blank();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(entries));
                }
                Some(b'"') => {}
                _ => return Err(self.error("a key in quotes, or `}`, was expected")),
            }
            let key = self.string()?;
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.error("a colon was expected behind the key"));
            }
            self.at += 1;
            self.blank();
            entries.push((key, self.value(depth + 1)?));
            self.comma(b'}')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Unread> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.blank();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Value::List(items));
            }
            items.push(self.value(depth + 1)?);
            self.comma(b']')?;
        }
    }

    /// Passes over a comma, which may be missing only at the end.
    fn comma(&mut self, end: u8) -> Result<(), Unread> {
        self.blank();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == end => Ok(()),
            _ => Err(self.error("a comma was expected")),
        }
    }

    fn string(&mut self) -> Result<String, Unread> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            let end = rest.find(['"', '\\']).ok_or_else(|| self.error("a text does not end"))?;
            out.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes().get(end) == Some(&b'"') {
                return Ok(out);
            }
            let escape = self.peek().ok_or_else(|| self.error("a text does not end"))?;
            self.at += 1;
            out.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return Err(self.error("an unknown escape in a text")),
            });
        }
    }

    fn unit(&mut self) -> Result<u32, Unread> {
        let digits =
            self.rest().get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        number.ok_or_else(|| Unread::Other("a text has an escape without four digits".into()))
    }

    /// A character by one or two units of UTF-16; a lone half is replaced.
    fn unicode(&mut self) -> Result<char, Unread> {
        let first = self.unit()?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let at = self.at;
            self.at += 2;
            let second = self.unit()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = at;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Value, Unread> {
        read(text.as_bytes(), &Limits::default()).map(|mut values| values.remove(0))
    }

    #[test]
    fn escapes_comments_and_commas_at_the_end_are_read() {
        let value = one("// x\n{\"a\": \"\\ud83d\\ude00\\n\", /* y */ \"b\": [1, 2,],}").unwrap();
        assert_eq!(value.text_at("a"), Some("😀\n"));
        assert_eq!(value.get("b").unwrap().items().len(), 2);
    }

    #[test]
    fn damaged_texts_are_named_by_their_line() {
        assert_eq!(
            one("{\n\"a\" 1}").unwrap_err().to_string(),
            "line 2: a colon was expected behind the key"
        );
        for text in
            ["", "{", "[1", "\"a", "\"\\u12", "\"\\ud800\\u", "{\"a\":}", "[1 2]", "tru", "/*"]
        {
            assert!(one(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_lists_end_with_an_error() {
        assert_eq!(one(&"[".repeat(100_000)).unwrap_err(), Unread::Deep(100));
    }
}
