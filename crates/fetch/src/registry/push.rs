//! Pushing blobs and manifests (OCI distribution specification 1.1, "Push"): a blob in one piece,
//! then what names it.

use super::{Access, MANIFEST_LIMIT, Registry, RegistryError, reference::ImageReference};
use crate::{
    Credential, Failure, FetchError, Fetcher, Location, LocationError,
    http::{Answer, Sending},
    location::same_origin,
};
use groundup_digest::Sha256;
use reqwest::{
    Method, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};
use std::{
    io::{self, Read},
    sync::atomic::AtomicBool,
};

/// Bytes that are to be pushed, read anew for each try.
pub(crate) struct Bytes<'a> {
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
    pub(crate) open: &'a dyn Fn() -> io::Result<Box<dyn Read + Send>>,
}

impl<'a> Registry<'a> {
    /// A registry that is asked for the right to push.
    pub(crate) fn pushing(fetcher: &'a Fetcher) -> Self {
        Self { fetcher, access: Access::PullAndPush }
    }

    /// Whether a blob is there.
    pub(crate) fn has_blob(
        &self,
        image: &ImageReference,
        sha256: Sha256,
        cancel: &AtomicBool,
    ) -> Result<bool, RegistryError> {
        let location = self.location(image, &format!("blobs/{}", sha256.oci()))?;
        self.authorized(image, cancel, |authorization| {
            let answer = self.send(Method::HEAD, &location, vec![], authorization, None, cancel)?;
            match answer.status {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(refused(&location, &answer)),
            }
        })
    }

    /// Pushes a blob.
    pub(crate) fn push_blob(
        &self,
        image: &ImageReference,
        bytes: &Bytes<'_>,
        cancel: &AtomicBool,
    ) -> Result<(), RegistryError> {
        let uploads = self.location(image, "blobs/uploads")?;
        let uploads = with_slash(&uploads);
        self.patiently(image, cancel, |authorization| {
            let mut place = self.upload(&uploads, authorization, cancel)?;
            place.query_pairs_mut().append_pair("digest", &bytes.sha256.oci());
            // A place of another host was signed by the registry, and sees no token.
            let own = authorization.filter(|_| same_origin(uploads.url(), &place));
            let place = Location::from_url(place)
                .map_err(|_| failed(&uploads, LocationError::Status { status: 202 }))?;
            let headers = vec![(CONTENT_TYPE, "application/octet-stream".to_owned())];
            let body = (bytes.open)().map_err(|source| {
                let what = bytes.sha256.to_string();
                FetchError::Write { what, source }
            })?;
            let body = Some((body, bytes.size));
            let answer = self.send(Method::PUT, &place, headers, own, body, cancel)?;
            match answer.status {
                201 => Ok(()),
                _ => Err(refused(&place, &answer)),
            }
        })
    }

    /// Where the next blob is to be sent. The answer is let go of at once: whoever holds one and
    /// waits for another connection to the same host may wait for ever.
    fn upload(
        &self,
        uploads: &Location,
        authorization: Option<&Credential>,
        cancel: &AtomicBool,
    ) -> Result<Url, FetchError> {
        let answer = self.send(Method::POST, uploads, vec![], authorization, None, cancel)?;
        let place = answer.header(LOCATION).and_then(|text| uploads.url().join(text).ok());
        place.filter(|_| answer.status == 202).ok_or_else(|| refused(uploads, &answer))
    }

    /// Pushes a manifest under a tag or digest.
    pub(crate) fn push_manifest(
        &self,
        image: &ImageReference,
        name: &str,
        media_type: &str,
        manifest: &[u8],
        cancel: &AtomicBool,
    ) -> Result<(), RegistryError> {
        let location = self.location(image, &format!("manifests/{name}"))?;
        self.patiently(image, cancel, |authorization| {
            let headers = vec![(CONTENT_TYPE, media_type.to_owned())];
            let body: Box<dyn Read + Send> = Box::new(io::Cursor::new(manifest.to_vec()));
            let body = Some((body, manifest.len() as u64));
            let answer = self.send(Method::PUT, &location, headers, authorization, body, cancel)?;
            match answer.status {
                200..=299 => Ok(()),
                _ => Err(refused(&location, &answer)),
            }
        })
    }

