//! A way back from a file: the steps that it went through, and the pin, file or recipe line at its end.

use groundup_digest::ObjectId;
use serde::Serialize;

/// A way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// From what was asked about to where it comes from.
    pub hops: Vec<Hop>,
    /// Where it comes from.
    pub end: End,
}

/// One step on the way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Label of the step.
    pub step: String,
    /// What it did.
    pub did: Did,
    /// Where in its output the thing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where the step was written when it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The assembler or command that wrote it, where the way ends at a recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What else it was made from, the most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

/// Another input of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// What the step knows it by.
    pub input: String,
    /// The step or leaf that gave it.
    pub from: String,
    /// Whether it is a tool.
    pub tool: bool,
}

/// What a step did to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "of")]
pub enum Did {
    /// Laid it down from another tree.
    LaidDown,
    /// Laid it down from this package.
    FromPackage(String),
    /// Wrote what a recipe says.
    Wrote,
    /// Made it of what it knows of all packages, users and so on: no package ships it.
    Generated,
    /// Maintainer scripts made or changed it.
    Scripts,
    /// Passed it on as it is.
    PassedOn,
    /// A command copied it from an input as it is.
    Copied,
    /// A command made it.
    Made,
    /// Unpacked it.
    Unpacked,
    /// Put it in another form: a layer, a stream, an image.
    Packed,
    /// Put it together from all that its target is made of.
    Composed,
    /// Fetched what is pinned.
    Fetched,
}

/// Where something comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum End {
    /// A line of the lock.
    Pin {
        /// The step that fetches it.
        step: String,
        /// Where the pin stood when it was built.
        position: Option<String>,
    },
    /// A file of the repository.
    File {
        /// Label of the leaf: `file:PATH`, or `path:TARGET` for the files of a source.
        leaf: String,
        /// The path of the file; for a leaf of several files the path below its top, where it is known.
        path: String,
        /// What the leaf held.
        id: ObjectId,
    },
    /// A line of a recipe.
    Recipe {
        /// Whose.
        target: String,
        /// What it is said of there, to find the line: a path.
        about: Option<String>,
        /// Where the target stood when it was built.
        position: Option<String>,
    },
    /// It cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
}
