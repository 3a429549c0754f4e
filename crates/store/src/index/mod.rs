//! The index: an SQLite database that answers questions about the journals fast.
//!
//! It is a view of the journals and holds nothing else: for each journal it knows up to which byte
//! it has taken the frames in, and takes in the rest when it is opened and before each append. So a
//! process that dies between an append and its entry here leaves nothing to repair, and a lost or
//! damaged index is an empty one that catches up.
//!
//! The database is named after the boot of the machine. After a crash of the machine (or on another
//! one) it is made anew, so it needs no syncs of its own and never tells of frames that the disk
//! has lost.

mod apply;
pub(crate) mod check;
mod schema;

use crate::{
    Access, StoreError, disk,
    error::{Queried, Tried},
    journal::{Frame, Journal, JournalName},
};
use check::Column;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Something that was amiss and was put right when the store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The index could not be read and was made anew from the journals.
    IndexRebuilt {
        /// The index.
        path: PathBuf,
        /// What was wrong with it.
        problem: String,
    },
    /// A part of a journal could not be read; what stood there is lost.
    JournalDamaged {
        /// The journal.
        path: PathBuf,
        /// Where the part starts.
        offset: u64,
        /// How many bytes it has.
        length: u64,
    },
    /// After a crash of the machine some blobs had lost their bytes and were removed; they are
    /// fetched or built again when needed.
    TornBlobsRemoved {
        /// How many.
        count: usize,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Notice::IndexRebuilt { path, problem } => {
                write!(f, "the index {} was made anew ({problem})", path.display())
            }
            Notice::JournalDamaged { path, offset, length } => {
                let path = path.display();
                write!(f, "{length} bytes at byte {offset} of {path} are damaged and were skipped")
            }
            Notice::TornBlobsRemoved { count } => {
                write!(f, "{count} blobs that a crash of the machine had cut off were removed")
            }
        }
    }
}

/// The index of a store.
pub(crate) struct Index {
    location: Location,
    /// The salt under which results count.
    salt: u64,
    /// Connections that nobody uses at the moment.
    idle: Mutex<Vec<Connection>>,
    notices: Mutex<Vec<Notice>>,
    /// The database was found damaged and removed.
    broken: AtomicBool,
}

#[derive(Clone, PartialEq, Eq)]
enum Location {
    /// A file that other processes use too.
    File(PathBuf),
    /// In memory, for a store that cannot be written; the name tells stores of a process apart.
    Memory(String),
}

impl Index {
    /// Opens the index of the store at `store`; it may have to catch up.
    pub(crate) fn open(store: &Path, salt: u64, access: Access) -> Result<Self, StoreError> {
        let folder = store.join("index");
        let path = folder.join(format!("{}.db", boot()));
        let location = match access {
            Access::ReadWrite => Location::File(path.clone()),
            Access::ReadOnly => Location::memory(),
        };
        let (idle, notices, broken) = <(Mutex<_>, Mutex<_>, AtomicBool)>::default();
        let index = Self { location, salt, idle, notices, broken };
        let is_new = matches!(&index.location, Location::File(path) if !path.exists());
        let opened = index.connect().and_then(|connection| {
            schema::ensure(&connection).queried("make ready")?;
            Ok(connection)
        });
        let connection = match opened {
            Err(error) if access == Access::ReadWrite && is_damage(&error) => {
                index.discard(&path, &error)?;
                let connection = index.connect()?;
                schema::ensure(&connection).queried("make ready")?;
                connection
            }
            opened => opened?,
        };
        index.give_back(connection);
        if is_new {
            // After a crash its name is the sign that there was one, so it is on the disk before
            // anything is put into the store.
            for folder in [&folder, store] {
                let open = std::fs::File::open(folder).tried("open", folder)?;
                open.sync_all().tried("sync", folder)?;
            }
        }
        Ok(index)
    }

