//! Kubernetes objects pinned to the digests of this graph: read, completed, checked and written.
//!
//! Pure: files come in as bytes, files go out as bytes. The order of the work stands in [`make`].

mod checks;
mod finding;
mod image;
mod make;
mod object;
mod output;
pub mod pointer;
pub mod render;
mod schema;
mod setting;
mod system;
pub mod yaml;

pub use finding::{Finding, Findings, Location, Rule};
pub use image::{Image, Images};
pub use make::{Made, Request, make};
pub use object::{Object, SourceFile, read_objects};
pub use schema::{ExtractError, KNOWN_PLACES, KindSchema, Schema, Scope, Table, Type, extract};
pub use setting::{FileDigest, Setting, Subject};
pub use system::{Facts, System};
