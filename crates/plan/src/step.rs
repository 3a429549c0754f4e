//! A step: fetch pinned bytes, run a command, or call an assembler.

use crate::{Assembler, StepIndex, StepLabel};
use groundup_digest::{ObjectId, Sha256};
use groundup_recipe::{Permissions, Platform, Span};
use std::{collections::BTreeMap, time::Duration};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What people and records call it.
    pub label: StepLabel,
    /// What it does.
    pub kind: StepKind,
    /// What it reads, by unique name.
    pub inputs: Vec<Input>,
    /// Names of its outputs, sorted.
    pub outputs: Vec<String>,
    /// The recipe position or lock line that it comes from.
    pub span: Option<Span>,
}

/// One input of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// What the step knows it by.
    pub name: String,
    /// Where it comes from.
    pub from: From,
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// The repository.
    Leaf {
        /// Label of the leaf, such as `file:web/index.html`.
        label: String,
        /// What it holds.
        id: ObjectId,
    },
    /// An output of another step.
    Step {
        /// The step.
        step: StepIndex,
        /// Its output.
        output: String,
    },
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Gets pinned bytes; the output is fixed.
    Fetch(Fetch),
    /// Runs a command in a sandbox.
    Run(Run),
    /// Calls a pure function of groundup.
    Assemble(Assemble),
}

/// Pinned bytes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// One file; its output `out` is a blob.
    File {
        /// Its digest.
        sha256: Sha256,
        /// Its bytes.
        size: u64,
        /// Where it may be had.
        locations: Vec<Location>,
    },
    /// A git commit; its output `out` is the commit's tree.
    Git {
        /// The commit, hexadecimal.
        commit: String,
        /// The commit's git tree, hexadecimal.
        tree: String,
        /// Where it may be had.
        url: String,
    },
    /// An OCI image from a registry; its output `out` is an image layout.
    Image {
        /// Digest of the manifest or index.
        digest: Sha256,
        /// Its bytes.
        size: u64,
        /// Its media type.
        media_type: String,
        /// The platforms whose layers are needed.
        platforms: Vec<Platform>,
        /// Where it may be had.
        reference: String,
    },
}

/// Where bytes may be had; locations are no part of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path relative to the top of an archive.
    Archive {
        /// Name of the archive in the workspace.
        archive: String,
        /// The path.
        path: String,
    },
    /// A URL.
    Url(String),
}

/// A command in a sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: String,
    /// What is mounted where; the root file system is at `/`.
    pub mounts: Vec<Mount>,
    /// Where the command leaves its outputs.
    pub places: Vec<OutputPlace>,
    /// How outputs are taken in.
    pub permissions: Permissions,
    /// The platform that it executes on.
    pub platform: Platform,
    /// Version of the sandbox.
    pub sandbox: u32,
    /// Whether it may hand programs over to be child steps.
    pub reuse: Option<Reuse>,
    /// What becomes of the root file system that the command changes.
    pub root: RunRoot,
    /// What ends it; no part of the key.
    pub limits: RunLimits,
}

/// How programs that a command hands over become child steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reuse {
    /// A header inside, of which a child step depends on the symbols that its other texts name.
    pub symbols: Option<String>,
}

/// What becomes of the root file system that a command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRoot {
    /// Changes are thrown away; files have no owners that matter.
    Discarded,
    /// It is the only output. The command is root, and owners, set-id bits, devices and file
    /// capabilities are data.
    Kept {
        /// Version of how they are.
        ownership: u32,
    },
}

/// An input at a path of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// Absolute path.
    pub at: String,
    /// Name of the input.
    pub input: String,
}

/// An output and the place where the command leaves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputPlace {
    /// Name of the output.
    pub output: String,
    /// `/out`, or a directory in it; `/` where the root is kept.
    pub place: String,
}

/// Limits of a command; none is the builder's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processes and threads at once.
    pub processes: Option<u64>,
    /// Time in all.
    pub wall: Option<Duration>,
    /// Time without a line of output.
    pub idle: Option<Duration>,
    /// Bytes written to disk.
    pub output: Option<u64>,
}

/// A call of an assembler.
#[derive(Debug, Clone, PartialEq)]
pub struct Assemble {
    /// The function.
    pub assembler: Assembler,
    /// Its parameters as JSON: objects in the order of [`crate::params`]' fields, no white space.
    pub params: String,
}

impl Step {
    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The steps whose outputs it reads, each once, in order.
    pub fn needs(&self) -> Vec<StepIndex> {
        let mut steps: Vec<_> = self
            .inputs
            .iter()
            .filter_map(|input| match input.from {
                From::Step { step, .. } => Some(step),
                From::Leaf { .. } => None,
            })
            .collect();
        steps.sort();
        steps.dedup();
        steps
    }
}
