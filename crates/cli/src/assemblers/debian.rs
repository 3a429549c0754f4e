//! Packages, root file systems and source packages.

use super::{Arguments, Outputs, out, overlay};
use groundup_build::{AssembleCall, AssembleError};
use groundup_debian::{
    package::{self, Limits},
    rootfs::{self, PackageInput, RootfsSpec, TreeInput},
    source,
};
use groundup_digest::ObjectId;
use groundup_lock::verify::{self, Claim};
use groundup_plan::params;
use groundup_recipe::lock::IndexKey;
use groundup_tree::Expansion;
use std::collections::BTreeMap;

pub(super) fn keyring(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Keyring = call.params()?;
    let known = match params.known_keys_only {
        true => verify::Keys::Known,
        false => verify::Keys::All,
    };
    let keyring = verify::keyring(call.store, call.blob("package")?, &params.member, known)?;
    Ok(out(ObjectId::Blob(keyring)))
}

pub(super) fn index(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Index = call.params()?;
    let mut indexes = Vec::new();
    for (number, index) in params.indexes.into_iter().enumerate() {
        let blob = call.blob(&format!("index.{number:02}"))?;
        let (component, arch) = (index.component, index.arch);
        indexes.push((IndexKey { component, arch }, blob));
    }
    let (keyring, inrelease) = (call.blob("keyring")?, call.blob("inrelease")?);
    let table = verify::index(call.store, keyring, inrelease, &indexes, &params.suite)?;
    Ok(out(ObjectId::Blob(table)))
}

pub(super) fn select(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Select = call.params()?;
    let mut claims = Vec::new();
    for claim in params.claims {
        claims.push(Claim {
            package: claim.package,
            version: claim.version,
            arch: claim.arch,
            path: claim.path,
            size: claim.size,
            sha256: claim.sha256.parse()?,
        });
    }
    let rows = verify::select(call.store, call.blob("index")?, &claims)?;
    Ok(out(ObjectId::Blob(rows)))
}

/// The limits on what archives of others unpack to.
fn limits(expansion: Expansion) -> Limits {
    Limits { expansion, ..Limits::default() }
}

pub(super) fn unpack(
    call: &AssembleCall<'_>,
    expansion: Expansion,
) -> Result<Outputs, AssembleError> {
    let package = call.blob("package")?;
    let unpacked = package::unpack_within(call.store, package, limits(expansion))?;
    Ok(BTreeMap::from([
        ("control".to_owned(), ObjectId::Tree(unpacked.control)),
        ("data".to_owned(), ObjectId::Tree(unpacked.data)),
    ]))
}

pub(super) fn rootfs(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    assembled(call, &specified(call)?)
}

/// The packages of a root file system whose scripts are to run.
pub(super) fn unpacked(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    Ok(outputs(rootfs::unpacked(call.store, &specified(call)?)?))
}

/// A root file system whose scripts ran.
pub(super) fn configured(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let base = rootfs::Configured {
        before: call.tree("before")?,
        origins: call.blob("before.origins")?,
        after: call.tree("after")?,
    };
    Ok(outputs(rootfs::configured(call.store, &base, &specified(call)?)?))
}

fn specified(call: &AssembleCall<'_>) -> Result<RootfsSpec, AssembleError> {
    let params: params::Rootfs = call.params()?;
    let mut spec = RootfsSpec { arch: params.arch, ..RootfsSpec::default() };
    for (number, package) in params.packages.into_iter().enumerate() {
        spec.packages.push(PackageInput {
            label: format!("deb:{}", package.name),
            name: package.name,
            version: package.version,
            arch: package.arch,
            data: call.tree(&format!("data.{number:04}"))?,
            control: call.tree(&format!("control.{number:04}"))?,
        });
    }
    for diversion in params.diversions {
        let (path, to, by) = (diversion.path, diversion.to, diversion.by);
        spec.diversions.push(rootfs::Diversion { path, to, by });
    }
    for choice in params.alternatives {
        let (name, link, path) = (choice.name, choice.link, choice.path);
        spec.alternatives.push(rootfs::Alternative { name, link, path });
    }
    for user in params.users {
        spec.users.push(rootfs::User {
            name: user.name,
            uid: user.uid,
            gid: user.gid,
            home: user.home,
            shell: user.shell,
            comment: user.comment,
            groups: user.groups,
        });
    }
    for group in params.groups {
        spec.groups.push(rootfs::Group { name: group.name, gid: group.gid });
    }
    overlay::add(&mut spec, params.overlay, call)?;
    Ok(spec)
}

/// Trees and files over each other, over a base if there is one: a root file system without
/// packages.
pub(super) fn compose(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::Overlay = call.params()?;
    let mut spec = RootfsSpec::default();
    if let Some(tree) = call.tree_if_there("base") {
        let (from, to) = ("/".to_owned(), "/".to_owned());
        spec.trees.push(TreeInput { tree, label: "base".to_owned(), from, to, origins: None });
    }
    overlay::add(&mut spec, params, call)?;
    assembled(call, &spec)
}

fn assembled(call: &AssembleCall<'_>, spec: &RootfsSpec) -> Result<Outputs, AssembleError> {
    Ok(outputs(rootfs::assemble(call.store, spec)?))
}

fn outputs(assembled: rootfs::Assembled) -> Outputs {
    BTreeMap::from([
        ("origins".to_owned(), ObjectId::Blob(assembled.origins)),
        ("out".to_owned(), ObjectId::Tree(assembled.tree)),
    ])
}

pub(super) fn source(
    call: &AssembleCall<'_>,
    expansion: Expansion,
) -> Result<Outputs, AssembleError> {
    let params: params::Source = call.params()?;
    let mut files = Vec::new();
    for (number, name) in params.files.into_iter().enumerate() {
        files.push((name, call.blob(&format!("file.{number:02}"))?));
    }
    let (dsc, limits) = (call.blob("dsc")?, limits(expansion));
    let tree = source::unpack_dsc_within(call.store, dsc, &files, limits)?;
    Ok(out(ObjectId::Tree(tree)))
}

pub(super) fn tar(call: &AssembleCall<'_>, expansion: Expansion) -> Result<Outputs, AssembleError> {
    let params: params::Tar = call.params()?;
    let (archive, strip) = (call.blob("archive")?, params.strip as usize);
    let tree = source::unpack_tar_within(call.store, archive, strip, limits(expansion))?;
    Ok(out(ObjectId::Tree(tree)))
}
