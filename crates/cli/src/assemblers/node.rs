//! Nodes: streams of whole trees, and the check before anything is written.

use super::{Arguments, Outputs, out};
use groundup_build::{AssembleCall, AssembleError};
use groundup_digest::ObjectId;

pub(super) fn tar(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let tree = call.store.load_tree(call.tree("tree")?)?;
    Ok(out(ObjectId::Blob(groundup_image::put_tar(call.store, &tree)?.blob)))
}

pub(super) fn cpio(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    Ok(out(ObjectId::Blob(groundup_node::cpio_step(call.store, call.tree("tree")?)?)))
}

pub(super) fn check(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let root = call.tree("root")?;
    groundup_node::check_step(call.store, call.tree("config")?, root)?;
    Ok(out(ObjectId::Tree(root)))
}
