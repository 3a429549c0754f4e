//! Build logs: plain while their step runs, so that others can follow them, zstd afterwards.
//!
//! A finished log ends with a skippable frame (RFC 8878, section 3.1.2) of 16 bytes, the start of
//! the BLAKE3 of all before it, so that no flipped byte goes unseen. Logs of early versions have
//! neither that nor a checksum of zstd's.
//!
//! A log is written to `logs/running/KEY.N`, held locked by its writer, and becomes
//! `logs/ab/cdef….N.zst` when finished: N counts the logs of a key. Which bytes zstd makes is no
//! part of any id.

use crate::{Store, StoreError, disk, disk::Placed, error::Tried};
use groundup_digest::{ContentHasher, StepKey};
use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::PathBuf,
    str::FromStr,
};

/// Names one log: the step's key, and which of its logs, counted from 1. Text form: `KEY.N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    /// The step's key.
    pub key: StepKey,
    /// Which of its logs.
    pub sequence: u32,
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key, self.sequence)
    }
}

/// A text is not the name of a log, which is a key, a dot and a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a log: a key, a dot and a number")]
pub struct ParseLogNameError(String);

impl FromStr for LogName {
    type Err = ParseLogNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.rsplit_once('.').and_then(|(key, sequence)| {
            Some(LogName { key: key.parse().ok()?, sequence: sequence.parse().ok()? })
        });
        name.filter(|name| name.to_string() == text).ok_or(ParseLogNameError(text.to_owned()))
    }
}

/// Takes the output of a running step.
#[derive(Debug)]
pub struct LogWriter {
    store: Store,
    name: LogName,
    path: PathBuf,
    file: File,
}

impl LogWriter {
    /// The name that the log has now and keeps.
    pub fn name(&self) -> LogName {
        self.name
    }

    /// Another handle for the same log; what is written through either is appended.
    pub fn handle(&self) -> Result<File, StoreError> {
        self.file.try_clone().tried("open again", &self.path)
    }

    /// The step has ended: compresses the log and puts it in its place.
    pub fn finish(self) -> Result<LogName, StoreError> {
        self.store.compress_log(self.name)?;
        Ok(self.name)
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log of a step that runs, or of a process that died; it grows as long as the step runs.
#[derive(Debug)]
pub struct RunningLog {
    /// Its name.
    pub name: LogName,
    /// What was written up to now, from the start; at the end there may be more later.
    pub file: File,
}

impl RunningLog {
    /// Whether the step still runs; who reads to the end after a "no" has read all.
    pub fn is_running(&self) -> bool {
        let locked = self.file.try_lock_shared();
        if locked.is_ok() {
            let _ = self.file.unlock();
        }
        matches!(locked, Err(TryLockError::WouldBlock))
    }
}

impl Store {
    /// Starts the next log of a step. A writer that is dropped without
    /// [`LogWriter::finish`] leaves the log as of a process that died.
    pub fn log_writer(&self, key: StepKey) -> Result<LogWriter, StoreError> {
        self.writable("write a log")?;
        let mut sequence = self.logs_of(key)?.last().map_or(1, |last| last.sequence + 1);
        loop {
            let name = LogName { key, sequence };
            let path = self.running_log_file(name);
            match File::options().append(true).read(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sequence += 1,
                file => {
                    let file = file.tried("create", &path)?;
                    disk::set_mode(&file, &path, 0o644)?;
                    file.lock().tried("lock", &path)?;
                    return Ok(LogWriter { store: self.clone(), name, path, file });
                }
            }
        }
    }

    /// The text of a log, also of one that is not finished, as far as it is written.
    pub fn read_log(&self, name: LogName) -> Result<Box<dyn Read + Send>, StoreError> {
        // A log may be finished between the two looks, so the second place is looked at last.
        let running = self.running_log_file(name);
        match File::open(&running) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => return Ok(Box::new(file.tried("open", &running)?)),
        }
        let path = self.log_file(name);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::MissingLog(name))
            }
            file => {
                let file = file.tried("open", &path)?;
                Ok(Box::new(zstd::Decoder::new(file).tried("read", &path)?))
            }
        }
    }

    /// The log that a running step writes now, or that one left which died, newest first.
    pub fn running_log(&self, key: StepKey) -> Result<Option<RunningLog>, StoreError> {
        for name in self.logs_of(key)?.into_iter().rev() {
            let path = self.running_log_file(name);
            match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => return Ok(Some(RunningLog { name, file: file.tried("open", path)? })),
            }
        }
        Ok(None)
    }

    /// The logs of a step, oldest first.
    pub fn logs_of(&self, key: StepKey) -> Result<Vec<LogName>, StoreError> {
        let text = key.to_string();
        let finished = disk::names(&self.path().join("logs").join(&text[..2]))?;
        let finished = finished.iter().filter_map(|name| {
            let name = name.to_str()?.strip_suffix(".zst")?;
            format!("{}{name}", &text[..2]).parse::<LogName>().ok()
        });
        let running = disk::names(&self.path().join("logs/running"))?;
        let running = running.iter().filter_map(|name| name.to_str()?.parse::<LogName>().ok());
        let mut names: Vec<_> = finished.chain(running).filter(|name| name.key == key).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn compress_log(&self, name: LogName) -> Result<(), StoreError> {
        let (running, to) = (self.running_log_file(name), self.log_file(name));
        let scratch = self.scratch()?.fresh_path();
        let mut from = File::open(&running).tried("open", &running)?;
        let file = disk::create_file(&scratch)?;
        let mut encoder = zstd::Encoder::new(Hashed::new(&file), 3).tried("compress", &scratch)?;
        encoder.include_checksum(true).tried("compress", &scratch)?;
        io::copy(&mut from, &mut encoder).tried("compress", &running)?;
        let hashed = encoder.finish().tried("compress", &scratch)?;
        (&file).write_all(&seal(hashed.hasher)).tried("write", &scratch)?;
        if disk::place(&scratch, &to)? == Placed::Before {
            fs::rename(&scratch, &to).tried("move a file to", &to)?;
        }
        self.0.durability.wrote();
        disk::remove_file(&running)
    }

    fn running_log_file(&self, name: LogName) -> PathBuf {
        self.path().join("logs/running").join(name.to_string())
    }

    pub(crate) fn log_file(&self, name: LogName) -> PathBuf {
        let text = name.to_string();
        self.path().join("logs").join(&text[..2]).join(format!("{}.zst", &text[2..]))
    }
}

