//! `build`: a command in a sandbox whose `/` is a rootfs.

use crate::{At, Platform, TargetName, TargetRef, TreePath};
use std::{collections::BTreeMap, time::Duration};

/// A command and what it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What `/` is.
    pub rootfs: At<TargetName>,
    /// Mounted at `/src/NAME`.
    pub sources: BTreeMap<String, At<TargetRef>>,
    /// Mounted at `/deps/NAME`.
    pub deps: BTreeMap<String, At<TargetRef>>,
    /// What runs.
    pub command: Command,
    /// Its environment, besides what the sandbox fixes.
    pub env: BTreeMap<String, At<String>>,
    /// Its working directory.
    pub cwd: TreePath,
    /// Its outputs. The only output `out` is `/out`; otherwise each is `/out/NAME`.
    pub outputs: Vec<At<String>>,
    /// The platform that it always runs on; without, it runs on the one that is asked for.
    pub platform: Option<At<Platform>>,
    /// How outputs are taken in.
    pub permissions: Permissions,
    /// Whether it may hand programs over to be child steps.
    pub reuse: Reuse,
    /// What ends it.
    pub limits: Limits,
}

impl Build {
    /// The outputs with the place where the command leaves each.
    pub fn output_paths(&self) -> Vec<(&str, String)> {
        let place = |output: &str| match self.outputs.as_slice() {
            [only] if only.value == crate::DEFAULT_OUTPUT => "/out".to_owned(),
            _ => format!("/out/{output}"),
        };
        self.outputs.iter().map(|output| (output.as_str(), place(output))).collect()
    }
}

/// What a build runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Text for `/bin/sh -eu`.
    Script(At<String>),
    /// A program and its arguments.
    Argv(Vec<At<String>>),
}

impl Command {
    /// The program and its arguments.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Command::Script(text) => {
                ["/bin/sh", "-eu", "-c", text].into_iter().map(str::to_owned).collect()
            }
            Command::Argv(words) => words.iter().map(|word| word.value.clone()).collect(),
        }
    }
}

/// How owners and modes of an output are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// Owned by root, 0644 or 0755.
    Normal,
    /// As the command left them.
    Keep,
}

/// Whether a command may have programs run by the builder and their results used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// It may.
    Yes,
    /// It may not.
    #[default]
    No,
}

/// What ends a step; unset limits are the builder's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<At<u64>>,
    /// Processes and threads at once.
    pub processes: Option<At<u64>>,
    /// Time in all.
    pub wall: Option<At<Duration>>,
    /// Time without a line of output.
    pub idle: Option<At<Duration>>,
    /// Bytes written to disk.
    pub output: Option<At<u64>>,
}
