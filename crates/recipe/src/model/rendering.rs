//! What a `cluster` has rendered: kustomizations and charts.

use crate::{At, RepoPath, Span, TargetName, TargetRef};
use std::collections::BTreeMap;

/// Where a kustomization or chart lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory of the repository.
    Repository(At<RepoPath>),
    /// A directory of a target's tree.
    Target {
        /// The target.
        from: At<TargetRef>,
        /// The directory; `.` is the tree's top.
        path: RepoPath,
    },
}

/// A kustomization that is rendered.
#[derive(Debug, Clone)]
pub struct Kustomization {
    /// Where its directory is.
    pub place: Place,
    /// The directory of the repository that holds all that it names, if not its own.
    pub root: Option<At<RepoPath>>,
    /// Pinned trees by their path below the root.
    pub trees: BTreeMap<String, At<TargetRef>>,
    /// The rootfs with the tool.
    pub tool: At<TargetName>,
    /// Where its table is.
    pub span: Span,
}

/// A chart that is rendered.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The name of the release.
    pub release: At<String>,
    /// Where its directory is.
    pub place: Place,
    /// The namespace of the release, where it has one.
    pub namespace: Option<At<String>>,
    /// Files with values; later ones win.
    pub values: Vec<At<RepoPath>>,
    /// Single values by their path.
    pub set: BTreeMap<String, At<String>>,
    /// What is served beside the built-in kinds.
    pub api_versions: Vec<At<String>>,
    /// Pinned trees by their path in the chart.
    pub trees: BTreeMap<String, At<TargetRef>>,
    /// The rootfs with the tool.
    pub tool: At<TargetName>,
    /// Where its table is.
    pub span: Span,
}

impl Place {
    /// What messages call it: the directory, with the target before it where there is one.
    pub fn title(&self) -> String {
        match self {
            Self::Repository(path) => path.to_string(),
            Self::Target { from, path } if path.as_str() == "." => from.value.to_string(),
            Self::Target { from, path } => format!("{} {path}", from.value),
        }
    }

    /// The directory alone.
    pub fn name(&self) -> &str {
        match self {
            Self::Repository(path) => path.as_str(),
            Self::Target { path, .. } => path.as_str(),
        }
    }

    /// The target, if it is in one.
    pub fn target(&self) -> Option<&At<TargetRef>> {
        match self {
            Self::Repository(_) => None,
            Self::Target { from, .. } => Some(from),
        }
    }
}

impl Kustomization {
    /// The directory of the repository that is taken in for it.
    pub fn taken(&self) -> Option<&At<RepoPath>> {
        match &self.place {
            Place::Repository(path) => Some(self.root.as_ref().unwrap_or(path)),
            Place::Target { .. } => None,
        }
    }

    /// Its directory below what is taken in; `.` is the top.
    pub fn below(&self) -> &str {
        match (&self.place, &self.root) {
            (Place::Repository(path), Some(root)) => path.below(root).unwrap_or(path.as_str()),
            (Place::Repository(_), None) => ".",
            (Place::Target { path, .. }, _) => path.as_str(),
        }
    }
}

impl Chart {
    /// What messages call it.
    pub fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{}", namespace.value, self.release.value),
            None => self.release.value.clone(),
        }
    }
}

/// Positions of tables are no part of what they say.
impl PartialEq for Kustomization {
    fn eq(&self, other: &Self) -> bool {
        (&self.place, &self.root, &self.trees, &self.tool)
            == (&other.place, &other.root, &other.trees, &other.tool)
    }
}

impl Eq for Kustomization {}

impl PartialEq for Chart {
    fn eq(&self, other: &Self) -> bool {
        (&self.release, &self.place, &self.namespace, &self.values, &self.set)
            == (&other.release, &other.place, &other.namespace, &other.values, &other.set)
            && (&self.api_versions, &self.trees, &self.tool)
                == (&other.api_versions, &other.trees, &other.tool)
    }
}

impl Eq for Chart {}
