//! `source`: bytes from outside, pinned in the lock; or a file tree of the repository.

use crate::{At, RepoPath};
use groundup_digest::Sha256;

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file from a URL.
    Url {
        /// The location.
        url: At<String>,
        /// Its digest, where the recipe insists on one.
        sha256: Option<At<Sha256>>,
        /// Whether it is taken as a file or as the tree in it.
        unpack: Unpack,
    },
    /// A commit of a git repository.
    Git {
        /// The location.
        url: At<String>,
        /// Branch, tag or commit, resolved to a commit when locking.
        rev: At<String>,
    },
    /// A Debian source package, unpacked and with its patches applied.
    Dsc {
        /// Name of the source package.
        package: At<String>,
        /// Name of the archive.
        archive: At<String>,
        /// Version, where it is not the archive's newest.
        version: Option<At<String>>,
    },
    /// One `.deb` file.
    Deb(At<DebLocation>),
    /// An OCI image.
    Oci {
        /// The location.
        location: At<OciLocation>,
        /// Digest of its manifest or index, where the recipe insists on one.
        digest: Option<At<Sha256>>,
    },
    /// A file or directory of the repository.
    Path {
        /// The location.
        path: At<RepoPath>,
        /// Globs, relative to `path`, of what is taken; everything where there are none.
        include: Vec<At<String>>,
        /// Globs, relative to `path`, of what is left out.
        exclude: Vec<At<String>>,
    },
}

/// Whether a fetched file is a file or an archive of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpack {
    /// The file stays a file.
    File,
    /// The file is a tar archive of a tree.
    Tree {
        /// How many leading parts each path loses.
        strip: u32,
    },
}

/// Where a single `.deb` is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DebLocation {
    /// Outside.
    Url(String),
    /// In the repository.
    Repo(RepoPath),
}

impl std::fmt::Display for DebLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DebLocation::Url(url) => f.write_str(url),
            DebLocation::Repo(path) => path.fmt(f),
        }
    }
}

/// Where an OCI image is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OciLocation {
    /// `docker://REFERENCE`: a registry.
    Registry(String),
    /// `oci:DIR[:TAG]`: an image layout directory of the repository.
    Layout(RepoPath, Option<String>),
    /// `oci-archive:FILE[:TAG]`: a tar file of an image layout, of the repository.
    Archive(RepoPath, Option<String>),
}

impl std::fmt::Display for OciLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (head, path, tag) = match self {
            OciLocation::Registry(reference) => return write!(f, "docker://{reference}"),
            OciLocation::Layout(path, tag) => ("oci", path, tag),
            OciLocation::Archive(path, tag) => ("oci-archive", path, tag),
        };
        write!(f, "{head}:{path}")?;
        tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
    }
}
