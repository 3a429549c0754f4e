//! The table of `source`.

use super::{
    Merge, Spec, Type, optional,
    shared::{ABSTRACT, EXTENDS, LINE, TARGET_VARS},
    with,
};
use crate::form::Form;

const GLOBS: Type = Type::List(&Type::Text(Form::Glob), Merge::Append);

pub(super) static SOURCE: Spec = Spec {
    noun: "a source",
    doc: "Bytes from outside, pinned in the lock, or a file tree of the repository. Exactly one of `url`, `git`, `dsc`, `deb`, `oci` and `path` says which.",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        optional(
            "url",
            Type::Text(Form::Url),
            "",
            "A file from a URL; the lock pins its SHA-256 and size.",
        ),
        with(
            "sha256",
            "url",
            Type::Text(Form::Sha256),
            "what `groundup lock` finds",
            "The digest that the file must have.",
        ),
        with(
            "unpack",
            "url",
            Type::Bool,
            "`true` for names that end in `.tar`, `.tgz` or `.tar.*`",
            "Whether the file is an archive that is taken as the tree in it.",
        ),
        with(
            "strip",
            "url",
            Type::Int { min: 0, max: 64 },
            "`0`",
            "How many leading parts each path of the archive loses.",
        ),
        optional("git", LINE, "", "A git repository; the lock pins the commit."),
        with("rev", "git", LINE, "`HEAD`", "Branch, tag or commit."),
        optional(
            "dsc",
            Type::Text(Form::PackageName),
            "",
            "A Debian source package by its name, unpacked and with its patches applied; the lock pins its files.",
        ),
        with(
            "archive",
            "dsc",
            Type::Text(Form::Name),
            "the only archive of the workspace",
            "The archive that has it.",
        ),
        with("version", "dsc", LINE, "the newest", "Its version."),
        optional(
            "deb",
            Type::Text(Form::Deb),
            "",
            "A single `.deb` file, by URL or by path in the repository.",
        ),
        optional(
            "oci",
            Type::Text(Form::Oci),
            "",
            "An OCI image: `docker://REFERENCE`, or of the repository `oci:DIR` and `oci-archive:FILE`.",
        ),
        with(
            "digest",
            "oci",
            Type::Text(Form::Digest),
            "what `groundup lock` finds",
            "The digest that its manifest or index must have.",
        ),
        optional(
            "path",
            Type::Text(Form::RepoPath),
            "",
            "A file or directory of the repository: what git would track of it.",
        ),
        with(
            "include",
            "path",
            GLOBS,
            "everything",
            "Patterns, relative to `path`, of what is taken.",
        ),
        with(
            "exclude",
            "path",
            GLOBS,
            "nothing",
            "Patterns, relative to `path`, of what is left out.",
        ),
    ],
    one_of: &[&["url", "git", "dsc", "deb", "oci", "path"]],
    refused: &[("branch", "write the branch as `rev`"), ("tag", "write the tag as `rev`")],
};
