//! The record of a question: what a step is asked besides the ids of its inputs, field by field.
//!
//! A key hashes question and inputs together and cannot be taken apart. With its question beside it, a
//! step whose recipe line moved is told from one whose input moved, long after the recipe is gone.
//! Equal questions are one record, whatever the inputs: a build that moves a pin adds none.

use crate::{
    RecordError,
    step_record::{check_format, write_format},
};
use groundup_digest::{BlobId, ObjectId, Reader, RecordId, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// Values of more bytes are cut: their start stands with their size and hash.
const LONGEST: usize = 4096;
/// How much of a long value stands.
const START: usize = 512;

/// What a step is asked, by the names of fields: `env.LANG`, `options.NF_TABLES`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    fields: BTreeMap<String, String>,
}

/// A field that two questions answer differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldChange {
    /// Its name.
    pub name: String,
    /// What it was; none if it is new.
    pub before: Option<String>,
    /// What it is; none if it is gone.
    pub after: Option<String>,
}

impl Question {
    /// A question about nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. A value that is long is cut, and its hash stands for the rest.
    pub fn insert(&mut self, name: impl Into<String>, value: &str) {
        self.fields.insert(name.into(), cut(value));
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The fields by name.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What this one is asked and the other is not, by the names of fields.
    pub fn changes(&self, after: &Self) -> Vec<FieldChange> {
        let names: BTreeSet<&String> = self.fields.keys().chain(after.fields.keys()).collect();
        let value = |of: &Self, name: &str| of.get(name).map(str::to_owned);
        let changes = names.into_iter().map(|name| FieldChange {
            name: name.clone(),
            before: value(self, name),
            after: value(after, name),
        });
        changes.filter(|change| change.before != change.after).collect()
    }

    /// The id of its record.
    pub fn id(&self) -> RecordId {
        RecordId::of_encoded(&self.to_bytes())
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        write_format(&mut writer);
        writer.seq(&self.fields, |writer, (name, value)| {
            writer.str(name).str(value);
        });
        writer.finish()
    }

    /// Reads the canonical encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        check_format(&mut reader)?;
        let list = reader.seq(|reader| Ok((reader.str()?.to_owned(), reader.str()?.to_owned())))?;
        if list.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(reader.invalid("order of fields").into());
        }
        reader.end()?;
        Ok(Self { fields: list.into_iter().collect() })
    }
}

fn cut(value: &str) -> String {
    if value.len() <= LONGEST {
        return value.to_owned();
    }
    let end = (0..=START).rev().find(|at| value.is_char_boundary(*at)).unwrap_or_default();
    format!(
        "{}… ({} bytes, {})",
        &value[..end],
        value.len(),
        ObjectId::Blob(BlobId::of(value.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(fields: &[(&str, &str)]) -> Question {
        let mut question = Question::new();
        for (name, value) in fields {
            question.insert(*name, value);
        }
        question
    }

    #[test]
    fn a_question_comes_back_as_it_was() {
        let asked = question(&[("env.B", "2"), ("argv[0]", "/bin/true")]);
        assert_eq!(Question::from_bytes(&asked.to_bytes()), Ok(asked));
    }

    #[test]
    fn rejects_fields_out_of_order_and_twice() {
        for names in [["b", "a"], ["a", "a"]] {
            let mut writer = Writer::new();
            write_format(&mut writer);
            writer.seq(names, |writer, name| {
                writer.str(name).str("");
            });
            assert!(Question::from_bytes(writer.as_bytes()).is_err(), "{names:?}");
        }
    }

    #[test]
    fn fields_that_differ_are_named() {
        let before = question(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = question(&[("b", "2"), ("c", "1"), ("d", "1")]);
        let changes = before.changes(&after);
        let told: Vec<_> = changes
            .iter()
            .map(|it| (it.name.as_str(), it.before.as_deref(), it.after.as_deref()))
            .collect();
        let expected =
            [("a", Some("1"), None), ("b", Some("1"), Some("2")), ("d", None, Some("1"))];
        assert_eq!(told, expected);
    }

    #[test]
    fn long_values_that_differ_at_their_end_differ() {
        let long = "ä".repeat(LONGEST);
        let [one, two] = ["1", "2"].map(|end| question(&[("a", &format!("{long}{end}"))]));
        assert_ne!(one.id(), two.id());
        assert!(one.get("a").is_some_and(|value| value.len() < 1024 && value.contains("blob:")));
    }
}
