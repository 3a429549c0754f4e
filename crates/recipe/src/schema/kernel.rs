//! The table of `kernel`.

use super::{
    Merge, Spec, Type, optional, required,
    rootfs::LIMITS,
    shared::{ABSTRACT, EXTENDS, LINE, PLATFORMS, TARGET_VARS, TEXT},
};
use crate::{Kind, form::Form};

const SIGNING: Spec = Spec {
    noun: "the signing of a kernel's modules",
    doc: "Modules that carry signatures which were made outside of groundup: no private key is in a recipe, a step or the store. The kernel is configured to trust the certificate (`SYSTEM_TRUSTED_KEYS`), to check signatures (`MODULE_SIG`) and to sign nothing itself. `groundup build KERNEL:unsigned` gives what is to be signed; a signature that is missing, left over or wrong is an error that says so. The toolchain needs `openssl` and `libssl-dev`.",
    keys: &[
        required(
            "certificate",
            Type::Text(Form::RepoPath),
            "A file of the repository: the certificate of the key that signs, in PEM.",
        ),
        required(
            "signatures",
            Type::Text(Form::RepoPath),
            "A directory of the repository with one file for each module, called `SHA256.p7s` by the digest of the module before it is signed: a detached CMS signature in DER without signed attributes, as the kernel's `scripts/sign-file -p` makes them.",
        ),
    ],
    one_of: &[],
    refused: &[
        (
            "key",
            "a private key stays outside; say where its `certificate` and the `signatures` are",
        ),
        (
            "private_key",
            "a private key stays outside; say where its `certificate` and the `signatures` are",
        ),
        ("hash", "a signature says by itself which hash it is of"),
    ],
};

pub(super) static KERNEL: Spec = Spec {
    noun: "a kernel",
    doc: "A Linux kernel. Outputs: `out` (`vmlinuz`, `System.map`, `config`), `config` (the resolved configuration), `modules` (`lib/modules/RELEASE` with the indexes of `depmod`), `vmlinux` (with its symbol table), `facts` (`kernel.json`: configuration, exported symbols, modules with what they need), with `headers = true` `headers` (what modules outside the tree are built against), and with `signing` `unsigned` (the modules before they are signed, and `SHA256SUMS`).",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        required(
            "source",
            Type::Text(Form::Output(&[Kind::Source, Kind::Build])),
            "The source tree, with its `Makefile` at the top.",
        ),
        required(
            "toolchain",
            Type::Text(Form::Target(&[Kind::Rootfs])),
            "What it is configured and built in: a shell, `make`, a compiler, `flex`, `bison`, `bc`, and `kmod` for modules. The compiler is an input of the configuration too.",
        ),
        optional(
            "patches",
            Type::List(&Type::Text(Form::RepoPath), Merge::Append),
            "none",
            "Patches of the repository that are applied in this order, each with one leading part of its paths stripped.",
        ),
        optional(
            "base",
            LINE,
            "",
            "The configuration that fragments are laid on: a target of the kernel's own, such as `defconfig` or `tinyconfig`.",
        ),
        optional(
            "base_file",
            Type::Text(Form::RepoPath),
            "",
            "The same as a file of the repository.",
        ),
        optional(
            "fragments",
            Type::List(&Type::Text(Form::RepoPath), Merge::Append),
            "none",
            "Files of the repository with options, as `.config` has them.",
        ),
        optional(
            "options",
            Type::Map(Form::ConfigSymbol, &TEXT),
            "none",
            "Options: `SYMBOL = \"y\"`, `\"m\"`, `\"n\"`, a number, or text in double quotes inside the string. They are laid on the fragments.",
        ),
        optional(
            "allow_dropped",
            Type::List(&Type::Text(Form::ConfigSymbol), Merge::Append),
            "none",
            "Symbols whose requested value may be dropped or changed. Any other that is not what was asked for is an error.",
        ),
        optional("modules", Type::Bool, "`true`", "Whether modules are built."),
        optional("headers", Type::Bool, "`false`", "Whether there is an output `headers`."),
        optional(
            "signing",
            Type::Table(&SIGNING),
            "none",
            "Signatures of modules, and the certificate that the kernel trusts.",
        ),
        PLATFORMS,
        optional("limits", Type::Table(&LIMITS), "the builder's", "What ends a step of it."),
    ],
    one_of: &[&["base", "base_file"]],
    refused: &[
        (
            "config",
            "a configuration is a `base` or `base_file` with `fragments` and `options` on top",
        ),
        ("jobs", "the number of jobs is the builder's and enters no key"),
    ],
};
