//! File trees as values: names, paths, nodes; building, encoding, walking, merging, comparing.
//!
//! A [`FileTree`] is a whole tree in memory, always valid: every node's parent is a directory,
//! names are valid and unique, hard links join equal files. [`encode`] turns it into a Merkle
//! structure of [`Directory`] objects under one root object, whose hash is its `TreeId`;
//! [`decode`] reads it back. [`compare`] walks two trees and skips equal directories.
//! The byte layout stands in `docs/formats/tree.md`. This crate does no IO: objects come from a
//! [`Source`] and go to a [`Sink`].

mod compare;
mod directory;
mod expansion;
mod file_tree;
mod links;
mod merge;
mod merkle;
mod meta;
mod name;
mod node;
mod path;

pub use compare::{Change, Difference, compare};
pub use directory::{Directory, Entry, EntryKind};
pub use expansion::{Expansion, ExpansionError};
pub use file_tree::{FileTree, TreeError};
pub use links::{LinkError, Links};
pub use merge::{Clash, ClashPolicy};
pub use merkle::{DecodeTreeError, Encoded, MAX_DEPTH, Sink, Source, TreeRoot, decode, encode};
pub use meta::{Meta, Mode, Xattrs};
pub use name::{Name, NameError};
pub use node::{Device, Kind, Node};
pub use path::{PathError, TreePath};

/// The modification time of every file, in check-outs and in what emitters write, in seconds since
/// 1970: 1980-01-02T00:00:00Z.
///
/// One day later than the first date that FAT and ZIP can hold, so that no time zone moves it
/// before 1980.
pub const FILE_TIME: i64 = 315_619_200;
