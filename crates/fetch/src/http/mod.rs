//! One HTTP request and its answer: redirects, credentials, proxies, patience and cancelling.
//!
//! Each request has a thread of its own that waits for the network; the caller's thread waits for
//! that thread and looks now and then whether it was cancelled. Redirects are followed here, since
//! a credential is chosen anew for each place: what one host may see, the next may not.

mod client;
mod pump;

use crate::{
    Credential, Location, Settings,
    gate::{Gate, Permit},
    location::{same_origin, shown},
};
use pump::Pump;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use std::{
    io::Read,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::Duration,
};

pub use client::ClientError;

/// How many redirects are followed.
const REDIRECTS: u32 = 10;

/// Speaks HTTP as the settings say; the client is made at the first request.
pub(crate) struct Http {
    settings: Settings,
    gate: Gate,
    client: OnceLock<Result<client::Clients, Arc<ClientError>>>,
}

/// Why a request got no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The caller asked to stop.
    #[error("stopped by request")]
    Cancelled,
    /// The settings allow no client.
    #[error("cannot set up the network as the settings say")]
    Client(#[source] Arc<ClientError>),
    /// This machine trusts no certificate authority.
    #[error(
        "this machine has no certificate authorities, so https cannot be checked: install the \
         package `ca-certificates`, or name a file of them in the setting `network.ca-files`"
    )]
    NoAuthorities,
    /// No connection came to stand.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// The server sent nothing for a time.
    #[error("the server sent nothing for {} (setting `network.idle-timeout`)", Seconds(*after))]
    Stalled {
        /// For how long.
        after: Duration,
    },
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] std::io::Error),
    /// The request failed in another way.
    #[error("the request failed")]
    Request(#[source] reqwest::Error),
    /// Redirects do not end.
    #[error("more than {REDIRECTS} redirects, the last to {to}")]
    Redirects {
        /// The last one.
        to: String,
    },
    /// A redirect leads from https to http.
    #[error("refused a redirect from https to {to}, which is not encrypted")]
    Downgrade {
        /// Where it leads.
        to: String,
    },
    /// A redirect has no usable target.
    #[error("a redirect leads to {to}, which cannot be followed")]
    BadRedirect {
        /// What it says.
        to: String,
    },
}

struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s", self.0.as_secs_f32())
    }
}

impl HttpError {
    /// Whether the same request may work a moment later.
    pub(crate) fn is_hiccup(&self) -> bool {
        matches!(
            self,
            HttpError::Connect(_)
                | HttpError::Stalled { .. }
                | HttpError::Broken(_)
                | HttpError::Request(_)
        )
    }
}

/// One GET.
pub(crate) struct Request<'a> {
    pub(crate) location: &'a Location,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// Shown to the location's own host instead of what the settings have for it.
    pub(crate) authorization: Option<&'a Credential>,
    pub(crate) cancel: &'a AtomicBool,
}

/// A request that changes something, or only looks: sent once, to the place itself.
pub(crate) struct Sending<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// Shown to the host of the URL.
    pub(crate) authorization: Option<&'a Credential>,
    /// The bytes, and how many there are.
    pub(crate) body: Option<(Box<dyn Read + Send>, u64)>,
    pub(crate) cancel: &'a AtomicBool,
}

/// No upload is given up that is faster, in bytes a second.
const SLOWEST: u64 = 32 << 10;

/// The head of an answer, and its body as it comes.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Pump,
    cancel: &'a AtomicBool,
    _permit: Permit<'a>,
}