    /// The manifest under a tag; nothing if there is none.
    pub(crate) fn manifest(
        &self,
        image: &ImageReference,
        name: &str,
        media_types: &str,
        cancel: &AtomicBool,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let location = self.location(image, &format!("manifests/{name}"))?;
        self.authorized(image, cancel, |authorization| {
            let headers = vec![(ACCEPT, media_types.to_owned())];
            let mut answer =
                self.send(Method::GET, &location, headers, authorization, None, cancel)?;
            match answer.status {
                404 => return Ok(None),
                200 => {}
                _ => return Err(refused(&location, &answer)),
            }
            let mut bytes = Vec::new();
            while let Some(more) = answer.next().map_err(|error| broken(&location, error))? {
                bytes.extend_from_slice(&more);
                if bytes.len() as u64 > MANIFEST_LIMIT {
                    let error = LocationError::TooLong { limit: MANIFEST_LIMIT };
                    return Err(failed(&location, error));
                }
            }
            Ok(Some(bytes))
        })
    }

    /// Tries again after hiccups: what is pushed is named by its digest, so twice does no harm.
    fn patiently<T>(
        &self,
        image: &ImageReference,
        cancel: &AtomicBool,
        mut push: impl FnMut(Option<&Credential>) -> Result<T, FetchError>,
    ) -> Result<T, RegistryError> {
        let settings = self.fetcher.settings();
        let mut tries = 0;
        loop {
            let error = match self.authorized(image, cancel, &mut push) {
                Err(error) if tries < settings.retries && is_hiccup(&error) => error,
                other => return other,
            };
            drop(error);
            std::thread::sleep(settings.retry_wait * (1 << tries.min(6)));
            tries += 1;
        }
    }

    fn send<'s>(
        &'s self,
        method: Method,
        location: &'s Location,
        headers: Vec<(reqwest::header::HeaderName, String)>,
        authorization: Option<&'s Credential>,
        body: Option<(Box<dyn Read + Send>, u64)>,
        cancel: &'s AtomicBool,
    ) -> Result<Answer<'s>, FetchError> {
        let url = location.url();
        let sending = Sending { method, url, headers, authorization, body, cancel };
        self.fetcher.http.send(sending).map_err(|error| broken(location, error))
    }
}

/// The place where uploads start has a slash at its end, which joined paths never have.
fn with_slash(location: &Location) -> Location {
    let mut url: Url = location.url().clone();
    url.set_path(&format!("{}/", location.url().path()));
    Location::from_url(url).unwrap_or_else(|_| location.clone())
}

fn failed(location: &Location, error: LocationError) -> FetchError {
    let what = "the answer of the registry".to_owned();
    FetchError::Failed { what, failure: Box::new(Failure { location: location.clone(), error }) }
}

fn broken(location: &Location, error: crate::HttpError) -> FetchError {
    match error {
        crate::HttpError::Cancelled => FetchError::Cancelled { what: location.to_string() },
        error => failed(location, error.into()),
    }
}

fn refused(location: &Location, answer: &Answer<'_>) -> FetchError {
    let status = answer.status;
    let error = match status {
        404 => LocationError::NotFound { status },
        401 | 403 => LocationError::Refused {
            status,
            host: location.url().authority().to_owned(),
            challenge: answer.header(WWW_AUTHENTICATE).map(str::to_owned),
        },
        _ => LocationError::Status { status },
    };
    failed(location, error)
}

fn is_hiccup(error: &RegistryError) -> bool {
    match error {
        RegistryError::Fetch(FetchError::Failed { failure, .. }) => match &failure.error {
            LocationError::Http(error) => error.is_hiccup(),
            LocationError::Status { status } => matches!(status, 408 | 429 | 500 | 502..=504),
            _ => false,
        },
        _ => false,
    }
}
