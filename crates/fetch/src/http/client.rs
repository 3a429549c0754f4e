//! Sets up the HTTP client: proxies, trusted authorities, time limits.

use crate::Settings;
use reqwest::{
    Certificate, NoProxy, Proxy, Url,
    blocking::{Client, ClientBuilder},
    redirect,
};
use std::{io, path::PathBuf};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A proxy is no URL.
    #[error(
        "the proxy for {scheme} (setting `proxy.{scheme}`) is not a URL such as `http://proxy.example:3128`"
    )]
    Proxy {
        /// What it is for.
        scheme: &'static str,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// A file of authorities cannot be read.
    #[error("cannot read {path} (setting `network.ca-files`)")]
    ReadAuthorities {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file of authorities holds something else.
    #[error("{path} (setting `network.ca-files`) holds no certificates in PEM form")]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, where the parser says so.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The client itself cannot be made.
    #[error("cannot make an HTTP client")]
    Make(#[source] reqwest::Error),
}

/// The client, and whether https can be used with it.
pub(super) struct Clients {
    client: Client,
    https: Https,
}

enum Https {
    Usable,
    NoAuthorities,
}

impl Clients {
    /// The client for `url`, unless it could not check the server.
    pub(super) fn of(&self, url: &Url) -> Option<&Client> {
        match (&self.https, url.scheme()) {
            (Https::NoAuthorities, "https") => None,
            _ => Some(&self.client),
        }
    }
}

pub(super) fn make(settings: &Settings) -> Result<Clients, ClientError> {
    let mut authorities = Vec::new();
    for path in &settings.ca_files {
        let pem = std::fs::read(path)
            .map_err(|source| ClientError::ReadAuthorities { path: path.clone(), source })?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(found) if !found.is_empty() => authorities.extend(found),
            other => {
                let (path, source) = (path.clone(), other.err());
                return Err(ClientError::Authorities { path, source });
            }
        }
    }
    let with_host = builder(settings)?.tls_certs_merge(authorities.clone()).build();
    if let Ok(client) = with_host {
        return Ok(Clients { client, https: Https::Usable });
    }
    // A machine without authorities of its own still speaks http, or trusts those of the settings.
    let https = if authorities.is_empty() { Https::NoAuthorities } else { Https::Usable };
    let client = builder(settings)?.tls_certs_only(authorities).build();
    Ok(Clients { client: client.map_err(ClientError::Make)?, https })
}

fn builder(settings: &Settings) -> Result<ClientBuilder, ClientError> {
    let mut builder = Client::builder()
        .user_agent(concat!("groundup/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        // Retries are counted in one place, `transfer`.
        .retry(reqwest::retry::never())
        .connect_timeout(settings.connect_timeout)
        // For the head of an answer, and for each read of its body.
        .timeout(settings.idle_timeout)
        .no_proxy();
    let proxies = &settings.proxies;
    let except = proxies.no_proxy.as_deref().and_then(NoProxy::from_string);
    if let Some(url) = &proxies.http {
        let proxy = Proxy::http(url);
        let proxy = proxy.map_err(|source| ClientError::Proxy { scheme: "http", source })?;
        builder = builder.proxy(proxy.no_proxy(except.clone()));
    }
    if let Some(url) = &proxies.https {
        let proxy = Proxy::https(url);
        let proxy = proxy.map_err(|source| ClientError::Proxy { scheme: "https", source })?;
        builder = builder.proxy(proxy.no_proxy(except));
    }
    Ok(builder)
}
