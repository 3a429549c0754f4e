//! Results: what each step gave, by key; the first one seen stays.
//!
//! Payloads of the journal `results` begin with the tag of the store's salt (`u64`) and the key.
//! Kind 1 goes on with the outputs (count; name and object each, sorted by name) and the id of the
//! record; kind 2, the order to run the step again, ends there. Frames of another salt do not count.

use crate::{
    Store, StoreError,
    error::Queried,
    index::check::{
        self,
        Column::{Bytes, Number},
    },
    journal::Frame,
};
use groundup_digest::{DecodeError, ObjectId, Reader, RecordId, StepKey, Writer};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;

const RESULT: u8 = 1;
const FORGOTTEN: u8 = 2;

/// What a step gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// Its named outputs.
    pub outputs: BTreeMap<String, ObjectId>,
    /// The record of the execution that gave them.
    pub record: RecordId,
}

/// What became of a result that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is the first of its key.
    First,
    /// The key has these outputs already.
    Same,
    /// The key has this other result, which stays; the key is unstable from now on.
    Differs(StepResult),
}

/// A key that was seen with different outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstable {
    /// The key.
    pub key: StepKey,
    /// What was seen first and stays.
    pub first: StepResult,
    /// What else was seen.
    pub others: Vec<StepResult>,
}

impl StepResult {
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.seq(&self.outputs, |writer, (name, object)| {
            writer.str(name);
            object.write(writer);
        });
        writer.digest(self.record.as_bytes());
        writer.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut outputs = BTreeMap::new();
        reader.seq(|reader| {
            let name = reader.str()?.to_owned();
            outputs.insert(name, ObjectId::read(reader)?);
            Ok(())
        })?;
        let record = RecordId::from_bytes(reader.digest()?);
        reader.end()?;
        let result = Self { outputs, record };
        match result.to_bytes() == bytes {
            true => Ok(result),
            false => Err(DecodeError::Invalid { at: bytes.len(), what: "order of outputs" }),
        }
    }
}

/// Whether two encoded results differ in nothing but their record.
pub(crate) fn same_outputs(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.len() >= 32 && a[..a.len() - 32] == b[..b.len() - 32]
}

/// What a frame of the journal says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// This was seen.
    Result { key: StepKey, value: Vec<u8> },
    /// The step is to run again.
    Forgotten(StepKey),
}

impl Event {
    pub(crate) fn to_frame(&self, salt: u64) -> Frame {
        let mut writer = Writer::new();
        writer.u64(salt);
        match self {
            Event::Forgotten(key) => {
                writer.digest(key.as_bytes());
                Frame { kind: FORGOTTEN, payload: writer.finish() }
            }
            Event::Result { key, value } => {
                writer.digest(key.as_bytes());
                let mut payload = writer.finish();
                payload.extend_from_slice(value);
                Frame { kind: RESULT, payload }
            }
        }
    }

    /// Reads a frame: the salt under which it counts, and what it says.
    pub(crate) fn from_frame(frame: &Frame) -> Option<(u64, Self)> {
        let mut reader = Reader::new(&frame.payload);
        let salt = reader.u64().ok()?;
        let key = StepKey::from_bytes(reader.digest().ok()?);
        let event = match frame.kind {
            RESULT => {
                let value = frame.payload[40..].to_vec();
                StepResult::from_bytes(&value).ok()?;
                Event::Result { key, value }
            }
            FORGOTTEN => {
                reader.end().ok()?;
                Event::Forgotten(key)
            }
            _ => return None,
        };
        Some((salt, event))
    }
}

/// The row of a key: its first result, and whether the step is to run again.
pub(crate) fn row(
    connection: &Connection,
    key: StepKey,
) -> rusqlite::Result<Option<(Vec<u8>, i64)>> {
    let sql = "SELECT value, forgotten, row_check FROM results WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row([key.as_bytes()], |row| {
        let (value, forgotten): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
        let columns = [Bytes(key.as_bytes()), Bytes(&value), Number(forgotten)];
        check::compare(row.get(2)?, "results", &columns)?;
        Ok((value, forgotten))
    });
    row.optional()
}

/// Many look-ups in the results as they were at one moment; faster than asking one by one.
pub struct ResultsView<'a> {
    store: &'a Store,
    /// There until this is dropped.
    connection: Option<Connection>,
}

