//! What locking asks of the world outside; the command line answers with mirrors and registries.

use groundup_digest::{BlobId, Content, Sha256};
use groundup_fetch::{GitPin, ImagePin};

/// An error of any kind; messages show it as the cause of ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Gets what locking reads, from many threads at once.
///
/// Paths of archives are relative to the archive; which mirrors it has is the implementation's
/// matter. `what` names the thing in messages.
pub trait Remote: Sync {
    /// A small file that no pin names, `limit` bytes at most.
    fn archive_file(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        limit: u64,
    ) -> Result<Vec<u8>, BoxError>;

    /// A file of known digest and size, into the store.
    fn archive_pinned(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        sha256: Sha256,
        size: u64,
    ) -> Result<BlobId, BoxError>;

    /// What a URL gives now, `limit` bytes at most, into the store.
    fn url_new(&self, url: &str, limit: u64) -> Result<Content, BoxError>;

    /// The commit that a revision stands for now.
    fn git_resolve(&self, url: &str, rev: &str) -> Result<GitPin, BoxError>;

    /// The image that a reference (`HOST/NAME:TAG`, without a scheme) stands for now.
    fn image_resolve(&self, reference: &str) -> Result<ImagePin, BoxError>;
}
