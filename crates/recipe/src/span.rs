//! Positions: which bytes of which file a value came from.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    hash::{Hash, Hasher},
    ops::Deref,
};

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileIndex(u32);

/// A range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileIndex,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) fn new(file: FileIndex, range: std::ops::Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: offset(range.start), end: offset(range.end) }
    }
}

/// A value and the place where it was written.
///
/// Positions are no part of what a recipe says: two values that differ only in their span are
/// equal.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> At<T> {
    /// A value that was written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Another value from the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At { value, span: self.span }
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Hash> Hash for At<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

/// Where the keys of one table stand; always equal to any other, as positions are.
#[derive(Debug, Clone, Default)]
pub struct Positions(BTreeMap<String, Span>);

impl Positions {
    pub(crate) fn insert(&mut self, key: &str, span: Span) {
        self.0.insert(key.to_owned(), span);
    }

    /// Where the key `field` was written, if it was.
    pub fn of(&self, field: &str) -> Option<Span> {
        self.0.get(field).copied()
    }
}

impl PartialEq for Positions {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Positions {}

/// The texts that spans point into.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

#[derive(Debug, Clone)]
struct SourceFile {
    path: String,
    text: String,
    /// Where each line starts; large workspaces ask for many positions.
    lines: Vec<usize>,
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line number.
    pub line: usize,
    /// Column number.
    pub column: usize,
}

impl Sources {
    /// No file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a file; `path` is what messages call it.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileIndex {
        let (path, text) = (path.into(), text.into());
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        self.files.push(SourceFile { path, text, lines });
        FileIndex(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The path of a file.
    pub fn path(&self, file: FileIndex) -> &str {
        self.files.get(file.0 as usize).map_or("", |file| &file.path)
    }

    /// The text of a file.
    pub fn text(&self, file: FileIndex) -> &str {
        self.files.get(file.0 as usize).map_or("", |file| &file.text)
    }

    /// Line and column of the start of `span`.
    pub fn position(&self, span: Span) -> Position {
        let text = self.text(span.file);
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let lines = self.files.get(span.file.0 as usize).map_or(&[0][..], |file| &file.lines);
        let line = lines.partition_point(|line_start| *line_start <= start);
        let line_start = lines[line - 1];
        Position { line, column: text[line_start..start].chars().count() + 1 }
    }

    /// `path:line:column` of the start of `span`.
    pub fn locate(&self, span: Span) -> String {
        let Position { line, column } = self.position(span);
        format!("{}:{line}:{column}", self.path(span.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "x = 1\né = \"ü\" y");
        let span = Span::new(file, 14..15);
        assert_eq!(sources.locate(span), "a.toml:2:7");
    }

    #[test]
    fn values_that_differ_in_position_are_equal() {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "");
        assert_eq!(At::new(1, Span::new(file, 0..1)), At::new(1, Span::new(file, 5..9)));
    }
}
