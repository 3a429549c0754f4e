//! The tables of the index.

use rusqlite::{Connection, TransactionBehavior, types::Value};

/// Raised with each change of the tables: an index of another version is emptied and catches up.
const VERSION: i64 = 3;

const TABLES: &str = "
    CREATE TABLE journals (name TEXT PRIMARY KEY, applied INTEGER NOT NULL,
        row_check INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE trees (id BLOB PRIMARY KEY, kind INTEGER NOT NULL, offset INTEGER NOT NULL,
        row_check INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE results (key BLOB PRIMARY KEY, value BLOB NOT NULL, forgotten INTEGER NOT NULL,
        row_check INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE observed (key BLOB NOT NULL, value BLOB NOT NULL, row_check INTEGER NOT NULL,
        PRIMARY KEY (key, value)) WITHOUT ROWID;
    CREATE TABLE records (offset INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL,
        key BLOB, row_check INTEGER NOT NULL);
    CREATE INDEX records_by_id ON records (id);
    CREATE INDEX records_by_key ON records (key);
    CREATE INDEX records_of_builds ON records (offset, id) WHERE kind = 2;
    CREATE TABLE contents (blob BLOB PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
        row_check INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX contents_by_sha256 ON contents (sha256);
    CREATE TABLE durations (label TEXT PRIMARY KEY, millis INTEGER NOT NULL) WITHOUT ROWID;
";

/// Settings of every connection. Nothing is synced: the database does not outlive the boot.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA mmap_size = 268435456;
         PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the tables, unless they are there in this version.
pub(super) fn ensure(connection: &Connection) -> rusqlite::Result<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let behavior = TransactionBehavior::Immediate;
    let transaction = rusqlite::Transaction::new_unchecked(connection, behavior)?;
    if version(&transaction)? != VERSION {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let tables: Vec<String> = transaction
            .prepare(tables)?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for table in tables {
            transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
        }
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// The rows of all tables, in order; those of `journals` come first.
pub(super) fn dump(connection: &Connection) -> rusqlite::Result<Vec<Vec<Vec<Value>>>> {
    let tables = ["journals", "trees", "results", "observed", "records", "contents", "durations"];
    let dumped = tables.iter().map(|table| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()
        });
        rows?.collect()
    });
    dumped.collect()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