impl ResultsView<'_> {
    /// What [`Store::get_result`] would have answered at that moment.
    pub fn get(&self, key: StepKey) -> Result<Option<StepResult>, StoreError> {
        let connection = self.connection.as_ref().expect("it is there until the drop");
        let row = row(connection, key).queried("look up a result in");
        match self.store.0.index.guard(row)? {
            Some((value, 0)) => self.store.result(&value).map(Some),
            _ => Ok(None),
        }
    }
}

impl Drop for ResultsView<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.store.0.index.end_snapshot(connection);
        }
    }
}

impl Store {
    /// The results as they are now, for many look-ups.
    pub fn results_view(&self) -> Result<ResultsView<'_>, StoreError> {
        Ok(ResultsView { store: self, connection: Some(self.0.index.begin_snapshot()?) })
    }

    /// The result of a key, if one is known and the step is not to run again. Its objects may be
    /// gone: [`Store::has_complete`] tells.
    pub fn get_result(&self, key: StepKey) -> Result<Option<StepResult>, StoreError> {
        match self.0.index.with("look up a result in", |connection| row(connection, key))? {
            Some((value, 0)) => self.result(&value).map(Some),
            _ => Ok(None),
        }
    }

    /// Notes what a step gave, after all that it names is on the disk.
    ///
    /// The first result of a key stays. What the key had before is compared with also when
    /// [`Store::forget_result`] asked for the step to run again.
    pub fn put_result(&self, key: StepKey, result: &StepResult) -> Result<Stored, StoreError> {
        let mut firsts = self.put_results(&[(key, result)])?;
        self.stored(result, firsts.pop().flatten())
    }

    /// What [`Store::put_result`] would answer.
    pub(crate) fn compare_result(
        &self,
        key: StepKey,
        result: &StepResult,
    ) -> Result<Stored, StoreError> {
        self.writable("put a result")?;
        let first = self.0.index.with("look up a result in", |connection| row(connection, key))?;
        self.stored(result, first.map(|(value, _)| value))
    }

    fn stored(&self, result: &StepResult, first: Option<Vec<u8>>) -> Result<Stored, StoreError> {
        match first {
            None => Ok(Stored::First),
            Some(first) if same_outputs(&first, &result.to_bytes()) => Ok(Stored::Same),
            Some(first) => self.result(&first).map(Stored::Differs),
        }
    }

    /// Notes what several steps gave, after all that they name is on the disk: one sync and one
    /// append for all. Gives what each key had before, encoded.
    pub(crate) fn put_results(
        &self,
        results: &[(StepKey, &StepResult)],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.writable("put a result")?;
        if results.is_empty() {
            return Ok(Vec::new());
        }
        self.flush_contents()?;
        self.0.durability.sync()?;
        let salt = self.0.format.salt_tag();
        let (_, firsts) = self.0.index.append(&self.0.results, |connection| {
            let (mut frames, mut firsts) = (Vec::new(), Vec::new());
            for (key, result) in results {
                let (key, value, first) = (*key, result.to_bytes(), row(connection, *key)?);
                let known = match &first {
                    Some((first, 0)) => {
                        same_outputs(first, &value) || observed(connection, key, &value)?
                    }
                    _ => false,
                };
                if !known {
                    frames.push(Event::Result { key, value }.to_frame(salt));
                }
                firsts.push(first.map(|(value, _)| value));
            }
            Ok((frames, firsts))
        })?;
        self.0.durability.wrote();
        Ok(firsts)
    }

    /// Lets the step run again: its key has no result until one is put, and that one is compared
    /// with the first.
    pub fn forget_result(&self, key: StepKey) -> Result<(), StoreError> {
        self.writable("forget a result")?;
        self.forget_answers()?;
        let frame = Event::Forgotten(key).to_frame(self.0.format.salt_tag());
        self.0.index.append(&self.0.results, |connection| {
            let known = matches!(row(connection, key)?, Some((_, 0)));
            Ok((if known { vec![frame] } else { Vec::new() }, ()))
        })?;
        Ok(())
    }

    /// The keys that were seen with different outputs, by key.
    pub fn unstable(&self) -> Result<Vec<Unstable>, StoreError> {
        let rows = self.0.index.with("list unstable keys in", |connection| {
            let sql = "SELECT key, value, row_check FROM observed ORDER BY key";
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = statement.query([])?;
            let mut rows = Vec::new();
            while let Some(found) = found.next()? {
                let (key, value): ([u8; 32], Vec<u8>) = (found.get(0)?, found.get(1)?);
                check::compare(found.get(2)?, "observed", &[Bytes(&key), Bytes(&value)])?;
                let key = StepKey::from_bytes(key);
                rows.extend(row(connection, key)?.map(|(first, _)| (key, first, value)));
            }
            Ok(rows)
        })?;
        let mut list: Vec<Unstable> = Vec::new();
        for (key, first, other) in rows {
            let other = self.result(&other)?;
            match list.last_mut().filter(|last| last.key == key) {
                Some(last) => last.others.push(other),
                None => {
                    let first = self.result(&first)?;
                    list.push(Unstable { key, first, others: vec![other] });
                }
            }
        }
        Ok(list)
    }

    /// Every result that counts, by key.
    pub fn results(&self) -> Result<Vec<(StepKey, StepResult)>, StoreError> {
        let rows = self.0.index.with("list the results in", |connection| {
            let sql = "SELECT key, value, row_check FROM results WHERE forgotten = 0 ORDER BY key";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let (key, value): ([u8; 32], Vec<u8>) = (row.get(0)?, row.get(1)?);
                let columns = [Bytes(&key), Bytes(&value), Number(0)];
                check::compare(row.get(2)?, "results", &columns)?;
                Ok((StepKey::from_bytes(key), value))
            });
            rows?.collect::<Result<Vec<_>, _>>()
        })?;
        rows.into_iter().map(|(key, value)| Ok((key, self.result(&value)?))).collect()
    }

    /// Returns when everything that this process put into the store is on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.flush_contents()?;
        self.0.durability.sync()
    }

    pub(crate) fn result(&self, value: &[u8]) -> Result<StepResult, StoreError> {
        StepResult::from_bytes(value).map_err(|source| StoreError::Malformed {
            what: "a result",
            path: self.0.results.path.clone(),
            source,
        })
    }
}

