//! Archives: opening the pinned state, and moving to the state that mirrors offer now.
//!
//! An archive is moved in two stages. First everything is read by the digests that its release file
//! names, still without trust. Then the keys are at hand (they may be in a package of this or another
//! archive), the signature and the dates are judged, and what was read has to be what the verified
//! text lists. Nothing of the first stage outlives a failure of the second.

use crate::{
    LockError, Locker,
    keyring::Keyring,
    need::ArchiveNeed,
    snapshot::{Indexes, Snapshot},
};
use groundup_debian::archive::{
    Archive, ArchiveError, Release, ReleaseError, SignatureError, VerifiedRelease, parse_date,
};
use groundup_digest::{Content, Sha256};
use groundup_recipe::{
    Keyring as Trusted, Lock,
    lock::{ArchivePin, FilePin, KeyringPin},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// No release file is larger.
const LARGEST_RELEASE: u64 = 64 << 20;

/// A state that was read and is not verified yet.
struct Candidate<'a> {
    need: &'a ArchiveNeed<'a>,
    inrelease: Vec<u8>,
    content: Content,
    indexes: Indexes,
    /// The archive's own keys, if it has them.
    keyring: Option<Keyring>,
}

impl Candidate<'_> {
    fn name(&self) -> &str {
        &self.need.archive.name.value
    }

    fn path(&self) -> String {
        release_path(&self.need.archive.suite.value)
    }
}