/// Writes to a file and hashes what it takes.
struct Hashed<'a> {
    file: &'a File,
    hasher: ContentHasher,
}

impl<'a> Hashed<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, hasher: ContentHasher::new() }
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file;
        let count = file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the frame at the end of a log starts: the mark of a skippable frame, and its length.
const SEAL: [u8; 8] = [0x57, 0x2a, 0x4d, 0x18, 16, 0, 0, 0];

/// The frame that ends a log with these bytes.
fn seal(hasher: ContentHasher) -> Vec<u8> {
    [&SEAL[..], &hasher.finish().blob.as_bytes()[..16]].concat()
}

/// Whether these are the bytes of a finished log as it was written.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let checked = bytes.get(4).is_some_and(|descriptor| descriptor & 4 != 0);
    let sealed = bytes.len().checked_sub(SEAL.len() + 16).is_some_and(|end| {
        let mut hasher = ContentHasher::new();
        hasher.update(&bytes[..end]);
        bytes[end..] == seal(hasher)
    });
    // One of an early version, which no flipped byte makes of one of today.
    let early = || !checked && !bytes.windows(SEAL.len()).any(|window| window == SEAL);
    let reads = || {
        let text = zstd::Decoder::new(bytes);
        text.and_then(|mut text| io::copy(&mut text, &mut io::sink())).is_ok()
    };
    (sealed || early()) && reads()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_followed_while_it_is_written_and_read_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let key = StepKey::of_encoded(b"a");
        let mut writer = store.log_writer(key).unwrap();
        writer.write_all(b"one\n").unwrap();
        let mut running = store.running_log(key).unwrap().unwrap();
        let mut text = String::new();
        running.file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\n");
        assert!(running.is_running());
        writer.write_all(b"two\n").unwrap();
        let name = writer.finish().unwrap();
        assert!(!running.is_running());
        running.file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
        let mut again = String::new();
        store.read_log(name).unwrap().read_to_string(&mut again).unwrap();
        assert_eq!(again, text);
        assert!(store.running_log(key).unwrap().is_none());
    }

    #[test]
    fn no_flipped_bit_of_a_finished_log_goes_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let mut writer = store.log_writer(StepKey::of_encoded(b"a")).unwrap();
        writer.write_all(b"one line\nanother line\n").unwrap();
        let path = store.log_file(writer.finish().unwrap());
        let whole = fs::read(path).unwrap();
        assert!(is_whole(&whole));
        for (at, bit) in (0..whole.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(!is_whole(&bytes), "bit {bit} of byte {at}");
        }
        assert!(is_whole(&zstd::encode_all(&b"early"[..], 3).unwrap()));
    }

    #[test]
    fn a_key_has_many_logs_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &crate::OpenOptions::default()).unwrap();
        let key = StepKey::of_encoded(b"a");
        let first = store.log_writer(key).unwrap().finish().unwrap();
        let left = store.log_writer(key).unwrap();
        let second = left.name();
        drop(left);
        let third = store.log_writer(key).unwrap().finish().unwrap();
        assert_eq!(store.logs_of(key).unwrap(), [first, second, third]);
        assert_eq!([first, second, third].map(|name| name.sequence), [1, 2, 3]);
        assert_eq!(third.to_string().parse(), Ok(third));
        assert!("x.1".parse::<LogName>().is_err());
        let missing = LogName { key, sequence: 9 };
        assert!(matches!(store.read_log(missing), Err(StoreError::MissingLog(_))));
    }
}
