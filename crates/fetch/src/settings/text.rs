//! The TOML form of the settings. Every key is optional; an unknown one is an error.

use super::{HostAptSources, Offline, ParseSnapshotError, Settings, SnapshotService, VendorPlace};
use crate::{Credential, Location, ParseLocationError, ParseReferenceError};
use serde::Deserialize;
use std::{collections::BTreeMap, num::NonZeroU32, path::Path, path::PathBuf, time::Duration};

/// Why a settings text cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{origin} is not a settings file")]
    Syntax {
        /// Where the text is from.
        origin: String,
        /// Where it is wrong, with the line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A mirror is no location.
    #[error("{origin}: `mirrors.{key}` names a place that cannot be used")]
    Mirror {
        /// Where the text is from.
        origin: String,
        /// The key below `mirrors`.
        key: String,
        /// What is wrong with it.
        #[source]
        source: ParseLocationError,
    },
    /// A vendor registry is none.
    #[error("{origin}: `vendor` names a registry that cannot be used")]
    Vendor {
        /// Where the text is from.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: ParseReferenceError,
    },
    /// A snapshot service is none.
    #[error("{origin}: `snapshot` names a service that cannot be used")]
    Snapshot {
        /// Where the text is from.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: ParseSnapshotError,
    },
    /// A value is not what its key takes.
    #[error("{origin}: `{key}` must be {expected}, not `{found}`")]
    Value {
        /// Where the text is from.
        origin: String,
        /// The key.
        key: String,
        /// What the key takes.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// An entry of `credentials` has neither or both of its forms.
    #[error("{origin}: `credentials.\"{host}\"` needs either `user` and `password`, or `token`")]
    Credential {
        /// Where the text is from.
        origin: String,
        /// Which entry.
        host: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Text {
    store: Option<PathBuf>,
    jobs: Option<NonZeroU32>,
    offline: Option<bool>,
    vendor: Option<Vec<String>>,
    snapshot: Option<Vec<String>>,
    #[serde(default)]
    mirrors: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    proxy: Proxy,
    #[serde(default)]
    credentials: BTreeMap<String, Secret>,
    #[serde(default)]
    unpack: Unpack,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Unpack {
    expansion: Option<NonZeroU32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Network {
    retries: Option<u32>,
    retry_wait: Option<String>,
    connect_timeout: Option<String>,
    idle_timeout: Option<String>,
    connections_per_host: Option<NonZeroU32>,
    host_apt_sources: Option<bool>,
    ca_files: Option<Vec<PathBuf>>,
    insecure_registries: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Proxy {
    http: Option<String>,
    https: Option<String>,
    no_proxy: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Secret {
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

/// Takes over what `text` says; what it does not name stays.
pub(super) fn apply(
    settings: &mut Settings,
    text: &str,
    origin: &str,
) -> Result<(), SettingsError> {
    let parsed: Text = toml::from_str(text).map_err(|source| SettingsError::Syntax {
        origin: origin.to_owned(),
        source: Box::new(source),
    })?;
    settings.store = parsed.store.or(settings.store.take());
    settings.jobs = parsed.jobs.or(settings.jobs);
    settings.expansion = parsed.unpack.expansion.or(settings.expansion);
    replace(&mut settings.vendor, vendor(parsed.vendor, origin)?);
    replace(&mut settings.snapshot, snapshot(parsed.snapshot, origin)?);
    replace(&mut settings.offline, parsed.offline.map(offline));
    for (key, places) in parsed.mirrors {
        let places = places.iter().map(|place| Location::parse(place)).collect::<Result<_, _>>();
        let places = places.map_err(|source| {
            let (origin, key) = (origin.to_owned(), key.clone());
            SettingsError::Mirror { origin, key, source }
        })?;
        settings.mirrors.insert(key, places);
    }
    network(settings, parsed.network, origin)?;
    replace(&mut settings.proxies.http, parsed.proxy.http.map(Some));
    replace(&mut settings.proxies.https, parsed.proxy.https.map(Some));
    replace(&mut settings.proxies.no_proxy, parsed.proxy.no_proxy.map(|list| Some(list.join(","))));
    credentials(settings, parsed.credentials, origin)
}

fn vendor(
    places: Option<Vec<String>>,
    origin: &str,
) -> Result<Option<Vec<VendorPlace>>, SettingsError> {
    let Some(places) = places else { return Ok(None) };
    let place = |text: String| {
        if !text.starts_with("docker://") && !Path::new(&text).is_absolute() {
            return Err(SettingsError::Value {
                origin: origin.to_owned(),
                key: "vendor".to_owned(),
                expected: "a list of absolute paths and of `docker://HOST/NAME`",
                found: text,
            });
        }
        VendorPlace::parse(&text, Path::new("/"))
            .map_err(|source| SettingsError::Vendor { origin: origin.to_owned(), source })
    };
    places.into_iter().map(place).collect::<Result<_, _>>().map(Some)
}

fn snapshot(
    services: Option<Vec<String>>,
    origin: &str,
) -> Result<Option<Vec<SnapshotService>>, SettingsError> {
    let Some(services) = services else { return Ok(None) };
    let service = |text: String| {
        text.parse().map_err(|source| SettingsError::Snapshot { origin: origin.to_owned(), source })
    };
    services.into_iter().map(service).collect::<Result<_, _>>().map(Some)
}

fn network(settings: &mut Settings, text: Network, origin: &str) -> Result<(), SettingsError> {
    replace(&mut settings.retries, text.retries);
    let durations = [
        (&mut settings.retry_wait, text.retry_wait, "network.retry-wait"),
        (&mut settings.connect_timeout, text.connect_timeout, "network.connect-timeout"),
        (&mut settings.idle_timeout, text.idle_timeout, "network.idle-timeout"),
    ];
    for (place, value, key) in durations {
        let Some(found) = value else { continue };
        *place = duration(&found).ok_or_else(|| SettingsError::Value {
            origin: origin.to_owned(),
            key: key.to_owned(),
            expected: "a time such as `500ms`, `60s` or `5m`",
            found,
        })?;
    }
    replace(&mut settings.connections_per_host, text.connections_per_host);
    replace(&mut settings.host_apt_sources, text.host_apt_sources.map(host_apt_sources));
    replace(&mut settings.ca_files, absolute(text.ca_files, "network.ca-files", origin)?);
    replace(&mut settings.insecure_registries, text.insecure_registries);
    Ok(())
}

fn credentials(
    settings: &mut Settings,
    secrets: BTreeMap<String, Secret>,
    origin: &str,
) -> Result<(), SettingsError> {
    // The most specific text and the longest path count, and the first entry that fits is taken.
    let mut own = crate::Credentials::default();
    for (host, secret) in secrets.into_iter().rev() {
        let credential = match (secret.user, secret.password, secret.token) {
            (Some(user), Some(password), None) => Credential::Basic { user, password },
            (None, None, Some(token)) => Credential::Token(token),
            _ => return Err(SettingsError::Credential { origin: origin.to_owned(), host }),
        };
        own.add(&host, credential);
    }
    settings.credentials.prefer(own);
    Ok(())
}

/// Refuses relative paths: a settings file counts in many working directories.
fn absolute(
    paths: Option<Vec<PathBuf>>,
    key: &str,
    origin: &str,
) -> Result<Option<Vec<PathBuf>>, SettingsError> {
    let relative = paths.iter().flatten().find(|path| !path.is_absolute());
    match relative {
        None => Ok(paths),
        Some(path) => Err(SettingsError::Value {
            origin: origin.to_owned(),
            key: key.to_owned(),
            expected: "a list of absolute paths",
            found: path.display().to_string(),
        }),
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn offline(yes: bool) -> Offline {
    if yes { Offline::Yes } else { Offline::No }
}

fn host_apt_sources(yes: bool) -> HostAptSources {
    if yes { HostAptSources::Use } else { HostAptSources::Ignore }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::Url;

    #[test]
    fn a_more_specific_text_changes_only_what_it_names() {
        let base = "jobs = 3\n[mirrors]\ndebian = [\"/a\"]\nnginx = [\"/n\"]\n\
                    [network]\nidle-timeout = \"2m\"\nretries = 1\n\
                    [credentials.\"a.invalid\"]\nuser = \"u\"\npassword = \"old\"\n";
        let over = "offline = true\n[mirrors]\ndebian = [\"/b\"]\n[network]\nretries = 0\n\
                    [credentials.\"a.invalid\"]\ntoken = \"new\"\n";
        let mut settings = Settings::parse(base, "a").unwrap();
        settings.apply(over, "b").unwrap();
        assert_eq!((settings.jobs, settings.retries), (NonZeroU32::new(3), 0));
        assert_eq!(settings.idle_timeout, Duration::from_secs(120));
        assert_eq!(settings.offline, Offline::Yes);
        assert_eq!(settings.mirrors["debian"], [Location::parse("/b").unwrap()]);
        assert_eq!(settings.mirrors["nginx"].len(), 1);
        let url = Url::parse("https://a.invalid/x").unwrap();
        assert_eq!(settings.credentials.of(&url), Some(&Credential::Token("new".into())));
    }

    #[test]
    fn the_example_of_the_documentation_is_a_settings_file() {
        let text = include_str!("../../../../docs/settings.md");
        let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let found = Settings::parse(example, "docs/settings.md").unwrap();
        let defaults = Settings::default();
        // The table of defaults and the example agree.
        assert_eq!((found.retries, found.retry_wait), (defaults.retries, defaults.retry_wait));
        assert_eq!(found.connect_timeout, defaults.connect_timeout);
        assert_eq!(found.idle_timeout, defaults.idle_timeout);
        assert_eq!(found.connections_per_host, defaults.connections_per_host);
        assert_eq!(found.mirrors.len(), 3);
    }

    #[test]
    fn the_longest_path_of_a_host_counts() {
        let text = "[credentials.\"a.invalid\"]\ntoken = \"all\"\n\
                    [credentials.\"a.invalid/x\"]\ntoken = \"x\"\n";
        let settings = Settings::parse(text, "a").unwrap();
        let of = |url| settings.credentials.of(&Url::parse(url).unwrap()).cloned();
        assert_eq!(of("https://a.invalid/x/y"), Some(Credential::Token("x".into())));
        assert_eq!(of("https://a.invalid/y"), Some(Credential::Token("all".into())));
    }

    #[test]
    fn errors_name_the_file_the_key_and_what_is_expected() {
        let message = |text: &str| Settings::parse(text, "settings.toml").unwrap_err().to_string();
        assert_eq!(
            message("[network]\nidle-timeout = \"60\"\n"),
            "settings.toml: `network.idle-timeout` must be a time such as `500ms`, `60s` or `5m`, \
             not `60`"
        );
        assert!(
            message("vendor = [\"pins\"]\n").contains("absolute paths and of `docker://HOST/NAME`")
        );
        assert!(message("vendor = [\"docker://R.invalid/A\"]\n").contains("`vendor` names a reg"));
        assert!(message("snapshot = [\"ftp://s.invalid\"]\n").contains("`snapshot` names a ser"));
        assert!(message("[mirrors]\ndebian = [\"debian\"]\n").contains("mirrors.debian"));
        assert!(message("[credentials.h]\nuser = \"u\"\n").contains("credentials.\"h\""));
        let error = Settings::parse("retrys = 1\n", "settings.toml").unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("retrys"), "{source}");
    }
}
