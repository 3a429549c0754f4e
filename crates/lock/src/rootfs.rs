//! The packages of one rootfs on one platform, resolved over one snapshot of its archives.

use crate::{LockError, Locker, deb::Deb, locker::at, need::RootfsNeed, snapshot::Snapshot};
use groundup_debian::{
    archive::{Index, IndexError, Version, compare},
    resolve::{Essential, Recommends, Released, Request, Resolver, Wanted},
};
use groundup_recipe::{
    PackageRequest, Platform,
    lock::{FilePin, PackageId, PackageOrigin, RootfsPin, nearest_name, request},
};
use rayon::prelude::*;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// What became of a rootfs.
pub(crate) struct Resolved {
    pub(crate) pin: RootfsPin,
    /// The files of the packages that come from archives.
    pub(crate) files: Vec<(PackageId, FilePin)>,
    /// The source packages that they were built from.
    pub(crate) built_from: BTreeMap<PackageId, BuiltFrom>,
    pub(crate) released: Released,
}

/// The source package that a package was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuiltFrom {
    /// Its name.
    pub source: String,
    /// Its version.
    pub version: String,
}

/// An index with where its packages come from.
struct Offer<'a> {
    origin: PackageOrigin,
    index: Cow<'a, Index>,
}

/// What root file systems have in common that are resolved over the same offers.
type Group<'a> = (Platform, Vec<&'a str>, BTreeMap<&'a str, &'a str>, BTreeSet<&'a str>);

fn group<'a>(need: &'a RootfsNeed<'_>) -> Group<'a> {
    let rootfs = need.rootfs;
    let prefer = rootfs.prefer.iter().map(|(package, from)| (package.as_str(), from.as_str()));
    let debs = rootfs.debs.iter().map(|deb| deb.name());
    (need.platform, need.archives(), prefer.collect(), debs.collect())
}

