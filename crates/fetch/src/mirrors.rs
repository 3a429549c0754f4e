//! Which places an archive is fetched from, in order.
//!
//! | order | place | for |
//! |---|---|---|
//! | 1 | settings, `mirrors` by the archive's name, then by its kind | every archive |
//! | 2 | the `url` of the archive in the workspace | every archive that has one |
//! | 3 | the host's apt sources of the same suite | Debian's own archives |
//! | 4 | the host's apt sources of another suite of the same Debian archive | the same |
//!
//! What is fetched is checked against the lock or a signature, so the order is a matter of speed
//! and reach, not of trust.

use crate::{AptSource, HostAptSources, Location, ParseLocationError, Settings};
use std::fmt;

/// Which kind of archive it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// Debian's main archive, with its updates and backports.
    Debian,
    /// Debian's security archive.
    DebianSecurity,
    /// Anybody else's.
    ThirdParty,
}

impl ArchiveKind {
    /// Which of Debian's own archives holds `suite`.
    pub fn of_debian_suite(suite: &str) -> Self {
        let security = suite.ends_with("-security") || suite.ends_with("/updates");
        if security { ArchiveKind::DebianSecurity } else { ArchiveKind::Debian }
    }

    /// The key of `mirrors` in the settings; third-party archives go by their names only.
    pub(crate) fn key(self) -> Option<&'static str> {
        match self {
            ArchiveKind::Debian => Some("debian"),
            ArchiveKind::DebianSecurity => Some("debian-security"),
            ArchiveKind::ThirdParty => None,
        }
    }
}

/// What has to be known of an archive to find it.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveRef<'a> {
    /// Its name in the workspace.
    pub name: &'a str,
    /// Suite or code name.
    pub suite: &'a str,
    /// Its kind.
    pub kind: ArchiveKind,
    /// The `url` of the workspace.
    pub default_url: Option<&'a str>,
}

/// Why there is no place to fetch an archive from.
#[derive(Debug, thiserror::Error)]
pub enum MirrorsError {
    /// Nobody says where it is.
    #[error("no mirror is known for suite `{suite}` of archive `{name}`: {}", Hint(self))]
    None {
        /// The archive.
        name: String,
        /// The suite.
        suite: String,
        /// The key of `mirrors` to write.
        key: String,
        /// Whether the host's apt sources were asked.
        asked_host: AskedHost,
    },
    /// The `url` of the workspace is none.
    #[error("the url of archive `{name}` in the workspace cannot be used")]
    Url {
        /// The archive.
        name: String,
        /// What is wrong with it.
        #[source]
        source: ParseLocationError,
    },
}

/// Whether the host's apt sources were considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedHost {
    /// They were, and none fits.
    Yes,
    /// The archive is not Debian's, so they say nothing about it.
    No,
}

struct Hint<'a>(&'a MirrorsError);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MirrorsError::None { key, asked_host, .. } = self.0 else { return Ok(()) };
        match asked_host {
            AskedHost::Yes => f.write_str("no apt source of this host has it")?,
            AskedHost::No => f.write_str("the workspace gives no url for it")?,
        }
        let path = if key == "debian-security" { "debian-security" } else { "debian" };
        write!(
            f,
            "; write into the settings file:\n\n    [mirrors]\n    {key} = [\"https://mirror.example/{path}\"]\n"
        )
    }
}

