//! What the store remembers of ids: which builds name one, and which directories hold one.
//!
//! A view of the journals beside the [index](crate::index), filled when somebody asks and after each
//! build, so that no step waits for it. Records are opaque to the store: whoever asks hands in how a
//! build record is read ([`Mentions`]). Equal builds share rows: an id that is named by all builds of
//! a series from the third to the ninth has one row that says so.
//!
//! Unlike the index it outlives the boot, because taking in a thousand builds takes seconds: it is
//! written so that a crash leaves an earlier state of it. It is used if its builds are those of the
//! index, which is made from what is there, and if the journal of trees has the seal where it was left;
//! otherwise all is taken in anew.
//!
//! ```text
//! applied   journal, up to where it was taken in, the seal of the journal there
//! unread    n (offset of its frame), record: builds that a newer groundup wrote
//! builds    n (offset of its frame), record, series, start
//! series    name, latest n
//! mentions  id, series, first n, last n (open while the latest build names it)
//! inside    first 8 bytes of a blob's or directory's id -> offset of the frame that holds it
//! ```
//!
//! Nothing here is trusted: who finds a row reads the frame that it leads to, which has a check, so a
//! damaged row loses an answer and makes none up. A damaged file is made anew.

mod fill;
mod hold;
mod prefix;

pub use hold::Holder;
pub use prefix::{IdPrefix, ParsePrefixError};

use crate::{Access, Store, StoreError, disk, error::Queried, index};
use groundup_digest::RecordId;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};

/// What a build record says of ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mentions {
    /// Builds of one series follow each other: the same targets of the same workspace.
    pub series: String,
    /// When the build began, in milliseconds since 1970.
    pub started_ms: u64,
    /// Every id that it names.
    pub ids: Vec<[u8; 32]>,
}

/// Reads a build record; none if it cannot.
pub type ReadMentions<'a> = &'a mut dyn FnMut(&[u8]) -> Option<Mentions>;

/// A build that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldBuild {
    /// Its record.
    pub record: RecordId,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
}

/// A stretch of builds of one series that all name an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The id.
    pub id: [u8; 32],
    /// The series.
    pub series: String,
    /// How many builds it has.
    pub builds: u64,
    /// The first of them.
    pub first: ToldBuild,
    /// The last of them.
    pub last: ToldBuild,
}

/// A series of builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its latest build.
    pub latest: RecordId,
}

/// The memory of a store, as far as its journals went when it was opened.
pub struct History {
    store: Store,
    connection: Connection,
    /// The file; none for a store that is only read.
    path: Option<PathBuf>,
}

/// Where a stretch is still going on.
const OPEN: i64 = i64::MAX;

/// Raised with each change of the tables, and of what is read of a record.
const VERSION: i64 = 2;

const TABLES: &str = "
    CREATE TABLE applied (journal TEXT PRIMARY KEY, upto INTEGER NOT NULL, seal BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE unread (n INTEGER PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE series (series INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        latest INTEGER NOT NULL);
    CREATE TABLE builds (n INTEGER PRIMARY KEY, record BLOB NOT NULL, series INTEGER NOT NULL,
        started INTEGER NOT NULL);
    CREATE INDEX builds_of_series ON builds (series, n);
    CREATE TABLE mentions (id BLOB NOT NULL, series INTEGER NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, PRIMARY KEY (id, series, first)) WITHOUT ROWID;
    CREATE INDEX mentions_open ON mentions (series) WHERE last = 9223372036854775807;
    CREATE TABLE inside (child INTEGER NOT NULL, parent INTEGER NOT NULL,
        PRIMARY KEY (child, parent)) WITHOUT ROWID;
";

impl Store {
    /// The memory of this store, with all that was put into it so far.
    pub fn history(&self, read: ReadMentions<'_>) -> Result<History, StoreError> {
        let path = match self.access() {
            Access::ReadWrite => Some(index::history_path(self.path())),
            Access::ReadOnly => None,
        };
        match History::open(self, path.as_deref(), read) {
            Err(StoreError::Index { action, source }) if index::check::is_damage(&source) => {
                let Some(path) = path else { return Err(StoreError::Index { action, source }) };
                remove(&path)?;
                History::open(self, Some(&path), read)
            }
            opened => opened,
        }
    }
}

/// Removes a database that cannot be read.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        disk::remove_file(&PathBuf::from(name))?;
    }
    Ok(())
}

