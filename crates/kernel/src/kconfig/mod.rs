//! The Kconfig language: which symbols there are, and on what each depends.
//!
//! The language is that of `Documentation/kbuild/kconfig-language.rst` and `kconfig-macro-language.rst`
//! of Linux. All files are read as Kconfig reads them, with two differences: nothing is run, so that a
//! macro that asks the shell (and with it every `cc-option`) is an operand of unknown value, and a
//! variable that the caller gives no value is unknown too.
//!
//! Whatever the files hold, reading them ends: their sum, the depth of their blocks, expressions and
//! inclusions, and what macros make are bounded ([`Limits`]).

mod attributes;
mod error;
mod expression;
mod lines;
mod macros;
mod model;
mod operands;
mod parse;
mod source;
mod tokens;

pub use error::{KconfigError, Problem};
pub use expression::{Comparison, Expression, Operand};
pub use model::{
    Choice, ChoiceId, Condition, Definition, Kconfig, Prompt, Property, Range, Scope, ScopeId,
    Selection, Symbol, Type,
};

use std::collections::BTreeMap;

/// The files of a kernel's source tree.
pub trait Files {
    /// The content of the file at `path`, which is relative to the root of the tree; nothing if
    /// there is no such file.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
}

/// Files in memory.
impl<K: Ord + std::borrow::Borrow<str>, V: AsRef<[u8]>> Files for BTreeMap<K, V> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.get(path).map(|text| text.as_ref().to_vec())
    }
}

/// What reading a tree of files may take. Linux 6.1 needs about a tenth of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files, each counted as often as it is included.
    pub bytes: usize,
    /// Files, each counted as often as it is included.
    pub files: usize,
    /// Bytes that macros make.
    pub expansion: usize,
    /// References to variables and functions.
    pub references: usize,
}

/// Files that include each other, one inside the other.
pub(crate) const DEEPEST_FILE: usize = 64;
/// Blocks inside each other, and parentheses of an expression.
pub(crate) const DEEPEST_BLOCK: usize = 128;
/// References of macros to each other.
pub(crate) const DEEPEST_MACRO: usize = 64;

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 64 << 20, files: 20_000, expansion: 16 << 20, references: 1 << 20 }
    }
}
