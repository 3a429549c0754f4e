//! Taking in what the journals hold and the history does not.

use super::{History, Mentions, OPEN, ReadMentions, hold};
use crate::{
    StoreError,
    error::Queried,
    journal::{Journal, JournalName},
    records::StoredRecord,
};
use groundup_digest::BlobId;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::BTreeSet;

/// Entries of directories that are held in memory before they are written in order.
const BATCH: usize = 1 << 20;

/// How a history stands to a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has what stands before this place.
    Upto(u64),
    /// It was filled from another journal: an older one was put in its place, or it lost its end.
    OfAnother,
}

impl History {
    /// Takes in the rest of the journals.
    pub(super) fn fill(&mut self, read: ReadMentions<'_>) -> Result<(), StoreError> {
        if self.is_full()? && !self.has_readable(read)? {
            return Ok(());
        }
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(&self.connection, behavior);
        let transaction = transaction.queried("write the history of")?;
        // Another process may have been faster.
        let trees = self.state(&self.store.0.trees)?;
        if trees == State::OfAnother || !self.has_builds()? || self.has_readable(read)? {
            let tables = "DELETE FROM applied; DELETE FROM unread; DELETE FROM series;
                          DELETE FROM builds; DELETE FROM mentions; DELETE FROM inside;";
            transaction.execute_batch(tables).queried("empty the history of")?;
        }
        self.fill_builds(read)?;
        self.fill_directories()?;
        transaction.commit().queried("write the history of")
    }

    /// Whether there is nothing to take in.
    fn is_full(&self) -> Result<bool, StoreError> {
        let inner = &self.store.0;
        let records = State::Upto(inner.index.applied(JournalName::Records)?);
        Ok(self.state(&inner.records)? == records
            && self.state(&inner.trees)? == State::Upto(inner.trees.size()?)
            && self.has_builds()?)
    }

