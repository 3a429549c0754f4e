//! Many packages merged into one root file system, and the state that their scripts would make.
//!
//! [`assemble`] is a function of a [`RootfsSpec`] alone: the order in which packages stand there
//! means nothing. It goes through these stages, each over what the ones before have made:
//!
//! 1. packages merged by dpkg's rules (`merge`), with diversions and merged `/usr` (`redirect`);
//! 2. state in place of maintainer scripts: defaults of basic packages (`skeleton`), accounts,
//!    alternatives, the database of dpkg;
//! 3. trees on top, then declared users and groups;
//! 4. removals, directories, files, links;
//! 5. what is computed from the whole: the CA bundle (`certificates`) and `ld.so.cache`
//!    (`ld_cache`), unless something of the recipe stands there or a removal names it.
//!
//! Where maintainer scripts run, `scripts` has the trees before and after them instead of stage 2 and 5.
//!
//! The rules and tables are explained in `docs/debian.md`.

mod accounts;
mod alternatives;
mod certificates;
mod dpkg_db;
mod draft;
mod error;
pub mod ld_cache;
mod member;
mod merge;
mod overlay;
mod redirect;
mod script;
mod scripts;
mod skeleton;
mod spec;

pub use error::RootfsError;
pub use scripts::{COMMAND, Configured, configured, unpacked};
pub use spec::{
    Alternative, DirInput, Diversion, FileInput, Group, LinkInput, PackageInput, RootfsSpec,
    TreeInput, User,
};

use draft::{Draft, absolute};
use groundup_digest::{BlobId, TreeId};
use groundup_store::Store;
use groundup_tree::TreePath;
use member::Member;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// A root file system with its side outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The root file system.
    pub tree: TreeId,
    /// Where each path that is no directory came from, encoded.
    pub origins: BlobId,
    /// The packages, sorted by name and architecture.
    pub packages: Vec<PackageFact>,
}

/// A package as facts tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PackageFact {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub arch: String,
    /// Its version.
    pub version: String,
    /// The source package that it is built from.
    pub source: String,
}

/// A diversion with its paths parsed and freed of merged `/usr`.
struct Diverted {
    path: TreePath,
    to: TreePath,
    by: Option<String>,
    written_path: String,
    written_to: String,
}

/// Makes the root file system that `spec` describes.
pub fn assemble(store: &Store, spec: &RootfsSpec) -> Result<Assembled, RootfsError> {
    let members = load(store, spec)?;
    check_scripts(&members, spec)?;
    let diversions = diversions(spec)?;
    let removed = overlay::globs(&spec.remove)?;
    let declared: Result<BTreeSet<_>, _> =
        spec.dirs.iter().map(|dir| absolute("directory", &dir.path)).collect();
    let merged = merge::merge(&members, &spec.arch, &diversions, &declared?)?;
    let mut draft = Draft { store, tree: merged.tree, origins: merged.origins };
    let names: Vec<&str> = members.iter().map(Member::name).collect();
    if !members.is_empty() {
        skeleton::write(&mut draft, &names)?;
        accounts::write_base(&mut draft)?;
        let installed = dpkg_db::State::Installed;
        dpkg_db::write(&mut draft, &members, &merged.lost, &diversions, installed)?;
    }
    alternatives::write(&mut draft, &spec.alternatives)?;
    lay_on_top(&mut draft, spec, &removed)?;
    if names.contains(&"ca-certificates") {
        certificates::write(&mut draft, &removed)?;
    }
    let libc = members.iter().find(|member| member.name() == "libc6");
    if let Some(libc) = libc {
        ld_cache::write(&mut draft, &libc.input.version, &spec.arch, &removed)?;
    }
    let origins = store.put_blob(&draft.final_origins().to_bytes())?;
    let tree = store.put_tree(&draft.tree)?;
    Ok(Assembled { tree, origins: origins.blob, packages: facts(&members) })
}

/// Trees, accounts, removals, directories, files and links of the recipe.
fn lay_on_top(
    draft: &mut Draft<'_>,
    spec: &RootfsSpec,
    removed: &globset::GlobSet,
) -> Result<(), RootfsError> {
    for tree in &spec.trees {
        overlay::lay_tree(draft, tree)?;
    }
    accounts::declare(draft, &spec.users, &spec.groups)?;
    overlay::remove(draft, removed);
    for dir in &spec.dirs {
        overlay::put_directory(draft, dir)?;
    }
    for file in &spec.files {
        overlay::put_file(draft, file)?;
    }
    for link in &spec.links {
        overlay::put_link(draft, link)?;
    }
    Ok(())
}

fn facts(members: &[Member]) -> Vec<PackageFact> {
    let packages = members.iter().map(|member| PackageFact {
        name: member.input.name.clone(),
        arch: member.input.arch.clone(),
        version: member.input.version.clone(),
        source: member.source.clone(),
    });
    packages.collect()
}

/// Loads the packages, sorted by name and architecture.
fn load(store: &Store, spec: &RootfsSpec) -> Result<Vec<Member>, RootfsError> {
    let mut inputs: Vec<&PackageInput> = spec.packages.iter().collect();
    inputs.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));
    if let Some(pair) = inputs.windows(2).find(|p| p[0].name == p[1].name && p[0].arch == p[1].arch)
    {
        return Err(RootfsError::Twice(format!("{}:{}", pair[0].name, pair[0].arch)));
    }
    inputs.into_par_iter().map(|input| Member::load(store, input)).collect()
}

fn diversions(spec: &RootfsSpec) -> Result<Vec<Diverted>, RootfsError> {
    let mut redirects = redirect::Redirects::default();
    for name in redirect::merged_usr(&spec.arch) {
        redirects.add(draft::constant(name), draft::constant(&format!("usr/{name}")));
    }
    let parse = |diversion: &Diversion| {
        Ok(Diverted {
            path: redirects.canonical(&absolute("diversion", &diversion.path)?),
            to: redirects.canonical(&absolute("diversion's target", &diversion.to)?),
            by: diversion.by.clone(),
            written_path: diversion.path.clone(),
            written_to: diversion.to.clone(),
        })
    };
    spec.diversions.iter().map(parse).collect()
}

/// Refuses packages whose scripts would add a diversion that nobody declared.
fn check_scripts(members: &[Member], spec: &RootfsSpec) -> Result<(), RootfsError> {
    for member in members {
        if script::HARMLESS.iter().any(|(package, _)| *package == member.name()) {
            continue;
        }
        for (script, text) in &member.diverting {
            let declared = |path: &String| {
                spec.diversions.iter().any(|diversion| match path.contains('$') {
                    // A path that only the running script knows: any diversion by the package.
                    true => diversion.by.as_deref() == Some(member.name()),
                    false => diversion.path == *path,
                })
            };
            if let Some(path) = script::diverted_paths(text).into_iter().find(|p| !declared(p)) {
                let package = member.name().to_owned();
                return Err(RootfsError::UndeclaredDiversion { package, script, path });
            }
        }
    }
    Ok(())
}
