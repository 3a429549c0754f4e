//! Why the lock could not be made: what was tried on what, the cause, and what to do about it.

use crate::{BoxError, deb::DebError, layout::LayoutError, verify::VerifyError};
use groundup_debian::{
    archive::{ArchiveError, KeyringError, ReleaseError, UnpackError, VersionError},
    resolve::{ResolveError, WantedError},
};
use groundup_digest::Sha256;
use groundup_recipe::{
    Platform, TargetName,
    lock::{IndexKey, PackageId},
};
use groundup_store::StoreError;
use std::{io, path::PathBuf};

/// Why there is no new lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The store does not give or take something.
    #[error("cannot use the store for {what}")]
    Store {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// Something of an archive could not be fetched.
    #[error("cannot get {what} of the archive `{archive}`")]
    Fetch {
        /// The archive.
        archive: String,
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// A file of the repository could not be read.
    #[error("cannot read {path}, {what}")]
    RepositoryFile {
        /// What it is.
        what: String,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The release file of an archive is not a text that lists indexes.
    #[error("cannot read {path} of the archive `{archive}`; another mirror may have a good one")]
    Release {
        /// The archive.
        archive: String,
        /// The path.
        path: String,
        /// What is wrong.
        #[source]
        source: ReleaseError,
    },
    /// The release file of an archive is not trusted.
    #[error("cannot trust the archive `{archive}`: {path} does not verify by {keyring}")]
    Untrusted {
        /// The archive.
        archive: String,
        /// The path of its release file.
        path: String,
        /// The keys that it was verified with.
        keyring: String,
        /// Why not.
        #[source]
        source: ArchiveError,
    },
    /// The release file is older than the one that is pinned.
    #[error(
        "the archive `{archive}` went back in time: its mirror has the state of {found}, the lock \
         pins that of {pinned}; use another mirror, or take `[archive.{archive}]` out of \
         groundup.lock to go back on purpose"
    )]
    RolledBack {
        /// The archive.
        archive: String,
        /// The date found.
        found: String,
        /// The date pinned.
        pinned: String,
    },
    /// The signed release file lists other indexes than were read.
    #[error(
        "the archive `{archive}` is inconsistent: the signed InRelease does not list the index \
         `{key}` that was read; try again, or use another mirror"
    )]
    Inconsistent {
        /// The archive.
        archive: String,
        /// The index.
        key: IndexKey,
    },
    /// The archive has no such index.
    #[error(
        "the archive `{archive}` (suite `{suite}`) has no index `{key}`; it has components {} for \
         {}; change `components` or the platforms of what uses it",
        list(components),
        list(arches)
    )]
    NoIndex {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// The index.
        key: IndexKey,
        /// The components that it has.
        components: Vec<String>,
        /// The architectures that it has.
        arches: Vec<String>,
    },
    /// An index cannot be unpacked.
    #[error("cannot unpack the index `{key}` of the archive `{archive}`")]
    Unpack {
        /// The archive.
        archive: String,
        /// The index.
        key: IndexKey,
        /// Why not.
        #[source]
        source: UnpackError,
    },
    /// An index cannot be read.
    #[error("cannot read the index `{key}` of the archive `{archive}`")]
    Index {
        /// The archive.
        archive: String,
        /// The index.
        key: IndexKey,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// No archive in use has the package of Debian's keys.
    #[error(
        "the keys of the archive `{archive}` are nowhere to be found: neither it nor another \
         Debian archive in use has the package `debian-archive-keyring`; name the file of its keys \
         in `signed_by`, or use component `main` of Debian's archive too"
    )]
    NoKeyring {
        /// The archive.
        archive: String,
    },
    /// The package of the keys cannot be used.
    #[error("cannot use the keys in {path} of the archive `{archive}`")]
    KeyringPackage {
        /// The archive.
        archive: String,
        /// The package.
        path: String,
        /// Why not.
        #[source]
        source: VerifyError,
    },
    /// The file of the keys cannot be used.
    #[error("cannot use {path}, the keys of the archive `{archive}`")]
    KeyringFile {
        /// The archive.
        archive: String,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: KeyringError,
    },
    /// A word of the command line is no name in the lock.
    #[error("`{name}` is not in the lock{}", did_you_mean(nearest))]
    UnknownName {
        /// The word.
        name: String,
        /// The name that it may stand for.
        nearest: Option<String>,
    },
    /// The changelog of a package cannot be read.
    #[error("cannot read the changelog of {package}")]
    Changelog {
        /// The package.
        package: PackageId,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// No archive is one of security fixes.
    #[error(
        "no archive in use is a suite of security fixes (by the label, suite or codename of its \
         release, `…-security`): {}; add one to groundup.toml, such as `suite = \
         \"bookworm-security\"`, and name it in each rootfs that has a list `archive`",
        list(archives)
    )]
    NoSecurity {
        /// The archives in use.
        archives: Vec<String>,
    },
    /// The state of an archive that has to stay is gone.
    #[error(
        "cannot hold the archive `{archive}` while fixes move: {what} is gone; name a place that \
         keeps it, as `vendor` or `snapshot` in the settings, or move everything with `groundup \
         update`"
    )]
    CannotHold {
        /// The archive.
        archive: String,
        /// What of it.
        what: String,
        /// Why it cannot be had.
        #[source]
        source: BoxError,
    },
    /// Fixes do not go with what is held.
    #[error(
        "the fixes of `{target}` on {platform} do not go with the pinned versions of everything \
         else; move what has a fix with all that it needs: `groundup update {}`",
        fixes.join(" ")
    )]
    NotAlone {
        /// The rootfs.
        target: TargetName,
        /// The platform.
        platform: Platform,
        /// The packages that have a fix.
        fixes: Vec<String>,
    },
    /// A requested package is no package.
    #[error("cannot read a package of `{target}`")]
    Wanted {
        /// The rootfs.
        target: TargetName,
        /// What is wrong.
        #[source]
        source: WantedError,
    },
    /// No version of a package fits what is asked for.
    #[error(
        "`{target}` on {platform} asks for `{asked}`, which is not offered; there is {}",
        list(offered)
    )]
    NoVersion {
        /// The rootfs.
        target: TargetName,
        /// The platform.
        platform: Platform,
        /// What is asked for.
        asked: String,
        /// The versions that there are, best first.
        offered: Vec<String>,
    },
    /// The archive that a package must come from does not have it.
    #[error(
        "`{target}` on {platform} prefers `{package}` from the archive `{archive}`, which has no \
         such package{}",
        did_you_mean(nearest)
    )]
    NotPreferred {
        /// The rootfs.
        target: TargetName,
        /// The platform.
        platform: Platform,
        /// The package.
        package: String,
        /// The archive.
        archive: String,
        /// The package of that archive that it may stand for.
        nearest: Option<String>,
    },
    /// A single `.deb` is for another architecture.
    #[error(
        "`{target}` is resolved for {platform}, but `source.{source_name}` is a package for {arch}; \
         take it out of `debs`, or give the rootfs only platforms that it is for"
    )]
    DebArchitecture {
        /// The rootfs.
        target: TargetName,
        /// The platform.
        platform: Platform,
        /// The source.
        source_name: String,
        /// The architecture of the package.
        arch: String,
    },
    /// The packages of a rootfs do not go together.
    #[error("cannot resolve the packages of `{target}` on {platform}")]
    Resolve {
        /// The rootfs.
        target: TargetName,
        /// The platform.
        platform: Platform,
        /// Why not.
        #[source]
        source: ResolveError,
    },
    /// A single `.deb` cannot be used.
    #[error("cannot read the package of `{target}`, {location}")]
    Deb {
        /// The source.
        target: TargetName,
        /// Its location.
        location: String,
        /// Why not.
        #[source]
        source: DebError,
    },
    /// The archive has no such source package.
    #[error(
        "`{target}`: the archive `{archive}` has no source package `{package}`{}",
        did_you_mean(nearest)
    )]
    NoSourcePackage {
        /// The source.
        target: TargetName,
        /// The archive.
        archive: String,
        /// The source package.
        package: String,
        /// The one that it may stand for.
        nearest: Option<String>,
    },
    /// The archive has no such version of a source package.
    #[error(
        "`{target}`: the archive `{archive}` has no version {version} of the source package \
         `{package}`; it has {}",
        list(offered)
    )]
    NoSourceVersion {
        /// The source.
        target: TargetName,
        /// The archive.
        archive: String,
        /// The source package.
        package: String,
        /// The version asked for.
        version: String,
        /// The versions that there are, best first.
        offered: Vec<String>,
    },
    /// A version of a recipe is malformed.
    #[error("`{target}` asks for a malformed version")]
    Version {
        /// The target.
        target: TargetName,
        /// What is wrong.
        #[source]
        source: VersionError,
    },
    /// A source could not be resolved.
    #[error("cannot resolve `{target}`, {location}")]
    Source {
        /// The source.
        target: TargetName,
        /// Its location.
        location: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// What is at a location is not what the recipe insists on.
    #[error(
        "`{target}`: {location} is sha256 {found}, the recipe says {expected}; if the new content \
         is wanted, change the digest in the recipe"
    )]
    WrongDigest {
        /// The source.
        target: TargetName,
        /// Its location.
        location: String,
        /// The digest of the recipe.
        expected: Sha256,
        /// The digest found.
        found: Sha256,
    },
    /// What is at a location is not what is pinned, and nobody asked to move it.
    #[error(
        "`{target}`: {location} is no longer what the lock pins (sha256 {found} instead of \
         {pinned}); `groundup update source.{}` moves the pin",
        target.name()
    )]
    PinLost {
        /// The source.
        target: TargetName,
        /// Its location.
        location: String,
        /// The digest pinned.
        pinned: Sha256,
        /// The digest found.
        found: Sha256,
    },
    /// An image layout of the repository cannot be read.
    #[error("cannot read the image of `{target}`, {location}")]
    Layout {
        /// The source.
        target: TargetName,
        /// Its location.
        location: String,
        /// Why not.
        #[source]
        source: LayoutError,
    },
    /// A time cannot be written as a date.
    #[error("{seconds} seconds since 1970 is no time that a lock can hold; is the clock right?")]
    Time {
        /// The time.
        seconds: i64,
        /// Why not.
        #[source]
        source: jiff::Error,
    },
}

impl LockError {
    pub(crate) fn store(what: impl Into<String>) -> impl FnOnce(StoreError) -> Self {
        move |source| LockError::Store { what: what.into(), source }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
