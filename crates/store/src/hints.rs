//! What is remembered to save work: the SHA-256 and size of blobs, and how long steps took.
//!
//! Payloads of the journal `hints`: kind 1 is a blob's BLAKE3, SHA-256 and size; kind 2 a label
//! (string) and milliseconds (`u64`).

use crate::{
    Store, StoreError,
    index::check::{self, Column},
    journal::Frame,
};
use groundup_digest::{BlobId, Content, Reader, Sha256, Writer};
use rusqlite::OptionalExtension;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// One thing to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    Content(Content),
    Duration { label: String, millis: u64 },
}

impl Hint {
    pub(crate) fn to_frame(&self) -> Frame {
        let mut writer = Writer::new();
        let kind = match self {
            Hint::Content(content) => {
                writer.digest(content.blob.as_bytes()).digest(content.sha256.as_bytes());
                writer.u64(content.size);
                1
            }
            Hint::Duration { label, millis } => {
                writer.str(label).u64(*millis);
                2
            }
        };
        Frame { kind, payload: writer.finish() }
    }

    pub(crate) fn from_frame(frame: &Frame) -> Option<Self> {
        let mut reader = Reader::new(&frame.payload);
        let hint = match frame.kind {
            1 => Hint::Content(Content {
                blob: BlobId::from_bytes(reader.digest().ok()?),
                sha256: Sha256::from_bytes(reader.digest().ok()?),
                size: reader.u64().ok()?,
            }),
            2 => {
                Hint::Duration { label: reader.str().ok()?.to_owned(), millis: reader.u64().ok()? }
            }
            _ => return None,
        };
        reader.end().ok()?;
        Some(hint)
    }
}

/// Reads a row of `contents`.
fn content(row: &rusqlite::Row<'_>) -> rusqlite::Result<Content> {
    let (blob, sha256): ([u8; 32], [u8; 32]) = (row.get(0)?, row.get(1)?);
    let size: i64 = row.get(2)?;
    let columns = [Column::Bytes(&blob), Column::Bytes(&sha256), Column::Number(size)];
    check::compare(row.get(3)?, "contents", &columns)?;
    let (blob, sha256) = (BlobId::from_bytes(blob), Sha256::from_bytes(sha256));
    Ok(Content { blob, sha256, size: size as u64 })
}

/// Digests that were learned and not yet written: they are written many at a time.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    waiting: Mutex<HashMap<BlobId, Content>>,
}

/// How many digests wait before they are written.
const ENOUGH: usize = 1024;

impl Store {
    /// The digests and size of a blob: remembered, or computed from its bytes once.
    pub fn content_of(&self, id: BlobId) -> Result<Content, StoreError> {
        let waiting = self.0.contents.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = waiting.get(&id).copied() {
            return Ok(content);
        }
        drop(waiting);
        let known = self.0.index.with("look up a blob in", |connection| {
            let sql = "SELECT blob, sha256, size, row_check FROM contents WHERE blob = ?1";
            connection.prepare_cached(sql)?.query_row([id.as_bytes()], content).optional()
        })?;
        if let Some(content) = known {
            return Ok(content);
        }
        let content = self.open_blob(id)?.into_content()?;
        self.remember_content(&content)?;
        Ok(content)
    }

    /// The blob with this SHA-256 and size, if it is in the store and its SHA-256 is remembered.
    pub fn blob_by_sha256(&self, sha256: Sha256, size: u64) -> Result<Option<BlobId>, StoreError> {
        let waiting = self.0.contents.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.values().find(|c| c.sha256 == sha256 && c.size == size);
        let mut found = found.map(|content| content.blob);
        drop(waiting);
        if found.is_none() {
            found = self.0.index.with("look up a blob in", |connection| {
                let sql = "SELECT blob, sha256, size, row_check FROM contents
                           WHERE sha256 = ?1 AND size = ?2";
                let row = rusqlite::params![sha256.as_bytes(), size as i64];
                let found = connection.prepare_cached(sql)?.query_row(row, content).optional()?;
                Ok(found.map(|content| content.blob))
            })?;
        }
        match found {
            Some(blob) if self.has_blob(blob)? => Ok(Some(blob)),
            _ => Ok(None),
        }
    }

