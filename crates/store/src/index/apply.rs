//! Taking a journal's frames into the index's tables.

use super::check::{
    self,
    Column::{Bytes, Number},
};
use crate::{hints, journal::Frame, journal::JournalName, records, results, trees};
use groundup_digest::StepKey;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// Starts to write.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Notes up to where a journal was taken in.
pub(super) fn set_applied(
    connection: &Connection,
    journal: JournalName,
    end: u64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO journals (name, applied, row_check) VALUES (?1, ?2, ?3)";
    let (name, end) = (journal.folder(), end as i64);
    let check = check::of("journals", &[Bytes(name.as_bytes()), Number(end)]);
    connection.prepare_cached(sql)?.execute(params![name, end, check])?;
    Ok(())
}

/// Empties the tables of a journal.
pub(super) fn forget_all(connection: &Connection, journal: JournalName) -> rusqlite::Result<()> {
    connection.execute_batch(match journal {
        JournalName::Hints => "DELETE FROM contents; DELETE FROM durations;",
        JournalName::Trees => "DELETE FROM trees;",
        JournalName::Records => "DELETE FROM records;",
        JournalName::Results => "DELETE FROM results; DELETE FROM observed;",
    })?;
    set_applied(connection, journal, 0)
}

/// Takes in one frame. A frame of a kind that is not known here is passed over.
pub(super) fn apply(
    connection: &Connection,
    journal: JournalName,
    salt: u64,
    offset: u64,
    frame: &Frame,
) -> rusqlite::Result<()> {
    match journal {
        JournalName::Hints => match hints::Hint::from_frame(frame) {
            Some(hint) => apply_hint(connection, &hint),
            None => Ok(()),
        },
        JournalName::Trees => match trees::id_of_frame(frame) {
            Some(id) => {
                let sql = "INSERT OR IGNORE INTO trees (id, kind, offset, row_check)
                           VALUES (?1, ?2, ?3, ?4)";
                let offset = offset as i64;
                let check = check::of("trees", &[Bytes(&id), Number(offset)]);
                let row = params![id, frame.kind, offset, check];
                connection.prepare_cached(sql)?.execute(row).map(|_| ())
            }
            None => Ok(()),
        },
        JournalName::Records => match records::StoredRecord::from_frame(frame) {
            Some(record) => {
                let sql = "INSERT OR REPLACE INTO records (offset, id, kind, key, row_check)
                           VALUES (?1, ?2, ?3, ?4, ?5)";
                let (offset, id) = (offset as i64, record.id.as_bytes());
                let key = record.key.map(|key| *key.as_bytes());
                let check = check::of("records", &[Number(offset), Bytes(id)]);
                let row = params![offset, id, frame.kind, key, check];
                connection.prepare_cached(sql)?.execute(row).map(|_| ())
            }
            None => Ok(()),
        },
        JournalName::Results => match results::Event::from_frame(frame) {
            Some((of, event)) if of == salt => apply_event(connection, event),
            _ => Ok(()),
        },
    }
}

fn apply_hint(connection: &Connection, hint: &hints::Hint) -> rusqlite::Result<()> {
    match hint {
        hints::Hint::Content(content) => {
            let sql = "INSERT OR IGNORE INTO contents (blob, sha256, size, row_check)
                       VALUES (?1, ?2, ?3, ?4)";
            let (blob, sha256) = (content.blob.as_bytes(), content.sha256.as_bytes());
            let size = content.size as i64;
            let check = check::of("contents", &[Bytes(blob), Bytes(sha256), Number(size)]);
            let row = params![blob, sha256, size, check];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        hints::Hint::Duration { label, millis } => {
            let sql = "INSERT OR REPLACE INTO durations (label, millis) VALUES (?1, ?2)";
            connection.prepare_cached(sql)?.execute(params![label, *millis as i64])?;
        }
    }
    Ok(())
}

/// The first result of a key stays; what else was seen stands beside it.
fn apply_event(connection: &Connection, event: results::Event) -> rusqlite::Result<()> {
    match event {
        results::Event::Forgotten(key) => {
            if let Some((first, _)) = results::row(connection, key)? {
                put_result(connection, key, &first, 1)?;
            }
        }
        results::Event::Result { key, value } => {
            let Some((first, forgotten)) = results::row(connection, key)? else {
                return put_result(connection, key, &value, 0);
            };
            if forgotten != 0 {
                put_result(connection, key, &first, 0)?;
            }
            if !results::same_outputs(&first, &value) {
                let sql = "INSERT OR IGNORE INTO observed (key, value, row_check)
                           VALUES (?1, ?2, ?3)";
                let key = key.as_bytes();
                let check = check::of("observed", &[Bytes(key), Bytes(&value)]);
                connection.prepare_cached(sql)?.execute(params![key, value, check])?;
            }
        }
    }
    Ok(())
}

fn put_result(
    connection: &Connection,
    key: StepKey,
    value: &[u8],
    forgotten: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO results (key, value, forgotten, row_check)
               VALUES (?1, ?2, ?3, ?4)";
    let key = key.as_bytes();
    let check = check::of("results", &[Bytes(key), Bytes(value), Number(forgotten)]);
    connection.prepare_cached(sql)?.execute(params![key, value, forgotten, check]).map(|_| ())
}
