//! Why there is no report.

use groundup_digest::{BlobId, TreeId};
use groundup_image::{BaseError, UnpackError};
use groundup_store::StoreError;
use groundup_tree::{DecodeTreeError, TreeError};
use std::{io, path::PathBuf};

/// Why two things could not be compared at all. What is wrong with a part of them is a row instead.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Something on disk could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is neither a file nor a directory.
    #[error("{0} is neither a file nor a directory")]
    Kind(PathBuf),
    /// The scratch file could not be written.
    #[error("cannot write to the scratch file of this comparison")]
    Scratch(#[source] io::Error),
    /// A tree is not in the store.
    #[error("the store does not hold the tree {0}")]
    MissingTree(TreeId),
    /// A blob is not in the store.
    #[error("the store does not hold the content {0}")]
    MissingBlob(BlobId),
    /// A tree cannot be read.
    #[error("a tree cannot be read")]
    Tree(#[from] DecodeTreeError<io::Error>),
    /// What was read from outside makes no tree.
    #[error("{path} makes no tree")]
    Invalid {
        /// What was read.
        path: PathBuf,
        /// Why.
        #[source]
        source: TreeError,
    },
    /// An image layout or archive cannot be read.
    #[error("{path} is no image that can be read")]
    Image {
        /// What was read.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<BaseError>,
    },
    /// A layer of an image cannot be read.
    #[error("{path}: the layer {digest} cannot be read")]
    Layer {
        /// Where the image was read from.
        path: PathBuf,
        /// Which layer.
        digest: String,
        /// Why.
        #[source]
        source: Box<io::Error>,
    },
    /// A layer has other bytes than its digest says.
    #[error("{path}: a layer should have the digest {digest} and has {actual}")]
    LayerDigest {
        /// Where the image was read from.
        path: PathBuf,
        /// What manifest or configuration say.
        digest: String,
        /// Of the bytes.
        actual: String,
    },
    /// A layer that is elsewhere cannot be had.
    #[error("{image}: the layer {digest} cannot be fetched")]
    Away {
        /// The image.
        image: String,
        /// Which layer.
        digest: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An archive cannot be read.
    #[error("{path} is no archive that can be read")]
    Archive {
        /// What was read.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<UnpackError>,
    },
    /// The store failed.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
}