/// The places to fetch `archive` from, each once, at least one.
pub fn mirrors_for(
    archive: &ArchiveRef<'_>,
    settings: &Settings,
    host: &[AptSource],
) -> Result<Vec<Location>, MirrorsError> {
    let keys = [Some(archive.name), archive.kind.key()];
    let configured = keys.iter().flatten().filter_map(|key| settings.mirrors.get(*key)).flatten();
    let mut found: Vec<Location> = configured.cloned().collect();
    if let Some(url) = archive.default_url {
        let location = Location::parse(url)
            .map_err(|source| MirrorsError::Url { name: archive.name.to_owned(), source })?;
        found.push(location);
    }
    let asked_host = match archive.kind {
        ArchiveKind::ThirdParty => AskedHost::No,
        _ => AskedHost::Yes,
    };
    if asked_host == AskedHost::Yes && settings.host_apt_sources == HostAptSources::Use {
        let mut ranked: Vec<_> =
            host.iter().filter_map(|source| Some((rank(source, archive)?, source))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        found.extend(ranked.into_iter().filter_map(|(_, source)| location(&source.uri)));
    }
    let mut unique: Vec<Location> = Vec::new();
    for location in found {
        if unique.iter().all(|seen| seen.to_string() != location.to_string()) {
            unique.push(location);
        }
    }
    if unique.is_empty() {
        let key = archive.kind.key().unwrap_or(archive.name).to_owned();
        let (name, suite) = (archive.name.to_owned(), archive.suite.to_owned());
        return Err(MirrorsError::None { name, suite, key, asked_host });
    }
    Ok(unique)
}

/// How surely `source` is a mirror of the Debian archive that is looked for; less is surer.
///
/// Vendors use Debian's suite names too, so a suite alone does not tell; Debian's keyring and the
/// customary path of a mirror do.
fn rank(source: &AptSource, archive: &ArchiveRef<'_>) -> Option<u8> {
    let debian_key = source.signed_by.iter().any(|key| key.contains("debian-archive"));
    let path = source.uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let security = ArchiveKind::of_debian_suite(&source.suite) == ArchiveKind::DebianSecurity;
    let customary = match archive.kind {
        ArchiveKind::Debian => path == "debian",
        _ => path == "debian-security",
    };
    let has_main = source.components.iter().any(|component| component == "main");
    let other_key = !source.signed_by.is_empty() && !debian_key;
    if !has_main || other_key || security != (archive.kind == ArchiveKind::DebianSecurity) {
        return None;
    }
    match (source.suite == archive.suite, debian_key, customary) {
        (true, true, _) => Some(0),
        (true, false, true) => Some(1),
        // Old security mirrors have the archive at the top of the host.
        (true, false, false) if security => Some(2),
        // Mirrors hold all suites.
        (false, true, true) => Some(3),
        (false, false, true) => Some(4),
        _ => None,
    }
}

/// The place that an apt URI names; nothing for discs, mirror lists and transports of apt's own.
fn location(uri: &str) -> Option<Location> {
    Location::parse(uri.strip_prefix("copy:").unwrap_or(uri)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apt_sources;

    const HOST: &str = "deb https://vendor.invalid bookworm main\n\
        deb https://docker.invalid/linux/debian bookworm stable\n\
        deb [signed-by=/k/vendor.gpg] https://vendor.invalid/debian bookworm main\n\
        deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n\
        deb https://other.invalid/debian trixie main\n\
        deb https://near.invalid/debian bookworm main\n\
        deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] https://keyed.invalid/d bookworm main\n\
        deb https://near.invalid/debian-security bookworm-security main\n";

    fn places(archive: ArchiveRef<'_>, settings: &str) -> Vec<String> {
        let settings = Settings::parse(settings, "settings.toml").unwrap();
        let host = apt_sources(&[("sources.list", HOST.to_owned())]);
        let found = mirrors_for(&archive, &settings, &host).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    fn bookworm() -> ArchiveRef<'static> {
        let kind = ArchiveKind::Debian;
        ArchiveRef { name: "main", suite: "bookworm", kind, default_url: None }
    }

    #[test]
    fn only_mirrors_of_debian_serve_debian_the_surest_first() {
        let expected = [
            "https://keyed.invalid/d",
            "https://near.invalid/debian",
            "https://other.invalid/debian",
        ];
        assert_eq!(places(bookworm(), ""), expected);
    }

    #[test]
    fn security_is_an_archive_of_its_own() {
        let suite = "bookworm-security";
        let kind = ArchiveKind::of_debian_suite(suite);
        let archive = ArchiveRef { name: "security", suite, kind, default_url: None };
        assert_eq!(places(archive, ""), ["https://near.invalid/debian-security"]);
    }

    #[test]
    fn settings_by_name_then_by_kind_then_the_url_then_the_host() {
        let settings = "[mirrors]\ndebian = [\"https://kind.invalid/debian\", \"/srv/debian\"]\n\
                        main = [\"https://name.invalid/debian\"]\n";
        let archive = ArchiveRef { default_url: Some("https://url.invalid/debian"), ..bookworm() };
        let expected = [
            "https://name.invalid/debian",
            "https://kind.invalid/debian",
            "/srv/debian",
            "https://url.invalid/debian",
        ];
        assert_eq!(places(archive, settings)[..4], expected);
    }

    #[test]
    fn the_hosts_sources_can_be_left_out() {
        let settings =
            "[network]\nhost-apt-sources = false\n[mirrors]\ndebian = [\"/srv/debian\"]\n";
        assert_eq!(places(bookworm(), settings), ["/srv/debian"]);
    }

    #[test]
    fn third_parties_are_not_looked_for_in_apt_sources() {
        let kind = ArchiveKind::ThirdParty;
        let archive = ArchiveRef { name: "nginx", kind, ..bookworm() };
        let host = apt_sources(&[("sources.list", HOST.to_owned())]);
        let error = mirrors_for(&archive, &Settings::default(), &host).unwrap_err().to_string();
        assert!(error.contains("nginx = [\"https://mirror.example/debian\"]"), "{error}");
        let with_url = ArchiveRef { default_url: Some("https://n.invalid/d"), ..archive };
        assert_eq!(places(with_url, ""), ["https://n.invalid/d"]);
    }

    #[test]
    fn a_host_without_sources_is_told_which_setting_to_write() {
        let error = mirrors_for(&bookworm(), &Settings::default(), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no mirror is known for suite `bookworm` of archive `main`: no apt source of this host \
             has it; write into the settings file:\n\n    [mirrors]\n    \
             debian = [\"https://mirror.example/debian\"]\n"
        );
    }
}
