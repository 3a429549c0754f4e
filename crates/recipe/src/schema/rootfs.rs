//! The tables of `rootfs` and `build`.

use super::{
    Merge, Spec, Type, optional, required,
    shared::{
        ABSTRACT, DIRS, EXTENDS, FILES, GROUPS, LINE, LINKS, MADE, PLATFORMS, REMOVE, TARGET_VARS,
        TEXT, TREE_PATH, TREES, USERS,
    },
};
use crate::{Kind, form::Form};

const ALTERNATIVE: Spec = Spec {
    noun: "an alternative",
    doc: "A choice of the alternatives system. A plain string is its `path`.",
    keys: &[
        required("path", TREE_PATH, "The program that is chosen."),
        optional("link", TREE_PATH, "`/usr/bin/NAME`", "The name that people use."),
    ],
    one_of: &[],
    refused: &[],
};
const DIVERSION: Spec = Spec {
    noun: "a diversion",
    doc: "A path that packages have but that is written elsewhere, as `dpkg-divert` does.",
    keys: &[
        required("path", TREE_PATH, "The path that packages have."),
        optional("to", TREE_PATH, "`path` and `.distrib`", "Where it goes instead."),
        optional("by", Type::Text(Form::PackageName), "no package", "The package that is exempt."),
    ],
    one_of: &[],
    refused: &[],
};

pub(super) static ROOTFS: Spec = Spec {
    noun: "a rootfs",
    doc: "A file tree from pinned Debian packages and other trees, with files, users and links on top.",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        optional(
            "archive",
            Type::Either(
                &Type::Text(Form::Name),
                &Type::List(&Type::Text(Form::Name), Merge::Replace),
            ),
            "every archive of the workspace",
            "The archives that packages come from, by name.",
        ),
        optional(
            "packages",
            Type::List(&Type::Text(Form::Package), Merge::Append),
            "none",
            "Packages: `name`, `name:arch`, `name=version`; a version may end in `*`. What they depend on comes along.",
        ),
        optional(
            "debs",
            Type::List(&Type::Text(Form::Target(&[Kind::Source])), Merge::Append),
            "none",
            "Sources of single `.deb` files that are installed as well.",
        ),
        optional("recommends", Type::Bool, "`false`", "Whether recommended packages come along."),
        optional(
            "essential",
            Type::Bool,
            "`false`",
            "Whether the archive's essential packages come along.",
        ),
        optional(
            "prefer",
            Type::Map(Form::PackageName, &Type::Text(Form::Name)),
            "the highest version wins",
            "Package = the archive that it must come from.",
        ),
        PLATFORMS,
        optional(
            "diversions",
            Type::List(&Type::Table(&DIVERSION), Merge::By("path")),
            "none",
            "Diversions that the packages' scripts would have made.",
        ),
        optional(
            "alternatives",
            Type::Map(Form::PackageName, &Type::Either(&TREE_PATH, &Type::Table(&ALTERNATIVE))),
            "none",
            "Choices of the alternatives system: name = program.",
        ),
        USERS,
        GROUPS,
        optional(
            "scripts",
            Type::Words(&["none", "run"]),
            "`\"none\"`",
            "What becomes of maintainer scripts: none runs, and groundup makes the usual state in their place; or they run in the sandbox, which needs the tools of `essential = true`.",
        ),
        TREES,
        REMOVE,
        DIRS,
        FILES,
        LINKS,
    ],
    one_of: &[],
    refused: &[(
        "suite",
        "suites stand in `groundup.toml`: name an `[archive.NAME]` and write `archive = \"NAME\"`",
    )],
};

pub(super) const LIMITS: Spec = Spec {
    noun: "a table of limits",
    doc: "What ends a build. A limit that is reached is named in the outcome; limits enter no key.",
    keys: &[
        optional("memory", Type::Text(Form::Size), "the builder's", "Memory."),
        optional(
            "processes",
            Type::Int { min: 1, max: 4_194_304 },
            "the builder's",
            "Processes and threads at once.",
        ),
        optional("wall", Type::Text(Form::Duration), "the builder's", "Time in all."),
        optional(
            "idle",
            Type::Text(Form::Duration),
            "the builder's",
            "Time without a line of output.",
        ),
        optional("output", Type::Text(Form::Size), "the builder's", "Bytes written to disk."),
    ],
    one_of: &[],
    refused: &[],
};

pub(super) static BUILD: Spec = Spec {
    noun: "a build",
    doc: "A command in a sandbox whose `/` is a rootfs. What it leaves in `/out` is the output.",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        required("rootfs", Type::Text(Form::Target(&[Kind::Rootfs])), "What `/` is."),
        optional(
            "sources",
            Type::Map(Form::Name, &Type::Text(Form::Output(&[Kind::Source]))),
            "none",
            "Sources, read-only at `/src/NAME`.",
        ),
        optional(
            "deps",
            Type::Map(Form::Name, &Type::Text(Form::Output(MADE))),
            "none",
            "Trees of other targets, read-only at `/deps/NAME`.",
        ),
        optional(
            "script",
            TEXT,
            "",
            "Text that `/bin/sh -eu` runs. Write `$NAME` or `$${NAME}` for a variable of the shell: `${name}` is one of the recipe.",
        ),
        optional("command", Type::List(&TEXT, Merge::Replace), "", "A program and its arguments."),
        optional(
            "env",
            Type::Map(Form::EnvName, &TEXT),
            "none",
            "Environment, besides what the sandbox fixes.",
        ),
        optional(
            "cwd",
            TREE_PATH,
            "`/build`",
            "Working directory; `/build` is empty and writable.",
        ),
        optional(
            "outputs",
            Type::List(&Type::Text(Form::Name), Merge::Replace),
            "`[\"out\"]`",
            "Names of the outputs. The only output `out` is `/out` itself; otherwise each is `/out/NAME`.",
        ),
        optional(
            "platform",
            Type::Text(Form::Platform),
            "the one that is asked for",
            "The platform that it always runs on, whatever its output is used for.",
        ),
        optional(
            "permissions",
            Type::Words(&["normal", "keep"]),
            "`\"normal\"`",
            "How the output is taken in: owned by root and 0644 or 0755, or as the command left it.",
        ),
        optional(
            "reuse",
            Type::Bool,
            "`false`",
            "Whether the command may hand programs over, so that each is run once: `/groundup/reuse gcc -c …` (say `make CC=\"/groundup/reuse gcc\"`).",
        ),
        optional("limits", Type::Table(&LIMITS), "the builder's", "What ends it."),
    ],
    one_of: &[&["script", "command"]],
    refused: &[
        (
            "network",
            "a build has no network: what it needs from outside is a `source`, pinned in the lock",
        ),
        ("jobs", "the number of jobs is the builder's and enters no key: scripts ask `nproc`"),
        ("packages", "packages belong to the `rootfs` that the build runs in"),
    ],
};

pub(super) const WORDS: Type = Type::List(&TEXT, Merge::Replace);
pub(super) const LABELS: Type = Type::Map(Form::Line, &LINE);
