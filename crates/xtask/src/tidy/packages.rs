//! What we take from others: how many packages, which never, under which licences.

use crate::{Workspace, XtaskError, licence, workspace::output};
use std::collections::BTreeSet;

/// The most packages of others that `Cargo.lock` may hold. Who raises it says why in the commit.
const MOST: usize = 380;

/// Packages that never may be built, and why.
const BANNED: &[(&str, &str)] = &[
    ("chrono", "jiff is the one library for times"),
    ("libseccomp-sys", "a C library under the LGPL"),
    ("native-tls", "rustls with aws-lc-rs is the one TLS"),
    ("openssl-sys", "rustls with aws-lc-rs is the one TLS"),
    ("ring", "aws-lc-rs is the one cryptographic provider"),
    ("serde_yaml", "not maintained"),
    ("serde_yml", "unsound"),
];

pub(super) fn check_number(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let number = workspace.read("Cargo.lock")?.matches("\nsource = ").count();
    let excess = format!("Cargo.lock holds {number} packages of others, more than {MOST}");
    Ok(if number > MOST { vec![excess] } else { Vec::new() })
}

pub(super) fn check_banned(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    // `Cargo.lock` and `cargo metadata` also list what no enabled feature needs; the tree does not.
    let mut command = workspace.cargo();
    command.args(["tree", "--workspace", "--locked", "--target", "all", "--edges", "all"]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    let tree = output(&mut command)?;
    let built: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let banned = BANNED.iter().filter(|(name, _)| built.contains(name));
    Ok(banned.map(|(name, why)| format!("{name} is banned: {why}")).collect())
}

pub(super) fn check_licences(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let bad = workspace.packages.iter().filter_map(|package| {
        let licence = package.licence.as_deref().unwrap_or("none");
        let (name, version) = (&package.name, &package.version);
        (!licence::is_allowed(licence)).then(|| format!("{name} {version}: licence {licence}"))
    });
    Ok(bad.collect())
}

pub(super) fn check_deny(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let text = workspace.read("deny.toml")?;
    let quoted: BTreeSet<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect();
    let banned = BANNED.iter().map(|(name, _)| *name);
    let wanted = licence::ALLOWED.iter().copied().chain(banned);
    let missing = wanted.filter(|word| !quoted.contains(word));
    Ok(missing.map(|word| format!("deny.toml does not list \"{word}\"")).collect())
}
