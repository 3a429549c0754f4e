//! The table of `image`.

use super::{
    Merge, Spec, Type, optional, required,
    rootfs::{LABELS, WORDS},
    shared::{
        ABSTRACT, DIRS, EXTENDS, FILES, LINE, LINKS, PLATFORMS, REMOVE, TARGET_VARS, TEXT,
        TREE_PATH, TREES,
    },
};
use crate::{Kind, form::Form};

const DURATION: Type = Type::Text(Form::Duration);

const HEALTHCHECK: Spec = Spec {
    noun: "a health check",
    doc: "How to ask a container whether it is well.",
    keys: &[
        required("test", WORDS, "`[\"CMD\", …]`, `[\"CMD-SHELL\", \"…\"]` or `[\"NONE\"]`."),
        optional("interval", DURATION, "the engine's", "Time between two checks."),
        optional("timeout", DURATION, "the engine's", "Time that one may take."),
        optional("start_period", DURATION, "the engine's", "Time in which failures do not count."),
        optional(
            "retries",
            Type::Int { min: 1, max: 1000 },
            "the engine's",
            "Failures in a row that make it unhealthy.",
        ),
    ],
    one_of: &[],
    refused: &[],
};
const LAYERS: Spec = Spec {
    noun: "a table of layer options",
    doc: "How layers are made.",
    keys: &[
        optional(
            "max",
            Type::Int { min: 1, max: 120 },
            "`24`",
            "The most layers besides those of the base.",
        ),
        optional(
            "compression",
            Type::Words(&["gzip", "zstd"]),
            "`\"gzip\"`",
            "Every engine reads gzip; zstd is smaller and faster.",
        ),
        optional(
            "level",
            Type::Int { min: 1, max: 19 },
            "what `compat` freezes",
            "Level of the compressor: 1 to 9 for gzip, 1 to 19 for zstd.",
        ),
    ],
    one_of: &[],
    refused: &[],
};

pub(super) static IMAGE: Spec = Spec {
    noun: "an image",
    doc: "An OCI image from trees and a configuration, for one or many platforms.",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        optional(
            "base",
            Type::Text(Form::Target(&[Kind::Source])),
            "none",
            "A source of kind `oci` below everything; its layers pass through untouched.",
        ),
        TREES,
        REMOVE,
        DIRS,
        FILES,
        LINKS,
        optional("entrypoint", WORDS, "that of the base", "Program and first arguments."),
        optional("cmd", WORDS, "that of the base", "Default arguments."),
        optional("env", Type::Map(Form::EnvName, &TEXT), "none", "Environment."),
        optional(
            "user",
            LINE,
            "that of the base, or root",
            "`user`, `uid`, `user:group` or `uid:gid`.",
        ),
        optional("workdir", TREE_PATH, "that of the base, or `/`", "Working directory."),
        optional("labels", LABELS, "none", "Labels of the configuration."),
        optional("annotations", LABELS, "none", "Annotations of manifest and index."),
        optional(
            "ports",
            Type::List(
                &Type::Either(&Type::Int { min: 1, max: 65535 }, &Type::Text(Form::Port)),
                Merge::Append,
            ),
            "none",
            "Ports that it listens on.",
        ),
        optional(
            "volumes",
            Type::List(&TREE_PATH, Merge::Append),
            "none",
            "Paths that are volumes.",
        ),
        optional(
            "stop_signal",
            LINE,
            "that of the base",
            "Signal that ends it, such as `SIGTERM`.",
        ),
        optional(
            "healthcheck",
            Type::Table(&HEALTHCHECK),
            "that of the base",
            "How to ask a container whether it is well.",
        ),
        PLATFORMS,
        optional(
            "layers",
            Type::Table(&LAYERS),
            "the defaults of its keys",
            "How layers are made.",
        ),
        optional(
            "tag",
            LINE,
            "`latest`",
            "Name of the image in a layout, and its tag when it is loaded into an engine.",
        ),
    ],
    one_of: &[],
    refused: &[
        ("packages", "packages belong to a `rootfs`: name it in `trees`"),
        ("run", "an image runs nothing when it is made: use a `build`, and name it in `trees`"),
    ],
};
