//! A check in each row of the index, so that a byte that flips in the database is seen.
//!
//! SQLite notices damage of its own structures only. A row's check is the start of the BLAKE3 of
//! its table and its columns.

use rusqlite::ffi;

/// One column of a row.
pub(crate) enum Column<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// A number.
    Number(i64),
}

/// The check of a row.
pub(crate) fn of(table: &str, columns: &[Column<'_>]) -> i64 {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(table.as_bytes());
    for column in columns {
        match column {
            Column::Number(number) => bytes.extend_from_slice(&number.to_le_bytes()),
            Column::Bytes(column) => {
                bytes.extend_from_slice(&(column.len() as u64).to_le_bytes());
                bytes.extend_from_slice(column);
            }
        }
    }
    let hash = groundup_digest::BlobId::of(&bytes);
    i64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
}

/// Compares a row with the check that stands in it; another one is damage of the database.
pub(crate) fn compare(found: i64, table: &str, columns: &[Column<'_>]) -> rusqlite::Result<()> {
    if found == of(table, columns) {
        return Ok(());
    }
    let error = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(error, Some(format!("a row of `{table}` is damaged"))))
}

/// Whether an error says that the file is no database, a broken one, or one of other tables.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::{Error, ErrorCode as Code};
    match error {
        Error::SqlInputError { .. }
        | Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(Code::DatabaseCorrupt | Code::NotADatabase | Code::SchemaChanged | Code::Unknown)
        ),
    }
}