    /// What is remembered of a blob, without looking at its bytes, which may be gone.
    pub fn known_content(&self, id: BlobId) -> Result<Option<Content>, StoreError> {
        self.0.index.with("look up a blob in", |connection| {
            let sql = "SELECT blob, sha256, size, row_check FROM contents WHERE blob = ?1";
            connection.prepare_cached(sql)?.query_row([id.as_bytes()], content).optional()
        })
    }

    /// Blobs whose SHA-256 begins with these digits, as far as it is remembered; at most `most`.
    pub fn contents_by_sha256(
        &self,
        prefix: &crate::IdPrefix,
        most: usize,
    ) -> Result<Vec<Content>, StoreError> {
        self.0.index.with("look up a digest in", |connection| {
            let sql = "SELECT blob, sha256, size, row_check FROM contents
                       WHERE sha256 BETWEEN ?1 AND ?2 ORDER BY sha256 LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let range = rusqlite::params![prefix.low(), prefix.high(), most as i64];
            statement.query_map(range, content)?.collect()
        })
    }

    /// Remembers the digests of a blob.
    pub(crate) fn remember_content(&self, content: &Content) -> Result<(), StoreError> {
        if self.writable("remember digests").is_err() {
            return Ok(());
        }
        let mut waiting = self.0.contents.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(content.blob, *content);
        let enough = waiting.len() >= ENOUGH;
        drop(waiting);
        if enough { self.flush_contents() } else { Ok(()) }
    }

    /// Writes the digests that wait.
    pub(crate) fn flush_contents(&self) -> Result<(), StoreError> {
        self.0.flush_contents()
    }

    /// Remembers how long the steps with these labels took; the last value counts.
    pub fn remember_durations<'a>(
        &self,
        steps: impl IntoIterator<Item = (&'a str, Duration)>,
    ) -> Result<(), StoreError> {
        self.writable("remember how long steps took")?;
        let frames = steps.into_iter().map(|(label, took)| {
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            Hint::Duration { label: label.to_owned(), millis }.to_frame()
        });
        let frames: Vec<_> = frames.collect();
        self.0.index.append(&self.0.hints, |_| Ok((frames, ())))?;
        Ok(())
    }

    /// How long the steps with these labels took last, in the order of the labels.
    pub fn durations_of<'a>(
        &self,
        labels: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Option<Duration>>, StoreError> {
        self.0.index.with_snapshot("look up durations in", |connection| {
            let sql = "SELECT millis FROM durations WHERE label = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let mut durations = Vec::new();
            for label in labels {
                let millis = statement.query_row([label], |row| row.get::<_, i64>(0)).optional()?;
                durations.push(millis.map(|millis| Duration::from_millis(millis as u64)));
            }
            Ok(durations)
        })
    }
}

impl crate::store::Inner {
    pub(crate) fn flush_contents(&self) -> Result<(), StoreError> {
        let mut waiting = self.contents.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut contents: Vec<Content> = waiting.values().copied().collect();
        contents.sort_by_key(|content| content.blob);
        self.index.append(&self.hints, |connection| {
            let mut known = connection.prepare_cached("SELECT 1 FROM contents WHERE blob = ?1")?;
            let mut frames = Vec::new();
            for content in contents {
                if !known.exists([content.blob.as_bytes()])? {
                    frames.push(Hint::Content(content).to_frame());
                }
            }
            Ok((frames, ()))
        })?;
        waiting.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_the_documented_ones() {
        let content = Content::of(b"abc");
        let frame = Hint::Content(content).to_frame();
        let expected =
            [&content.blob.as_bytes()[..], content.sha256.as_bytes(), &[3, 0, 0, 0, 0, 0, 0, 0]];
        assert_eq!((frame.kind, frame.payload.clone()), (1, expected.concat()));
        assert_eq!(Hint::from_frame(&frame), Some(Hint::Content(content)));
        let hint = Hint::Duration { label: "a".into(), millis: 5 };
        let frame = hint.to_frame();
        let expected = [&[1, 0, 0, 0, 0, 0, 0, 0, b'a'][..], &[5, 0, 0, 0, 0, 0, 0, 0]];
        assert_eq!((frame.kind, frame.payload.clone()), (2, expected.concat()));
        assert_eq!(Hint::from_frame(&frame), Some(hint));
    }
}
