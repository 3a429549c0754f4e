//! Which crate may use which: the table of the architecture against what cargo says.

use crate::{Package, Workspace, XtaskError};

/// Crates by layer; one may use crates of lower layers only.
const LAYERS: &[&[&str]] = &[
    &["groundup-digest"],
    &["groundup-tree"],
    &[
        "groundup-recipe",
        "groundup-store",
        "groundup-sandbox",
        "groundup-provenance",
        "groundup-kernel",
        "groundup-unfold",
    ],
    &[
        "groundup-plan",
        "groundup-fetch",
        "groundup-debian",
        "groundup-image",
        "groundup-node",
        "groundup-meaning",
    ],
    &["groundup-cluster", "groundup-build", "groundup-remote", "groundup-diff", "groundup-lock"],
    &["groundup-cli"],
];

/// Crates that serve development: they may use any crate below the command line, and no other
/// crate may have one as a normal dependency (the end-to-end tests apart, which are one).
const DEVELOPMENT: &[&str] =
    &["groundup-testkit", "xtask", "groundup-tests", "groundup-benches", "groundup-fuzz"];

/// What a crate may not use though its layer would allow it.
const NEVER: &[(&str, &str)] = &[
    ("groundup-store", "groundup-recipe"),
    ("groundup-sandbox", "groundup-store"),
    ("groundup-build", "groundup-image"),
    ("groundup-build", "groundup-node"),
    ("groundup-build", "groundup-cluster"),
];

/// Crates that do no IO: their packages from outside are few and named here.
const PURE: &[(&str, &[&str])] = &[
    ("groundup-digest", &["blake3", "serde", "sha2", "thiserror"]),
    ("groundup-tree", &["thiserror"]),
    ("groundup-kernel", &["object", "serde", "thiserror"]),
    (
        "groundup-meaning",
        &[
            "granit-parser",
            "md-5",
            "object",
            "serde",
            "serde_json",
            "sha1",
            "sha2",
            "similar",
            "thiserror",
            "toml",
        ],
    ),
    ("groundup-cluster", &["granit-parser", "serde", "serde_json", "thiserror"]),
];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

pub(super) fn check_layers(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let own = workspace.own();
    let mut findings = Vec::new();
    for package in own.values() {
        let name = &package.name;
        if DEVELOPMENT.contains(&name.as_str()) {
            continue;
        }
        let Some(at) = layer(name) else {
            findings.push(format!("{name} stands in no layer: add it to the table of layers"));
            continue;
        };
        for used in &package.dependencies {
            findings.extend(complaint(name, at, used));
        }
        findings.extend(impure(package));
    }
    Ok(findings)
}

fn complaint(name: &str, at: usize, used: &str) -> Option<String> {
    if DEVELOPMENT.contains(&used) {
        return Some(format!("{name} uses {used}, which is for tests only"));
    }
    if NEVER.contains(&(name, used)) {
        return Some(format!("{name} uses {used}, which it never may"));
    }
    let below = layer(used)?;
    (below >= at).then(|| format!("{name} (layer {at}) uses {used} (layer {below})"))
}

fn impure(package: &Package) -> Vec<String> {
    let Some((name, allowed)) = PURE.iter().find(|(name, _)| *name == package.name) else {
        return Vec::new();
    };
    let foreign = package.dependencies.iter().filter(|used| layer(used).is_none());
    let foreign = foreign.filter(|used| !allowed.contains(&used.as_str()));
    foreign.map(|used| format!("{name} does no IO and uses {used}, which is not listed")).collect()
}

pub(super) fn check_lints(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let mut findings = Vec::new();
    for package in workspace.own().values() {
        let Some(folder) = &package.folder else { continue };
        let manifest = crate::workspace::read(&workspace.root.join(folder).join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            findings.push(format!("{}: `[lints] workspace = true` is missing", package.name));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_reaches_up_or_sideways_is_found() {
        assert_eq!(complaint("groundup-store", 2, "groundup-tree"), None);
        assert_eq!(complaint("groundup-store", 2, "tar"), None);
        assert!(complaint("groundup-store", 2, "groundup-build").is_some());
        assert!(complaint("groundup-store", 2, "groundup-sandbox").is_some());
        assert!(complaint("groundup-build", 4, "groundup-image").is_some());
        assert!(complaint("groundup-build", 4, "groundup-testkit").is_some());
    }
}