    /// Whether its builds are those that the index has, as far as the journal was taken in. A crash, a
    /// repair or another journal may have taken some away; the index is made from what is there.
    fn has_builds(&self) -> Result<bool, StoreError> {
        let sql = "SELECT n, record FROM builds UNION ALL SELECT n, record FROM unread ORDER BY n";
        let own = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(i64, [u8; 32])>>>()
        };
        let own = own().queried("read the history of")?;
        let upto = self.upto(&self.store.0.records)?;
        let kept = self.store.builds_from(0)?.into_iter();
        let kept = kept.take_while(|(offset, _)| *offset < upto);
        Ok(own.into_iter().eq(kept.map(|(offset, id)| (offset as i64, *id.as_bytes()))))
    }

    /// How far a journal was taken in.
    fn state(&self, journal: &Journal) -> Result<State, StoreError> {
        let sql = "SELECT upto, seal FROM applied WHERE journal = ?1";
        let found = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
            statement.query_row([journal.name.folder()], row).optional()
        };
        let Some((upto, seal)) = found().queried("read the history of")? else {
            return Ok(State::Upto(0));
        };
        let (upto, seal) = (upto.unsigned_abs(), BlobId::from_bytes(seal));
        let is_same = journal.seal(upto)? == Some(seal);
        Ok(if is_same { State::Upto(upto) } else { State::OfAnother })
    }

    fn upto(&self, journal: &Journal) -> Result<u64, StoreError> {
        match self.state(journal)? {
            State::Upto(upto) => Ok(upto),
            State::OfAnother => Ok(0),
        }
    }

    fn set_upto(&self, journal: &Journal, end: u64) -> Result<(), StoreError> {
        // Without a seal it is all read again.
        let Some(seal) = journal.seal(end)? else { return Ok(()) };
        let sql = "INSERT OR REPLACE INTO applied (journal, upto, seal) VALUES (?1, ?2, ?3)";
        let row = params![journal.name.folder(), end as i64, seal.as_bytes()];
        self.connection.execute(sql, row).queried("write the history of")?;
        Ok(())
    }

    /// Whether a build that could not be read can be now, as a newer groundup can; the newest stands for
    /// all.
    fn has_readable(&self, read: ReadMentions<'_>) -> Result<bool, StoreError> {
        let sql = "SELECT max(n) FROM unread";
        let newest = self.connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
        let Some(newest) = newest.queried("read the history of")? else { return Ok(false) };
        Ok(self.read_build(newest.unsigned_abs(), read)?.is_some())
    }

    fn read_build(
        &self,
        offset: u64,
        read: ReadMentions<'_>,
    ) -> Result<Option<Mentions>, StoreError> {
        let frame = self.store.0.records.frame(offset)?;
        let record = frame.as_ref().and_then(StoredRecord::from_frame);
        let Some(mut mentions) = record.and_then(|record| read(record.bytes)) else {
            return Ok(None);
        };
        mentions.ids.sort_unstable();
        mentions.ids.dedup();
        Ok(Some(mentions))
    }

    fn fill_builds(&self, read: ReadMentions<'_>) -> Result<(), StoreError> {
        let inner = &self.store.0;
        // Up to where the index has the records: behind that one may be on its way.
        let (from, end) = (self.upto(&inner.records)?, inner.index.applied(JournalName::Records)?);
        if end <= from {
            return Ok(());
        }
        let builds = self.store.builds_from(from)?.into_iter();
        for (offset, record) in builds.take_while(|(offset, _)| *offset < end) {
            let (n, id) = (offset as i64, *record.as_bytes());
            let added = match self.read_build(offset, read)? {
                Some(mentions) => self.add_build(n, &id, &mentions),
                None => {
                    let sql = "INSERT INTO unread (n, record) VALUES (?1, ?2)";
                    self.connection.execute(sql, params![n, id]).map(|_| ())
                }
            };
            added.queried("write the history of")?;
        }
        self.set_upto(&inner.records, end)
    }

    fn add_build(&self, n: i64, record: &[u8; 32], mentions: &Mentions) -> rusqlite::Result<()> {
        let connection = &self.connection;
        let known = "SELECT series, latest FROM series WHERE name = ?1";
        let known = connection
            .prepare_cached(known)?
            .query_row([&mentions.series], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let (series, before) = match known {
            Some((series, before)) => (series, Some(before)),
            None => {
                let new = "INSERT INTO series (name, latest) VALUES (?1, ?2)";
                connection.prepare_cached(new)?.execute(params![mentions.series, n])?;
                (connection.last_insert_rowid(), None)
            }
        };
        let build = "INSERT OR REPLACE INTO builds (n, record, series, started)
                     VALUES (?1, ?2, ?3, ?4)";
        let row = params![n, record, series, mentions.started_ms as i64];
        connection.prepare_cached(build)?.execute(row)?;
        let latest = "UPDATE series SET latest = ?2 WHERE series = ?1";
        connection.prepare_cached(latest)?.execute([series, n])?;
        let open = "SELECT id FROM mentions WHERE series = ?1 AND last = 9223372036854775807";
        let mut open = connection.prepare_cached(open)?;
        let open: BTreeSet<[u8; 32]> =
            open.query_map([series], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let close = "UPDATE mentions SET last = ?3
                     WHERE id = ?1 AND series = ?2 AND last = 9223372036854775807";
        let mut close = connection.prepare_cached(close)?;
        for id in open.iter().filter(|id| mentions.ids.binary_search(id).is_err()) {
            // There was a build before, or nothing would be open.
            close.execute(params![id, series, before.unwrap_or(n)])?;
        }
        let begin = "INSERT OR REPLACE INTO mentions (id, series, first, last)
                     VALUES (?1, ?2, ?3, ?4)";
        let mut begin = connection.prepare_cached(begin)?;
        for id in mentions.ids.iter().filter(|id| !open.contains(*id)) {
            begin.execute(params![id, series, n, OPEN])?;
        }
        Ok(())
    }

    fn fill_directories(&self) -> Result<(), StoreError> {
        let journal = &self.store.0.trees;
        let from = self.upto(journal)?;
        if from == journal.size()? {
            return Ok(());
        }
        let mut rows: Vec<(i64, i64)> = Vec::new();
        let scanned = journal.scan(from, |offset, frame| {
            hold::children(&frame, |child| rows.push((hold::short(child), offset as i64)));
            if rows.len() >= BATCH { self.add_children(&mut rows) } else { Ok(()) }
        })?;
        self.add_children(&mut rows)?;
        self.set_upto(journal, scanned.end)
    }

    /// Writes rows in the order of the table, which is several times faster than in any other.
    fn add_children(&self, rows: &mut Vec<(i64, i64)>) -> Result<(), StoreError> {
        rows.sort_unstable();
        rows.dedup();
        let add = || {
            let sql = "INSERT OR IGNORE INTO inside (child, parent) VALUES (?1, ?2)";
            let mut statement = self.connection.prepare_cached(sql)?;
            rows.iter().try_for_each(|row| statement.execute([row.0, row.1]).map(|_| ()))
        };
        add().queried("write the history of")?;
        rows.clear();
        Ok(())
    }
}
