//! Leaves: what a plan reads of the repository, by label.

use groundup_digest::ObjectId;
use groundup_recipe::{
    At, Cluster, DebLocation, FileContent, KernelBase, Keyring, OciLocation, Overlay, Place,
    RepoPath, Signing, Source, Span, TargetBody, TargetName, Workspace,
};
use std::collections::{BTreeMap, BTreeSet};

/// Something of the repository that a plan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its label, unique: `file:PATH`, `path:TARGET`, `signatures:TARGET`,
    /// `rendered:PATH` or `glob:PATTERN`.
    pub label: String,
    /// What it is.
    pub request: LeafRequest,
    /// Where the recipe names it.
    pub span: Span,
}

/// What a leaf is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafRequest {
    /// One file, as a blob.
    File(RepoPath),
    /// A file or directory, as a tree.
    Tree {
        /// The file or directory.
        path: RepoPath,
        /// Globs of what is taken; everything where there are none.
        include: Vec<String>,
        /// Globs of what is left out.
        exclude: Vec<String>,
        /// Whether something must be there.
        presence: Presence,
    },
}

/// Whether the repository must have something of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A file at least.
    Needed,
    /// Where there is nothing, the tree is empty.
    Optional,
}

/// The ids of leaves by label: the flat value that a plan is made from.
pub type Leaves = BTreeMap<String, ObjectId>;

/// The label of a repository file.
pub(crate) fn file_label(path: &RepoPath) -> String {
    format!("file:{path}")
}

/// The label of a source tree of the repository.
pub(crate) fn tree_label(target: &TargetName) -> String {
    format!("path:{target}")
}

/// The label of a directory that a kustomization or chart lies in.
pub(crate) fn rendered_label(path: &RepoPath) -> String {
    format!("rendered:{path}")
}

/// The label of the signatures of a kernel's modules.
pub(crate) fn signatures_label(target: &TargetName) -> String {
    format!("signatures:{target}")
}

/// What plans for `targets` read of the repository, each leaf once, sorted by label.
pub fn leaves_of(workspace: &Workspace, targets: &[TargetName]) -> Vec<Leaf> {
    let mut found = BTreeMap::new();
    for name in with_needs(workspace, targets) {
        let Some(target) = workspace.target(&name) else { continue };
        for leaf in leaves_of_body(workspace, &name, &target.body) {
            found.entry(leaf.label.clone()).or_insert(leaf);
        }
    }
    found.into_values().collect()
}

/// The targets and all that they use, directly or not.
pub(crate) fn with_needs(workspace: &Workspace, targets: &[TargetName]) -> BTreeSet<TargetName> {
    let mut all = BTreeSet::new();
    let mut todo = targets.to_vec();
    while let Some(name) = todo.pop() {
        if let Some(target) = workspace.target(&name)
            && all.insert(name)
        {
            todo.extend(target.uses().into_iter().map(|usage| usage.from.target));
        }
    }
    all
}

fn leaves_of_body(workspace: &Workspace, name: &TargetName, body: &TargetBody) -> Vec<Leaf> {
    match body {
        TargetBody::Source(source) => leaves_of_source(workspace, name, source),
        TargetBody::Rootfs(rootfs) => {
            let mut leaves = leaves_of_overlay(&rootfs.overlay);
            for archive in &rootfs.archives {
                leaves.extend(leaf_of_keyring(workspace, archive));
            }
            leaves
        }
        TargetBody::Image(image) => leaves_of_overlay(&image.overlay),
        TargetBody::Build(_) => Vec::new(),
        TargetBody::Cluster(cluster) => {
            let patterns = cluster.manifests.iter().chain(&cluster.crds);
            patterns.filter_map(leaf_of_pattern).chain(leaves_of_rendered(cluster)).collect()
        }
        TargetBody::Node(node) => {
            let mut leaves = leaves_of_overlay(&node.overlay);
            leaves.extend(node.units.iter().filter_map(|unit| match &unit.content {
                FileContent::Repo(path) => Some(file(path, path.span)),
                FileContent::Text(_) => None,
            }));
            leaves
        }
        TargetBody::Kernel(kernel) => {
            let base = match &kernel.base {
                KernelBase::File(path) => Some(path),
                KernelBase::Make(_) => None,
            };
            let files = kernel.patches.iter().chain(base).chain(&kernel.fragments);
            let mut leaves: Vec<Leaf> = files.map(|path| file(path, path.span)).collect();
            leaves
                .extend(kernel.signing.iter().flat_map(|signing| leaves_of_signing(name, signing)));
            leaves
        }
    }
}

