//! Where bytes may be: an `http`, `https` or `file` URL, or a path.
//!
//! A location is configuration, never a pin. Its text form carries no user, password or query, so
//! that it can stand in messages and logs.

use crate::Credential;
use reqwest::Url;
use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

/// One place where bytes may be.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
    credential: Option<Credential>,
}

/// Why a text is not a location, or has no place below one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseLocationError {
    /// Neither a URL nor an absolute path.
    #[error("`{0}` is neither a URL (`https://…`, `http://…`, `file:///…`) nor an absolute path")]
    Syntax(String),
    /// A URL of a kind that is not fetched.
    #[error("`{scheme}:` locations are not supported: use https, http, file or an absolute path")]
    Scheme {
        /// The scheme that was found.
        scheme: String,
    },
    /// A path that would leave the place that it is relative to.
    #[error(
        "`{0}` is not a path below a location: it is absolute, empty or has an empty, `.` or `..` part"
    )]
    Path(String),
}

impl Location {
    /// Reads a URL or an absolute path; a user and password in it become its credential.
    pub fn parse(text: &str) -> Result<Self, ParseLocationError> {
        let syntax = || ParseLocationError::Syntax(without_userinfo(text));
        if text.starts_with('/') {
            return Self::of_path(Path::new(text)).ok_or_else(syntax);
        }
        Self::from_url(Url::parse(text).map_err(|_| syntax())?)
    }

    /// An absolute path of this machine; nothing for a relative one.
    pub fn of_path(path: &Path) -> Option<Self> {
        // What URLs do to `..` and to `|` (a drive of Windows) when a path is joined is done, or
        // kept from being done, at once: the place and those below it have to agree.
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                part => plain.push(part),
            }
        }
        let url = Url::from_file_path(&plain).ok()?;
        let url = Url::parse(&url.as_str().replace('|', "%7C")).ok()?;
        Some(Self { url, credential: None })
    }

    pub(crate) fn from_url(mut url: Url) -> Result<Self, ParseLocationError> {
        match url.scheme() {
            "http" | "https" => {}
            "file" if url.to_file_path().is_ok() => {}
            "file" => return Err(ParseLocationError::Syntax(url.to_string())),
            scheme => return Err(ParseLocationError::Scheme { scheme: scheme.to_owned() }),
        }
        let credential = (!url.username().is_empty()).then(|| Credential::Basic {
            user: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()),
        });
        // These cannot fail: http(s) URLs have a host, and file URLs have no user.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self { url, credential })
    }

    /// The place `path` below this one; the parts of `path` are taken literally.
    pub fn join(&self, path: &str) -> Result<Self, ParseLocationError> {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(ParseLocationError::Path(path.to_owned()));
        }
        let mut joined = self.clone();
        // A first part `c|` would be read as the drive of another system's path, `c:`.
        let base = self.url.path().trim_end_matches('/').replace('|', "%7C");
        joined.url.set_path(&format!("{base}/{}", percent_encoded(path)));
        Ok(joined)
    }

    /// The path, where the place is on this machine.
    pub fn local_path(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.url))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// A URL for messages: queries are left out, since they may hold a signature that grants access.
pub(crate) fn shown(url: &Url) -> String {
    if let Ok(path) = url.to_file_path() {
        return path.display().to_string();
    }
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let query = if url.query().is_some() { "?…" } else { "" };
    url.set_query(None);
    format!("{url}{query}")
}

/// Whether both URLs are served by one host, port and scheme.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// Whether the host is this machine by its name, so that plain http is not readable on a network.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn without_userinfo(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => text.to_owned(),
    }
}

/// Encodes everything but what no server takes for syntax; `+` too, which some read as a space.
fn percent_encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Undoes percent-encoding; a `%` without two digits stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_holds_no_secret() {
        let location = Location::parse("https://ann:s%40cret@mirror.invalid/d?sig=abc").unwrap();
        assert_eq!(location.to_string(), "https://mirror.invalid/d?…");
        assert!(!format!("{location:?}").contains("cret"));
        let expected = Credential::Basic { user: "ann".into(), password: "s@cret".into() };
        assert_eq!(location.credential(), Some(&expected));
        let error = Location::parse("https://ann:secret@:bad:/x").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn joined_paths_are_literal_and_stay_below() {
        let base = Location::parse("https://mirror.invalid/debian/").unwrap();
        let joined = base.join("pool/main/g/g++_4%3a12+1~a.deb").unwrap();
        let expected = "https://mirror.invalid/debian/pool/main/g/g%2B%2B_4%253a12%2B1~a.deb";
        assert_eq!(joined.to_string(), expected);
        for path in ["../x", "/x", "", "a//b", "a/./b", "a/.."] {
            assert_eq!(base.join(path), Err(ParseLocationError::Path(path.into())));
        }
    }

    #[test]
    fn paths_and_file_urls_are_one() {
        let a = Location::parse("/srv/my mirror").unwrap().join("a+b").unwrap();
        let b = Location::parse("file:///srv/my%20mirror/").unwrap().join("a+b").unwrap();
        assert_eq!(a.local_path(), Some("/srv/my mirror/a+b".into()));
        assert_eq!(a.local_path(), b.local_path());
    }

    #[test]
    fn a_path_with_dots_is_the_place_that_what_is_below_it_is_below() {
        let base = Location::parse("/srv/old/../new/.").unwrap();
        assert_eq!(base.local_path(), Some("/srv/new".into()));
        assert_eq!(base.join("a").unwrap().local_path(), Some("/srv/new/a".into()));
        let drive = Location::parse("/M|/d").unwrap();
        assert_eq!(drive.join("a|").unwrap().local_path(), Some("/M|/d/a|".into()));
        let url = Location::parse("file:///b|").unwrap();
        assert_eq!(url.join("a").unwrap().local_path(), Some("/b|/a".into()));
        assert!(Location::parse("relative").is_err());
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        let error = Location::parse("ftp://mirror.invalid/x").unwrap_err();
        assert_eq!(error, ParseLocationError::Scheme { scheme: "ftp".into() });
        assert!(matches!(Location::parse("debian"), Err(ParseLocationError::Syntax(_))));
    }
}
