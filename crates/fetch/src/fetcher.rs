//! Pinned bytes into the store, and small unpinned files for `lock`.
//!
//! A pin is looked for in the store, then in the user's own places (vendor directories, then
//! registries), then at each location in turn; a socket is opened only for what is nowhere on this
//! machine. Bytes that are not the pinned ones never count, wherever they are from.

use crate::{
    Credential, Location, LocationError, Offline, Settings, Validators,
    flight::Flights,
    http::Http,
    registry::Tokens,
    sink::{MemorySink, Sink, StoreSink},
    transfer::{Expected, Transfer, TransferError, Transferred},
    vendor::Silent,
};
use groundup_digest::{BlobId, Content, Sha256};
use groundup_store::{Store, StoreError};
use reqwest::header::{HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use std::{fmt, io, sync::atomic::AtomicBool};

/// Bytes that are wanted, by digest and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// What it is, for messages: `package gcc 4:12.2.0-3`.
    pub what: String,
}

/// Fetches, from many threads at once.
pub struct Fetcher {
    pub(crate) http: Http,
    flights: Flights,
    /// What registries want to see.
    pub(crate) tokens: Tokens,
    /// The user's own registries that did not answer.
    pub(crate) silent: Silent,
}

/// A small file that no pin names, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Which of the locations gave it.
    pub location: Location,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// To ask later whether it changed.
    pub validators: Validators,
}

/// One location that did not give what was wanted.
#[derive(Debug, thiserror::Error)]
#[error("{location}")]
pub struct Failure {
    /// Where.
    pub location: Location,
    /// Why.
    #[source]
    pub error: LocationError,
}

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Its only location failed.
    #[error("cannot fetch {what}")]
    Failed {
        /// What was wanted.
        what: String,
        /// Where and why.
        #[source]
        failure: Box<Failure>,
    },
    /// All its locations failed.
    #[error("cannot fetch {what} from any of {} places: {}", failures.len(), Listed(failures))]
    AllFailed {
        /// What was wanted.
        what: String,
        /// Where and why, in the order in which they were tried.
        failures: Vec<Failure>,
    },
    /// Nobody knows where it may be.
    #[error("cannot fetch {what}: it is not in the store, and no location is known for it")]
    NoLocation {
        /// What was wanted.
        what: String,
    },
    /// The network may not be used.
    #[error(
        "offline, and {} on this machine: {}; run once without `--offline`, or name a directory \
         that has it in the setting `vendor`",
        if missing.len() == 1 { "one input is not" } else { "these inputs are not" },
        missing.join(", ")
    )]
    Offline {
        /// What is missing.
        missing: Vec<String>,
    },
    /// The store cannot be used.
    #[error("cannot keep {what} in the store")]
    Store {
        /// What was fetched.
        what: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The store cannot be written.
    #[error("cannot write {what} into the store")]
    Write {
        /// What was fetched.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("stopped fetching {what}")]
    Cancelled {
        /// What was wanted.
        what: String,
    },
}

struct Listed<'a>(&'a [Failure]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { location, error } in self.0 {
            write!(f, "\n  {location}: {error}")?;
            let mut source = std::error::Error::source(error);
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
        }
        Ok(())
    }
}

/// What one fetch is about, whatever its bytes go to.
pub(crate) struct Wanted<'a> {
    pub(crate) what: &'a str,
    pub(crate) expected: Expected,
    pub(crate) locations: &'a [Location],
    pub(crate) headers: &'a [(HeaderName, String)],
    pub(crate) authorization: Option<&'a Credential>,
    pub(crate) progress: &'a dyn Fn(u64),
    pub(crate) cancel: &'a AtomicBool,
}