/// Before the first signature is made there is none, and what is to be signed can be had.
fn leaves_of_signing(name: &TargetName, signing: &Signing) -> [Leaf; 2] {
    let request = LeafRequest::Tree {
        path: signing.signatures.value.clone(),
        include: vec!["*.p7s".into()],
        exclude: Vec::new(),
        presence: Presence::Optional,
    };
    let signatures = Leaf { label: signatures_label(name), request, span: signing.signatures.span };
    [file(&signing.certificate, signing.certificate.span), signatures]
}

fn file(path: &RepoPath, span: Span) -> Leaf {
    Leaf { label: file_label(path), request: LeafRequest::File(path.clone()), span }
}

/// The label of the files of the repository that a pattern means.
pub(crate) fn pattern_label(pattern: &str) -> String {
    format!("glob:{pattern}")
}

/// The part of a pattern that has no wildcard, as a directory, and the rest.
pub(crate) fn split_pattern(pattern: &str) -> (&str, &str) {
    let wild = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    match pattern[..wild].rfind('/') {
        Some(at) => (&pattern[..at], &pattern[at + 1..]),
        None => (".", pattern),
    }
}

/// Whether a pattern means one file.
pub(crate) fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', '{'])
}

fn leaf_of_pattern(pattern: &At<String>) -> Option<Leaf> {
    if is_plain(pattern) {
        return Some(file(&pattern.parse().ok()?, pattern.span));
    }
    let (path, rest) = split_pattern(pattern);
    let request = LeafRequest::Tree {
        path: path.parse().ok()?,
        include: vec![rest.to_owned()],
        exclude: Vec::new(),
        presence: Presence::Needed,
    };
    Some(Leaf { label: pattern_label(pattern), request, span: pattern.span })
}

/// The directories of kustomizations and charts, and files with values.
fn leaves_of_rendered(cluster: &Cluster) -> Vec<Leaf> {
    let charts = cluster.charts.iter();
    let directories = charts.clone().filter_map(|chart| match &chart.place {
        Place::Repository(path) => Some(path),
        Place::Target { .. } => None,
    });
    let directories = directories.chain(cluster.kustomizations.iter().filter_map(|it| it.taken()));
    let directory = |path: &At<RepoPath>| {
        let request = LeafRequest::Tree {
            path: path.value.clone(),
            include: Vec::new(),
            exclude: Vec::new(),
            presence: Presence::Needed,
        };
        Leaf { label: rendered_label(path), request, span: path.span }
    };
    let values = charts.flat_map(|chart| &chart.values).map(|path| file(path, path.span));
    directories.map(directory).chain(values).collect()
}

fn leaf_of_keyring(workspace: &Workspace, archive: &str) -> Option<Leaf> {
    match &workspace.archives.get(archive)?.keyring {
        Keyring::File(path) => Some(file(path, path.span)),
        Keyring::Debian => None,
    }
}

fn leaves_of_source(workspace: &Workspace, name: &TargetName, source: &Source) -> Vec<Leaf> {
    let tree = |path: &RepoPath, include: Vec<String>, exclude: Vec<String>, span| {
        let presence = Presence::Needed;
        let request = LeafRequest::Tree { path: path.clone(), include, exclude, presence };
        vec![Leaf { label: tree_label(name), request, span }]
    };
    match source {
        Source::Path { path, include, exclude } => {
            let texts = |globs: &[groundup_recipe::At<String>]| {
                globs.iter().map(|glob| glob.value.clone()).collect()
            };
            tree(path, texts(include), texts(exclude), path.span)
        }
        Source::Deb(location) => match &location.value {
            DebLocation::Repo(path) => vec![file(path, location.span)],
            DebLocation::Url(_) => Vec::new(),
        },
        Source::Oci { location, .. } => match &location.value {
            OciLocation::Layout(path, _) => tree(path, Vec::new(), Vec::new(), location.span),
            OciLocation::Archive(path, _) => vec![file(path, location.span)],
            OciLocation::Registry(_) => Vec::new(),
        },
        Source::Dsc { archive, .. } => leaf_of_keyring(workspace, archive).into_iter().collect(),
        Source::Url { .. } | Source::Git { .. } => Vec::new(),
    }
}

fn leaves_of_overlay(overlay: &Overlay) -> Vec<Leaf> {
    let files = overlay.files.iter().filter_map(|entry| match &entry.content {
        FileContent::Repo(path) => Some(file(path, path.span)),
        FileContent::Text(_) => None,
    });
    files.collect()
}
