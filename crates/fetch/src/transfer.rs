//! Bytes from one place, whole: hiccups are retried, half a file is resumed, and never more is taken
//! than is expected.
//!
//! | what happens | answer |
//! |---|---|
//! | no connection, a broken one, 408, 429, 5xx | retry after a wait that doubles; what came is kept and the rest asked for |
//! | nothing for the idle time | the same, once |
//! | the server ignores the range, or has another file now | from the start |
//! | another size or digest than pinned | an error; once from the start if the file was resumed |
//! | 404 and any other status | an error |
//!
//! Retries are counted without progress: a server that dies every few megabytes still delivers.

use crate::{
    Credential, HttpError, Location, RegistryError, Settings,
    gate::TICK,
    http::{Answer, Http, Request},
    sink::Sink,
};
use groundup_digest::{Content, Sha256};
use groundup_store::StoreError;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, IF_RANGE, LAST_MODIFIED,
    RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// The longest wait before a retry, also when the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What is expected of the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// These and no others.
    Pinned(Sha256, u64),
    /// At most so many.
    AtMost(u64),
}

impl Expected {
    fn limit(self) -> u64 {
        match self {
            Expected::Pinned(_, size) | Expected::AtMost(size) => size,
        }
    }
}

/// Why one place did not give what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// No answer, or no whole one.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The file is not there.
    #[error("not found (status {status})")]
    NotFound {
        /// 404 or 410.
        status: u16,
    },
    /// The server wants to know who asks.
    #[error(
        "access refused (status {status}): set `user` and `password`, or `token`, in `credentials.\"{host}\"` of the settings"
    )]
    Refused {
        /// 401, 403 or 407.
        status: u16,
        /// The host of the location.
        host: String,
        /// How it wants to be told, `WWW-Authenticate`.
        challenge: Option<String>,
    },
    /// Any other status.
    #[error("the server answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The answer ended early.
    #[error("the answer ended after {got} of {expected} bytes")]
    Truncated {
        /// Bytes that came.
        got: u64,
        /// Bytes that were expected.
        expected: u64,
    },
    /// The server continued at another byte than asked.
    #[error("the server answered with another part of the file than byte {asked} and what follows")]
    Range {
        /// The first byte that was asked for.
        asked: u64,
    },
    /// Not the pinned size.
    #[error("the size is not the pinned one: expected {expected} bytes, got {got}; {REMEDY}")]
    WrongSize {
        /// Bytes by the pin.
        expected: u64,
        /// Bytes there.
        got: u64,
    },
    /// More than the pinned size; the rest was not taken.
    #[error("the size is not the pinned one: expected {expected} bytes, got more; {REMEDY}")]
    Longer {
        /// Bytes by the pin.
        expected: u64,
    },
    /// Not the pinned content.
    #[error(
        "the content is not the pinned one: expected sha256 {expected}, got {got} ({size} bytes); {REMEDY}"
    )]
    WrongContent {
        /// The pin.
        expected: Sha256,
        /// What is there.
        got: Sha256,
        /// Its bytes.
        size: u64,
    },
    /// An unpinned file is too long.
    #[error("longer than the {limit} bytes that are allowed for it")]
    TooLong {
        /// The limit.
        limit: u64,
    },
    /// A file of this machine cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A registry does not let itself be asked.
    #[error("cannot ask the registry")]
    Registry(#[source] Box<RegistryError>),
}

impl LocationError {
    /// Whether the place answered, and does not have these bytes (any more).
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            LocationError::NotFound { .. }
            | LocationError::WrongSize { .. }
            | LocationError::Longer { .. }
            | LocationError::WrongContent { .. } => true,
            LocationError::File { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

const REMEDY: &str =
    "either this mirror is bad or not up to date, or the pin is stale (`groundup update`)";

/// Why a transfer ended.
#[derive(Debug)]
pub(crate) enum TransferError {
    /// Another place may do better.
    Location(LocationError),
    /// The bytes cannot be kept.
    Store(StoreError),
    /// The bytes cannot be written.
    Write(io::Error),
    /// The caller asked to stop.
    Cancelled,
}

impl From<LocationError> for TransferError {
    fn from(error: LocationError) -> Self {
        TransferError::Location(error)
    }
}

impl From<HttpError> for TransferError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Cancelled => TransferError::Cancelled,
            error => TransferError::Location(LocationError::Http(error)),
        }
    }
}

