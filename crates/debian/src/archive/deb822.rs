//! The control-file format of Debian (deb822): stanzas of `Field: value` lines.
//!
//! Values are slices of the input, so that reading an index of 50 MB copies nothing. The format is
//! that of Debian Policy 5.1 and `deb822(5)`; comment lines (`#`) are skipped. Errors say the line.

use std::str;

/// The stanzas of a text, in order.
#[derive(Debug, Clone)]
pub struct Stanzas<'a> {
    rest: &'a str,
    line: usize,
}

/// One paragraph of fields.
#[derive(Debug, Clone)]
pub struct Stanza<'a> {
    fields: Vec<(&'a str, &'a str)>,
    line: usize,
}

/// Why a text is not in the control-file format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Deb822Error {
    /// The text is not UTF-8.
    #[error("line {line}: the text is not UTF-8")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
        #[source]
        /// Where decoding stopped.
        source: str::Utf8Error,
    },
    /// A line is neither a field nor the continuation of one.
    #[error("line {line}: expected `Field: value`, found `{found}`")]
    NotAField {
        /// The line, from 1.
        line: usize,
        /// The start of the line.
        found: String,
    },
    /// An indented line stands before the first field of a stanza.
    #[error("line {line}: a continuation line without a field before it")]
    Orphan {
        /// The line, from 1.
        line: usize,
    },
    /// A field stands twice in one stanza.
    #[error("line {line}: the field `{field}` stands twice in one stanza")]
    Duplicate {
        /// The line, from 1.
        line: usize,
        /// The field.
        field: String,
    },
    /// A field that must be there is not.
    #[error("line {line}: the stanza has no field `{field}`")]
    Missing {
        /// The first line of the stanza, from 1.
        line: usize,
        /// The field.
        field: &'static str,
    },
}

/// Reads `text` as a sequence of stanzas.
pub fn stanzas(text: &[u8]) -> Result<Stanzas<'_>, Deb822Error> {
    match str::from_utf8(text) {
        Ok(rest) => Ok(Stanzas { rest, line: 1 }),
        Err(source) => {
            let before = &text[..source.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Err(Deb822Error::NotUtf8 { line, source })
        }
    }
}

impl<'a> Stanza<'a> {
    /// The value of `field`, trimmed; field names ignore case.
    pub fn get(&self, field: &str) -> Option<&'a str> {
        let same = |&&(name, _): &&(&str, &str)| name.eq_ignore_ascii_case(field);
        self.fields.iter().find(same).map(|(_, value)| *value)
    }

    /// The value of a field that must be there.
    pub fn require(&self, field: &'static str) -> Result<&'a str, Deb822Error> {
        self.get(field).ok_or(Deb822Error::Missing { line: self.line, field })
    }

    /// Whether `field` says `yes`.
    pub fn says_yes(&self, field: &str) -> bool {
        self.get(field).is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// The fields with their values, in order.
    pub fn fields(&self) -> &[(&'a str, &'a str)] {
        &self.fields
    }

    /// The line of the first field, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl<'a> Stanzas<'a> {
    fn take_line(&mut self) -> Option<(usize, &'a str)> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += 1;
        Some((self.line - 1, line.strip_suffix('\r').unwrap_or(line)))
    }

    /// The value that starts in `first` with the continuation lines that follow it.
    fn value(&mut self, first: &'a str, from: &'a str) -> &'a str {
        let start = first.as_ptr() as usize - from.as_ptr() as usize;
        let mut end = start + first.len();
        while self.rest.starts_with([' ', '\t']) {
            let (_, line) = self.take_line().expect("the rest starts with a space");
            end = line.as_ptr() as usize - from.as_ptr() as usize + line.len();
        }
        from[start..end].trim()
    }

    fn stanza(&mut self) -> Result<Option<Stanza<'a>>, Deb822Error> {
        let mut stanza = Stanza { fields: Vec::new(), line: 0 };
        loop {
            let from = self.rest;
            let Some((number, line)) = self.take_line() else { break };
            if line.starts_with('#') {
                continue;
            }
            if line.trim_ascii().is_empty() {
                match stanza.fields.is_empty() {
                    true => continue,
                    false => break,
                }
            }
            if line.starts_with([' ', '\t']) {
                return Err(Deb822Error::Orphan { line: number });
            }
            let Some((name, first)) = line.split_once(':').filter(|(name, _)| is_name(name)) else {
                let found = line.chars().take(40).collect();
                return Err(Deb822Error::NotAField { line: number, found });
            };
            let value = self.value(first, from);
            if stanza.fields.is_empty() {
                stanza.line = number;
                stanza.fields.reserve(24);
            } else if stanza.get(name).is_some() {
                return Err(Deb822Error::Duplicate { line: number, field: name.to_owned() });
            }
            stanza.fields.push((name, value));
        }
        Ok((!stanza.fields.is_empty()).then_some(stanza))
    }
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, Deb822Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.stanza() {
            Ok(stanza) => stanza.map(Ok),
            Err(error) => {
                self.rest = "";
                Some(Err(error))
            }
        }
    }
}

/// Field names are printable ASCII without `:`, and start with neither `#` nor `-`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['#', '-'])
        && name.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Stanza<'_>>, Deb822Error> {
        stanzas(text.as_bytes())?.collect()
    }

    #[test]
    fn values_are_trimmed_and_keep_their_continuation_lines() {
        let read = all("\n\nA: one \nB:\n x\n  y\n\n# talk\nC:two\r\n\n\n").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].get("a"), Some("one"));
        assert_eq!(read[0].get("B"), Some("x\n  y"));
        assert_eq!(read[0].line(), 3);
        assert_eq!(read[1].get("C"), Some("two"));
    }

    #[test]
    fn errors_say_the_line() {
        assert_eq!(all("A: 1\n\n B\n").unwrap_err(), Deb822Error::Orphan { line: 3 });
        let not_a_field = Deb822Error::NotAField { line: 2, found: "nonsense".to_owned() };
        assert_eq!(all("A: 1\nnonsense\n").unwrap_err(), not_a_field);
        let duplicate = Deb822Error::Duplicate { line: 3, field: "a".to_owned() };
        assert_eq!(all("A: 1\nB: 2\na: 3\n").unwrap_err(), duplicate);
        assert!(matches!(stanzas(b"A: 1\n\xff"), Err(Deb822Error::NotUtf8 { line: 2, .. })));
        let missing = Deb822Error::Missing { line: 1, field: "Z" };
        assert_eq!(all("A: 1\n").unwrap()[0].require("Z"), Err(missing));
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut read = stanzas(b"nonsense\nA: 1\n").unwrap();
        assert!(read.next().unwrap().is_err());
        assert!(read.next().is_none());
    }
}
