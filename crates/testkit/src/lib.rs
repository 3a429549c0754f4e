//! What tests are made of: stores and workspaces that vanish, packages, archives, images, a web
//! server and a registry, all made on the spot, without a network.
//!
//! Everything here is written by hand and independent of the code that it tests: a reader and a
//! writer that share a mistake would agree. It panics instead of returning errors. Only tests may
//! depend on this crate.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "it serves tests, where a panic is the report"
)]

mod ar;
mod archive;
mod deb;
mod http;
mod oci;
mod registry;
mod signing;
mod store;
mod tar;
mod user;
mod workspace;

pub use ar::ar;
pub use archive::{Archive, Suite};
pub use deb::{Compression, Deb};
pub use http::{Behaviour, Request, Server};
pub use oci::{OciImage, OciLayer};
pub use registry::OciRegistry;
pub use signing::{SigningKey, Trouble};
pub use store::TempStore;
pub use tar::{Tar, TarEntry};
pub use user::again_as_ordinary_user;
pub use workspace::TempWorkspace;
