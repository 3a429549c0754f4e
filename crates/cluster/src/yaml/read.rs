//! Text to documents. Every value keeps its place; keys are there once; aliases are copied within a
//! budget, so that a few lines cannot become gigabytes.

use super::{Node, Place, build::Builder};
use granit_parser::{Event, Marker, Parser, ScanError};

/// What one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most bytes of the file.
    pub bytes: usize,
    /// The most values of the file, copies by aliases included.
    pub nodes: usize,
    /// How deep lists and tables may stand in each other.
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 8 << 20, nodes: 500_000, depth: 100 }
    }
}

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number in the file, from 1; empty ones count.
    pub number: u32,
    /// What it says.
    pub root: Node,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// In which document, from 1.
    pub document: u32,
    /// Where.
    pub at: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

pub(super) fn place(marker: &Marker) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}

/// Reads the documents of a file; empty ones are left out.
pub fn read(text: &[u8], budget: Budget) -> Result<Vec<Document>, ReadError> {
    let start = Place { line: 1, column: 1 };
    let whole = |message: String| ReadError { document: 1, at: start, message, help: None };
    if text.len() > budget.bytes {
        let message = format!(
            "the file has {} bytes, more than the {} that are read",
            text.len(),
            budget.bytes
        );
        return Err(whole(message));
    }
    let text = std::str::from_utf8(text).map_err(|error| {
        let good = &text[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let at = Place { line, column: 1 };
        ReadError { at, ..whole("the file is not UTF-8".to_owned()) }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let mut number = 0;
    let mut builder = Builder::new(budget);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_error(number.max(1), &error))?;
        let at = place(&span.start);
        match event {
            Event::DocumentStart(..) => {
                number += 1;
                builder.start(number);
            }
            Event::DocumentEnd => {
                let root = builder.finish();
                let filled = root.filter(|root| root.value != super::Value::Null);
                documents.extend(filled.map(|root| Document { number, root }));
            }
            event => builder.event(event, at)?,
        }
    }
    Ok(documents)
}

fn scan_error(document: u32, error: &ScanError) -> ReadError {
    let message = format!("this is not YAML: {}", error.info());
    let text = error.info();
    let help = if text.contains("tab") {
        Some("YAML is indented by blanks, never by tabs".to_owned())
    } else {
        None
    };
    ReadError { document, at: place(error.marker()), message, help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Value;

    fn one(text: &str) -> Node {
        let mut documents = read(text.as_bytes(), Budget::default()).unwrap();
        assert_eq!(documents.len(), 1);
        documents.remove(0).root
    }

    fn error(text: &str) -> ReadError {
        read(text.as_bytes(), Budget::default()).unwrap_err()
    }

    #[test]
    fn a_value_knows_its_line_and_column() {
        let root = one("a:\n  - b: 1\n    c: two\n");
        let item = &root.items("a")[0];
        assert_eq!(item.get("c").unwrap().at, Place { line: 3, column: 8 });
        assert_eq!(item.as_map().unwrap().entry("c").unwrap().at, Place { line: 3, column: 5 });
    }

    #[test]
    fn documents_keep_their_number_and_empty_ones_are_passed_over() {
        let text = "# only words\n---\na: 1\n---\n---\nb: 2\n...\n";
        let documents = read(text.as_bytes(), Budget::default()).unwrap();
        let numbers: Vec<u32> = documents.iter().map(|document| document.number).collect();
        assert_eq!(documents.len(), 2);
        assert!(numbers[0] < numbers[1], "{numbers:?}");
        assert_eq!(documents[1].root.at.line, 6);
    }

    #[test]
    fn a_key_that_is_there_twice_is_an_error_at_the_second() {
        let found = error("a: 1\nb: 2\na: 3\n");
        assert_eq!(found.at, Place { line: 3, column: 1 });
        assert!(found.message.contains("`a`") && found.message.contains("line 1"), "{found}");
    }

    #[test]
    fn an_anchor_bomb_is_an_error_at_the_alias_that_bursts() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let item = format!("*a{}", level - 1);
            let items = vec![item; 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let found = error(&text);
        assert!(found.message.contains("aliases"), "{found}");
        assert!((5..=7).contains(&found.at.line), "{found:?}");
    }

    #[test]
    fn aliases_and_merge_keys_are_copies() {
        let root = one("base: &b {x: 1, z: 2}\nuse:\n  <<: *b\n  z: 3\nagain: *b\n");
        let z = |key: &str| root.path(&[key, "z"]).unwrap().value.clone();
        assert_eq!((z("use"), z("again")), (Value::Int(3), Value::Int(2)));
        assert_eq!(root.path(&["use", "x"]).unwrap().value, Value::Int(1));
    }

    #[test]
    fn an_alias_to_itself_and_one_to_nothing_are_errors() {
        assert_eq!(error("a: &a\n  b: *a\n").at.line, 2);
        assert_eq!(error("a: *nothing\n").at.line, 1);
    }

    #[test]
    fn words_that_readers_disagree_on_are_errors_with_the_remedy() {
        let found = error("a: 1\nenabled: yes\n");
        assert_eq!(found.at, Place { line: 2, column: 10 });
        assert!(found.help.unwrap().contains("\"yes\""));
        assert_eq!(one("enabled: \"yes\"\n").text_at(&["enabled"]), Some("yes"));
    }

    #[test]
    fn deep_documents_end_with_an_error() {
        let found = error(&("[".repeat(200) + &"]".repeat(200)));
        assert!(found.message.contains("deep"), "{found}");
    }

    #[test]
    fn binary_and_foreign_tags_are_refused() {
        for text in ["a: !!binary aGk=\n", "a: !include x\n"] {
            assert!(error(text).message.contains("tag"), "{text}");
        }
        assert_eq!(one("a: !!str 12\n").text_at(&["a"]), Some("12"));
    }

    #[test]
    fn a_file_that_is_not_utf8_is_an_error_at_its_line() {
        let found = read(b"a: 1\nb: \xff\n", Budget::default()).unwrap_err();
        assert_eq!(found.at.line, 2);
    }
}
