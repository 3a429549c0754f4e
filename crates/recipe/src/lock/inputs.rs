//! Every input from outside the repository that a lock pins, each once.

use super::{FilePin, KeyringPin, Lock, SourcePin};
use crate::{DebLocation, Platform, Source, Span, TargetBody, Workspace};
use groundup_digest::Sha256;
use std::collections::{BTreeMap, BTreeSet};

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What it is, for messages.
    pub what: String,
    /// The first line of the lock that pins it.
    pub span: Span,
    /// Its bytes, and where they may be.
    pub kind: InputKind,
}

/// What an input is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// A file.
    File {
        /// Digest.
        sha256: Sha256,
        /// Bytes.
        size: u64,
        /// Where it may be.
        from: InputPlace,
    },
    /// A commit.
    Git {
        /// Where it was found.
        url: String,
        /// Commit, hexadecimal.
        commit: String,
        /// Its git tree, hexadecimal.
        tree: String,
    },
    /// An image of a registry.
    Image {
        /// `HOST/NAME:TAG`, without a scheme.
        reference: String,
        /// Digest of its manifest or index.
        digest: Sha256,
        /// Bytes of that.
        size: u64,
        /// Media type of that.
        media_type: String,
        /// The platforms that it is used for.
        platforms: Vec<Platform>,
    },
}

/// Where a file may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputPlace {
    /// In an archive.
    Archive {
        /// The archive.
        archive: String,
        /// The path in it.
        path: String,
    },
    /// At a URL.
    Url(String),
}

impl Lock {
    /// The inputs, in the order of the lock. Files of the repository are none. `workspace` tells for
    /// which platforms images are used; without one they are taken for all that they have.
    pub fn inputs(&self, workspace: Option<&Workspace>) -> Vec<Input> {
        let mut inputs = Inputs::default();
        for (name, pin) in &self.archives {
            let mut add = |archive: &str, file: &FilePin, what: &str| {
                inputs.file(format!("{what} of the archive `{name}`"), pin.span, archive, file);
            };
            add(name, &pin.inrelease, "InRelease");
            if let KeyringPin::Package { package, .. } = &pin.keyring {
                let holder = pin.keyring_archive.as_deref().unwrap_or(name);
                add(holder, package, "the keys");
            }
            for (key, file) in &pin.indexes {
                add(name, file, &format!("the index `{key}`"));
            }
        }
        for (id, file) in &self.packages {
            let what = format!("package {} {} {}", id.name, id.version, id.arch);
            inputs.file(what, file.span, &id.origin.to_string(), &file.value);
        }
        for (name, pin) in &self.sources {
            let what = format!("source.{name}");
            let of_url = |url: &String, size: u64, sha256: Sha256| {
                let from = InputPlace::Url(url.clone());
                InputKind::File { sha256, size, from }
            };
            match &pin.value {
                SourcePin::Url { url, size, sha256 } => {
                    inputs.add(what, pin.span, of_url(url, *size, *sha256));
                }
                SourcePin::Deb { location, size, sha256, .. }
                    if is_url(workspace, name, location) =>
                {
                    inputs.add(what, pin.span, of_url(location, *size, *sha256));
                }
                SourcePin::Deb { .. } => {}
                SourcePin::Git { url, commit, tree, .. } => {
                    let (url, commit, tree) = (url.clone(), commit.clone(), tree.clone());
                    inputs.add(what, pin.span, InputKind::Git { url, commit, tree });
                }
                SourcePin::Dsc { archive, files, .. } => {
                    for file in files {
                        let base = file.path.rsplit('/').next().unwrap_or(&file.path);
                        inputs.file(format!("{what}, {base}"), pin.span, archive, file);
                    }
                }
                SourcePin::Oci { location, digest, size, media_type } => {
                    if let Some(reference) = location.strip_prefix("docker://") {
                        let kind = InputKind::Image {
                            reference: reference.to_owned(),
                            digest: *digest,
                            size: *size,
                            media_type: media_type.clone(),
                            platforms: workspace.map_or_else(Vec::new, |all| platforms(all, name)),
                        };
                        inputs.add(what, pin.span, kind);
                    }
                }
            }
        }
        inputs.all
    }
}

#[derive(Default)]
struct Inputs {
    all: Vec<Input>,
    files: BTreeSet<Sha256>,
    others: BTreeMap<InputKind, ()>,
}

impl Inputs {
    fn file(&mut self, what: String, span: Span, archive: &str, file: &FilePin) {
        let (archive, path) = (archive.to_owned(), file.path.clone());
        let from = InputPlace::Archive { archive, path };
        let (sha256, size) = (file.sha256, file.size);
        self.add(what, span, InputKind::File { sha256, size, from });
    }

    fn add(&mut self, what: String, span: Span, kind: InputKind) {
        let new = match &kind {
            InputKind::File { sha256, .. } => self.files.insert(*sha256),
            other => self.others.insert(other.clone(), ()).is_none(),
        };
        if new {
            self.all.push(Input { what, span, kind });
        }
    }
}

/// Whether a single `.deb` is from outside: by the recipe, or else by its text.
fn is_url(workspace: Option<&Workspace>, name: &str, location: &str) -> bool {
    match source(workspace, name) {
        Some(Source::Deb(deb)) => matches!(deb.value, DebLocation::Url(_)),
        _ => location.contains("://"),
    }
}

fn source<'a>(workspace: Option<&'a Workspace>, name: &str) -> Option<&'a Source> {
    let targets = workspace?.targets().values();
    targets.filter(|target| target.name.name() == name).find_map(|target| match &target.body {
        TargetBody::Source(source) => Some(source),
        _ => None,
    })
}

/// The platforms of the images that have a source as their base; the workspace's where none has.
fn platforms(workspace: &Workspace, base: &str) -> Vec<Platform> {
    let mut found = BTreeSet::new();
    for target in workspace.targets().values() {
        if let TargetBody::Image(image) = &target.body
            && image.base.as_ref().is_some_and(|used| used.name() == base)
        {
            found.extend(image.platforms.iter().map(|platform| platform.value));
        }
    }
    if found.is_empty() {
        found.extend(workspace.platforms.iter().map(|platform| platform.value));
    }
    found.into_iter().collect()
}
