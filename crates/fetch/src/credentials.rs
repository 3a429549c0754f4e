//! Credentials by host: from the settings, apt's `auth.conf`, a netrc, or Docker's `config.json`.
//!
//! Texts are handed in; nothing is read here. A credential goes to the host that it is for, over
//! https, to this machine, or where its entry says `http://`; to no other.

use crate::location::is_loopback;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Url;
use std::{collections::BTreeMap, fmt};

/// What a host is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password, as HTTP Basic.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token, as HTTP Bearer.
    Token(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credential::Basic { .. } => "Credential::Basic(…)",
            Credential::Token(_) => "Credential::Token(…)",
        })
    }
}

impl Credential {
    /// The value of an `Authorization` header.
    pub(crate) fn header(&self) -> String {
        match self {
            Credential::Basic { user, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
            }
            Credential::Token(token) => format!("Bearer {token}"),
        }
    }
}

/// Credentials of hosts; where several fit, the first one added counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    entries: Vec<Entry>,
    registries: BTreeMap<String, Credential>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    scheme: Option<String>,
    /// `host` or `host:port`; nothing for a netrc's `default`.
    host: Option<String>,
    /// What the URL's path must start with.
    path: String,
    credential: Credential,
}

/// Why a text with credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A word of a netrc or `auth.conf` is missing.
    #[error("{origin}: `{word}` is not followed by a value")]
    Missing {
        /// Where the text is from.
        origin: String,
        /// The last word read.
        word: String,
    },
    /// A word of a netrc or `auth.conf` is not known.
    #[error("{origin}: word {position} is not one of machine, default, login, password")]
    Word {
        /// Where the text is from.
        origin: String,
        /// Which word, counted from 1; not shown, since it may be a password.
        position: usize,
    },
    /// Docker's configuration is not JSON of the known form.
    #[error("{origin} is not a Docker client configuration")]
    Docker {
        /// Where the text is from.
        origin: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// An `auth` of Docker's configuration is not base64 of `user:password`.
    #[error("{origin}: `auth` of `{host}` is not base64 of `user:password`")]
    DockerAuth {
        /// Where the text is from.
        origin: String,
        /// Which entry.
        host: String,
    },
}

impl Credentials {
    /// Adds one for `host`: `HOST`, `HOST:PORT`, each maybe with a path behind it, and with
    /// `http://` before it where it may be sent unencrypted.
    pub fn add(&mut self, host: &str, credential: Credential) {
        let (scheme, rest) = match host.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, host),
        };
        let (host, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        };
        let host = Some(host.to_ascii_lowercase());
        self.entries.push(Entry { scheme, host, path: path.to_owned(), credential });
    }

    /// Puts the entries of `other` before these.
    pub(crate) fn prefer(&mut self, other: Credentials) {
        let own = std::mem::replace(&mut self.entries, other.entries);
        self.entries.extend(own);
        self.registries.extend(other.registries);
    }

    /// Adds the entries of a netrc, or of apt's `auth.conf`, which is one with paths and schemes.
    pub fn add_netrc(&mut self, text: &str, origin: &str) -> Result<(), CredentialsError> {
        // Comments are whole lines: a password may hold a `#`.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = lines.flat_map(str::split_whitespace).enumerate();
        let mut open: Option<(Option<String>, String, String)> = None;
        while let Some((index, word)) = words.next() {
            let origin = || origin.to_owned();
            let mut value = || match words.next() {
                Some((_, value)) => Ok(value.to_owned()),
                None => Err(CredentialsError::Missing { origin: origin(), word: word.to_owned() }),
            };
            match (word, &mut open) {
                ("machine", _) => {
                    let host = value()?;
                    self.close(open.replace((Some(host), String::new(), String::new())));
                }
                ("default", _) => self.close(open.replace((None, String::new(), String::new()))),
                ("login", Some((_, user, _))) => *user = value()?,
                ("password", Some((_, _, password))) => *password = value()?,
                ("account", Some(_)) => drop(value()?),
                _ => return Err(CredentialsError::Word { origin: origin(), position: index + 1 }),
            }
        }
        self.close(open);
        Ok(())
    }

    fn close(&mut self, open: Option<(Option<String>, String, String)>) {
        let Some((host, user, password)) = open else { return };
        let credential = Credential::Basic { user, password };
        match host {
            Some(host) => self.add(&host, credential),
            None => {
                let (scheme, path) = (None, String::new());
                self.entries.push(Entry { scheme, host: None, path, credential });
            }
        }
    }

    /// Adds the `auths` of a Docker `config.json`, for registries only. Credential helpers are not
    /// run; their names are returned, so that the caller can say so.
    pub fn add_docker_config(
        &mut self,
        text: &str,
        origin: &str,
    ) -> Result<Vec<String>, CredentialsError> {
        let config: DockerConfig = serde_json::from_str(text)
            .map_err(|source| CredentialsError::Docker { origin: origin.to_owned(), source })?;
        for (host, auth) in config.auths {
            let key = registry_host(&host);
            let credential = match (auth.auth, auth.username, auth.password, auth.registrytoken) {
                (_, _, _, Some(token)) => Credential::Token(token),
                (Some(auth), _, _, _) if !auth.is_empty() => {
                    let text = BASE64_STANDARD.decode(&auth).ok();
                    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
                    let pair = text.as_deref().and_then(|text| text.split_once(':'));
                    let Some((user, password)) = pair else {
                        let origin = origin.to_owned();
                        return Err(CredentialsError::DockerAuth { origin, host });
                    };
                    let password = password.trim_end_matches('\0').to_owned();
                    Credential::Basic { user: user.to_owned(), password }
                }
                (_, Some(user), Some(password), _) => Credential::Basic { user, password },
                // The secret is with a helper.
                _ => continue,
            };
            self.registries.entry(key).or_insert(credential);
        }
        let mut helpers: Vec<String> = config.helpers.into_values().collect();
        helpers.extend(config.store);
        helpers.sort();
        helpers.dedup();
        Ok(helpers)
    }

    /// The one to show for `url`.
    pub(crate) fn of(&self, url: &Url) -> Option<&Credential> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let with_port = format!("{host}:{port}");
        let fits = |entry: &&Entry| {
            let scheme = match entry.scheme.as_deref() {
                Some(scheme) => scheme == url.scheme(),
                None => url.scheme() == "https" || is_loopback(url),
            };
            let at = entry.host.as_deref();
            let host = at.is_none_or(|at| at == host || at == with_port);
            // `/deb` covers `/deb` and `/deb/…`, not `/debian`.
            let rest = url.path().strip_prefix(entry.path.trim_end_matches('/'));
            scheme && host && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.entries.iter().find(fits).map(|entry| &entry.credential)
    }

    /// The one to show to the registry of `url`, or to what hands out its tokens.
    pub(crate) fn of_registry(&self, url: &Url) -> Option<&Credential> {
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let docker = self.registries.get(with_port.as_deref().unwrap_or(host));
        self.of(url).or(docker)
    }
}

