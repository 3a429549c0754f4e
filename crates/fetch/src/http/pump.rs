//! The thread that waits for the network on behalf of one request.
//!
//! It ends with its request, or with the wait that its reader gave up on (after the idle time, at
//! the latest). Its channel is short, so it never reads far ahead of a slow disk.

use super::{Http, HttpError};
use crate::gate::TICK;
use reqwest::{
    blocking::{Client, Request},
    header::HeaderMap,
};
use std::{
    io::{self, Read},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Bytes of one read.
const CHUNK: usize = 128 * 1024;
/// How many of them wait for the reader.
const AHEAD: usize = 8;

/// The receiving end.
pub(super) struct Pump {
    events: Receiver<Event>,
    idle: Duration,
}

/// Status and headers.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

enum Event {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    NoAnswer(reqwest::Error),
    Broken(io::Error),
}

impl Pump {
    /// Sends `request` and waits for the head of its answer.
    pub(super) fn start(
        client: &Client,
        request: Request,
        http: &Http,
        cancel: &AtomicBool,
    ) -> Result<(Head, Self), HttpError> {
        let (sender, events) = sync_channel(AHEAD);
        let client = client.clone();
        let started = thread::Builder::new().name("fetch".to_owned()).spawn(move || {
            // A failed send means that the reader has gone.
            let _ = run(&client, request, &sender);
        });
        started.map_err(HttpError::Broken)?;
        let pump = Self { events, idle: http.settings.idle_timeout };
        match pump.event(cancel)? {
            Event::Head(head) => Ok((head, pump)),
            Event::NoAnswer(error) => Err(pump.no_answer(error)),
            Event::Broken(error) => Err(HttpError::Broken(error)),
            Event::Bytes(_) | Event::End => Err(gone()),
        }
    }

    /// The next bytes of the body, or nothing at its end.
    pub(super) fn next(&self, cancel: &AtomicBool) -> Result<Option<Vec<u8>>, HttpError> {
        match self.event(cancel)? {
            Event::Bytes(bytes) => Ok(Some(bytes)),
            Event::End => Ok(None),
            Event::Broken(error) if timed_out(&error) => {
                Err(HttpError::Stalled { after: self.idle })
            }
            Event::Broken(error) => Err(HttpError::Broken(error)),
            Event::NoAnswer(error) => Err(self.no_answer(error)),
            Event::Head(_) => Err(gone()),
        }
    }

    fn event(&self, cancel: &AtomicBool) -> Result<Event, HttpError> {
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(HttpError::Cancelled);
            }
            match self.events.recv_timeout(TICK) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }

    fn no_answer(&self, error: reqwest::Error) -> HttpError {
        // URLs may hold what messages must not show, and the message names the place anyway.
        let error = error.without_url();
        if error.is_connect() {
            HttpError::Connect(error)
        } else if error.is_timeout() {
            HttpError::Stalled { after: self.idle }
        } else {
            HttpError::Request(error)
        }
    }
}

fn gone() -> HttpError {
    HttpError::Broken(io::Error::other("the thread of the request ended early"))
}

fn timed_out(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

fn run(
    client: &Client,
    request: Request,
    events: &SyncSender<Event>,
) -> Result<(), std::sync::mpsc::SendError<Event>> {
    let mut answer = match client.execute(request) {
        Ok(answer) => answer,
        Err(error) => return events.send(Event::NoAnswer(error)),
    };
    let status = answer.status().as_u16();
    events.send(Event::Head(Head { status, headers: std::mem::take(answer.headers_mut()) }))?;
    loop {
        let mut bytes = vec![0; CHUNK];
        match answer.read(&mut bytes) {
            Ok(0) => return events.send(Event::End),
            Ok(count) => {
                bytes.truncate(count);
                events.send(Event::Bytes(bytes))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return events.send(Event::Broken(error)),
        }
    }
}
