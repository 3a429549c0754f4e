//! Why something of a registry cannot be had.

use super::{DEPTH, ManifestError};
use crate::{FetchError, ParseLocationError};
use groundup_store::StoreError;

/// Why an image was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A part of it was not.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store cannot be used.
    #[error("cannot keep {image} in the store")]
    Store {
        /// The image.
        image: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The host makes no URL.
    #[error("{image} has no usable host")]
    Host {
        /// The image.
        image: String,
        /// Why not.
        #[source]
        source: ParseLocationError,
    },
    /// The registry wants to be told who asks in a way that is not known.
    #[error("registry {host} asks for an unknown kind of credentials: `{challenge}`")]
    Challenge {
        /// The registry.
        host: String,
        /// What it says.
        challenge: String,
    },
    /// The registry wants a user and a password.
    #[error(
        "registry {host} wants a user and a password: write `credentials.\"{host}\"` into the settings, or log in with `docker login`"
    )]
    NoCredential {
        /// The registry.
        host: String,
    },
    /// The registry names a token service that cannot be asked safely.
    #[error("registry {host} names {realm} as its token service, which is not reached by https")]
    Realm {
        /// The registry.
        host: String,
        /// What it names.
        realm: String,
    },
    /// The token service answers with something else.
    #[error("the token service of registry {host} gave no token")]
    Token {
        /// The registry.
        host: String,
        /// What is wrong with its answer, where it is not JSON.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A manifest cannot be used.
    #[error("cannot use {what}")]
    Manifest {
        /// Which one.
        what: String,
        /// Why not.
        #[source]
        source: ManifestError,
    },
    /// The image is not there for a platform.
    #[error("{image} is not there for {wanted}; it is for: {}", found.join(", "))]
    Platform {
        /// The image.
        image: String,
        /// The platform.
        wanted: String,
        /// Those that it is there for.
        found: Vec<String>,
    },
    /// Indexes stand in indexes without end.
    #[error("{image} has indexes in indexes, more than {DEPTH} deep")]
    Depth {
        /// The image.
        image: String,
    },
}
