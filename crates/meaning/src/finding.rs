//! Findings: what two versions of a thing mean differently, as values.

use serde::Serialize;

/// One difference in meaning, in the words of the thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of which kind; decides how likely it is to matter.
    pub kind: Kind,
    /// What differs: `[Service] LimitNOFILE`, `CONFIG_NF_TABLES`, `mark_tg_reg+0x5c`, `line 12`.
    pub what: String,
    /// What it was; nothing if it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is; nothing if it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What has to be known besides, in a few words: `a drop-in sets it`, `with type data: family`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Smaller differences that this one consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Finding>,
}

/// What kind of difference. As JSON in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What a change leaves dangling or skewed in something that did not change.
    Sideways,
    /// An option of a kernel configuration.
    KernelOption,
    /// A word of a kernel command line.
    CommandLine,
    /// A value of a configuration, by section and key or by path.
    Setting,
    /// A rule of a firewall.
    Rule,
    /// A user, a group or a password entry.
    Account,
    /// A package and its version.
    Package,
    /// A field of a Kubernetes object.
    Object,
    /// Initialised data of a program or module, attributed to a symbol.
    Data,
    /// Instructions of a program or module, attributed to a function.
    Code,
    /// A symbol that others can use, or that is needed of others.
    Symbol,
    /// A library, module or interpreter that is needed.
    Needs,
    /// A section, segment or header of a binary.
    Section,
    /// A certificate or key.
    Certificate,
    /// A line of text.
    Line,
    /// Bytes that nothing else is known of.
    Bytes,
    /// An entry of an archive that came, went or moved.
    Entry,
    /// Mode, owner, extended attribute.
    Metadata,
    /// What was written for a build and has no effect: build ids, times, paths of the builder.
    Identity,
    /// Another spelling of the same: order of keys, white space, comments, compression.
    Encoding,
    /// By what two answers to one question differ: a clock, an order, chance.
    Class,
    /// What could not be compared, and why.
    NotCompared,
}

impl Finding {
    /// Something that had one value and has another.
    pub fn changed(
        kind: Kind,
        what: impl Into<String>,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        Self { before: Some(before.into()), after: Some(after.into()), ..Self::bare(kind, what) }
    }

    /// Something that is new.
    pub fn added(kind: Kind, what: impl Into<String>, after: impl Into<String>) -> Self {
        Self { after: Some(after.into()), ..Self::bare(kind, what) }
    }

    /// Something that is gone.
    pub fn removed(kind: Kind, what: impl Into<String>, before: impl Into<String>) -> Self {
        Self { before: Some(before.into()), ..Self::bare(kind, what) }
    }

    /// Something with neither a value before nor after. What has no name is called so.
    pub fn bare(kind: Kind, what: impl Into<String>) -> Self {
        let (mut what, inside) = (what.into(), Vec::new());
        if what.is_empty() {
            what.push_str("(without a name)");
        }
        Self { kind, what, before: None, after: None, note: None, inside }
    }

    /// What could not be compared.
    pub fn not_compared(what: impl Into<String>, why: impl ToString) -> Self {
        Self::bare(Kind::NotCompared, what).note(why.to_string())
    }

    /// With something that has to be known besides.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Made of smaller ones.
    #[must_use]
    pub fn with(mut self, inside: Vec<Finding>) -> Self {
        self.inside = inside;
        self
    }
}

impl Kind {
    /// Whether a difference of this kind changes nothing that runs.
    pub fn is_boring(self) -> bool {
        matches!(self, Self::Identity | Self::Encoding | Self::Class)
    }
}
