//! The tables of `groundup.toml`, and the table of each kind.

use super::{
    Merge, Spec, Type,
    cluster::CLUSTER,
    image::IMAGE,
    kernel::KERNEL,
    node::NODE,
    optional, required,
    rootfs::{BUILD, ROOTFS},
    shared::{LINE, TEXT},
    source::SOURCE,
};
use crate::{Kind, form::Form};

pub(super) static WORKSPACE: Spec = Spec {
    noun: "`[workspace]`",
    doc: "Settings of the workspace, in `groundup.toml`.",
    keys: &[
        required("name", Type::Text(Form::Name), "Its name."),
        optional(
            "epoch",
            Type::Int { min: 0, max: 253_402_300_799 },
            "`315619200` (1980-01-02)",
            "`SOURCE_DATE_EPOCH` of builds and creation time of images, in seconds since 1970.",
        ),
        optional(
            "platforms",
            Type::List(&Type::Text(Form::Platform), Merge::Replace),
            "`[\"linux/amd64\"]`",
            "Platforms of targets that name none.",
        ),
        optional(
            "recipes",
            Type::List(&Type::Text(Form::Glob), Merge::Replace),
            "`[\"recipes/**/*.toml\"]`",
            "Patterns of recipe files.",
        ),
        optional(
            "default",
            Type::List(&Type::Text(Form::Pattern), Merge::Replace),
            "none",
            "What a bare `groundup build` makes.",
        ),
        optional(
            "vendor",
            LINE,
            "none",
            "Where the pinned inputs are kept besides their origins: a directory, relative to the workspace or absolute, or `docker://HOST/NAME`. `groundup vendor` fills it, builds look there before the network; see [locks](locks.md).",
        ),
        optional(
            "compat",
            Type::Int { min: 1, max: 1 },
            "`1`",
            "Freezes encoders across releases of groundup, so that images keep their digests.",
        ),
    ],
    one_of: &[],
    refused: &[(
        "mirror",
        "mirrors are read from the host's apt sources or your settings; they are no part of a workspace",
    )],
};

pub(super) static ARCHIVE: Spec = Spec {
    noun: "an archive",
    doc: "An archive of Debian packages, `[archive.NAME]` in `groundup.toml`. One suite each; the lock pins one state of it.",
    keys: &[
        optional("kind", Type::Words(&["debian"]), "`\"debian\"`", "How the archive is laid out."),
        required("suite", LINE, "Suite or code name."),
        optional("components", Type::List(&LINE, Merge::Replace), "`[\"main\"]`", "Components."),
        optional(
            "url",
            Type::Text(Form::Url),
            "the host's apt sources, or your settings",
            "Where it is. Needed for archives other than Debian's own, unless your settings say it.",
        ),
        optional(
            "keyring",
            Type::Words(&["debian"]),
            "`\"debian\"`",
            "The built-in keys of Debian sign it.",
        ),
        optional(
            "signed_by",
            Type::Text(Form::RepoPath),
            "the `keyring`",
            "A file of the repository with the keys that sign it instead.",
        ),
    ],
    one_of: &[],
    refused: &[(
        "mirror",
        "mirrors are read from the host's apt sources or your settings; `url` is the place where a third party's archive is by default",
    )],
};

/// `[workspace]`.
pub(crate) static WORKSPACE_TABLE: Type = Type::Table(&WORKSPACE);

/// `[archive.NAME]`.
pub(crate) static ARCHIVES: Type = Type::Map(Form::Name, &Type::Table(&ARCHIVE));

/// `[vars]` of a file.
pub(crate) static VARS: Type = Type::Map(Form::VarName, &TEXT);

/// The table of a kind.
pub(crate) fn spec_of(kind: Kind) -> &'static Spec {
    match kind {
        Kind::Source => &SOURCE,
        Kind::Rootfs => &ROOTFS,
        Kind::Build => &BUILD,
        Kind::Kernel => &KERNEL,
        Kind::Node => &NODE,
        Kind::Image => &IMAGE,
        Kind::Cluster => &CLUSTER,
    }
}
