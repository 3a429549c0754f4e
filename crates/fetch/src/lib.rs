//! Inputs from outside the repository: pinned bytes into the store, and what `lock` reads.
//!
//! This is the only crate that opens sockets. What a lock names is fetched by digest and size, from
//! whichever place has it, and nothing else ever counts as it; what no pin names yet is fetched for
//! `lock` alone, by functions that say so.
//!
//! ```text
//! Settings, apt sources -> mirrors_for -> [Location]
//! Fetcher  fetch_pinned: store -> vendor places -> locations        transfer: retry, resume, check
//!                                                                   http: redirects, credentials
//! Registry   images by digest, as the files of an image layout
//! Fetcher::fetch_git   commits, by the host's git
//! vendor   the user's own places of pinned bytes: looked into, filled and checked
//! ```
//!
//! The calls block and may be made from many threads at once; each takes a flag by which it is
//! cancelled. Files and the environment are read by the command line, which hands in their texts;
//! only certificate authorities, `file:` mirrors and vendor directories are read here.

mod apt;
mod credentials;
mod fetcher;
mod flight;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod git;
mod http;
mod index_path;
mod location;
mod mirrors;
mod registry;
mod settings;
mod sink;
mod transfer;
pub mod vendor;

pub use apt::{AptSource, apt_sources};
pub use credentials::{Credential, Credentials, CredentialsError};
pub use fetcher::{Document, Failure, FetchError, Fetcher, Pin};
pub use git::{GitCheckout, GitError, GitPack, GitPin};
pub use http::{ClientError, HttpError};
pub use index_path::index_paths;
pub use location::{Location, ParseLocationError};
pub use mirrors::{ArchiveKind, ArchiveRef, AskedHost, MirrorsError, mirrors_for};
pub use registry::{
    ImageDocuments, ImagePin, ImagePlatform, ImageReference, LayoutFile, ManifestError,
    ParseReferenceError, Registry, RegistryError,
};
pub use settings::{
    HostAptSources, Offline, ParseSnapshotError, Proxies, ProxyEnvironment, Settings,
    SettingsError, SnapshotService, VendorPlace,
};
pub use transfer::{LocationError, Validators};
