//! Nodes: streams of whole trees, and the check before anything is written.

use super::{Arguments, Outputs, out};
use groundup_build::{AssembleCall, AssembleError};
use groundup_debian::archive::deb822::stanzas;
use groundup_digest::ObjectId;
use groundup_node::facts::{self, Package};
use groundup_node::{Need, Set, Starter};
use groundup_plan::params;
use std::collections::BTreeMap;

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

/// Gives the configuration on when the machine of a test can do with it.
pub(super) fn test_check(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::NodeTestCheck = call.params()?;
    let needs = params.needs.into_iter().map(|need| Need {
        any_of: vec![need.symbol],
        set: if need.module { Set::AtAll } else { Set::BuiltIn },
        by: need.by,
    });
    let config = call.tree("config")?;
    let starter = if params.systemd { Starter::Systemd } else { Starter::None };
    let root = call.tree("root")?;
    groundup_node::test_check_step(call.store, config, root, needs.collect(), starter)?;
    Ok(out(ObjectId::Tree(config)))
}

/// Says what a node is.
pub(super) fn facts(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let tree = call.store.load_tree(call.tree("root")?)?;
    let mut packages = BTreeMap::new();
    if let Some(blob) = facts::file_of(&tree, "var/lib/dpkg/status") {
        let status = call.store.read_blob(blob)?;
        for stanza in stanzas(&status)? {
            let stanza = stanza?;
            let field = |name: &'static str| stanza.require(name).map(str::to_owned);
            let package = Package {
                version: field("Version")?,
                architecture: field("Architecture")?,
                source: stanza.get("Source").map(str::to_owned),
            };
            packages.insert(field("Package")?, package);
        }
    }
    let facts = facts::facts(&tree, packages, |blob| call.store.read_blob(blob))?;
    super::said(call, "node.json", &facts)
}
