//! The rules of structure that a compiler does not know; each gives its findings, one line each.

mod fixtures;
mod generated;
mod layers;
mod packages;
mod sources;

use crate::{Workspace, XtaskError};

/// A rule: its findings, or why it could not be checked.
pub type Check = fn(&Workspace) -> Result<Vec<String>, XtaskError>;

/// All rules by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("crates depend on lower layers only", layers::check_layers),
    ("every crate takes the workspace's lints", layers::check_lints),
    ("every file says its job first", sources::check_headers),
    ("files are short", sources::check_lengths),
    ("only the sandbox is unsafe", sources::check_unsafe),
    ("Cargo.lock stays small", packages::check_number),
    ("banned packages are absent", packages::check_banned),
    ("licences are permissive", packages::check_licences),
    ("deny.toml has the same lists", packages::check_deny),
    ("generated documents are up to date", generated::check),
    ("every fixture is used", fixtures::check),
];