impl Answer<'_> {
    /// The next bytes of the body, or nothing at its end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        self.body.next(self.cancel)
    }

    /// The value of a header that is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Http {
    pub(crate) fn new(settings: Settings) -> Self {
        let gate = Gate::new(settings.connections_per_host);
        Self { settings, gate, client: OnceLock::new() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends the request and follows redirects; any status that is no redirect is an answer.
    pub(crate) fn get<'a>(&'a self, request: &Request<'a>) -> Result<Answer<'a>, HttpError> {
        let first = request.location.url();
        let host = first.authority().to_owned();
        let permit = self.gate.enter(&host, request.cancel)?;
        let mut url = first.clone();
        for _ in 0..=REDIRECTS {
            let mut headers = HeaderMap::new();
            for (name, value) in &request.headers {
                if let Ok(value) = HeaderValue::from_str(value) {
                    headers.insert(name, value);
                }
            }
            if let Some(credential) = self.credential(request, &url)
                && let Ok(mut value) = HeaderValue::from_str(&credential.header())
            {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            let mut sent = reqwest::blocking::Request::new(Method::GET, url.clone());
            *sent.headers_mut() = headers;
            let (head, body) = Pump::start(self.client(&url)?, sent, self, request.cancel)?;
            let redirect = matches!(head.status, 301 | 302 | 303 | 307 | 308);
            let target = head.headers.get(LOCATION).filter(|_| redirect);
            let Some(target) = target else {
                let (status, headers) = (head.status, head.headers);
                return Ok(Answer {
                    status,
                    headers,
                    body,
                    cancel: request.cancel,
                    _permit: permit,
                });
            };
            url = redirected(&url, target)?;
        }
        Err(HttpError::Redirects { to: shown(&url) })
    }

    /// Sends the request once; redirects are answers like any other.
    pub(crate) fn send<'a>(&'a self, sending: Sending<'a>) -> Result<Answer<'a>, HttpError> {
        let Sending { method, url, headers, authorization, body, cancel } = sending;
        let permit = self.gate.enter(url.authority(), cancel)?;
        let mut sent = reqwest::blocking::Request::new(method, url.clone());
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                sent.headers_mut().insert(name, value);
            }
        }
        let credential = authorization.or_else(|| self.settings.credentials.of(url));
        if let Some(credential) = credential
            && let Ok(mut value) = HeaderValue::from_str(&credential.header())
        {
            value.set_sensitive(true);
            sent.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Some((bytes, size)) = body {
            // The wait for the head of the answer begins before the first byte is sent.
            let patience = self.settings.idle_timeout + Duration::from_secs(size / SLOWEST);
            *sent.timeout_mut() = Some(patience);
            *sent.body_mut() = Some(reqwest::blocking::Body::sized(bytes, size));
        }
        let (head, body) = Pump::start(self.client(url)?, sent, self, cancel)?;
        let (status, headers) = (head.status, head.headers);
        Ok(Answer { status, headers, body, cancel, _permit: permit })
    }

    fn credential<'a>(&'a self, request: &Request<'a>, url: &Url) -> Option<&'a Credential> {
        let own = request.authorization.or_else(|| request.location.credential());
        let own = own.filter(|_| same_origin(request.location.url(), url));
        own.or_else(|| self.settings.credentials.of(url))
    }

    fn client(&self, url: &Url) -> Result<&reqwest::blocking::Client, HttpError> {
        let made = self.client.get_or_init(|| client::make(&self.settings).map_err(Arc::new));
        match made {
            Ok(clients) => clients.of(url).ok_or(HttpError::NoAuthorities),
            Err(error) => Err(HttpError::Client(error.clone())),
        }
    }
}

fn redirected(from: &Url, target: &HeaderValue) -> Result<Url, HttpError> {
    // Not every server encodes what it should.
    let text = String::from_utf8_lossy(target.as_bytes()).into_owned();
    let Ok(mut url) = from.join(&text) else {
        return Err(HttpError::BadRedirect { to: format!("`{text}`") });
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HttpError::BadRedirect { to: shown(&url) });
    }
    if from.scheme() == "https" && url.scheme() == "http" {
        return Err(HttpError::Downgrade { to: shown(&url) });
    }
    // A server does not choose what we show to others.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Ok(url)
}

/// Where `to` leads from `from`, for the fuzz targets.
pub(crate) fn redirect_for_fuzzing(from: &str, to: &[u8]) -> Option<String> {
    let (from, to) = (Url::parse(from).ok()?, HeaderValue::from_bytes(to).ok()?);
    redirected(&from, &to).ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, to: &str) -> Result<String, HttpError> {
        let to = HeaderValue::from_bytes(to.as_bytes()).unwrap();
        redirected(&Url::parse(from).unwrap(), &to).map(|url| url.to_string())
    }

    #[test]
    fn redirects_stay_encrypted_and_carry_no_credential_of_the_server() {
        assert_eq!(follow("https://a.invalid/x", "/y#z").unwrap(), "https://a.invalid/y");
        assert_eq!(
            follow("http://a.invalid/", "https://u:p@b.invalid/").unwrap(),
            "https://b.invalid/"
        );
        let downgrade = follow("https://a.invalid/", "http://b.invalid/");
        assert!(matches!(downgrade, Err(HttpError::Downgrade { .. })));
        assert!(matches!(
            follow("http://a.invalid/", "file:///etc/passwd"),
            Err(HttpError::BadRedirect { .. })
        ));
    }
}