    /// What was amiss.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn notice(&self, notice: Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// Looks at what using the database gave. One that is damaged is removed: whoever opens the
    /// store next makes it anew. Processes that have it open go on with it, or meet the damage too.
    pub(crate) fn guard<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let Location::File(path) = &self.location else { return done };
        match done {
            Err(error) if is_damage(&error) => {
                if !self.broken.swap(true, Ordering::Relaxed) {
                    self.discard(path, &error)?;
                }
                Err(StoreError::DamagedIndex { path: path.clone(), source: Box::new(error) })
            }
            done => done,
        }
    }

    /// Removes a database that cannot be read.
    fn discard(&self, path: &Path, error: &StoreError) -> Result<(), StoreError> {
        let problem = problem_of(error);
        // After a crash a database of another boot is the sign that there was one.
        let sign = path.with_extension("damaged.db");
        std::fs::File::create(&sign).tried("write", &sign)?;
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            disk::remove_file(Path::new(&name))?;
        }
        self.notice(Notice::IndexRebuilt { path: path.to_owned(), problem });
        Ok(())
    }

    /// Runs `query` with a connection of its own.
    pub(crate) fn with<T>(
        &self,
        action: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.take()?;
        let answer = query(&connection).queried(action);
        self.give_back(connection);
        self.guard(answer)
    }

    /// Runs many queries on one state of the index: without this, each would lock it anew.
    pub(crate) fn with_snapshot<T>(
        &self,
        action: &'static str,
        queries: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.with(action, |connection| {
            let transaction = connection.unchecked_transaction()?;
            let answer = queries(connection)?;
            transaction.commit()?;
            Ok(answer)
        })
    }

    /// A connection that sees one state of the index until it is given back.
    pub(crate) fn begin_snapshot(&self) -> Result<Connection, StoreError> {
        let connection = self.take()?;
        connection.execute_batch("BEGIN").queried("read")?;
        Ok(connection)
    }

    /// Ends what [`Index::begin_snapshot`] began.
    pub(crate) fn end_snapshot(&self, connection: Connection) {
        // A connection that cannot end its transaction is not used again.
        if connection.execute_batch("COMMIT").is_ok() {
            self.give_back(connection);
        }
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.guard(self.connect()), Ok)
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.location {
            Location::File(path) => Connection::open_with_flags(path, flags),
            Location::Memory(name) => {
                let uri = format!("file:/{name}?vfs=memdb");
                Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
            }
        };
        let connection = connection.queried("open")?;
        connection.busy_timeout(Duration::from_secs(120)).queried("open")?;
        schema::configure(&connection).queried("open")?;
        Ok(connection)
    }

    /// Takes in what is in the journal and not yet here.
    pub(crate) fn catch_up(&self, journal: &Journal) -> Result<(), StoreError> {
        if matches!(self.location, Location::Memory(_)) {
            return self.take_in(journal).map(|_| ());
        }
        let appender = journal.lock()?;
        self.catch_up_for(journal, &appender)
    }

    fn catch_up_for(
        &self,
        journal: &Journal,
        appender: &crate::journal::Appender<'_>,
    ) -> Result<(), StoreError> {
        if self.applied(journal.name)? == appender.end()? {
            return Ok(());
        }
        let end = self.take_in(journal)?;
        if end < appender.end()? {
            appender.cut(end)?;
        }
        Ok(())
    }

    /// Up to where the journal was taken in.
    pub(crate) fn applied(&self, journal: JournalName) -> Result<u64, StoreError> {
        self.with("read", |connection| {
            let sql = "SELECT applied, row_check FROM journals WHERE name = ?1";
            let mut applied = connection.prepare_cached(sql)?;
            let name = journal.folder();
            let applied = applied.query_row([name], |row| {
                let applied: i64 = row.get(0)?;
                let columns = [Column::Bytes(name.as_bytes()), Column::Number(applied)];
                check::compare(row.get(1)?, "journals", &columns)?;
                Ok(applied as u64)
            });
            Ok(applied.optional()?.unwrap_or(0))
        })
    }

    fn take_in(&self, journal: &Journal) -> Result<u64, StoreError> {
        self.guard(self.take_in_frames(journal))
    }

    fn take_in_frames(&self, journal: &Journal) -> Result<u64, StoreError> {
        let mut from = self.applied(journal.name)?;
        let connection = self.take()?;
        let transaction = apply::begin(&connection).queried("write")?;
        if from > journal.size()? {
            // The journal was replaced by an older one.
            apply::forget_all(&connection, journal.name).queried("write")?;
            from = 0;
        }
        let scanned = journal.scan(from, |offset, frame| {
            apply::apply(&connection, journal.name, self.salt, offset, &frame).queried("write")
        })?;
        apply::set_applied(&connection, journal.name, scanned.end).queried("write")?;
        transaction.commit().queried("write")?;
        for damage in scanned.damage {
            self.notice(Notice::JournalDamaged {
                path: journal.path.clone(),
                offset: damage.offset,
                length: damage.length,
            });
        }
        self.give_back(connection);
        Ok(scanned.end)
    }

    /// Appends the frames that `decide` finds right to the journal, with nobody else appending in
    /// between, and takes them in. Gives their offsets and what `decide` gave.
    pub(crate) fn append<T>(
        &self,
        journal: &Journal,
        decide: impl FnOnce(&Connection) -> rusqlite::Result<(Vec<Frame>, T)>,
    ) -> Result<(Vec<u64>, T), StoreError> {
        self.guard(self.append_frames(journal, decide))
    }

    fn append_frames<T>(
        &self,
        journal: &Journal,
        decide: impl FnOnce(&Connection) -> rusqlite::Result<(Vec<Frame>, T)>,
    ) -> Result<(Vec<u64>, T), StoreError> {
        let appender = journal.lock()?;
        self.catch_up_for(journal, &appender)?;
        let connection = self.take()?;
        let (frames, answer) = decide(&connection).queried("read")?;
        if frames.is_empty() {
            self.give_back(connection);
            return Ok((Vec::new(), answer));
        }
        let (offsets, end) = appender.append(&frames)?;
        let transaction = apply::begin(&connection).queried("write")?;
        for (offset, frame) in offsets.iter().zip(&frames) {
            apply::apply(&connection, journal.name, self.salt, *offset, frame).queried("write")?;
        }
        apply::set_applied(&connection, journal.name, end).queried("write")?;
        transaction.commit().queried("write")?;
        self.give_back(connection);
        Ok((offsets, answer))
    }

    /// The database, if it does not say what the journals of its store say. One of a store that is
    /// open for reading only is made from them and always does.
    pub(crate) fn strays_from(
        &self,
        store: &crate::store::Inner,
    ) -> Result<Option<PathBuf>, StoreError> {
        let Location::File(path) = &self.location else { return Ok(None) };
        for _ in 0..3 {
            let ours = match self.with_snapshot("compare", schema::dump) {
                Err(StoreError::DamagedIndex { .. }) => return Ok(Some(path.clone())),
                ours => ours?,
            };
            let anew = Self::open(&store.path, self.salt, Access::ReadOnly)?;
            store.journals().into_iter().try_for_each(|journal| anew.catch_up(journal))?;
            let theirs = anew.with("compare", schema::dump)?;
            // The first table says how far each is; another process may be appending.
            if ours.first() == theirs.first() {
                return Ok((ours != theirs).then(|| path.clone()));
            }
        }
        Ok(None)
    }

    /// Empties the index; every journal has to be taken in again.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        self.guard(self.forget_everything())
    }

    fn forget_everything(&self) -> Result<(), StoreError> {
        let connection = self.take()?;
        let transaction = apply::begin(&connection).queried("empty")?;
        for name in
            [JournalName::Hints, JournalName::Trees, JournalName::Records, JournalName::Results]
        {
            apply::forget_all(&connection, name).queried("empty")?;
        }
        transaction.commit().queried("empty")?;
        self.give_back(connection);
        Ok(())
    }
}

