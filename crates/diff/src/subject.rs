//! What is compared: something with a name, made of named parts.

use crate::{DiffError, World};
use groundup_digest::{BlobId, ObjectId, TreeId};
use groundup_tree::TreePath;
use std::collections::BTreeMap;

/// One of the two things that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What the user called it.
    pub name: String,
    /// What it is, for people: `image`, `node`, `directory`, `file`.
    pub kind: String,
    /// Its parts by name: `root`, `config`; one without a name if it is all of one piece.
    pub parts: BTreeMap<String, Part>,
    /// What parts are called that have another name than their id: the root of an image of others, by
    /// the ChainID of its layers.
    pub called: BTreeMap<String, String>,
    /// Attributes of paths of the root that no tree takes: access lists, labels of the system that packed.
    pub attributes: BTreeMap<TreePath, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// What could not be read of it: part, path and reason.
    pub unread: Vec<(String, String, String)>,
    /// What a kernel was asked for: the fragments and options of its recipe.
    pub requested: Option<TreeId>,
}

/// A part of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A tree of files.
    Tree(TreeId),
    /// One file.
    Blob(BlobId),
}

impl From<ObjectId> for Part {
    fn from(id: ObjectId) -> Self {
        match id {
            ObjectId::Tree(id) => Self::Tree(id),
            ObjectId::Blob(id) => Self::Blob(id),
        }
    }
}

impl Part {
    /// The id of the part.
    pub fn id(self) -> ObjectId {
        match self {
            Self::Tree(id) => ObjectId::Tree(id),
            Self::Blob(id) => ObjectId::Blob(id),
        }
    }
}

impl Subject {
    /// A thing of one piece.
    pub fn whole(name: impl Into<String>, kind: impl Into<String>, part: Part) -> Self {
        Self::of_parts(name, kind, [(String::new(), part)])
    }

    /// A thing of several parts.
    pub fn of_parts(
        name: impl Into<String>,
        kind: impl Into<String>,
        parts: impl IntoIterator<Item = (String, Part)>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            parts: parts.into_iter().collect(),
            called: BTreeMap::new(),
            attributes: BTreeMap::new(),
            unread: Vec::new(),
            requested: None,
        }
    }

    /// A thing of the store, or of what was read into the world.
    pub fn of_object(world: &World<'_>, name: &str, id: ObjectId) -> Result<Self, DiffError> {
        let kind = match id {
            ObjectId::Tree(id) if !world.has_tree(id)? => return Err(DiffError::MissingTree(id)),
            ObjectId::Tree(_) => "tree",
            ObjectId::Blob(_) => "file",
        };
        Ok(Self::whole(name, kind, id.into()))
    }
}
