//! What two versions of a file mean differently: settings, packages, symbols and rules, not bytes.
//!
//! [`compare`] is given the bytes of both versions and what the file is called. It finds out what kind
//! of file it is ([`Format`]) and hands it to the reader of that kind; a file that is not what its name
//! says is compared as text or bytes, and the answer says so. Whatever it is given it answers: bytes of
//! others may be hostile, so every reader is bounded by [`Limits`] and has a target in `fuzz/`.
//!
//! What only several files together tell (units with their drop-ins, package databases) is in [`root`].
//! This crate does no IO.

mod accounts;
mod apt;
mod certificates;
mod compiled;
mod elf;
mod encoding;
mod finding;
mod firewall;
mod format;
mod kernel;
mod keyed;
mod kubernetes;
mod oci;
mod packages;
pub mod root;
mod rows;
mod settings;
mod sideways;
mod systemd;
mod tables;
mod text;
mod textual;
mod unread;
pub mod unstable;

pub use finding::{Finding, Kind};
pub use format::Format;
pub use kernel::{Asked, Part, parts, requests};
pub use sideways::{Part as SidewaysPart, Sideways, sideways};
pub use textual::{AccountFile, Textual};

/// Two versions of a file.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Its path in its root, without a slash in front: `etc/fstab`.
    pub path: &'a str,
    /// What it held.
    pub before: &'a [u8],
    /// What it holds.
    pub after: &'a [u8],
}

/// How much is looked for and told.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Findings of one file; of more, the number is told.
    pub findings: usize,
    /// Bytes of one file; a larger one is compared as bytes.
    pub bytes: usize,
    /// How deep values may nest.
    pub depth: usize,
    /// Lines of one place that are told one by one; of more, from where to where they are.
    pub lines: usize,
    /// Characters of a line that are told; of longer ones what is around the change, and the length.
    pub characters: usize,
    /// Symbols of an ELF file that are told one by one, and as many variables and functions; of more,
    /// the number.
    pub symbols: usize,
    /// What is told of comments and spelling where a file is compared by what it means.
    pub spelling: Telling,
}

/// How much is told of what has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// That there is such a difference, if there is no other.
    Existence,
    /// Its lines.
    Lines,
}

impl Limits {
    /// So high that nothing is left out, and still low enough for any memory.
    const HIGH: usize = 1_000_000;

    /// These limits, without those on what is told.
    #[must_use]
    pub fn telling_all(self) -> Self {
        let high = Self::HIGH;
        Self {
            findings: high,
            lines: high,
            characters: high,
            symbols: high,
            spelling: Telling::Lines,
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            findings: 1000,
            bytes: 256 << 20,
            depth: 100,
            lines: 100,
            characters: 1000,
            symbols: 250,
            spelling: Telling::Existence,
        }
    }
}

/// What two versions mean differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// As what they were compared.
    pub format: Format,
    /// The differences, in the order of the file; none if both mean the same.
    pub findings: Vec<Finding>,
    /// How many more there are than the limit lets through.
    pub more: usize,
}

/// Compares two versions of a file.
pub fn compare(pair: &Pair<'_>, limits: &Limits) -> Meaning {
    let format = Format::of(pair, limits);
    let mut findings = format.findings(pair, limits);
    let more = findings.len().saturating_sub(limits.findings);
    findings.truncate(limits.findings);
    Meaning { format, findings, more }
}

/// Whether a file came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// Only the second side has it.
    Came,
    /// Only the first side has it.
    Went,
}

/// What a file that came or went says by itself: Kubernetes objects with their fields. Of other files
/// nothing is said.
pub fn whole(bytes: &[u8], is: Whole, limits: &Limits) -> Vec<Finding> {
    kubernetes::whole(bytes, is, limits)
}

/// Reads the type data of a kernel (BTF), with that which it continues if there is any, and gives how
/// many types there are, or why there are none; for the search for bad input.
pub fn count_types(own: &[u8], base: Option<&[u8]>) -> Result<usize, String> {
    elf::count_types(own, base).map_err(|error| error.to_string())
}
