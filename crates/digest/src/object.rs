//! What a step takes and gives: a blob or a tree, by id.

use crate::{BlobId, DecodeError, ParseHexError, Reader, TreeId, Writer};
use std::{fmt, str::FromStr};

/// The id of a blob or of a tree; its text form is `blob:` or `tree:` and the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectId {
    /// A single content.
    Blob(BlobId),
    /// A file tree.
    Tree(TreeId),
}

/// Why a text is not the id of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseObjectIdError {
    /// The text starts neither with `blob:` nor with `tree:`.
    #[error("an object id starts with `blob:` or `tree:`")]
    Prefix,
    /// What follows is no digest.
    #[error("an object id ends with a digest")]
    Digest(#[from] ParseHexError),
}

impl ObjectId {
    /// Writes the canonical encoding: a byte for the kind, and the digest.
    pub fn write(&self, writer: &mut Writer) {
        match self {
            ObjectId::Blob(id) => writer.u8(1).digest(id.as_bytes()),
            ObjectId::Tree(id) => writer.u8(2).digest(id.as_bytes()),
        };
    }

    /// Reads the canonical encoding.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            1 => Ok(ObjectId::Blob(BlobId::from_bytes(reader.digest()?))),
            2 => Ok(ObjectId::Tree(TreeId::from_bytes(reader.digest()?))),
            _ => Err(reader.invalid("kind of object")),
        }
    }

    /// The blob's id, if this is a blob.
    pub fn blob(self) -> Option<BlobId> {
        if let ObjectId::Blob(id) = self { Some(id) } else { None }
    }

    /// The tree's id, if this is a tree.
    pub fn tree(self) -> Option<TreeId> {
        if let ObjectId::Tree(id) = self { Some(id) } else { None }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectId::Blob(id) => write!(f, "blob:{id}"),
            ObjectId::Tree(id) => write!(f, "tree:{id}"),
        }
    }
}

impl FromStr for ObjectId {
    type Err = ParseObjectIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("blob", id)) => Ok(ObjectId::Blob(id.parse()?)),
            Some(("tree", id)) => Ok(ObjectId::Tree(id.parse()?)),
            _ => Err(ParseObjectIdError::Prefix),
        }
    }
}

impl serde::Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ObjectId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_encoding_round_trip_and_keep_kinds_apart() {
        let blob = ObjectId::Blob(BlobId::from_bytes([1; 32]));
        let tree = ObjectId::Tree(TreeId::from_bytes([1; 32]));
        for id in [blob, tree] {
            assert_eq!(id.to_string().parse(), Ok(id));
            let mut writer = Writer::new();
            id.write(&mut writer);
            let bytes = writer.finish();
            assert_eq!(ObjectId::read(&mut Reader::new(&bytes)), Ok(id));
        }
        assert_ne!(blob.to_string(), tree.to_string());
        assert_eq!("x".parse::<ObjectId>(), Err(ParseObjectIdError::Prefix));
    }
}