impl Locker<'_> {
    /// Resolves each of `needs`, in that order; relations are read once for all that share offers.
    pub(crate) fn resolved(
        &self,
        needs: &[&RootfsNeed<'_>],
        snapshots: &BTreeMap<String, Snapshot>,
        debs: &BTreeMap<String, Deb>,
        held: &(dyn Fn(&RootfsNeed<'_>) -> BTreeMap<String, Version> + Sync),
    ) -> Result<Vec<Resolved>, LockError> {
        let mut groups: BTreeMap<Group<'_>, Vec<usize>> = BTreeMap::new();
        for (place, need) in needs.iter().enumerate() {
            groups.entry(group(need)).or_default().push(place);
        }
        let groups: Vec<Vec<usize>> = groups.into_values().collect();
        let resolved: Result<Vec<Vec<(usize, Resolved)>>, LockError> = groups
            .par_iter()
            .map(|places| {
                let first = needs[places[0]];
                let offers = self.offers(first, snapshots, debs)?;
                let indexes: Vec<&Index> = offers.iter().map(|offer| &*offer.index).collect();
                let resolver = Resolver::new(&indexes, first.platform.architecture());
                let one = |place: &usize| {
                    let need = needs[*place];
                    let wanted = self.wanted(need, &offers, debs)?;
                    Ok((*place, self.chosen(need, &offers, &resolver, wanted, held(need))?))
                };
                places.par_iter().map(one).collect()
            })
            .collect();
        let mut resolved: Vec<(usize, Resolved)> = resolved?.into_iter().flatten().collect();
        resolved.sort_by_key(|(place, _)| *place);
        Ok(resolved.into_iter().map(|(_, resolved)| resolved).collect())
    }

    fn chosen(
        &self,
        need: &RootfsNeed<'_>,
        offers: &[Offer<'_>],
        resolver: &Resolver<'_>,
        wanted: Vec<Wanted>,
        mut held: BTreeMap<String, Version>,
    ) -> Result<Resolved, LockError> {
        let (target, platform) = (need.target, need.platform);
        for package in wanted.iter().filter(|package| package.version.is_some()) {
            held.remove(&package.name);
        }
        let asked = Request {
            packages: wanted,
            arch: platform.architecture().to_owned(),
            recommends: match need.rootfs.recommends {
                true => Recommends::Install,
                false => Recommends::Ignore,
            },
            essential: match need.rootfs.essential {
                true => Essential::Implied,
                false => Essential::NotImplied,
            },
            held,
        };
        let resolution = resolver.resolve(&asked).map_err(|source| LockError::Resolve {
            target: target.clone(),
            platform,
            source,
        })?;
        let released = resolution.released;
        let (mut files, mut packages) = (Vec::new(), Vec::new());
        let mut built_from = BTreeMap::new();
        for chosen in resolution.packages {
            let origin = offers[chosen.index].origin.clone();
            let from_archive = matches!(origin, PackageOrigin::Archive(_));
            let (name, version, arch) = (chosen.name, chosen.version, chosen.architecture);
            let id = PackageId { name, version, arch, origin };
            let (source, version) = (chosen.source, chosen.source_version);
            built_from.insert(id.clone(), BuiltFrom { source, version });
            if from_archive {
                let (size, sha256) = (chosen.size, chosen.sha256);
                files.push((id.clone(), FilePin { path: chosen.filename, size, sha256 }));
            }
            packages.push(id);
        }
        packages.sort();
        let packages_are = if packages.len() == 1 { "package" } else { "packages" };
        self.say(&format!("{target} {platform}: {} {packages_are}", packages.len()));
        let request = request(self.workspace, need.rootfs, platform);
        let pin = RootfsPin { request, packages: packages.into_iter().map(at).collect() };
        Ok(Resolved { pin, files, built_from, released })
    }

    /// The indexes in order of preference: single files first, so that they win over an equal
    /// version of an archive.
    fn offers<'a>(
        &self,
        need: &RootfsNeed<'_>,
        snapshots: &'a BTreeMap<String, Snapshot>,
        debs: &'a BTreeMap<String, Deb>,
    ) -> Result<Vec<Offer<'a>>, LockError> {
        let mut offers = Vec::new();
        for (name, deb) in self.debs_of(need, debs)? {
            let origin = PackageOrigin::Source(name.to_owned());
            offers.push(Offer { origin, index: Cow::Borrowed(&deb.index) });
        }
        for archive in need.archives() {
            let Some(snapshot) = snapshots.get(archive) else { continue };
            let elsewhere: BTreeSet<&str> = need
                .rootfs
                .prefer
                .iter()
                .filter(|(_, preferred)| preferred.as_str() != archive)
                .map(|(package, _)| package.as_str())
                .collect();
            for component in &snapshot.pin.components {
                let arch = need.platform.architecture();
                for (key, index) in snapshot.indexes.binaries(component, arch) {
                    let hidden = index.packages().any(|p| elsewhere.contains(p.name()));
                    let index = match hidden {
                        false => Cow::Borrowed(index),
                        true => Cow::Owned(self.without(archive, snapshot, key, &elsewhere)?),
                    };
                    let origin = PackageOrigin::Archive(archive.to_owned());
                    offers.push(Offer { origin, index });
                }
            }
        }
        self.check_preferences(need, &offers)?;
        Ok(offers)
    }

    /// An index without the packages of these names.
    fn without(
        &self,
        archive: &str,
        snapshot: &Snapshot,
        key: &groundup_recipe::lock::IndexKey,
        names: &BTreeSet<&str>,
    ) -> Result<Index, LockError> {
        let file = &snapshot.indexes.files[key];
        let text = self.index_text(archive, key, file)?;
        let text = String::from_utf8_lossy(&text);
        let stanzas = text.split_inclusive("\n\n").filter(|stanza| {
            let name = stanza.lines().find_map(|line| line.strip_prefix("Package:"));
            !name.is_some_and(|name| names.contains(name.trim()))
        });
        let kept: String = stanzas.collect();
        let preference = snapshot.indexes.packages[key].preference();
        Index::parse(kept.as_bytes()).map(|index| index.with_preference(preference)).map_err(
            |error: IndexError| LockError::Index {
                archive: archive.to_owned(),
                key: key.clone(),
                source: error.into(),
            },
        )
    }

    fn check_preferences(
        &self,
        need: &RootfsNeed<'_>,
        offers: &[Offer<'_>],
    ) -> Result<(), LockError> {
        for (package, archive) in &need.rootfs.prefer {
            let origin = PackageOrigin::Archive(archive.value.clone());
            let of_it = offers.iter().filter(|offer| offer.origin == origin);
            let names: BTreeSet<&str> =
                of_it.flat_map(|offer| offer.index.packages().map(|p| p.name())).collect();
            if !names.contains(package.as_str()) {
                return Err(LockError::NotPreferred {
                    target: need.target.clone(),
                    platform: need.platform,
                    package: package.clone(),
                    archive: archive.value.clone(),
                    nearest: nearest_name(package, names).map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    /// The single `.deb` files of a rootfs, sorted by name.
    fn debs_of<'a>(
        &self,
        need: &RootfsNeed<'_>,
        debs: &'a BTreeMap<String, Deb>,
    ) -> Result<Vec<(&'a str, &'a Deb)>, LockError> {
        let names: BTreeSet<&str> = need.rootfs.debs.iter().map(|deb| deb.name()).collect();
        let mut found = Vec::new();
        for name in names {
            let Some((name, deb)) = debs.get_key_value(name) else { continue };
            if deb.arch != "all" && deb.arch != need.platform.architecture() {
                return Err(LockError::DebArchitecture {
                    target: need.target.clone(),
                    platform: need.platform,
                    source_name: name.clone(),
                    arch: deb.arch.clone(),
                });
            }
            found.push((name.as_str(), deb));
        }
        Ok(found)
    }

    /// What is wanted by name, sorted: the order of a recipe's list means nothing.
    fn wanted(
        &self,
        need: &RootfsNeed<'_>,
        offers: &[Offer<'_>],
        debs: &BTreeMap<String, Deb>,
    ) -> Result<Vec<Wanted>, LockError> {
        let mut texts = BTreeSet::new();
        for package in &need.rootfs.packages {
            texts.insert(match &package.version {
                Some(version) if version.ends_with('*') => self.best(need, offers, package)?,
                _ => package.to_string(),
            });
        }
        for (_, deb) in self.debs_of(need, debs)? {
            texts.insert(format!("{}={}", deb.package, deb.version));
        }
        let wanted = texts.iter().map(|text| text.parse());
        wanted
            .collect::<Result<_, _>>()
            .map_err(|source| LockError::Wanted { target: need.target.clone(), source })
    }

    /// `name=version` with the highest version that a pattern accepts.
    fn best(
        &self,
        need: &RootfsNeed<'_>,
        offers: &[Offer<'_>],
        asked: &PackageRequest,
    ) -> Result<String, LockError> {
        let packages = offers.iter().flat_map(|offer| offer.index.packages());
        let named = packages.filter(|package| package.name() == asked.name);
        let mut versions: Vec<&str> = named.map(|package| package.version()).collect();
        versions.sort_by(|a, b| compare(b, a));
        versions.dedup();
        match versions.iter().find(|version| asked.accepts(version)) {
            Some(version) => {
                let exact =
                    PackageRequest { version: Some((*version).to_owned()), ..asked.clone() };
                Ok(exact.to_string())
            }
            None => Err(LockError::NoVersion {
                target: need.target.clone(),
                platform: need.platform,
                asked: asked.to_string(),
                offered: versions.into_iter().map(str::to_owned).collect(),
            }),
        }
    }
}
