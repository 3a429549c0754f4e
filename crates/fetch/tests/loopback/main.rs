//! What the fetcher promises, against small servers on this machine.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod download;
mod git;
mod local;
mod patience;
mod registry;
mod server;
mod travel;

use groundup_digest::{BlobId, Sha256};
use groundup_fetch::{FetchError, Fetcher, Location, Pin, Settings};
use groundup_store::{OpenOptions, Store};
use std::{error::Error, sync::atomic::AtomicBool, time::Duration};

/// A store of its own for one test.
struct Fixture {
    store: Store,
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), &OpenOptions::default()).unwrap();
        Self { store, dir }
    }

    fn fetch(
        &self,
        settings: Settings,
        pin: &Pin,
        locations: &[Location],
    ) -> Result<BlobId, FetchError> {
        let cancel = AtomicBool::new(false);
        Fetcher::new(settings).fetch_pinned(&self.store, pin, locations, &|_| (), &cancel)
    }

    fn content(&self, blob: BlobId) -> Vec<u8> {
        self.store.read_blob(blob).unwrap()
    }
}

/// Settings with which no test waits longer than it must.
fn settings() -> Settings {
    Settings { retry_wait: Duration::ZERO, ..Settings::default() }
}

fn pin(bytes: &[u8]) -> Pin {
    let what = "package hello 2.10-3".to_owned();
    Pin { sha256: Sha256::of(bytes), size: bytes.len() as u64, what }
}

/// Bytes that no two places of a file have in common.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// An error with everything behind it, as the command line shows it.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n{error}"));
        source = error.source();
    }
    text
}