impl History {
    fn open(
        store: &Store,
        path: Option<&Path>,
        read: ReadMentions<'_>,
    ) -> Result<Self, StoreError> {
        let connection = match path {
            Some(path) => Connection::open(path),
            None => Connection::open_in_memory(),
        };
        let connection = connection.queried("open the history in")?;
        ready(&connection).queried("make the history of")?;
        let mut history = Self { store: store.clone(), connection, path: None };
        history.fill(read)?;
        // From here on damage is told: who asks again finds it made anew.
        history.path = path.map(Path::to_owned);
        Ok(history)
    }

    /// Asks the database. One that is damaged is removed, and the error says to run the command again.
    fn ask<T>(
        &self,
        action: &'static str,
        query: impl FnOnce() -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let answer = query();
        let damaged = answer.as_ref().is_err_and(index::check::is_damage);
        let answer = answer.queried(action);
        match (answer, &self.path) {
            (Err(error), Some(path)) if damaged => {
                remove(path)?;
                Err(StoreError::DamagedIndex { path: path.clone(), source: Box::new(error) })
            }
            (answer, _) => answer,
        }
    }

    /// The stretches of builds that name an id which begins with these digits, at most `most`, those
    /// of whole ids first.
    pub fn mentions(&self, prefix: &IdPrefix, most: usize) -> Result<Vec<Stretch>, StoreError> {
        let sql = "SELECT id, series.name, mentions.series, first, last FROM mentions
                   JOIN series USING (series) WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
        let found = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = params![prefix.low(), prefix.high(), most as i64];
            let rows = statement.query_map(rows, |row| {
                let (series, first, last): (i64, i64, i64) =
                    (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?, series, first, last))
            })?;
            let mut stretches = Vec::new();
            for row in rows {
                let (id, name, series, first, last) = row?;
                stretches.extend(self.stretch(id, name, series, first, last)?);
            }
            Ok(stretches)
        };
        self.ask("look up an id in the history of", found)
    }

    fn stretch(
        &self,
        id: [u8; 32],
        name: String,
        series: i64,
        first: i64,
        last: i64,
    ) -> rusqlite::Result<Option<Stretch>> {
        let end = |order: &str| {
            let sql = format!(
                "SELECT record, started FROM builds
                 WHERE series = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n {order} LIMIT 1"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_row([series, first, last], told).optional()
        };
        let sql = "SELECT count(*) FROM builds WHERE series = ?1 AND n BETWEEN ?2 AND ?3";
        let mut count = self.connection.prepare_cached(sql)?;
        let builds: i64 = count.query_row([series, first, last], |row| row.get(0))?;
        let (Some(first), Some(last)) = (end("ASC")?, end("DESC")?) else { return Ok(None) };
        Ok(Some(Stretch { id, series: name, builds: builds.unsigned_abs(), first, last }))
    }

    /// Every series, the one with the latest build first.
    pub fn series(&self) -> Result<Vec<Series>, StoreError> {
        let sql = "SELECT name, record FROM series JOIN builds ON n = latest ORDER BY latest DESC";
        let found = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let latest = RecordId::from_bytes(row.get(1)?);
                Ok(Series { name: row.get(0)?, latest })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        self.ask("list the series of", found)
    }

    /// How many builds are remembered.
    pub fn builds(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM builds";
        let count = || self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        self.ask("count the builds of", count).map(i64::unsigned_abs)
    }
}

fn told(row: &rusqlite::Row<'_>) -> rusqlite::Result<ToldBuild> {
    let started: i64 = row.get(1)?;
    Ok(ToldBuild { record: RecordId::from_bytes(row.get(0)?), started_ms: started.unsigned_abs() })
}

/// Makes the tables, unless they are there in this version.
fn ready(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(120))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 268435456;
         PRAGMA temp_store = MEMORY;",
    )?;
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    if version(connection)? == VERSION {
        return Ok(());
    }
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = rusqlite::Transaction::new_unchecked(connection, behavior)?;
    if version(&transaction)? != VERSION {
        for table in ["applied", "unread", "series", "builds", "mentions", "inside"] {
            transaction.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
        }
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("store", &self.store).finish_non_exhaustive()
    }
}
