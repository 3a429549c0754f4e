//! Kernels: patches, and the check of a resolved configuration.

use super::{Arguments, Outputs, out};
use groundup_build::{AssembleCall, AssembleError};
use groundup_debian::source;
use groundup_digest::ObjectId;
use groundup_plan::params;

pub(super) fn patch(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Patches = call.params()?;
    let mut patches = Vec::new();
    for (number, name) in params.names.into_iter().enumerate() {
        patches.push((name, call.blob(&format!("patch.{number:02}"))?));
    }
    Ok(out(ObjectId::Tree(source::patch_tree(call.store, call.tree("tree")?, &patches)?)))
}

pub(super) fn check(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    Ok(out(ObjectId::Tree(call.tree("config")?)))
}
