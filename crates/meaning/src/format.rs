//! What kind of file it is, by its name and its first bytes, and who compares it.

use crate::{Finding, Limits, Pair, text, textual, textual::Textual};

/// As what two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines.
    Text,
    /// Text of a kind that is known.
    Textual(Textual),
    /// Nothing else is known of it.
    Bytes,
}

impl Format {
    /// What both versions are.
    pub(crate) fn of(pair: &Pair<'_>, limits: &Limits) -> Self {
        if pair.before.len().max(pair.after.len()) > limits.bytes {
            return Self::Bytes;
        }
        let is_named = Textual::is_named(pair.path);
        let is_text =
            |bytes: &[u8]| !bytes.contains(&0) && (is_named || std::str::from_utf8(bytes).is_ok());
        if !is_text(pair.before) || !is_text(pair.after) {
            return Self::Bytes;
        }
        Textual::of(pair).map_or(Self::Text, Self::Textual)
    }

    pub(crate) fn findings(self, pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
        match self {
            Self::Text => text::compare(pair, limits),
            Self::Textual(kind) => textual::findings(kind, pair, limits),
            Self::Bytes => text::bytes(pair),
        }
    }

    /// What it is called: `systemd unit`, `text`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textual(kind) => kind.name(),
            Self::Bytes => "bytes",
        }
    }
}