impl Fetcher {
    /// A fetcher that does as the settings say; nothing is opened before it is needed.
    pub fn new(settings: Settings) -> Self {
        let http = Http::new(settings);
        Self {
            http,
            flights: Flights::default(),
            tokens: Tokens::default(),
            silent: Silent::default(),
        }
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &Settings {
        self.http.settings()
    }

    /// Makes sure that the pinned bytes are in the store.
    ///
    /// `progress` is told the number of bytes that are there, growing; it is called on the caller's
    /// thread. `cancel` is looked at every tenth of a second.
    pub fn fetch_pinned(
        &self,
        store: &Store,
        pin: &Pin,
        locations: &[Location],
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<BlobId, FetchError> {
        let expected = Expected::Pinned(pin.sha256, pin.size);
        let (headers, authorization, what) = (&[][..], None, pin.what.as_str());
        let wanted = Wanted { what, expected, locations, headers, authorization, progress, cancel };
        self.fetch_wanted(store, pin, &wanted)
    }

    pub(crate) fn fetch_wanted(
        &self,
        store: &Store,
        pin: &Pin,
        wanted: &Wanted<'_>,
    ) -> Result<BlobId, FetchError> {
        let what = || pin.what.clone();
        if let Some(blob) = present(store, pin)? {
            return Ok(blob);
        }
        let flight = self.flights.start(pin.sha256, wanted.cancel);
        let _flight = flight.ok_or_else(|| FetchError::Cancelled { what: what() })?;
        // Another thread may have fetched it in the meantime.
        if let Some(blob) = present(store, pin)? {
            return Ok(blob);
        }
        let mut tried = Tried::default();
        if let Some(blob) = self.fetch_from_vendor(store, pin, wanted, &mut tried)? {
            return Ok(blob);
        }
        let mut sink = StoreSink::new(store);
        match self.try_locations(wanted, &mut sink, &mut tried)? {
            Some(Got::Whole { content, .. }) => Ok(content.blob),
            _ => Err(tried.error(what())),
        }
    }

    /// The pinned bytes, if the store or one of the user's own places has them.
    pub(crate) fn fetch_kept(
        &self,
        store: &Store,
        pin: &Pin,
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<Option<BlobId>, FetchError> {
        if let Some(blob) = present(store, pin)? {
            return Ok(Some(blob));
        }
        let expected = Expected::Pinned(pin.sha256, pin.size);
        let (headers, authorization, what) = (&[][..], None, pin.what.as_str());
        let wanted =
            Wanted { what, expected, locations: &[], headers, authorization, progress, cancel };
        // Why a place does not have it is nobody's concern while others may.
        self.fetch_from_vendor(store, pin, &wanted, &mut Tried::default())
    }

    /// Fetches bytes that no pin names yet into the store, `limit` bytes at most; gives what they
    /// are and which location had them. For `lock` only.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is one fact of the call; all differ in type"
    )]
    pub fn fetch_new(
        &self,
        store: &Store,
        what: &str,
        locations: &[Location],
        limit: u64,
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<(Content, Location), FetchError> {
        let expected = Expected::AtMost(limit);
        let (headers, authorization) = (&[][..], None);
        let wanted = Wanted { what, expected, locations, headers, authorization, progress, cancel };
        let mut sink = StoreSink::new(store);
        let (content, location, _) =
            self.fetch(&wanted, &mut sink)?.expect("no validators were sent");
        Ok((content, location))
    }

    /// Fetches a small file that no pin names into memory, from the first location that has it. For
    /// `lock` only.
    pub fn fetch_unpinned(
        &self,
        what: &str,
        locations: &[Location],
        limit: u64,
        cancel: &AtomicBool,
    ) -> Result<Document, FetchError> {
        let none = Validators::default();
        let document = self.fetch_if_changed(what, locations, limit, &none, cancel)?;
        Ok(document.expect("no validators were sent"))
    }

    /// The same, or nothing if the first location that answers has what `validators` are of.
    pub fn fetch_if_changed(
        &self,
        what: &str,
        locations: &[Location],
        limit: u64,
        validators: &Validators,
        cancel: &AtomicBool,
    ) -> Result<Option<Document>, FetchError> {
        let mut headers = Vec::new();
        headers.extend(validators.etag.clone().map(|etag| (IF_NONE_MATCH, etag)));
        headers.extend(validators.last_modified.clone().map(|date| (IF_MODIFIED_SINCE, date)));
        let (expected, authorization) = (Expected::AtMost(limit), None);
        let (headers, progress) = (&headers[..], &|_| ());
        let wanted = Wanted { what, expected, locations, headers, authorization, progress, cancel };
        let mut sink = MemorySink::default();
        let found = self.fetch(&wanted, &mut sink)?;
        let bytes = sink.bytes;
        Ok(found.map(|(_, location, validators)| Document { location, bytes, validators }))
    }

    /// Fails if some of the pins are neither in the store nor in a vendor directory and the network
    /// may not be used; names all of them. A `file:` mirror may still have them.
    pub fn check_offline(&self, store: &Store, pins: &[Pin]) -> Result<(), FetchError> {
        if self.settings().offline == Offline::No {
            return Ok(());
        }
        let mut missing = Vec::new();
        for pin in pins {
            let vendored = self.vendored(pin);
            let vendored = vendored.iter().filter_map(Location::local_path);
            if present(store, pin)?.is_none() && !vendored.into_iter().any(|path| path.exists()) {
                missing.push(pin.what.clone());
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(FetchError::Offline { missing }) }
    }

    /// Tries the locations in turn; gives nothing if one says that nothing changed.
    pub(crate) fn fetch(
        &self,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Option<(Content, Location, Validators)>, FetchError> {
        let mut tried = Tried::default();
        match self.try_locations(wanted, sink, &mut tried)? {
            Some(Got::Whole { content, location, validators }) => {
                Ok(Some((content, location, validators)))
            }
            Some(Got::NotModified) => Ok(None),
            None => Err(tried.error(wanted.what.to_owned())),
        }
    }

    /// The same; nothing if no location has it, with what each of them said in `tried`.
    pub(crate) fn try_locations(
        &self,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
        tried: &mut Tried,
    ) -> Result<Option<Got>, FetchError> {
        let what = || wanted.what.to_owned();
        let offline = self.settings().offline == Offline::Yes;
        for location in wanted.locations {
            if offline && location.local_path().is_none() {
                tried.skipped = Skipped::Some;
                continue;
            }
            let transfer = Transfer {
                http: &self.http,
                location,
                expected: wanted.expected,
                headers: wanted.headers,
                authorization: wanted.authorization,
                progress: wanted.progress,
                cancel: wanted.cancel,
            };
            match transfer.run(sink) {
                Ok(Transferred::Whole { content, validators }) => {
                    let location = location.clone();
                    return Ok(Some(Got::Whole { content, location, validators }));
                }
                Ok(Transferred::NotModified) => return Ok(Some(Got::NotModified)),
                Err(TransferError::Location(error)) => {
                    tried.failures.push(Failure { location: location.clone(), error });
                }
                Err(TransferError::Store(source)) => {
                    return Err(FetchError::Store { what: what(), source });
                }
                Err(TransferError::Write(source)) => {
                    return Err(FetchError::Write { what: what(), source });
                }
                Err(TransferError::Cancelled) => {
                    return Err(FetchError::Cancelled { what: what() });
                }
            }
            sink.start_over().map_err(|source| FetchError::Store { what: what(), source })?;
        }
        Ok(None)
    }
}

/// What a location gave.
#[allow(clippy::large_enum_variant, reason = "one a fetch, looked at once")]
pub(crate) enum Got {
    /// The bytes, which are in the sink.
    Whole { content: Content, location: Location, validators: Validators },
    /// That nothing changed.
    NotModified,
}

/// Where something was looked for in vain.
#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) failures: Vec<Failure>,
    pub(crate) skipped: Skipped,
}

impl Tried {
    fn error(mut self, what: String) -> FetchError {
        match (self.skipped, self.failures.len()) {
            (Skipped::Some, _) => FetchError::Offline { missing: vec![what] },
            (Skipped::None, 0) => FetchError::NoLocation { what },
            (Skipped::None, 1) => {
                FetchError::Failed { what, failure: Box::new(self.failures.remove(0)) }
            }
            _ => FetchError::AllFailed { what, failures: self.failures },
        }
    }
}

impl FetchError {
    /// Whether every place answered, and none has these bytes (any more).
    pub fn is_gone(&self) -> bool {
        match self {
            FetchError::Failed { failure, .. } => failure.error.is_gone(),
            FetchError::AllFailed { failures, .. } => {
                failures.iter().all(|failure| failure.error.is_gone())
            }
            _ => false,
        }
    }
}

/// Whether locations were not tried since the network may not be used.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Skipped {
    #[default]
    None,
    Some,
}

pub(crate) fn present(store: &Store, pin: &Pin) -> Result<Option<BlobId>, FetchError> {
    let found = store.blob_by_sha256(pin.sha256, pin.size);
    found.map_err(|source| FetchError::Store { what: pin.what.clone(), source })
}
