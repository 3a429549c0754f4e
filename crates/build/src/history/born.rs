//! What an id is, as an answer.

use super::Chain;
use groundup_digest::{BlobId, ObjectId, RecordId, Sha256, StepKey};
use groundup_store::IdPrefix;
use serde::Serialize;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Some digits of whatever it is.
    Any(IdPrefix),
    /// Some digits of a SHA-256.
    Sha256(IdPrefix),
    /// An object of the store.
    Object(ObjectId),
    /// A content that is at hand: both its digests.
    Content(BlobId, Sha256),
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "known")]
pub enum Answer {
    /// Where it was born: in a build, or several.
    Born {
        /// Everything that it is, what people mean first.
        born: Vec<Born>,
    },
    /// Several ids begin with these digits.
    Ambiguous {
        /// The first of them.
        candidates: Vec<Candidate>,
    },
    /// Nothing.
    Nothing {
        /// How many builds were searched.
        builds: u64,
        /// Whether the store has it all the same, without a build that names it.
        stored: bool,
    },
}

/// An id that begins with the digits that were asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// All its digits.
    pub id: String,
    /// What it is a digest of.
    pub what: &'static str,
}

/// What something is in one build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Born {
    /// What it is.
    #[serde(flatten)]
    pub what: BornAs,
    /// The object in the store.
    pub id: Option<ObjectId>,
    /// The SHA-256 of its content, where it is known.
    pub sha256: Option<Sha256>,
    /// The target that it belongs to: whose step made it.
    pub owner: String,
    /// Label of the step.
    pub step: String,
    /// Key of the step.
    pub key: StepKey,
    /// Where the step was written then.
    pub position: Option<String>,
    /// The targets of builds whose outputs it is, or is in.
    pub targets: Vec<String>,
    /// The latest build that made or used it.
    pub build: BornIn,
    /// The first one.
    pub first: BornIn,
    /// How many there are.
    pub builds: u64,
    /// For a file: where it comes from.
    #[serde(skip)]
    pub chain: Option<Chain>,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum BornAs {
    /// The index of an image.
    ImageIndex,
    /// The manifest of an image.
    ImageManifest,
    /// The configuration of an image.
    ImageConfig,
    /// A layer, by its compressed bytes.
    Layer {
        /// Its number.
        number: usize,
    },
    /// A layer, by its uncompressed bytes.
    DiffId {
        /// Its number.
        number: usize,
    },
    /// An output of a step.
    Output {
        /// The output.
        output: String,
    },
    /// A file of the repository, or its files.
    Source {
        /// Label of the leaf.
        label: String,
    },
    /// A file in an output.
    File {
        /// The output.
        output: String,
        /// Where in it.
        path: String,
        /// How many other places in outputs have the same content.
        elsewhere: usize,
    },
    /// The question of a step.
    Key,
    /// A build.
    Build,
}

/// A build, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BornIn {
    /// Its record.
    pub record: RecordId,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// Who built it.
    pub by: String,
    /// The groundup that built it.
    pub builder: String,
    /// The commit of the repository.
    pub commit: Option<String>,
    /// The digest of the lock.
    pub lock: Option<Sha256>,
    /// The workspace.
    pub workspace: String,
}