/// Docker writes `https://index.docker.io/v1/` for its own registry, and host names for others.
fn registry_host(key: &str) -> String {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "docker.io" => "registry-1.docker.io".to_owned(),
        _ => host,
    }
}

#[derive(serde::Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, DockerAuth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(serde::Deserialize)]
struct DockerAuth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    registrytoken: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(user: &str, password: &str) -> Credential {
        Credential::Basic { user: user.into(), password: password.into() }
    }

    fn of(credentials: &Credentials, url: &str) -> Option<Credential> {
        credentials.of(&Url::parse(url).unwrap()).cloned()
    }

    #[test]
    fn apt_auth_entries_fit_by_host_port_path_and_scheme() {
        let mut credentials = Credentials::default();
        let text = "# c\nmachine a.invalid/deb login u1 password p1\nmachine a.invalid:8443\n \
                    login u2 password #p2\nmachine http://b.invalid login u3 password p3\n";
        credentials.add_netrc(text, "auth.conf").unwrap();
        assert_eq!(of(&credentials, "https://a.invalid/deb/x"), Some(basic("u1", "p1")));
        assert_eq!(of(&credentials, "https://a.invalid/debian"), None);
        assert_eq!(of(&credentials, "https://a.invalid:8443/x"), Some(basic("u2", "#p2")));
        assert_eq!(of(&credentials, "http://b.invalid/x"), Some(basic("u3", "p3")));
        assert_eq!(of(&credentials, "https://b.invalid/x"), None);
    }

    #[test]
    fn plain_http_gets_no_credential_unless_the_entry_says_so() {
        let mut credentials = Credentials::default();
        credentials.add("a.invalid", basic("u", "p"));
        assert_eq!(of(&credentials, "http://a.invalid/"), None);
        assert_eq!(of(&credentials, "https://a.invalid/"), Some(basic("u", "p")));
        assert_eq!(of(&credentials, "https://a.invalid.other.invalid/"), None);
    }

    #[test]
    fn a_netrc_default_covers_the_rest() {
        let mut credentials = Credentials::default();
        let text = "machine a.invalid login u password p default login any password q";
        credentials.add_netrc(text, "netrc").unwrap();
        assert_eq!(of(&credentials, "https://z.invalid/"), Some(basic("any", "q")));
        let error = credentials.add_netrc("machine a login", "netrc").unwrap_err();
        assert_eq!(error.to_string(), "netrc: `login` is not followed by a value");
        let error = credentials.add_netrc("machine a hunter2", "netrc").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn docker_auths_are_for_registries_only() {
        let mut credentials = Credentials::default();
        let text = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dTpw"},
            "r.invalid:5000": {"username": "a", "password": "b"}, "h.invalid": {}},
            "credsStore": "desktop"}"#;
        assert_eq!(credentials.add_docker_config(text, "config.json").unwrap(), ["desktop"]);
        let of_registry = |url| credentials.of_registry(&Url::parse(url).unwrap()).cloned();
        assert_eq!(of_registry("https://registry-1.docker.io/v2/"), Some(basic("u", "p")));
        assert_eq!(of_registry("https://r.invalid:5000/v2/"), Some(basic("a", "b")));
        assert_eq!(of_registry("https://h.invalid/v2/"), None);
        assert_eq!(of(&credentials, "https://r.invalid:5000/v2/"), None);
    }
}
