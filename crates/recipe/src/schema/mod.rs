//! One description of what recipe and workspace files may hold, from which three things are made:
//! the check of a file, the JSON schema for editors, and the reference in `docs/recipes.md`.

mod cluster;
mod image;
mod json;
mod kernel;
mod markdown;
mod node;
mod rendering;
mod rootfs;
mod shared;
mod source;
mod top;

use crate::{Kind, form::Form};

pub(crate) use top::{ARCHIVES, VARS, WORKSPACE_TABLE, spec_of};

/// A table with named keys.
#[derive(Debug)]
pub(crate) struct Spec {
    /// What it is, with an article: "a rootfs".
    pub(crate) noun: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    /// Groups of keys of which exactly one is there.
    pub(crate) one_of: &'static [&'static [&'static str]],
    /// Keys that people look for here, and why there are none.
    pub(crate) refused: &'static [(&'static str, &'static str)],
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
    pub(crate) need: Need,
    pub(crate) doc: &'static str,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    /// It may be left out, which means this.
    Optional(&'static str),
    /// It goes only with that other key, and may be left out, which means this.
    With(&'static str, &'static str),
}

/// What a value must be.
#[derive(Debug)]
pub(crate) enum Type {
    Text(Form),
    Words(&'static [&'static str]),
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    List(&'static Type, Merge),
    /// A table with free keys of this form.
    Map(Form, &'static Type),
    Table(&'static Spec),
    /// One or the other, told apart by their TOML types.
    Either(&'static Type, &'static Type),
}

/// What becomes of a parent's list when a target that extends it has the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The parent's items, then those of the child that are not there yet.
    Append,
    /// Only the child's.
    Replace,
    /// As `Append`, but a child's item takes the place of the parent's item with the same value of
    /// this key (or the same text, where items are plain strings).
    By(&'static str),
}

impl Spec {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn required(name: &'static str, ty: Type, doc: &'static str) -> Key {
    Key { name, ty, need: Need::Required, doc }
}

const fn optional(name: &'static str, ty: Type, default: &'static str, doc: &'static str) -> Key {
    Key { name, ty, need: Need::Optional(default), doc }
}

const fn with(
    name: &'static str,
    other: &'static str,
    ty: Type,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, ty, need: Need::With(other, default), doc }
}

/// The files that there is a schema for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaFile {
    /// `recipes/**/*.toml`.
    Recipe,
    /// `groundup.toml`.
    Workspace,
}

/// The JSON schema (draft 2020-12) of a file.
pub fn json_schema(file: SchemaFile) -> String {
    json::write(file)
}

/// The reference of every table and key, as it stands in `docs/recipes.md`.
pub fn reference() -> String {
    markdown::write()
}

/// The kinds with their tables, in the order of the reference.
fn kinds() -> [(Kind, &'static Spec); 7] {
    Kind::ALL.map(|kind| (kind, spec_of(kind)))
}
