//! What sources resolve to: a URL's content, a commit, an image, a source package, a single `.deb`.

use crate::{BoxError, LockError, Locker, deb::Deb, layout, need::RootfsNeed, snapshot::Snapshot};
use groundup_debian::archive::{SourcePackage, Version};
use groundup_digest::{Content, Sha256};
use groundup_recipe::{
    At, DebLocation, OciLocation, Source, TargetName,
    lock::{FilePin, SourcePin, nearest_name},
};
use std::collections::BTreeMap;

/// No source is larger.
const LARGEST_SOURCE: u64 = 16 << 30;

impl Locker<'_> {
    /// The pin of a source that needs no archive. `old` is a pin that fits the recipe, if there is
    /// one; it stays unless it is asked to move. Files of the repository are always read.
    pub(crate) fn source(
        &self,
        target: &TargetName,
        source: &Source,
        old: Option<&SourcePin>,
        moves: bool,
    ) -> Result<SourcePin, LockError> {
        let of_repository = matches!(
            source,
            Source::Deb(At { value: DebLocation::Repo(_), .. })
                | Source::Oci {
                    location: At { value: OciLocation::Layout(..) | OciLocation::Archive(..), .. },
                    ..
                }
        );
        // What the recipe fixes by digest or commit has nowhere to move to.
        let fixed = match source {
            Source::Url { sha256, .. } => sha256.is_some(),
            Source::Git { rev, .. } => is_commit(rev),
            Source::Oci { digest, .. } => digest.is_some(),
            _ => false,
        };
        if let Some(old) = old.filter(|_| !of_repository && (!moves || fixed)) {
            return Ok(old.clone());
        }
        self.say(&format!("{target}: resolving"));
        match source {
            Source::Url { url, sha256, .. } => {
                let content = self.fetched(target, url)?;
                self.insists(target, url, sha256.as_ref(), content.sha256)?;
                let Content { size, sha256, .. } = content;
                Ok(SourcePin::Url { url: url.value.clone(), size, sha256 })
            }
            Source::Git { url, rev } => {
                let found = self.remote.git_resolve(url, rev);
                let found = found.map_err(|source| unresolved(target, url, source))?;
                let (url, rev) = (url.value.clone(), rev.value.clone());
                Ok(SourcePin::Git { url, rev, commit: found.commit, tree: found.tree })
            }
            Source::Deb(location) => {
                let (content, deb) = self.read_deb(target, location, old.filter(|_| !moves))?;
                let Content { size, sha256, .. } = content;
                let Deb { package, version, arch, .. } = deb;
                let location = location.to_string();
                Ok(SourcePin::Deb { location, package, version, arch, size, sha256 })
            }
            Source::Oci { location, digest } => self.image(target, location, digest.as_ref()),
            Source::Dsc { .. } | Source::Path { .. } => {
                unreachable!("source packages are resolved with their archive, paths have no pin")
            }
        }
    }

    fn fetched(&self, target: &TargetName, url: &str) -> Result<Content, LockError> {
        let fetched = self.remote.url_new(url, LARGEST_SOURCE);
        fetched.map_err(|source| unresolved(target, url, source))
    }

    fn insists(
        &self,
        target: &TargetName,
        location: &str,
        expected: Option<&At<Sha256>>,
        found: Sha256,
    ) -> Result<(), LockError> {
        match expected {
            Some(expected) if expected.value != found => Err(LockError::WrongDigest {
                target: target.clone(),
                location: location.to_owned(),
                expected: expected.value,
                found,
            }),
            _ => Ok(()),
        }
    }

    fn image(
        &self,
        target: &TargetName,
        location: &OciLocation,
        digest: Option<&At<Sha256>>,
    ) -> Result<SourcePin, LockError> {
        let text = location.to_string();
        let bad =
            |source| LockError::Layout { target: target.clone(), location: text.clone(), source };
        let found = match location {
            OciLocation::Registry(reference) => {
                let found = self.remote.image_resolve(reference);
                found.map_err(|source| unresolved(target, &text, source))?
            }
            OciLocation::Layout(path, tag) => {
                layout::of_directory(&self.root.join(path.as_str()), tag.as_deref()).map_err(bad)?
            }
            OciLocation::Archive(path, tag) => {
                layout::of_archive(&self.root.join(path.as_str()), tag.as_deref()).map_err(bad)?
            }
        };
        self.insists(target, &text, digest, found.digest)?;
        let (digest, size, media_type) = (found.digest, found.size, found.media_type);
        Ok(SourcePin::Oci { location: text, digest, size, media_type })
    }

    /// A single `.deb`; the bytes of `pinned` if that is given and it is not of the repository.
    fn read_deb(
        &self,
        target: &TargetName,
        location: &DebLocation,
        pinned: Option<&SourcePin>,
    ) -> Result<(Content, Deb), LockError> {
        let content = match (location, pinned) {
            (DebLocation::Repo(path), _) => {
                self.repository_file(path, &format!("the package of `{target}`"))?.1
            }
            (DebLocation::Url(url), Some(SourcePin::Deb { size, sha256, .. })) => {
                self.pinned_url(target, url, *sha256, *size)?
            }
            (DebLocation::Url(url), _) => self.fetched(target, url)?,
        };
        let deb = Deb::read(self.store, &content, target.name());
        let deb = deb.map_err(|source| LockError::Deb {
            target: target.clone(),
            location: location.to_string(),
            source,
        })?;
        Ok((content, deb))
    }

    fn pinned_url(
        &self,
        target: &TargetName,
        url: &str,
        pinned: Sha256,
        size: u64,
    ) -> Result<Content, LockError> {
        let there = self.store.blob_by_sha256(pinned, size);
        if let Some(blob) = there.map_err(LockError::store(url))? {
            return Ok(Content { blob, sha256: pinned, size });
        }
        let content = self.fetched(target, url)?;
        match content.sha256 == pinned {
            true => Ok(content),
            false => Err(LockError::PinLost {
                target: target.clone(),
                location: url.to_owned(),
                pinned,
                found: content.sha256,
            }),
        }
    }

    /// The single `.deb` files that these root file systems install, by the name of their source.
    pub(crate) fn debs(
        &self,
        rootfs: &[&RootfsNeed<'_>],
        pins: &BTreeMap<String, At<SourcePin>>,
    ) -> Result<BTreeMap<String, Deb>, LockError> {
        let mut debs = BTreeMap::new();
        for deb in rootfs.iter().flat_map(|need| &need.rootfs.debs) {
            let body = self.workspace.target(deb).map(|target| &target.body);
            if let Some(groundup_recipe::TargetBody::Source(Source::Deb(location))) = body
                && !debs.contains_key(deb.name())
            {
                let pin = pins.get(deb.name()).map(|pin| &pin.value);
                let (_, read) = self.read_deb(deb, location, pin)?;
                debs.insert(deb.name().to_owned(), read);
            }
        }
        Ok(debs)
    }

    /// The pin of a Debian source package: the version that the recipe names, or that of `held`
    /// where it is still offered, or the newest.
    pub(crate) fn source_package(
        &self,
        target: &TargetName,
        source: &Source,
        snapshot: Option<&Snapshot>,
        held: Option<&SourcePin>,
    ) -> Result<SourcePin, LockError> {
        let (Source::Dsc { package, archive, version }, Some(snapshot)) = (source, snapshot) else {
            unreachable!("the archive of every source package that is resolved was read")
        };
        let parse = |text: &str| {
            let version = text.parse::<Version>();
            version.map_err(|source| LockError::Version { target: target.clone(), source })
        };
        let indexes = snapshot.indexes.sources.values();
        let mut offered: Vec<&SourcePackage> =
            indexes.clone().flat_map(|index| index.versions(package)).collect();
        offered.sort_by(|a, b| b.version.cmp(&a.version));
        let held = match held {
            Some(SourcePin::Dsc { package: old, version, .. }) if *old == package.value => {
                version.parse::<Version>().ok()
            }
            _ => None,
        };
        let of = |wanted: &Version| offered.iter().find(|one| one.version == *wanted);
        let found = match version {
            Some(version) => of(&parse(version)?),
            None => held.as_ref().and_then(of).or(offered.first()),
        };
        let (target, archive) = (target.clone(), archive.value.clone());
        match (found, version) {
            (Some(found), _) => Ok(SourcePin::Dsc {
                archive,
                package: found.name.clone(),
                version: found.version.as_str().to_owned(),
                files: found.files.iter().map(file_pin).collect(),
            }),
            (None, Some(version)) if !offered.is_empty() => Err(LockError::NoSourceVersion {
                target,
                archive,
                package: package.value.clone(),
                version: version.value.clone(),
                offered: offered.iter().map(|one| one.version.as_str().to_owned()).collect(),
            }),
            (None, _) => {
                let nearest = nearest_name(package, indexes.flat_map(|index| index.names()));
                let nearest = nearest.map(str::to_owned);
                let package = package.value.clone();
                Err(LockError::NoSourcePackage { target, archive, package, nearest })
            }
        }
    }
}

fn file_pin(file: &groundup_debian::archive::SourceFile) -> FilePin {
    FilePin { path: file.path.clone(), size: file.size, sha256: file.sha256 }
}

fn unresolved(target: &TargetName, location: &str, source: BoxError) -> LockError {
    LockError::Source { target: target.clone(), location: location.to_owned(), source }
}

fn is_commit(rev: &str) -> bool {
    matches!(rev.len(), 40 | 64) && rev.bytes().all(|byte| byte.is_ascii_hexdigit())
}
