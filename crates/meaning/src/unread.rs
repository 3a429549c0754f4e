//! Why a version cannot be read as what its name says.

/// Why a version cannot be read as what its name says; it is compared as text then, and told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// A place where the format is broken.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// Values in values, more than the limit allows.
    #[error("values stand more than {0} deep")]
    Deep(usize),
    /// More values than are compared.
    #[error("it holds more than {0} values")]
    Many(usize),
    /// It is something else.
    #[error("{0}")]
    Other(String),
}

impl Unread {
    /// Something is wrong in a line.
    pub(crate) fn line(line: usize, why: impl Into<String>) -> Self {
        Self::Line { line, why: why.into() }
    }
}