fn observed(connection: &Connection, key: StepKey, value: &[u8]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT value FROM observed WHERE key = ?1")?;
    let mut rows = statement.query([key.as_bytes()])?;
    while let Some(row) = rows.next()? {
        if same_outputs(&row.get::<_, Vec<u8>>(0)?, value) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::{BlobId, TreeId};

    #[test]
    fn payloads_are_the_documented_ones() {
        let outputs = [
            ("out".to_owned(), ObjectId::Tree(TreeId::from_bytes([2; 32]))),
            ("dev".to_owned(), ObjectId::Blob(BlobId::from_bytes([1; 32]))),
        ];
        let record = RecordId::from_bytes([3; 32]);
        let result = StepResult { outputs: outputs.into(), record };
        let key = StepKey::from_bytes([4; 32]);
        let event = Event::Result { key, value: result.to_bytes() };
        let frame = event.to_frame(5);
        let expected = [
            &[5, 0, 0, 0, 0, 0, 0, 0][..],
            &[4; 32],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            b"\x03\0\0\0\0\0\0\0dev\x01",
            &[1; 32],
            b"\x03\0\0\0\0\0\0\0out\x02",
            &[2; 32],
            &[3; 32],
        ];
        assert_eq!((frame.kind, &frame.payload), (1, &expected.concat()));
        assert_eq!(Event::from_frame(&frame), Some((5, event)));
        assert_eq!(StepResult::from_bytes(&result.to_bytes()), Ok(result));
        let frame = Event::Forgotten(key).to_frame(5);
        let expected = [&[5, 0, 0, 0, 0, 0, 0, 0][..], &[4; 32]].concat();
        assert_eq!((frame.kind, &frame.payload), (2, &expected));
        assert_eq!(Event::from_frame(&frame), Some((5, Event::Forgotten(key))));
        let longer = Frame { payload: [&expected[..], &[0]].concat(), ..frame };
        assert_eq!(Event::from_frame(&longer), None, "nothing may follow the key");
    }

    #[test]
    fn results_compare_by_outputs_not_by_record() {
        let result = |output: u8, record: u8| {
            let output = ObjectId::Blob(BlobId::from_bytes([output; 32]));
            let outputs = [("out".to_owned(), output)].into();
            StepResult { outputs, record: RecordId::from_bytes([record; 32]) }.to_bytes()
        };
        assert!(same_outputs(&result(1, 1), &result(1, 2)));
        assert!(!same_outputs(&result(1, 1), &result(2, 1)));
    }
}
