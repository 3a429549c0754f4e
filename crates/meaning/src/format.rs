//! What kind of file it is, by its name and its first bytes, and who compares it.

use crate::{Finding, Limits, Pair, elf, text};

/// As what two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A program, library, kernel module or other ELF file.
    Elf,
    /// Lines.
    Text,
    /// Nothing else is known of it.
    Bytes,
}

impl Format {
    /// What both versions are.
    pub(crate) fn of(pair: &Pair<'_>) -> Self {
        let both = |is_one: fn(&[u8]) -> bool| is_one(pair.before) && is_one(pair.after);
        if both(elf::is_elf) {
            return Self::Elf;
        }
        let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0);
        if is_text(pair.before) && is_text(pair.after) { Self::Text } else { Self::Bytes }
    }

    pub(crate) fn findings(self, pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
        match self {
            Self::Elf => elf::compare(pair, limits),
            Self::Text => text::compare(pair, limits),
            Self::Bytes => text::bytes(pair),
        }
    }

    /// What it is called: `systemd unit`, `text`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elf => "ELF",
            Self::Text => "text",
            Self::Bytes => "bytes",
        }
    }
}
