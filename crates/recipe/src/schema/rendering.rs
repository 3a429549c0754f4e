//! The tables of what a `cluster` has rendered: kustomizations and charts.

use super::{
    Merge, Spec, Type, optional, required,
    shared::{LINE, TEXT},
};
use crate::{Kind, form::Form};

const PINNED: Type = Type::Text(Form::Output(&[Kind::Source, Kind::Build]));
const TREES: Type = Type::Map(Form::RepoPath, &PINNED);
const TOOL: Type = Type::Text(Form::Target(&[Kind::Rootfs]));
const REPO_PATH: Type = Type::Text(Form::RepoPath);
const NAME: Type = Type::Text(Form::Name);

pub(super) const KUSTOMIZATION: Spec = Spec {
    noun: "a kustomization",
    doc: "A kustomization, rendered in the sandbox without network.",
    keys: &[
        optional(
            "path",
            REPO_PATH,
            "the top of `from`, or of the repository",
            "The directory with `kustomization.yaml`: in the repository, or in the tree of `from`.",
        ),
        optional("from", PINNED, "the repository", "What has it: a pinned source, or a build."),
        optional(
            "root",
            REPO_PATH,
            "`path`; with `from` its whole tree",
            "The directory of the repository that holds all that the kustomization names, such as bases beside overlays. It sees nothing else.",
        ),
        optional("trees", TREES, "none", "Pinned bases: what lies at which path below `root`."),
        required("tool", TOOL, "A rootfs with `kustomize`, or else `kubectl`, and `/bin/sh`."),
    ],
    one_of: &[],
    refused: &[
        ("base", "what the kustomization names stays in `kustomization.yaml`; `root` holds both"),
        ("images", "images are mapped by `images` of the cluster"),
        ("url", "pin it as a `source` and name that in `from`"),
    ],
};

pub(super) const CHART: Spec = Spec {
    noun: "a chart",
    doc: "A Helm chart, rendered in the sandbox without network.",
    keys: &[
        required("release", NAME, "The name of the release."),
        optional(
            "path",
            REPO_PATH,
            "the top of `from`, or of the repository",
            "The directory with `Chart.yaml`: in the repository, or in the tree of `from`.",
        ),
        optional("from", PINNED, "the repository", "What has it: a pinned source, or a build."),
        optional("namespace", NAME, "`default`", "What templates find as the release's namespace."),
        optional(
            "values",
            Type::List(&REPO_PATH, Merge::Append),
            "none",
            "Files of the repository with values; later ones win.",
        ),
        optional(
            "set",
            Type::Map(Form::Line, &TEXT),
            "none",
            "Single values, `\"image.tag\" = \"1\"`, as `helm --set` reads them. They win over `values`.",
        ),
        optional(
            "api_versions",
            Type::List(&LINE, Merge::Append),
            "those that Helm knows",
            "What templates find as served beside the built-in kinds, such as `monitoring.coreos.com/v1`.",
        ),
        optional(
            "trees",
            TREES,
            "none",
            "Pinned charts that it depends on: what lies at which path of it, such as `charts/redis`.",
        ),
        required("tool", TOOL, "A rootfs with `helm`."),
    ],
    one_of: &[],
    refused: &[
        ("chart", "a directory of the repository is `path`, a pinned source is `from`"),
        ("images", "images are mapped by `images` of the cluster"),
        ("name", "the name of the release is `release`"),
        ("repo", "pin the chart as a `source` and name that in `from`"),
        ("repository", "pin the chart as a `source` and name that in `from`"),
        ("url", "pin the chart as a `source` and name that in `from`"),
        ("version", "the pinned source says which version it is"),
    ],
};
