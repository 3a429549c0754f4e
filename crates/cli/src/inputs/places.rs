//! Where a pinned file may be: mirrors of its archive, other paths of it there, and services that
//! keep older states.

use super::BoxError;
use crate::{context::Home, error::CliError};
use groundup_debian::archive::parse_date;
use groundup_digest::Sha256;
use groundup_fetch::{ArchiveKind, ArchiveRef, Location, index_paths, mirrors_for};
use groundup_plan::Location as PlanLocation;
use groundup_recipe::{Archive, Keyring, Lock, lock::ArchivePin};
use std::{collections::BTreeMap, sync::Mutex};

/// The places of the archives of a workspace.
pub(super) struct Places<'a> {
    home: &'a Home,
    archives: &'a BTreeMap<String, Archive>,
    /// When archives were as they are pinned.
    times: BTreeMap<String, Vec<String>>,
    /// Mirrors of an archive, found once.
    mirrors: Mutex<BTreeMap<String, Vec<Location>>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(
        home: &'a Home,
        archives: &'a BTreeMap<String, Archive>,
        lock: &Lock,
    ) -> Self {
        let times = lock.archives.iter().map(|(name, pin)| (name.clone(), timestamps(pin)));
        Self { home, archives, times: times.collect(), mirrors: Mutex::default() }
    }

    /// Where a pinned file may be, the likeliest first.
    pub(super) fn of(
        &self,
        location: &PlanLocation,
        sha256: Sha256,
    ) -> Result<Vec<Location>, BoxError> {
        match location {
            PlanLocation::Url(url) => Ok(vec![Location::parse(url)?]),
            PlanLocation::Archive { archive, path } => {
                let paths = index_paths(path, sha256);
                let services = &self.home.settings.snapshot;
                let mut places = match self.mirrors(archive) {
                    Ok(mirrors) => mirrors,
                    Err(_) if !services.is_empty() => Vec::new(),
                    Err(error) => return Err(error),
                };
                let mirrors = std::mem::take(&mut places);
                // Every mirror by the pinned path before any by another.
                for path in &paths {
                    for mirror in &mirrors {
                        places.push(mirror.join(path)?);
                    }
                }
                let times = self.times.get(archive).map(Vec::as_slice).unwrap_or_default();
                let archive = self.archive(archive)?;
                for service in services {
                    places.extend(service.places(&archive, times, &paths, sha256));
                }
                Ok(places)
            }
        }
    }

    /// Where a file of an archive may be that is not pinned.
    pub(super) fn in_archive(&self, archive: &str, path: &str) -> Result<Vec<Location>, BoxError> {
        let mirrors = self.mirrors(archive)?;
        Ok(mirrors.iter().map(|mirror| mirror.join(path)).collect::<Result<_, _>>()?)
    }

    /// The mirrors of an archive, best first.
    fn mirrors(&self, archive: &str) -> Result<Vec<Location>, BoxError> {
        let mut mirrors = self.mirrors.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(found) = mirrors.get(archive) {
            return Ok(found.clone());
        }
        let found = mirrors_for(&self.archive(archive)?, &self.home.settings, &self.home.apt)?;
        mirrors.insert(archive.to_owned(), found.clone());
        Ok(found)
    }

    fn archive(&self, name: &str) -> Result<ArchiveRef<'a>, BoxError> {
        let (name, declared) = self.archives.get_key_value(name).ok_or_else(|| {
            CliError::usage(format!("the lock names the archive `{name}`, the recipes do not"))
                .to_string()
        })?;
        let kind = match declared.keyring {
            Keyring::Debian => ArchiveKind::of_debian_suite(&declared.suite),
            Keyring::File(_) => ArchiveKind::ThirdParty,
        };
        Ok(ArchiveRef {
            name,
            suite: &declared.suite,
            kind,
            default_url: declared.url.as_ref().map(|url| url.value.as_str()),
        })
    }
}

/// Hours after the date of a release at which a service that looks now and then has seen it.
const HOURS: [i64; 5] = [1, 3, 6, 12, 24];

/// The times at which services are asked for a pinned state: when a mirror was seen to have it, and
/// some after it was made. Services answer with what they had last seen by then.
fn timestamps(pin: &ArchivePin) -> Vec<String> {
    let verified: Option<jiff::Timestamp> = pin.verified.parse().ok();
    let made = parse_date(&pin.date).ok().and_then(|seconds| i64::try_from(seconds).ok());
    let after = made.into_iter().flat_map(|made| HOURS.map(|hours| made + hours * 3600));
    let after = after.filter_map(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let all = verified.into_iter().chain(after);
    all.map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_recipe::lock::{FilePin, KeyringPin};

    #[test]
    fn a_state_is_asked_for_when_it_was_seen_and_after_it_was_made() {
        let file = FilePin { path: "x".into(), size: 1, sha256: Sha256::of(b"x") };
        let pin = ArchivePin {
            suite: "s".into(),
            components: vec![],
            date: "Sat, 11 Jul 2026 10:16:37 UTC".into(),
            verified: "2026-11-21T21:47:41Z".into(),
            signed_by: vec![],
            inrelease: file.clone(),
            keyring: KeyringPin::Package { package: file, member: "k".into() },
            keyring_archive: None,
            indexes: BTreeMap::new(),
        };
        let times = timestamps(&pin);
        assert_eq!(times[..2], ["20261121T214741Z", "20260711T111637Z"]);
        let by_hand = ArchivePin { date: "today".into(), verified: "now".into(), ..pin };
        assert_eq!(timestamps(&by_hand), [""; 0]);
    }
}
