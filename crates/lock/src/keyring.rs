//! The keys that an archive is verified with: a file of the repository, or Debian's own package.
//!
//! Debian's keys come from the archive that they are to verify, found through an index that is not
//! trusted yet. That is sound since only keys whose fingerprints are built in are left in: whoever
//! made up the package cannot sign with those.

use crate::{
    LockError, Locker,
    snapshot::Indexes,
    verify::{known_keys, member},
};
use groundup_debian::archive::{Keyring as Keys, Package, compare};
use groundup_recipe::{
    RepoPath,
    lock::{ArchivePin, FilePin, KeyringPin},
};

const PACKAGE: &str = "debian-archive-keyring";
const MEMBERS: [&str; 2] = [
    "usr/share/keyrings/debian-archive-keyring.gpg",
    "usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Keys with where they come from.
#[derive(Clone)]
pub(crate) struct Keyring {
    pub(crate) keys: Keys,
    pub(crate) pin: KeyringPin,
    /// The archive of the package, where it is not the one that is verified.
    pub(crate) archive: Option<String>,
}

impl Keyring {
    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match (&self.pin, &self.archive) {
            (KeyringPin::File { file, .. }, _) => format!("the keys in {file}"),
            (KeyringPin::Package { package, .. }, None) => format!("the keys in {}", package.path),
            (KeyringPin::Package { package, .. }, Some(archive)) => {
                format!("the keys in {} of the archive `{archive}`", package.path)
            }
        }
    }

    /// The same as `lender` gives it to the archive `to`.
    pub(crate) fn lent(self, lender: &str, to: &str) -> Self {
        let holder = self.archive.unwrap_or_else(|| lender.to_owned());
        Self { archive: Some(holder).filter(|holder| holder != to), ..self }
    }
}

impl Locker<'_> {
    /// The keys in a file of the repository.
    pub(crate) fn keyring_file(
        &self,
        archive: &str,
        path: &RepoPath,
    ) -> Result<Keyring, LockError> {
        let (bytes, content) =
            self.repository_file(path, &format!("the keys of the archive `{archive}`"))?;
        let keys = Keys::parse(&bytes).map_err(|source| LockError::KeyringFile {
            archive: archive.to_owned(),
            path: path.to_string(),
            source,
        })?;
        let pin = KeyringPin::File { file: path.to_string(), sha256: content.sha256 };
        Ok(Keyring { keys, pin, archive: None })
    }

    /// Debian's keys from the newest package that one of `indexes` has.
    pub(crate) fn keyring_offered(
        &self,
        archive: &str,
        indexes: &Indexes,
    ) -> Result<Option<Keyring>, LockError> {
        let packages = indexes.packages.values().flat_map(|index| index.packages());
        let named = packages.filter(|package| package.name() == PACKAGE);
        let newer = |a: &Package<'_>, b: &Package<'_>| compare(a.version(), b.version());
        let Some(package) = named.max_by(newer) else { return Ok(None) };
        let package = FilePin {
            path: package.filename().to_owned(),
            size: package.size(),
            sha256: package.sha256(),
        };
        self.keyring_package(archive, package, &MEMBERS).map(Some)
    }

    /// Debian's keys from the package of an older pin of `archive`.
    pub(crate) fn keyring_pinned(
        &self,
        archive: &str,
        pin: &ArchivePin,
    ) -> Result<Option<Keyring>, LockError> {
        let KeyringPin::Package { package, member } = &pin.keyring else { return Ok(None) };
        let holder = pin.keyring_archive.as_deref().unwrap_or(archive);
        let found = self.keyring_package(holder, package.clone(), &[member])?;
        Ok(Some(Keyring { archive: pin.keyring_archive.clone(), ..found }))
    }

    fn keyring_package(
        &self,
        archive: &str,
        package: FilePin,
        members: &[&str],
    ) -> Result<Keyring, LockError> {
        let blob = self.pinned(archive, &package, "the package of Debian's keys")?;
        let path = package.path.clone();
        let unusable = |source| LockError::KeyringPackage {
            archive: archive.to_owned(),
            path: path.clone(),
            source,
        };
        let found = member(self.store, blob, members).map_err(unusable)?;
        let bytes = self.store.read_blob(found.blob).map_err(LockError::store("a keyring"))?;
        let known = known_keys(&bytes).map_err(unusable)?;
        let keys = Keys::parse(&known).map_err(|source| unusable(source.into()))?;
        let pin = KeyringPin::Package { package, member: found.path };
        Ok(Keyring { keys, pin, archive: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::Sha256;

    #[test]
    fn a_lent_keyring_names_the_archive_that_has_the_package() {
        let keys = Keys::parse(&groundup_testkit::SigningKey::new(1).keyring()).unwrap();
        let package = FilePin { path: "pool/k.deb".into(), size: 1, sha256: Sha256::of(b"k") };
        let pin = KeyringPin::Package { package, member: MEMBERS[0].into() };
        let own = Keyring { keys, pin, archive: None };
        let lent = own.lent("debian", "security");
        assert_eq!(lent.archive.as_deref(), Some("debian"));
        assert_eq!(lent.name(), "the keys in pool/k.deb of the archive `debian`");
        let further = lent.clone().lent("security", "updates");
        assert_eq!(further.archive.as_deref(), Some("debian"));
        assert_eq!(lent.lent("security", "debian").archive, None);
    }
}
