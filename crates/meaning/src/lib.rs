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
mod systemd;
mod tables;
mod text;
mod textual;
mod unread;

pub use finding::{Finding, Kind};
pub use format::Format;
pub use kernel::{Part, parts};
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { findings: 1000, bytes: 256 << 20, depth: 100 }
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

/// Reads the type data of a kernel (BTF), with that which it continues if there is any, and gives how
/// many types there are, or why there are none; for the search for bad input.
pub fn count_types(own: &[u8], base: Option<&[u8]>) -> Result<usize, String> {
    elf::count_types(own, base).map_err(|error| error.to_string())
}
