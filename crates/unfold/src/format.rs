//! What something is, by its first bytes, and who walks it.

use crate::{Bytes, Limits, Sink, UnfoldError};

/// What can be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {}

/// What bytes are, if it is something that can be walked.
pub fn recognise(_bytes: &dyn Bytes) -> Option<Format> {
    None
}

impl Format {
    pub(crate) fn walk(
        self,
        _bytes: &dyn Bytes,
        _limits: &Limits,
        _sink: &mut dyn Sink,
    ) -> Result<(), UnfoldError> {
        match self {}
    }
}
