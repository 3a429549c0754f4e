//! Domain tags: which question a structured hash answers.

/// The domain tag of a hashed type; two types never share one, so equal bytes of two types have
/// different ids.
///
/// The context strings are part of the formats: changing one changes every id of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// One directory of a tree.
    Directory,
    /// The root object of a tree: metadata of `/`, its directory and the hard-link table.
    Tree,
    /// The question that a step asks.
    StepKey,
    /// A step or build record.
    Record,
    /// A resolved plan as a value.
    Plan,
    /// A build: commit, lock and target.
    Build,
}

impl Domain {
    /// The BLAKE3 `derive_key` context string.
    pub const fn context(self) -> &'static str {
        match self {
            Domain::Directory => "groundup 2026-11 directory v1",
            Domain::Tree => "groundup 2026-11 tree v1",
            Domain::StepKey => "groundup 2026-11 step key v1",
            Domain::Record => "groundup 2026-11 record v1",
            Domain::Plan => "groundup 2026-11 plan v1",
            Domain::Build => "groundup 2026-11 build v1",
        }
    }

    /// Hashes `bytes` under this domain.
    pub fn hash(self, bytes: &[u8]) -> [u8; 32] {
        blake3::derive_key(self.context(), bytes)
    }
}
