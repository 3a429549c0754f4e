//! Recipes and the lock: text to checked values, with positions for errors.
//!
//! [`load`] reads a workspace through a [`Loader`] and gives a [`Workspace`] in which every
//! reference resolves, or all the [`Diagnostic`]s at once. [`Lock`] is the model of the lock file.
//! Nothing here does IO, and nothing depends on the order in which keys or tables were written.

mod check;
mod clusters;
mod diagnostic;
mod edits;
mod form;
mod load;
mod loader;
pub mod lock;
mod merge;
mod model;
mod name;
mod nearest;
mod node;
mod read;
mod refer;
mod schema;
mod select;
mod signing;
mod span;
mod vars;

pub use diagnostic::{ColorChoice, Diagnostic, Label, Severity, render_all};
pub use edits::{Edit, edits};
pub use load::{LoadFailure, Loaded, WORKSPACE_FILE, load};
pub use loader::{LoadError, Loader, MemoryLoader, glob_matches};
pub use lock::Lock;
pub use model::*;
pub use name::{
    DEFAULT_OUTPUT, Kind, NameError, Platform, RepoPath, TargetName, TargetRef, TreePath,
    check_name,
};
pub use nearest::nearest;
pub use schema::{SchemaFile, json_schema, reference};
pub use select::{SelectError, Selected, TargetPattern};
pub use span::{At, FileIndex, Position, Positions, Sources, Span};