/// What a server says to recognise a version of a file by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What came of a transfer.
pub(crate) enum Transferred {
    /// The bytes are in the sink.
    Whole { content: Content, validators: Validators },
    /// The server says that they are those that the caller has.
    NotModified,
}

/// One transfer from one place.
pub(crate) struct Transfer<'a> {
    pub(crate) http: &'a Http,
    pub(crate) location: &'a Location,
    pub(crate) expected: Expected,
    pub(crate) headers: &'a [(HeaderName, String)],
    pub(crate) authorization: Option<&'a Credential>,
    pub(crate) progress: &'a dyn Fn(u64),
    pub(crate) cancel: &'a AtomicBool,
}

/// How far a transfer is.
#[derive(Default)]
struct State {
    /// Bytes in the sink.
    got: u64,
    /// The most bytes that were in it.
    best: u64,
    /// Of the answer that the bytes in the sink are from.
    validators: Validators,
    resumed: bool,
}

/// How an attempt failed, and what may help.
enum Trouble {
    Fatal(TransferError),
    Hiccup { error: LocationError, wait: Option<Duration> },
}

impl<E: Into<TransferError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        match error.into() {
            TransferError::Location(LocationError::Http(error)) if error.is_hiccup() => {
                Trouble::Hiccup { error: error.into(), wait: None }
            }
            error => Trouble::Fatal(error),
        }
    }
}

