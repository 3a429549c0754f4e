//! Records: what made what, as opaque bytes. They are only ever added.
//!
//! Payloads of the journal `records`: kind 1 is a step record, kind 2 a build record, kind 3 leads from
//! the command of a child step to a result (its readers skip what they do not know), kind 4 says what
//! a step was asked, under its own id as the key, so that each is there once; each is an optional key
//! (a byte 0, or a byte 1 and the key) and then the record's bytes to the end.

use crate::{
    Store, StoreError,
    index::check::{self, Column},
    journal::Frame,
};
use groundup_digest::{Reader, RecordId, StepKey, Writer};
use rusqlite::{OptionalExtension, params};

/// The kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// One execution of a step.
    Step,
    /// One build of a target.
    Build,
    /// What a command once led to.
    Link,
    /// What a step was asked.
    Question,
}

impl RecordKind {
    fn code(self) -> u8 {
        match self {
            RecordKind::Step => 1,
            RecordKind::Build => 2,
            RecordKind::Link => 3,
            RecordKind::Question => 4,
        }
    }
}

/// A record as its frame has it.
pub(crate) struct StoredRecord<'a> {
    pub(crate) id: RecordId,
    pub(crate) key: Option<StepKey>,
    pub(crate) bytes: &'a [u8],
}

impl<'a> StoredRecord<'a> {
    pub(crate) fn from_frame(frame: &'a Frame) -> Option<Self> {
        if ![1, 2, 3, 4].contains(&frame.kind) {
            return None;
        }
        let mut reader = Reader::new(&frame.payload);
        let key = reader.option(|reader| reader.digest().map(StepKey::from_bytes)).ok()?;
        let bytes = &frame.payload[if key.is_some() { 33 } else { 1 }..];
        Some(Self { id: RecordId::of_encoded(bytes), key, bytes })
    }
}

fn frame(kind: RecordKind, key: Option<StepKey>, bytes: &[u8]) -> Frame {
    let mut writer = Writer::new();
    writer.option(key, |writer, key| {
        writer.digest(key.as_bytes());
    });
    let mut payload = writer.finish();
    payload.extend_from_slice(bytes);
    Frame { kind: kind.code(), payload }
}

impl Store {
    /// Puts a record, after all that this process put before is on the disk; its id is the hash of
    /// the bytes. One that is the latest of its key or kind already is not put again.
    pub fn put_record(
        &self,
        kind: RecordKind,
        key: Option<StepKey>,
        bytes: &[u8],
    ) -> Result<RecordId, StoreError> {
        self.put_records(kind, &[(key, bytes)])?;
        Ok(RecordId::of_encoded(bytes))
    }

    /// Puts several records of different keys: one sync and one append for all. One that is the
    /// latest of its key already is not put again.
    pub fn put_records(
        &self,
        kind: RecordKind,
        records: &[(Option<StepKey>, &[u8])],
    ) -> Result<(), StoreError> {
        self.writable("put a record")?;
        if records.is_empty() {
            return Ok(());
        }
        self.flush_contents()?;
        self.0.durability.sync()?;
        self.0.index.append(&self.0.records, |connection| {
            let sql = "SELECT id FROM records WHERE kind = ?1 AND key IS ?2
                       ORDER BY offset DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let mut frames = Vec::new();
            for (key, bytes) in records {
                let row = params![kind.code(), key.map(|key| *key.as_bytes())];
                let latest =
                    statement.query_row(row, |row| row.get::<_, [u8; 32]>(0)).optional()?;
                if latest != Some(*RecordId::of_encoded(bytes).as_bytes()) {
                    frames.push(frame(kind, *key, bytes));
                }
            }
            Ok((frames, ()))
        })?;
        self.0.durability.wrote();
        Ok(())
    }

    /// The bytes of a record.
    pub fn get_record(&self, id: RecordId) -> Result<Vec<u8>, StoreError> {
        let offset = self.0.index.with("look up a record in", |connection| {
            let sql = "SELECT offset, row_check FROM records WHERE id = ?1 LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let offset = statement.query_row([id.as_bytes()], |row| {
                let offset = row.get::<_, i64>(0)?;
                let columns = [Column::Number(offset), Column::Bytes(id.as_bytes())];
                check::compare(row.get(1)?, "records", &columns)?;
                Ok(offset)
            });
            offset.optional()
        })?;
        let offset = offset.ok_or(StoreError::MissingRecord(id))? as u64;
        let frame = self.0.records.frame(offset)?;
        let record = frame.as_ref().and_then(StoredRecord::from_frame);
        match record.filter(|record| record.id == id) {
            Some(record) => Ok(record.bytes.to_vec()),
            None => {
                let path = self.0.records.path.clone();
                Err(StoreError::DamagedFrame { what: "a record", path, offset })
            }
        }
    }

    /// The records of a step's executions, oldest first.
    pub fn step_records(&self, key: StepKey) -> Result<Vec<RecordId>, StoreError> {
        self.list_records("SELECT id FROM records WHERE key = ?1 ORDER BY offset", key.as_bytes())
    }

    /// The records of builds, newest first, each once.
    pub fn build_records(&self) -> Result<Vec<RecordId>, StoreError> {
        let sql = "SELECT id FROM records WHERE kind = ?1 GROUP BY id ORDER BY max(offset) DESC";
        self.list_records(sql, RecordKind::Build.code())
    }

    /// Build records from an offset of their frames on, with the offsets.
    pub(crate) fn builds_from(&self, from: u64) -> Result<Vec<(u64, RecordId)>, StoreError> {
        self.0.index.with("list records in", |connection| {
            // The kind is spelt out, as in the index that holds builds alone.
            let sql = "SELECT offset, id FROM records WHERE kind = 2 AND offset >= ?1
                       ORDER BY offset";
            let mut statement = connection.prepare_cached(sql)?;
            let builds = statement.query_map([from as i64], |row| {
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), RecordId::from_bytes(row.get(1)?)))
            })?;
            builds.collect()
        })
    }

    fn list_records(
        &self,
        sql: &'static str,
        parameter: impl rusqlite::ToSql,
    ) -> Result<Vec<RecordId>, StoreError> {
        self.0.index.with("list records in", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let ids = statement.query_map([parameter], |row| row.get(0).map(RecordId::from_bytes));
            ids?.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_the_documented_ones() {
        let step = frame(RecordKind::Step, Some(StepKey::from_bytes([9; 32])), b"abc");
        assert_eq!((step.kind, &step.payload), (1, &[&[1][..], &[9; 32], b"abc"].concat()));
        let read = StoredRecord::from_frame(&step).unwrap();
        assert_eq!(read.id, RecordId::of_encoded(b"abc"));
        assert_eq!((read.key, read.bytes), (Some(StepKey::from_bytes([9; 32])), &b"abc"[..]));
        let build = frame(RecordKind::Build, None, b"abc");
        assert_eq!((build.kind, &build.payload[..]), (2, &b"\0abc"[..]));
    }
}
