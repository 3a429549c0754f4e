//! Services that keep older states of archives, and where a file is in them.
//!
//! A service is a pattern of URLs. Where it names no place for a part, the parts stand behind it as
//! Debian's own service has them:
//!
//! ```text
//! https://snapshot.example/archive   =   https://snapshot.example/archive/{archive}/{timestamp}/{path}
//! ```
//!
//! A timestamp is of the form `20260711T101637Z`; a service answers with the state that it had
//! last seen by then. What it answers counts only if it has the pinned digest.

use crate::{Location, ParseLocationError, mirrors::ArchiveRef};
use groundup_digest::Sha256;
use std::str::FromStr;

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotService {
    pattern: String,
}

/// Why a text is not a snapshot service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSnapshotError {
    /// It does not make a URL.
    #[error("it is no URL")]
    Location(#[from] ParseLocationError),
    /// Something in braces is not known.
    #[error(
        "`{{{0}}}` stands for nothing; there are {{archive}}, {{timestamp}}, {{path}} and {{sha256}}"
    )]
    Part(String),
}

const PARTS: [&str; 4] = ["archive", "timestamp", "path", "sha256"];

impl FromStr for SnapshotService {
    type Err = ParseSnapshotError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pattern = match text.contains('{') {
            true => text.to_owned(),
            false => format!("{}/{{archive}}/{{timestamp}}/{{path}}", text.trim_end_matches('/')),
        };
        for part in pattern.split('{').skip(1) {
            let name = part.split_once('}').map_or(part, |(name, _)| name);
            if !PARTS.contains(&name) {
                return Err(ParseSnapshotError::Part(name.to_owned()));
            }
        }
        let service = Self { pattern };
        service.place("a", "t", "p", "0")?;
        Ok(service)
    }
}

impl SnapshotService {
    /// The places where the service may have a file of an archive: one for each of `timestamps` and
    /// `paths`, or a single one where it goes by digests.
    pub fn places(
        &self,
        archive: &ArchiveRef<'_>,
        timestamps: &[String],
        paths: &[String],
        sha256: Sha256,
    ) -> Vec<Location> {
        let name = archive.kind.key().unwrap_or(archive.name);
        let digest = sha256.to_string();
        let all = timestamps.iter().flat_map(|time| paths.iter().map(move |path| (time, path)));
        let mut places: Vec<Location> = Vec::new();
        for (time, path) in all {
            if let Ok(place) = self.place(name, time, path, &digest)
                && !places.contains(&place)
            {
                places.push(place);
            }
        }
        places
    }

    fn place(
        &self,
        archive: &str,
        timestamp: &str,
        path: &str,
        sha256: &str,
    ) -> Result<Location, ParseLocationError> {
        // What stands before the first part is the place; what follows is a path below it.
        let (base, rest) = self.pattern.split_once('{').unwrap_or((&self.pattern, ""));
        let rest = if rest.is_empty() { String::new() } else { format!("{{{rest}") };
        let values = [archive, timestamp, path, sha256];
        let mut below = rest;
        for (part, value) in PARTS.iter().zip(values) {
            below = below.replace(&format!("{{{part}}}"), value);
        }
        let (base, below) = match base.strip_suffix('/') {
            Some(base) => (base.to_owned(), below),
            None => {
                let (base, start) = base.rsplit_once('/').unwrap_or((base, ""));
                (base.to_owned(), format!("{start}{below}"))
            }
        };
        Location::parse(&base)?.join(&below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArchiveKind;

    fn archive() -> ArchiveRef<'static> {
        let kind = ArchiveKind::DebianSecurity;
        ArchiveRef { name: "fixes", suite: "bookworm-security", kind, default_url: None }
    }

    fn places(service: &str) -> Vec<String> {
        let service: SnapshotService = service.parse().unwrap();
        let times = ["20260711T101637Z".to_owned(), "20260711T111637Z".to_owned()];
        let found =
            service.places(&archive(), &times, &["pool/a+b.deb".to_owned()], Sha256::of(b"x"));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_service_has_each_path_at_each_time() {
        assert_eq!(
            places("https://s.invalid/archive/"),
            [
                "https://s.invalid/archive/debian-security/20260711T101637Z/pool/a%2Bb.deb",
                "https://s.invalid/archive/debian-security/20260711T111637Z/pool/a%2Bb.deb",
            ]
        );
    }

    #[test]
    fn a_service_by_digest_is_asked_once() {
        let digest = Sha256::of(b"x");
        assert_eq!(
            places("https://s.invalid/by/sha256-{sha256}"),
            [format!("https://s.invalid/by/sha256-{digest}")]
        );
    }

    #[test]
    fn what_is_no_service_is_refused() {
        assert!("https://s.invalid/{sha1}".parse::<SnapshotService>().is_err());
        assert!("ftp://s.invalid".parse::<SnapshotService>().is_err());
        assert!("{path}".parse::<SnapshotService>().is_err());
    }
}