impl Transfer<'_> {
    /// Fills the sink, which must be empty.
    pub(crate) fn run(&self, sink: &mut dyn Sink) -> Result<Transferred, TransferError> {
        let mut state = State::default();
        let (mut failures, mut stalls) = (0, 0);
        loop {
            let best = state.best;
            let trouble = match self.attempt(sink, &mut state) {
                Ok(Some(validators)) => match self.check(sink) {
                    Err(Trouble::Fatal(TransferError::Location(_))) if state.resumed => {
                        // One of the parts was of another file.
                        state = State { best: state.best, ..State::default() };
                        continue;
                    }
                    Err(Trouble::Fatal(error)) => return Err(error),
                    Err(trouble) => trouble,
                    Ok(content) => return Ok(Transferred::Whole { content, validators }),
                },
                Ok(None) => return Ok(Transferred::NotModified),
                Err(trouble) => trouble,
            };
            let (error, wait) = match trouble {
                Trouble::Fatal(error) => return Err(error),
                Trouble::Hiccup { error, wait } => (error, wait),
            };
            failures = if state.best > best { 1 } else { failures + 1 };
            stalls += u32::from(matches!(error, LocationError::Http(HttpError::Stalled { .. })));
            if failures > self.settings().retries || stalls > 1 {
                return Err(error.into());
            }
            let doubled = 1 << (failures - 1).min(16);
            let wait = wait.unwrap_or(self.settings().retry_wait * doubled).min(LONGEST_WAIT);
            self.sleep(wait)?;
        }
    }

    fn settings(&self) -> &Settings {
        self.http.settings()
    }

    /// One request or one reading; gives nothing if the server says that nothing changed.
    fn attempt(
        &self,
        sink: &mut dyn Sink,
        state: &mut State,
    ) -> Result<Option<Validators>, Trouble> {
        if let Some(path) = self.location.local_path() {
            self.read_file(&path, sink, state)?;
            return Ok(Some(Validators::default()));
        }
        let mut headers = self.headers.to_vec();
        headers.push((ACCEPT_ENCODING, "identity".to_owned()));
        if state.got > 0 {
            headers.push((RANGE, format!("bytes={}-", state.got)));
            let Validators { etag, last_modified } = &state.validators;
            let strong = etag.as_ref().filter(|etag| !etag.starts_with("W/"));
            if let Some(validator) = strong.or(last_modified.as_ref()) {
                headers.push((IF_RANGE, validator.clone()));
            }
        }
        let (location, authorization, cancel) = (self.location, self.authorization, self.cancel);
        let mut answer = self.http.get(&Request { location, headers, authorization, cancel })?;
        match answer.status {
            304 => return Ok(None),
            200 => {
                self.start_over(sink, state)?;
                let header = |name| answer.header(name).map(str::to_owned);
                state.validators =
                    Validators { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
            }
            206 if state.got > 0
                && answer.header(CONTENT_RANGE).and_then(first_byte) == Some(state.got) =>
            {
                state.resumed = true
            }
            206 | 416 => {
                let asked = state.got;
                self.start_over(sink, state)?;
                let error = LocationError::Range { asked };
                return Err(Trouble::Hiccup { error, wait: None });
            }
            _ => return Err(self.refusal(&answer)),
        }
        self.receive(&mut answer, sink, state)?;
        Ok(Some(state.validators.clone()))
    }

    fn receive(
        &self,
        answer: &mut Answer<'_>,
        sink: &mut dyn Sink,
        state: &mut State,
    ) -> Result<(), Trouble> {
        let length = answer.header(CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        let announced = length.map(|length| state.got.saturating_add(length));
        if let Some(total) = announced {
            self.check_total(total)?;
        }
        while let Some(bytes) = answer.next()? {
            self.take(&bytes, sink, state)?;
        }
        let expected = match self.expected {
            Expected::Pinned(_, size) => size,
            Expected::AtMost(_) => announced.unwrap_or(state.got),
        };
        if state.got < expected {
            let error = LocationError::Truncated { got: state.got, expected };
            return Err(Trouble::Hiccup { error, wait: None });
        }
        Ok(())
    }

    fn read_file(
        &self,
        path: &Path,
        sink: &mut dyn Sink,
        state: &mut State,
    ) -> Result<(), TransferError> {
        let failed = |source| LocationError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")).into());
        }
        self.check_total(metadata.len())?;
        self.start_over(sink, state)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(TransferError::Cancelled);
            }
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.take(&buffer[..count], sink, state)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error).into()),
            }
        }
    }

    fn start_over(&self, sink: &mut dyn Sink, state: &mut State) -> Result<(), TransferError> {
        sink.start_over().map_err(TransferError::Store)?;
        *state = State { best: state.best, ..State::default() };
        Ok(())
    }

    fn take(
        &self,
        bytes: &[u8],
        sink: &mut dyn Sink,
        state: &mut State,
    ) -> Result<(), TransferError> {
        let got = state.got + bytes.len() as u64;
        let limit = self.expected.limit();
        if got > limit {
            return Err(match self.expected {
                Expected::Pinned(_, expected) => LocationError::Longer { expected }.into(),
                Expected::AtMost(limit) => LocationError::TooLong { limit }.into(),
            });
        }
        sink.write(bytes).map_err(TransferError::Write)?;
        state.got = got;
        if got > state.best {
            state.best = got;
            (self.progress)(got);
        }
        Ok(())
    }

    fn check_total(&self, total: u64) -> Result<(), LocationError> {
        match self.expected {
            Expected::Pinned(_, expected) if total != expected => {
                Err(LocationError::WrongSize { expected, got: total })
            }
            Expected::AtMost(limit) if total > limit => Err(LocationError::TooLong { limit }),
            _ => Ok(()),
        }
    }

    /// Compares what is in the sink with the pin.
    fn check(&self, sink: &mut dyn Sink) -> Result<Content, Trouble> {
        let content = sink.finish().map_err(TransferError::Store)?;
        match self.expected {
            Expected::Pinned(expected, size) if content.size != size => {
                debug_assert_ne!(expected, content.sha256);
                let (expected, got) = (size, content.size);
                Err(LocationError::WrongSize { expected, got }.into())
            }
            Expected::Pinned(expected, _) if content.sha256 != expected => {
                let (got, size) = (content.sha256, content.size);
                Err(LocationError::WrongContent { expected, got, size }.into())
            }
            _ => Ok(content),
        }
    }

    fn refusal(&self, answer: &Answer<'_>) -> Trouble {
        let status = answer.status;
        let host = || self.location.url().authority().to_owned();
        let error = match status {
            404 | 410 => LocationError::NotFound { status },
            401 | 403 | 407 => {
                let challenge = answer.header(WWW_AUTHENTICATE).map(str::to_owned);
                LocationError::Refused { status, host: host(), challenge }
            }
            _ => LocationError::Status { status },
        };
        // 501 and 505 say that the server will never do it.
        if matches!(status, 408 | 429 | 500..=599) && !matches!(status, 501 | 505) {
            let seconds = answer.header(RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            return Trouble::Hiccup { error, wait: seconds.map(Duration::from_secs) };
        }
        Trouble::Fatal(error.into())
    }

    fn sleep(&self, wait: Duration) -> Result<(), TransferError> {
        let mut left = wait;
        while !left.is_zero() {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(TransferError::Cancelled);
            }
            let step = left.min(TICK);
            thread::sleep(step);
            left -= step;
        }
        Ok(())
    }
}

/// The first byte of a partial answer, from `Content-Range: bytes FIRST-LAST/TOTAL`.
pub(crate) fn first_byte(header: &str) -> Option<u64> {
    let range = header.trim().strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}
