//! Two artifacts side by side: what differs, what that means, and which causes it has.
//!
//! ```text
//!  a path, a tree, a blob ── open ──▶ Subject (named parts) ─╮
//!                                                            ├── compare ──▶ rows ── rank, fold ──▶ Report
//!  a path, a tree, a blob ── open ──▶ Subject ───────────────╯       ▲
//!  two build records, or two plans ── causes ────────────────────────╯
//! ```
//!
//! Everything is a tree of the tree model or a blob, whether the store holds it or it was read from
//! outside: the [`World`] gives objects of both. Equal ids are never opened. What differs is handed to
//! `meaning` when it is a file, and to `unfold` when it is an archive or an image, whose entries are
//! compared in turn. Bytes of others may be hostile: what cannot be compared is a row that says why,
//! and the rest is still told.
//!
//! This crate prints nothing and knows no recipes: the command line says what causes are called.

mod causes;
mod compare;
mod error;
mod fold;
mod open;
mod rank;
mod records;
mod report;
mod subject;
mod thing;
mod world;

pub use causes::{Attribution, NoCauses, Runs};
pub use compare::{Options, compare};
pub use error::DiffError;
pub use open::{
    Found, Image, Layers, NoLayers, Platforms, find_path, image_documents, open_found, open_path,
};
pub use rank::{RULES, Rule};
pub use records::{Moved, RecordCauses};
pub use report::{CauseRow, Change, Counts, Described, Place, Reason, Report, Role, Row, Verdict};
pub use subject::{Part, Subject};
pub use thing::Thing;
pub use world::World;
