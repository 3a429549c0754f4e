//! Kernels: patches, and the check of a resolved configuration.

use super::{Arguments, Outputs, out};
use crate::session::OPTIONS;
use groundup_build::{AssembleCall, AssembleError};
use groundup_debian::source;
use groundup_digest::ObjectId;
use groundup_kernel::{Files, Inputs};
use groundup_plan::params;
use groundup_store::{Store, StoreError};
use groundup_tree::{FileTree, Kind, TreePath};
use std::{cell::RefCell, collections::BTreeMap};

pub(super) fn patch(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Patches = call.params()?;
    let mut patches = Vec::new();
    for (number, name) in params.names.into_iter().enumerate() {
        patches.push((name, call.blob(&format!("patch.{number:02}"))?));
    }
    Ok(out(ObjectId::Tree(source::patch_tree(call.store, call.tree("tree")?, &patches)?)))
}

/// Gives the configuration on when it holds what was asked for.
pub(super) fn check(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::KernelCheck = call.params()?;
    let config = call.tree("config")?;
    let file = |name: &str| Tree::load(call, name);
    let resolved = file("config")?.bytes("config").ok_or("the configuration has no `config`")?;
    let source = file("source")?;
    let mut fragments = Vec::new();
    for (number, name) in params.fragments.iter().enumerate() {
        let blob = call.blob(&format!("fragment.{number:02}"))?;
        fragments.push((name.as_str(), call.store.read_blob(blob)?));
    }
    let line = |(symbol, value): &(String, String)| match value.as_str() {
        "n" => format!("# CONFIG_{symbol} is not set\n"),
        value => format!("CONFIG_{symbol}={value}\n"),
    };
    let options: String = params.options.iter().map(line).collect();
    fragments.push((OPTIONS, options.into_bytes()));
    let fragments: Vec<(&str, &[u8])> =
        fragments.iter().map(|(name, text)| (*name, text.as_slice())).collect();
    let allowed: Vec<&str> = params.allow_dropped.iter().map(String::as_str).collect();
    let checked = groundup_kernel::check(Inputs {
        files: &source,
        srcarch: &params.architecture,
        variables: &[("ARCH", &params.arch)],
        fragments: &fragments,
        resolved: &resolved,
        allow_dropped: &allowed,
    });
    // A file that could not be read looks to the check like one that is not there.
    if let Some(error) = source.failed.take() {
        return Err(error.into());
    }
    checked?;
    Ok(out(ObjectId::Tree(config)))
}

/// Says what a kernel is.
pub(super) fn facts(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let kernel = Tree::load(call, "kernel")?;
    let file = |name: &str| kernel.bytes(name).ok_or_else(|| format!("the kernel has no `{name}`"));
    let (config, system_map) = (file("config")?, file("System.map")?);
    let (mut release, mut modules) = (None, BTreeMap::new());
    if call.tree_if_there("modules").is_some() {
        let tree = Tree::load(call, "modules")?;
        for (path, node) in tree.tree.iter() {
            let Kind::File { blob, .. } = node.kind else { continue };
            let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let Some(below) = path.strip_prefix("usr/lib/modules/") else { continue };
            let Some((of, below)) = below.split_once('/') else { continue };
            release = Some(of.to_owned());
            if below.ends_with(".ko") {
                modules.insert(below.to_owned(), call.store.read_blob(blob)?);
            }
        }
    }
    let facts = groundup_kernel::facts::facts(groundup_kernel::facts::Parts {
        config: &config,
        system_map: &system_map,
        release: release.as_deref(),
        modules: &modules,
    })?;
    super::said(call, "kernel.json", &facts)
}

/// Files of a tree of the store.
struct Tree<'a> {
    store: &'a Store,
    tree: FileTree,
    failed: RefCell<Option<StoreError>>,
}

impl<'a> Tree<'a> {
    fn load(call: &AssembleCall<'a>, input: &str) -> Result<Self, AssembleError> {
        let tree = call.store.load_tree(call.tree(input)?)?;
        Ok(Self { store: call.store, tree, failed: RefCell::default() })
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let path = TreePath::parse(path.as_bytes()).ok()?;
        match self.tree.get(&path)?.kind {
            Kind::File { blob, .. } => {
                self.store.read_blob(blob).map_err(|error| self.failed.replace(Some(error))).ok()
            }
            _ => None,
        }
    }
}

impl Files for Tree<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.bytes(path)
    }
}