impl Location {
    fn memory() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Location::Memory(format!("groundup-index-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Whether the error says that the file is no database or a broken one.
fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Index { source, .. } if check::is_damage(source))
}

/// What an error says of a database.
pub(crate) fn problem_of(error: &StoreError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// The history of a store is in the index's folder, but not of one boot: it is written so that a crash
/// leaves an earlier state of it.
const HISTORY: &str = "history.db";

/// Where the history of a store is.
pub(crate) fn history_path(store: &Path) -> PathBuf {
    store.join("index").join(HISTORY)
}

/// What tells this boot of the machine from all others.
fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot: String = boot.chars().filter(char::is_ascii_alphanumeric).collect();
    if boot.is_empty() { "unknown-boot".to_owned() } else { boot }
}

/// Whether there is an index of another boot: the machine may have crashed since.
pub(crate) fn left_by_another_boot(store: &Path) -> Result<bool, StoreError> {
    let left = left_by_others(store)?;
    Ok(left.iter().any(|path| path.extension() == Some("db".as_ref())))
}

/// Databases of other boots, and other litter, in the index's folder.
pub(crate) fn left_by_others(store: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (folder, ours) = (store.join("index"), boot());
    let names = disk::names(&folder)?.into_iter();
    let kept = ["synced", HISTORY].map(str::as_bytes);
    let is_other = |name: &std::ffi::OsString| {
        let name = name.as_encoded_bytes();
        !name.starts_with(ours.as_bytes()) && !kept.iter().any(|kept| name.starts_with(kept))
    };
    let others = names.filter(is_other);
    Ok(others.map(|name| folder.join(name)).collect())
}
