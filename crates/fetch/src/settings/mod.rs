//! How to reach the outside: mirrors, proxies, credentials, patience. All of it is configuration
//! of a person or machine; none of it enters a key or the lock.
//!
//! Nothing is read here: the command line reads files and the environment, and hands in texts and
//! values. Keys and their meaning are documented in `docs/settings.md`.

mod snapshot;
mod text;

use crate::{Credentials, ImageReference, Location, ParseReferenceError};
use std::{collections::BTreeMap, fmt, num::NonZeroU32, path::Path, path::PathBuf, time::Duration};

pub use snapshot::{ParseSnapshotError, SnapshotService};
pub use text::SettingsError;

/// Everything that a person or machine settles about fetching.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Archive name or kind (`debian`, `debian-security`) -> the places that it is fetched from.
    pub mirrors: BTreeMap<String, Vec<Location>>,
    /// Whether the host's apt sources are asked for mirrors.
    pub host_apt_sources: HostAptSources,
    /// The user's own places of pinned bytes.
    pub vendor: Vec<VendorPlace>,
    /// Services that keep older states of archives.
    pub snapshot: Vec<SnapshotService>,
    /// Whether sockets may be opened.
    pub offline: Offline,
    /// Proxies.
    pub proxies: Proxies,
    /// What hosts are shown.
    pub credentials: Credentials,
    /// How often a hiccup is forgiven, by place.
    pub retries: u32,
    /// The wait before the first retry; each later one waits twice as long, half a minute at most.
    pub retry_wait: Duration,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How long a server may send nothing.
    pub idle_timeout: Duration,
    /// How many connections one host gets at once.
    pub connections_per_host: NonZeroU32,
    /// Files of certificate authorities (PEM) to trust in addition to the host's.
    pub ca_files: Vec<PathBuf>,
    /// Registries (`HOST` or `HOST:PORT`) that are spoken to without encryption.
    pub insecure_registries: Vec<String>,
    /// The store's place; for the command line, which reads this file too.
    pub store: Option<PathBuf>,
    /// How many bytes may come out of each compressed byte; for the command line too.
    pub expansion: Option<NonZeroU32>,
    /// How many steps run at once; for the command line too.
    pub jobs: Option<NonZeroU32>,
}

/// A place of the user's own that has pinned bytes by their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorPlace {
    /// A directory, by its absolute path.
    Directory(PathBuf),
    /// A repository of a registry.
    Registry(ImageReference),
}

impl VendorPlace {
    /// Reads `docker://HOST/NAME` or a path; a relative path is below `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ParseReferenceError> {
        match text.starts_with("docker://") {
            true => text.parse().map(VendorPlace::Registry),
            false => Ok(VendorPlace::Directory(base.join(text))),
        }
    }

    /// The path, where it is a directory.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            VendorPlace::Directory(path) => Some(path),
            VendorPlace::Registry(_) => None,
        }
    }
}

/// Whether sockets may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// Only what is on this machine is used: the store, vendor directories, `file:` mirrors.
    Yes,
    /// The network may be used.
    No,
}

/// Whether the host's apt sources are asked for mirrors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAptSources {
    /// They are.
    Use,
    /// They are not read.
    Ignore,
}

/// Which proxies are used; they may hold passwords, so nothing of them is printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http` URLs.
    pub http: Option<String>,
    /// For `https` URLs.
    pub https: Option<String>,
    /// Hosts, domains and networks that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (http, https) = (self.http.is_some(), self.https.is_some());
        write!(f, "Proxies {{ http: {http}, https: {https}, no_proxy: {:?} }}", self.no_proxy)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mirrors: BTreeMap::new(),
            host_apt_sources: HostAptSources::Use,
            vendor: Vec::new(),
            snapshot: Vec::new(),
            offline: Offline::No,
            proxies: Proxies::default(),
            credentials: Credentials::default(),
            retries: 4,
            retry_wait: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            connections_per_host: NonZeroU32::new(8).expect("eight is not zero"),
            ca_files: Vec::new(),
            insecure_registries: Vec::new(),
            store: None,
            jobs: None,
            expansion: None,
        }
    }
}

impl Settings {
    /// The defaults, changed by one settings text.
    pub fn parse(text: &str, origin: &str) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        settings.apply(text, origin)?;
        Ok(settings)
    }

    /// Takes over what another, more specific settings text says.
    pub fn apply(&mut self, text: &str, origin: &str) -> Result<(), SettingsError> {
        text::apply(self, text, origin)
    }

    /// Takes over proxies of the environment where no settings text names any.
    pub fn apply_proxy_environment(&mut self, environment: ProxyEnvironment) {
        let Proxies { http, https, no_proxy } = &mut self.proxies;
        if http.is_some() || https.is_some() {
            return;
        }
        let given = |value: Option<String>| value.filter(|text| !text.trim().is_empty());
        let all = given(environment.all_proxy);
        *http = given(environment.http_proxy).or_else(|| all.clone());
        *https = given(environment.https_proxy).or(all);
        if no_proxy.is_none() {
            *no_proxy = given(environment.no_proxy);
        }
    }
}

/// The proxy variables of an environment, as the command line found them.
#[derive(Debug, Clone, Default)]
pub struct ProxyEnvironment {
    /// `http_proxy` (lower case only: elsewhere it may be a request header of a CGI program).
    pub http_proxy: Option<String>,
    /// `https_proxy` or `HTTPS_PROXY`.
    pub https_proxy: Option<String>,
    /// `all_proxy` or `ALL_PROXY`.
    pub all_proxy: Option<String>,
    /// `no_proxy` or `NO_PROXY`.
    pub no_proxy: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_win_over_the_environment() {
        let environment = ProxyEnvironment {
            http_proxy: Some("http://e.invalid:1".into()),
            all_proxy: Some("http://all.invalid:1".into()),
            https_proxy: Some(String::new()),
            no_proxy: Some("localhost".into()),
        };
        let mut settings = Settings::default();
        settings.apply_proxy_environment(environment.clone());
        assert_eq!(settings.proxies.http.as_deref(), Some("http://e.invalid:1"));
        assert_eq!(settings.proxies.https.as_deref(), Some("http://all.invalid:1"));
        assert_eq!(settings.proxies.no_proxy.as_deref(), Some("localhost"));

        let text = "[proxy]\nhttps = \"http://s.invalid:1\"\n";
        let mut settings = Settings::parse(text, "settings.toml").unwrap();
        settings.apply_proxy_environment(environment);
        assert_eq!(settings.proxies.http, None);
        assert_eq!(settings.proxies.https.as_deref(), Some("http://s.invalid:1"));
    }
}