impl Locker<'_> {
    /// Whether a pin is of what the workspace says about the archive now.
    pub(crate) fn fits(&self, need: &ArchiveNeed<'_>, pin: &ArchivePin) -> Result<bool, LockError> {
        let archive = need.archive;
        let components: BTreeSet<&String> =
            archive.components.iter().map(|name| &name.value).collect();
        let same =
            archive.suite.value == pin.suite && components == pin.components.iter().collect();
        Ok(same
            && match (&archive.keyring, &pin.keyring) {
                (Trusted::Debian, KeyringPin::Package { .. }) => true,
                (Trusted::File(path), KeyringPin::File { file, sha256 }) => {
                    let what = format!("the keys of the archive `{}`", archive.name.value);
                    path.as_str() == file && self.repository_file(path, &what)?.1.sha256 == *sha256
                }
                _ => false,
            })
    }

    /// The state that `pin` is of, if store or mirrors still have it.
    pub(crate) fn open(
        &self,
        need: &ArchiveNeed<'_>,
        pin: &ArchivePin,
    ) -> Result<Snapshot, LockError> {
        let name = need.archive.name.as_str();
        let blob = self.pinned(name, &pin.inrelease, "the pinned InRelease")?;
        let bytes = self.store.read_blob(blob).map_err(LockError::store("InRelease"))?;
        let release = self.release(name, &pin.inrelease.path, &bytes)?;
        let indexes = self.indexes(need, &release, &pin.indexes)?;
        Ok(Snapshot { pin: ArchivePin { indexes: indexes.pins(), ..pin.clone() }, indexes })
    }

    /// The states that mirrors have now of `archives`, verified.
    pub(crate) fn advance<'a>(
        &self,
        archives: &[&'a ArchiveNeed<'a>],
        old: &Lock,
    ) -> Result<BTreeMap<String, Snapshot>, LockError> {
        let read: Result<Vec<Candidate<'a>>, LockError> =
            archives.par_iter().map(|need| self.candidate(need)).collect();
        let read = read?;
        let lenders = self.lenders(&read, old)?;
        let mut verified = BTreeMap::new();
        for candidate in read {
            let name = candidate.name().to_owned();
            let before = old.archives.get(&name).map(|pin| &pin.value);
            let snapshot = self.verified(candidate, &lenders, before)?;
            self.say(&format!(
                "archive {name}: {} of {}, signed by {}",
                snapshot.pin.suite,
                snapshot.pin.date,
                snapshot.pin.signed_by.join(", ")
            ));
            verified.insert(name, snapshot);
        }
        Ok(verified)
    }

    /// Debian's keys by the archive that has them: of the new states, or else of the old pins.
    fn lenders(
        &self,
        read: &[Candidate<'_>],
        old: &Lock,
    ) -> Result<Vec<(String, Keyring)>, LockError> {
        let debian = |one: &&Candidate<'_>| matches!(one.need.archive.keyring, Trusted::Debian);
        let own = read.iter().filter(debian);
        let mut lenders: Vec<(String, Keyring)> =
            own.filter_map(|one| Some((one.name().to_owned(), one.keyring.clone()?))).collect();
        if !lenders.is_empty() || !read.iter().any(|one| debian(&one)) {
            return Ok(lenders);
        }
        let known = |name: &str| self.workspace.archives.contains_key(name);
        for (name, pin) in &old.archives {
            // The package has to be found by the archive's name when building, too.
            if !known(pin.keyring_archive.as_deref().unwrap_or(name)) {
                continue;
            }
            match self.keyring_pinned(name, pin) {
                Ok(keyring) => lenders.extend(keyring.map(|keyring| (name.clone(), keyring))),
                // The package is gone; another pin may have one that is not.
                Err(LockError::Fetch { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(lenders)
    }

    fn candidate<'a>(&self, need: &'a ArchiveNeed<'a>) -> Result<Candidate<'a>, LockError> {
        let name = need.archive.name.as_str();
        let path = release_path(&need.archive.suite.value);
        let what = format!("InRelease of suite `{}`", need.archive.suite.value);
        self.say(&format!("archive {name}: fetching {path}"));
        let inrelease = self.remote.archive_file(name, &path, &what, LARGEST_RELEASE);
        let inrelease = inrelease.map_err(|source| LockError::Fetch {
            archive: name.to_owned(),
            what: path.clone(),
            source,
        })?;
        let content = self.store.put_blob(&inrelease).map_err(LockError::store("InRelease"))?;
        let keyring = match &need.archive.keyring {
            Trusted::File(file) => {
                let keyring = self.keyring_file(name, file)?;
                // Nothing is read on the word of a stranger where the keys are at hand.
                self.judge(need, &inrelease, &keyring)?;
                Some(keyring)
            }
            Trusted::Debian => None,
        };
        let release = self.release(name, &path, &inrelease)?;
        let indexes = self.indexes(need, &release, &BTreeMap::new())?;
        let keyring = match keyring {
            Some(keyring) => Some(keyring),
            None => self.keyring_offered(name, &indexes)?,
        };
        Ok(Candidate { need, inrelease, content, indexes, keyring })
    }

    /// Verifies a candidate by its own keys, or by those of the first lender that knows the signer.
    fn verified(
        &self,
        candidate: Candidate<'_>,
        lenders: &[(String, Keyring)],
        before: Option<&ArchivePin>,
    ) -> Result<Snapshot, LockError> {
        let name = candidate.name().to_owned();
        let debian = matches!(candidate.need.archive.keyring, Trusted::Debian);
        let lent = lenders.iter().filter(|_| debian);
        let lent = lent.map(|(lender, keyring)| keyring.clone().lent(lender, &name));
        let mut unknown = None;
        for keyring in candidate.keyring.clone().into_iter().chain(lent) {
            match self.judge(candidate.need, &candidate.inrelease, &keyring) {
                Ok(release) => return self.accepted(candidate, &release, keyring, before),
                Err(
                    error @ LockError::Untrusted {
                        source: ArchiveError::Signature(SignatureError::UnknownKey { .. }),
                        ..
                    },
                ) => unknown = unknown.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(unknown.unwrap_or(LockError::NoKeyring { archive: name }))
    }

    /// Signature, dates and suite, judged now.
    fn judge(
        &self,
        need: &ArchiveNeed<'_>,
        inrelease: &[u8],
        keyring: &Keyring,
    ) -> Result<VerifiedRelease, LockError> {
        let untrusted = |source| LockError::Untrusted {
            archive: need.archive.name.value.clone(),
            path: release_path(&need.archive.suite.value),
            keyring: keyring.name(),
            source,
        };
        let now = u64::try_from(self.now).unwrap_or(0);
        let release = Archive::verify_with(inrelease, &keyring.keys, Some(now));
        let release = release.map_err(untrusted)?;
        let suite = release.release().check_suite(&need.archive.suite);
        suite.map_err(|source| untrusted(source.into()))?;
        Ok(release)
    }

    fn accepted(
        &self,
        candidate: Candidate<'_>,
        verified: &VerifiedRelease,
        keyring: Keyring,
        before: Option<&ArchivePin>,
    ) -> Result<Snapshot, LockError> {
        let (archive, release) = (candidate.need.archive, verified.release());
        let name = || archive.name.value.clone();
        for (key, file) in &candidate.indexes.files {
            let listed = release.file(&file.listed);
            let same = |f: &groundup_debian::archive::ReleaseFile| {
                f.sha256 == file.pin.sha256 && f.size == file.pin.size
            };
            if !listed.as_ref().is_some_and(same) {
                return Err(LockError::Inconsistent { archive: name(), key: key.clone() });
            }
        }
        let date = date(release.date())?;
        let before = before.filter(|pin| pin.suite == archive.suite.value);
        // A date of the lock that is none was written by hand: there is nothing to compare with.
        if let Some(pin) = before
            && let Ok(pinned) = parse_date(&pin.date)
            && let Err(ReleaseError::RolledBack { .. }) = release.check_not_older(pinned)
        {
            let pinned = pin.date.clone();
            return Err(LockError::RolledBack { archive: name(), found: date, pinned });
        }
        let Content { sha256, size, .. } = candidate.content;
        let inrelease = FilePin { path: candidate.path(), size, sha256 };
        let mut signed_by: Vec<String> =
            verified.signers().iter().map(|signer| signer.signing.clone()).collect();
        signed_by.sort();
        signed_by.dedup();
        let mut pin = ArchivePin {
            suite: archive.suite.value.clone(),
            components: archive.components.iter().map(|name| name.value.clone()).collect(),
            date,
            verified: rfc3339(self.now)?,
            signed_by,
            inrelease,
            keyring: keyring.pin,
            keyring_archive: keyring.archive,
            indexes: candidate.indexes.pins(),
        };
        // Judged again and found the same: a later time alone is no news.
        if let Some(old) = before {
            let verified = std::mem::replace(&mut pin.verified, old.verified.clone());
            if pin != *old {
                pin.verified = verified;
            }
        }
        Ok(Snapshot { pin, indexes: candidate.indexes })
    }

    /// Reads a release file without trust in it.
    pub(crate) fn release(
        &self,
        archive: &str,
        path: &str,
        inrelease: &[u8],
    ) -> Result<Release, LockError> {
        Release::parse(signed_text(inrelease).as_bytes()).map_err(|source| LockError::Release {
            archive: archive.to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    /// The pinned file of an archive, from the store if it is there.
    pub(crate) fn pinned(
        &self,
        archive: &str,
        pin: &FilePin,
        what: &str,
    ) -> Result<groundup_digest::BlobId, LockError> {
        let FilePin { path, size, sha256 } = pin;
        let (size, sha256): (u64, Sha256) = (*size, *sha256);
        let there = self.store.blob_by_sha256(sha256, size);
        if let Some(blob) = there.map_err(LockError::store(what))? {
            return Ok(blob);
        }
        self.say(&format!("archive {archive}: fetching {what}, {size} bytes"));
        let fetched = self.remote.archive_pinned(archive, path, what, sha256, size);
        fetched.map_err(|source| LockError::Fetch {
            archive: archive.to_owned(),
            what: format!("{what} ({path})"),
            source,
        })
    }
}

fn release_path(suite: &str) -> String {
    format!("dists/{suite}/InRelease")
}

/// The signed part of a cleartext-signed file, as far as it can be told without judging it.
fn signed_text(inrelease: &[u8]) -> String {
    let text = String::from_utf8_lossy(inrelease);
    let mut lines = text.lines().map(str::trim_end).peekable();
    if lines.peek() == Some(&"-----BEGIN PGP SIGNED MESSAGE-----") {
        // The armour's headers end with an empty line.
        lines.by_ref().find(|line| line.is_empty());
    }
    let signed = lines.take_while(|line| *line != "-----BEGIN PGP SIGNATURE-----");
    let lines: Vec<&str> = signed.map(|line| line.strip_prefix("- ").unwrap_or(line)).collect();
    lines.join("\n")
}

fn timestamp(seconds: i64) -> Result<jiff::Timestamp, LockError> {
    jiff::Timestamp::from_second(seconds).map_err(|source| LockError::Time { seconds, source })
}

/// The form of dates in release files.
fn date(seconds: u64) -> Result<String, LockError> {
    let time = timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))?;
    Ok(time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string())
}

fn rfc3339(seconds: i64) -> Result<String, LockError> {
    Ok(timestamp(seconds)?.to_string())
}
