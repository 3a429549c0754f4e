//! Taking a journal's frames into the index's tables.

use crate::{hints, journal::Frame, journal::JournalName, records, results, trees};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

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
    let sql = "INSERT OR REPLACE INTO journals (name, applied) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![journal.folder(), end as i64])?;
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
                let sql = "INSERT OR IGNORE INTO trees (id, kind, offset) VALUES (?1, ?2, ?3)";
                let row = params![id, frame.kind, offset as i64];
                connection.prepare_cached(sql)?.execute(row).map(|_| ())
            }
            None => Ok(()),
        },
        JournalName::Records => match records::StoredRecord::from_frame(frame) {
            Some(record) => {
                let sql = "INSERT OR REPLACE INTO records (offset, id, kind, key)
                           VALUES (?1, ?2, ?3, ?4)";
                let key = record.key.map(|key| *key.as_bytes());
                let row = params![offset as i64, record.id.as_bytes(), frame.kind, key];
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
            let sql = "INSERT OR IGNORE INTO contents (blob, sha256, size) VALUES (?1, ?2, ?3)";
            let (blob, sha256) = (content.blob.as_bytes(), content.sha256.as_bytes());
            let row = params![blob, sha256, content.size as i64];
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
            let sql = "UPDATE results SET forgotten = 1 WHERE key = ?1";
            connection.prepare_cached(sql)?.execute([key.as_bytes()])?;
        }
        results::Event::Result { key, value } => {
            let sql = "SELECT value FROM results WHERE key = ?1";
            let first = connection
                .prepare_cached(sql)?
                .query_row([key.as_bytes()], |row| row.get::<_, Vec<u8>>(0))
                .optional()?;
            let Some(first) = first else {
                let sql = "INSERT INTO results (key, value, forgotten) VALUES (?1, ?2, 0)";
                return connection
                    .prepare_cached(sql)?
                    .execute(params![key.as_bytes(), value])
                    .map(|_| ());
            };
            let sql = "UPDATE results SET forgotten = 0 WHERE key = ?1";
            connection.prepare_cached(sql)?.execute([key.as_bytes()])?;
            if !results::same_outputs(&first, &value) {
                let sql = "INSERT OR IGNORE INTO observed (key, value) VALUES (?1, ?2)";
                connection.prepare_cached(sql)?.execute(params![key.as_bytes(), value])?;
            }
        }
    }
    Ok(())
}
