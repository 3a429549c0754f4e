//! The values of the lock.

use crate::{At, Platform};
use groundup_digest::{BlobId, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Every pin of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Archive name -> the state of it that everything was resolved against.
    pub archives: BTreeMap<String, At<ArchivePin>>,
    /// Each package that some rootfs holds, once.
    pub packages: BTreeMap<PackageId, At<FilePin>>,
    /// (rootfs name, platform) -> its packages.
    pub rootfs: BTreeMap<(String, Platform), At<RootfsPin>>,
    /// Source name -> what it resolved to. Sources of kind `path` have no pin.
    pub sources: BTreeMap<String, At<SourcePin>>,
}

/// A file, by digest and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePin {
    /// Relative to the top of the archive, or to what the pin says.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

/// One state of one archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePin {
    /// Suite, as the recipe names it.
    pub suite: String,
    /// Components, as the recipe names them.
    pub components: Vec<String>,
    /// `Date` of the release file.
    pub date: String,
    /// When the signature was judged, as RFC 3339.
    pub verified: String,
    /// Fingerprints of the keys whose signatures were good, upper-case hexadecimal.
    pub signed_by: Vec<String>,
    /// The signed release file.
    pub inrelease: FilePin,
    /// The keys that it was verified with.
    pub keyring: KeyringPin,
    /// The archive that has the package of the keyring, where it is another one: Debian's security
    /// archive is signed by keys that only the main archive carries.
    pub keyring_archive: Option<String>,
    /// The index files that were read.
    pub indexes: BTreeMap<IndexKey, FilePin>,
}

/// Which index of an archive; its text form is `component arch`, with `source` for source packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey {
    /// Component.
    pub component: String,
    /// Debian architecture, `all`, or `source`.
    pub arch: String,
}

/// The keys that an archive is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyringPin {
    /// A member of a package of the archive itself, or of the pin's `keyring_archive`.
    Package {
        /// The package.
        package: FilePin,
        /// Path of the keyring in it, without a leading `/`.
        member: String,
    },
    /// A file of the repository.
    File {
        /// Its path.
        file: String,
        /// Its digest when locking.
        sha256: Sha256,
    },
}

/// Where a package of a rootfs comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageOrigin {
    /// An archive; the package has a line in `[package]`.
    Archive(String),
    /// A single `.deb` source, pinned there.
    Source(String),
}

/// One package; its text form is `name version arch origin`, with `source.NAME` for single files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Debian architecture.
    pub arch: String,
    /// Where it comes from.
    pub origin: PackageOrigin,
}

/// The packages of one rootfs on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootfsPin {
    /// Digest of what the resolution read of the recipe.
    pub request: BlobId,
    /// The packages, sorted.
    pub packages: Vec<At<PackageId>>,
}

/// What a source resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourcePin {
    /// A file.
    Url {
        /// Where it was found.
        url: String,
        /// Bytes.
        size: u64,
        /// Digest.
        sha256: Sha256,
    },
    /// A commit.
    Git {
        /// Where it was found.
        url: String,
        /// What the recipe asked for.
        rev: String,
        /// Commit, hexadecimal.
        commit: String,
        /// The commit's git tree, hexadecimal.
        tree: String,
    },
    /// A Debian source package.
    Dsc {
        /// Archive.
        archive: String,
        /// Name.
        package: String,
        /// Version.
        version: String,
        /// The `.dsc` first, then the files that it names; paths are archive-relative.
        files: Vec<FilePin>,
    },
    /// A single `.deb`.
    Deb {
        /// URL or path in the repository, as in the recipe.
        location: String,
        /// Name of the package in it.
        package: String,
        /// Version.
        version: String,
        /// Debian architecture.
        arch: String,
        /// Bytes.
        size: u64,
        /// Digest.
        sha256: Sha256,
    },
    /// An OCI image.
    Oci {
        /// Location, as in the recipe.
        location: String,
        /// Digest of the manifest or index.
        digest: Sha256,
        /// Its bytes.
        size: u64,
        /// Its media type.
        media_type: String,
    },
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.component, self.arch)
    }
}

impl FromStr for IndexKey {
    type Err = LockTextError;

    fn from_str(text: &str) -> Result<Self, LockTextError> {
        match text.split(' ').collect::<Vec<_>>().as_slice() {
            [component, arch] if !component.is_empty() && !arch.is_empty() => {
                Ok(Self { component: (*component).to_owned(), arch: (*arch).to_owned() })
            }
            _ => Err(LockTextError::Index(text.to_owned())),
        }
    }
}

impl fmt::Display for PackageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackageOrigin::Archive(name) => f.write_str(name),
            PackageOrigin::Source(name) => write!(f, "source.{name}"),
        }
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.name, self.version, self.arch, self.origin)
    }
}

impl FromStr for PackageId {
    type Err = LockTextError;

    fn from_str(text: &str) -> Result<Self, LockTextError> {
        let words: Vec<&str> = text.split(' ').collect();
        let [name, version, arch, origin] = words.as_slice() else {
            return Err(LockTextError::Package(text.to_owned()));
        };
        if words.iter().any(|word| word.is_empty()) {
            return Err(LockTextError::Package(text.to_owned()));
        }
        let origin = match origin.strip_prefix("source.") {
            Some(source) => PackageOrigin::Source(source.to_owned()),
            None => PackageOrigin::Archive((*origin).to_owned()),
        };
        Ok(Self {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            arch: (*arch).to_owned(),
            origin,
        })
    }
}

/// Why a text of the lock is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockTextError {
    /// Not a package.
    #[error("`{0}` is not a package of a lock: `name version arch archive`")]
    Package(String),
    /// Not an index.
    #[error("`{0}` is not an index of a lock: `component arch`")]
    Index(String),
}
