//! Why Kconfig files could not be read.

use crate::Place;

/// Files that cannot be read as Kconfig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KconfigError {
    /// The first file is not there.
    #[error("the source has no file {0}: is it the source of a kernel?")]
    NoRoot(String),
    /// A line of a file cannot stand.
    #[error("{place}: {problem}")]
    Line {
        /// The line.
        place: Place,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with a line of a Kconfig file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that is included is not there.
    #[error("the source has no file {0}, which is included here")]
    NoFile(String),
    /// A path that leaves the tree, or is none.
    #[error("{0:?} is no path of a file inside the source")]
    BadPath(String),
    /// A path with a variable that has no value.
    #[error("the path `{0}` needs a variable that has no value: give it one")]
    UnknownPath(String),
    /// A file includes itself.
    #[error("{0} is included while it is being read")]
    Cycle(String),
    /// A limit on what is read.
    #[error("there are more than {most} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// Something else was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A word that starts no statement.
    #[error("`{0}` is no statement of Kconfig")]
    Statement(String),
    /// An attribute of nothing, or of something that cannot have it.
    #[error("`{0}` cannot stand here")]
    Misplaced(String),
    /// A block that is closed though it was not opened.
    #[error("`{0}` closes nothing that is open in this file")]
    Unopened(&'static str),
    /// A block that is not closed.
    #[error("this `{0}` is not closed in its file")]
    Unclosed(&'static str),
    /// A string that does not end on its line.
    #[error("the string is not closed")]
    OpenString,
    /// `$(` that does not end on its line.
    #[error("`$(` is not closed")]
    OpenReference,
    /// A macro that refuses the configuration.
    #[error("the source refuses to be configured: {0}")]
    Refused(String),
}
