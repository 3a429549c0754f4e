//! Keys and tables that several kinds have.

use super::{Key, Merge, Spec, Type, optional, required};
use crate::{Kind, form::Form};

pub(super) const TEXT: Type = Type::Text(Form::Any);
pub(super) const LINE: Type = Type::Text(Form::Line);
pub(super) const TREE_PATH: Type = Type::Text(Form::TreePath);
const ID: Type = Type::Int { min: 0, max: 4_294_967_294 };

pub(super) const EXTENDS: Key = optional(
    "extends",
    LINE,
    "nothing",
    "A target of the same kind whose keys this one takes over. Scalars of this target win, tables are merged key by key, lists follow the rule that their key names.",
);
pub(super) const ABSTRACT: Key = optional(
    "abstract",
    Type::Bool,
    "`false`",
    "Only there to be extended: it may lack required keys, and it is no target. Not taken over by `extends`.",
);
pub(super) const TARGET_VARS: Key = optional(
    "vars",
    Type::Map(Form::VarName, &TEXT),
    "none",
    "Values for `${name}` in this target; they go before those of the file and of the workspace.",
);
pub(super) const PLATFORMS: Key = optional(
    "platforms",
    Type::List(&Type::Text(Form::Platform), Merge::Replace),
    "those of the workspace",
    "The platforms that it is made for.",
);

pub(super) const MADE: &[Kind] =
    &[Kind::Rootfs, Kind::Build, Kind::Source, Kind::Kernel, Kind::Node, Kind::Cluster];
pub(super) const TREES: Key = optional(
    "trees",
    Type::List(
        &Type::Either(&Type::Text(Form::Output(MADE)), &Type::Table(&PLACEMENT)),
        Merge::Append,
    ),
    "none",
    "Trees of other targets, later ones on top of earlier ones.",
);
const PLACEMENT: Spec = Spec {
    noun: "a placed tree",
    doc: "A tree, or a part of one, at a place of its own. A plain string `kind.name`, or `kind.name:output`, stands for the whole tree at `/`.",
    keys: &[
        required(
            "from",
            Type::Text(Form::Output(MADE)),
            "Whose tree: `kind.name`, or `kind.name:output` for a build with named outputs.",
        ),
        optional("path", TREE_PATH, "`/`", "The part of the tree that is taken."),
        optional("to", TREE_PATH, "`/`", "Where it goes."),
    ],
    one_of: &[],
    refused: &[],
};

const MODE: Type = Type::Text(Form::Mode);
const FILE: Spec = Spec {
    noun: "a file",
    doc: "A file with its content, from the recipe or from the repository.",
    keys: &[
        required("path", TREE_PATH, "Where it is in the tree."),
        optional("text", TEXT, "", "Its content."),
        optional(
            "source",
            Type::Text(Form::RepoPath),
            "",
            "A file of the repository that holds its content.",
        ),
        optional("mode", MODE, "`\"0644\"`", "Permission bits."),
        optional("uid", ID, "`0`", "Number of its owner."),
        optional("gid", ID, "`0`", "Number of its group."),
    ],
    one_of: &[&["text", "source"]],
    refused: &[("content", "a file's content is `text`, or `source` for a file of the repository")],
};
const DIRECTORY: Spec = Spec {
    noun: "a directory",
    doc: "A directory. A plain string stands for one with the defaults.",
    keys: &[
        required("path", TREE_PATH, "Where it is in the tree."),
        optional("mode", MODE, "`\"0755\"`", "Permission bits."),
        optional("uid", ID, "`0`", "Number of its owner."),
        optional("gid", ID, "`0`", "Number of its group."),
    ],
    one_of: &[],
    refused: &[],
};
pub(super) const FILES: Key = optional(
    "files",
    Type::List(&Type::Table(&FILE), Merge::By("path")),
    "none",
    "Files on top of everything.",
);
pub(super) const DIRS: Key = optional(
    "dirs",
    Type::List(&Type::Either(&TREE_PATH, &Type::Table(&DIRECTORY)), Merge::By("path")),
    "none",
    "Directories on top of everything. Missing parents of files and directories are made, owned by root, 0755.",
);
pub(super) const LINKS: Key = optional(
    "links",
    Type::Map(Form::TreePath, &LINE),
    "none",
    "Symbolic links: path = what it points to.",
);
pub(super) const REMOVE: Key = optional(
    "remove",
    Type::List(&Type::Text(Form::TreeGlob), Merge::Append),
    "none",
    "Patterns of paths that are taken away, before `dirs`, `files` and `links` are added. `**` crosses directories, `*` does not.",
);

const USER: Spec = Spec {
    noun: "a user",
    doc: "A line of `/etc/passwd`.",
    keys: &[
        required("name", Type::Text(Form::AccountName), "Login name."),
        required("uid", ID, "Number."),
        optional(
            "gid",
            ID,
            "the `uid`",
            "Number of the main group. Where no group has it, one with the user's name is made.",
        ),
        optional("home", TREE_PATH, "`/nonexistent`", "Home directory; it is not made."),
        optional("shell", TREE_PATH, "`/usr/sbin/nologin`", "Login shell."),
        optional("comment", LINE, "empty", "Comment field."),
        optional(
            "groups",
            Type::List(&Type::Text(Form::AccountName), Merge::Append),
            "none",
            "Names of further groups.",
        ),
    ],
    one_of: &[],
    refused: &[(
        "password",
        "accounts of a rootfs are locked: a password in a recipe would be in the repository",
    )],
};
const GROUP: Spec = Spec {
    noun: "a group",
    doc: "A line of `/etc/group`.",
    keys: &[
        required("name", Type::Text(Form::AccountName), "Name."),
        required("gid", ID, "Number."),
    ],
    one_of: &[],
    refused: &[],
};
pub(super) const USERS: Key = optional(
    "users",
    Type::List(&Type::Table(&USER), Merge::By("name")),
    "none",
    "Users that are added.",
);
pub(super) const GROUPS: Key = optional(
    "groups",
    Type::List(&Type::Table(&GROUP), Merge::By("name")),
    "none",
    "Groups that are added.",
);
