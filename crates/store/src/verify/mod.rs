//! Verifying: every object is read and compared with its id, and every reference is followed.
//!
//! That content was collected is no problem; that something a root names is gone is one.

mod checkouts;
mod problem;
mod repair;

pub use problem::Problem;
pub use repair::Repaired;

use crate::{
    Store, StoreError,
    error::Tried,
    format,
    inventory::BlobFile,
    journal::{Frame, Journal},
    records::StoredRecord,
    results::Event,
    roots, trees,
};
use groundup_digest::{DirId, ObjectId, RecordId, StepKey};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    sync::Mutex,
};

/// How far verifying is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of blobs that were read.
    pub done: u64,
    /// Bytes of all blobs.
    pub total: u64,
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Files of blobs that were read.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Trees and directories that were read.
    pub trees: u64,
    /// Results that were read.
    pub results: u64,
    /// Records that were read.
    pub records: u64,
    /// Logs that were read.
    pub logs: u64,
    /// What is wrong, in the order of the folders.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What the journal of results says of each key: its first result, and whether it is to run again.
type Results = BTreeMap<StepKey, (Vec<u8>, bool)>;

impl Store {
    /// Reads everything; `progress` is called from several threads, but one at a time.
    pub fn verify(
        &self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, StoreError> {
        let mut report = Report::default();
        self.flush_contents()?;
        self.verify_blobs(&mut report, progress)?;
        self.verify_trees(&mut report)?;
        let results = self.verify_results(&mut report)?;
        scan(&self.0.hints, &mut report.problems, |_| true)?;
        self.verify_logs(&mut report)?;
        self.verify_roots(&results, &mut report)?;
        self.verify_checkouts(&mut report)?;
        self.verify_format(&mut report)?;
        if let Some(path) = self.0.index.strays_from(&self.0)? {
            report.problems.push(Problem::DamagedIndex { path });
        }
        Ok(report)
    }

    fn verify_blobs(
        &self,
        report: &mut Report,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), StoreError> {
        let files = self.blob_files()?;
        report.problems.extend(files.strange.into_iter().map(|path| Problem::Strange { path }));
        report.blobs = files.blobs.len() as u64;
        report.bytes = files.blobs.iter().map(|file| file.size).sum();
        let state = Mutex::new((Progress { done: 0, total: report.bytes }, progress));
        let found = files.blobs.par_iter().map(|file| {
            let found = verify_blob(file);
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state.0.done += file.size;
            let now = state.0;
            (state.1)(now);
            found
        });
        for problem in found.collect::<Vec<_>>() {
            report.problems.extend(problem?);
        }
        Ok(())
    }

    fn verify_trees(&self, report: &mut Report) -> Result<(), StoreError> {
        let mut known = HashSet::new();
        let mut wanted: BTreeMap<DirId, [u8; 32]> = BTreeMap::new();
        scan(&self.0.trees, &mut report.problems, |frame| {
            let Some(id) = trees::id_of_frame(frame) else { return true };
            known.insert(id);
            let Some(directories) = trees::directories_of(frame) else { return false };
            wanted.extend(directories.into_iter().map(|directory| (directory, id)));
            true
        })?;
        report.trees = known.len() as u64;
        let missing = wanted.into_iter().filter(|(id, _)| !known.contains(id.as_bytes()));
        report.problems.extend(missing.map(|(id, _)| Problem::MissingDirectory { id }));
        Ok(())
    }

    fn verify_results(&self, report: &mut Report) -> Result<Results, StoreError> {
        // Read from the journal itself: the index is checked against it, not the other way round.
        let mut results: Results = BTreeMap::new();
        let salt = self.0.format.salt_tag();
        scan(&self.0.results, &mut report.problems, |frame| {
            match Event::from_frame(frame) {
                Some((of, event)) if of == salt => match event {
                    Event::Forgotten(key) => {
                        results.entry(key).and_modify(|(_, forgotten)| *forgotten = true);
                    }
                    Event::Result { key, value } => {
                        let first = results.entry(key).or_insert_with(|| (value, false));
                        first.1 = false;
                    }
                },
                Some(_) => {}
                None => return matches!(frame.kind, 0 | 3..),
            }
            true
        })?;
        // Looked at after the results: what they name was there before them.
        let mut records: BTreeSet<RecordId> = BTreeSet::new();
        scan(&self.0.records, &mut report.problems, |frame| {
            records.extend(StoredRecord::from_frame(frame).map(|record| record.id));
            true
        })?;
        report.records = records.len() as u64;
        for (key, (value, forgotten)) in &results {
            report.results += u64::from(!forgotten);
            let record = self.result(value)?.record;
            if !records.contains(&record) {
                report.problems.push(Problem::MissingRecord { key: *key, record });
            }
        }
        Ok(results)
    }

    fn verify_logs(&self, report: &mut Report) -> Result<(), StoreError> {
        let logs = self.log_files()?;
        report.logs = logs.len() as u64;
        let damaged = logs.par_iter().map(|(name, path, _)| {
            match fs::read(path) {
                // It was collected meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Ok(bytes) if crate::logs::is_whole(&bytes) => Ok(None),
                _ => Ok(Some(Problem::DamagedLog { name: *name })),
            }
        });
        for problem in damaged.collect::<Result<Vec<_>, StoreError>>()? {
            report.problems.extend(problem);
        }
        Ok(())
    }

    fn verify_roots(&self, results: &Results, report: &mut Report) -> Result<(), StoreError> {
        let folder = self.path().join("roots");
        for name in crate::disk::names(&folder)? {
            let path = folder.join(name);
            let root = match roots::load(&path) {
                Err(StoreError::MalformedText { path, problem }) => {
                    report.problems.push(Problem::DamagedRoot { path, problem });
                    continue;
                }
                root => root?,
            };
            let Some(root) = root else { continue };
            let mut kept = root.objects;
            for key in root.keys {
                if let Some((value, false)) = results.get(&key) {
                    kept.extend(self.result(value)?.outputs.into_values());
                }
            }
            let missing = kept.into_iter().filter_map(|object| self.missing(object).transpose());
            for object in missing.collect::<Result<Vec<ObjectId>, _>>()? {
                report.problems.push(Problem::Incomplete { root: root.name.clone(), object });
            }
        }
        Ok(())
    }

    fn verify_format(&self, report: &mut Report) -> Result<(), StoreError> {
        let path = self.path().join("format");
        let text = fs::read(&path).tried("read", &path)?;
        if format::has_check(&String::from_utf8_lossy(&text)) != Some(true) {
            report.problems.push(Problem::DamagedFormat { path });
        }
        Ok(())
    }

    /// The object, if a part of it cannot be had.
    fn missing(&self, object: ObjectId) -> Result<Option<ObjectId>, StoreError> {
        match self.has_complete(object) {
            Ok(true) => Ok(None),
            // The index is looked at by itself.
            Err(StoreError::DamagedIndex { .. }) => Ok(None),
            // What is damaged was named already.
            Ok(false) | Err(StoreError::DamagedFrame { .. } | StoreError::MalformedTree { .. }) => {
                Ok(Some(object))
            }
            Err(error) => Err(error),
        }
    }
}

fn verify_blob(blob: &BlobFile) -> Result<Option<Problem>, StoreError> {
    let path = &blob.path;
    let file = match File::open(path) {
        // It was collected meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.tried("open", path)?,
    };
    let mode = file.metadata().tried("look at", path)?.permissions().mode() & 0o7777;
    let reader = crate::BlobReader::new(blob.id, path.clone(), file);
    match reader.into_content() {
        Err(StoreError::DamagedBlob { id, path, found }) => {
            Ok(Some(Problem::DamagedBlob { id, path, found }))
        }
        // A disk that cannot be read is damage too.
        Err(StoreError::Io { path, source, .. }) => {
            Ok(Some(Problem::UnreadableBlob { id: blob.id, path, error: source.to_string() }))
        }
        Ok(_) if mode != blob.executable.mode() => {
            let (path, expected) = (path.clone(), blob.executable.mode());
            Ok(Some(Problem::WrongMode { path, found: mode, expected }))
        }
        read => read.map(|_| None),
    }
}

/// Looks at each frame of a journal; `is_good` says whether its payload is in its form. It may be
/// asked twice: what looks like damage may be the work of a process that is appending, so the second
/// look is taken while nobody may.
fn scan(
    journal: &Journal,
    problems: &mut Vec<Problem>,
    mut is_good: impl FnMut(&Frame) -> bool,
) -> Result<(), StoreError> {
    let mut bad = scan_once(journal, &mut is_good)?;
    if !bad.is_empty() && journal.is_writable() {
        let _nobody_appends = journal.lock()?;
        bad = scan_once(journal, &mut is_good)?;
    }
    problems.extend(bad.into_iter().map(|(offset, length)| Problem::DamagedJournal {
        path: journal.path.clone(),
        offset,
        length,
    }));
    Ok(())
}

/// Where a journal is damaged, and how many bytes.
fn scan_once(
    journal: &Journal,
    is_good: &mut impl FnMut(&Frame) -> bool,
) -> Result<Vec<(u64, u64)>, StoreError> {
    let mut bad = Vec::new();
    if !journal.has_title()? {
        bad.push((0, journal.start()));
    }
    let scanned = journal.scan(0, |offset, frame| {
        if !is_good(&frame) {
            bad.push((offset, frame.size()));
        }
        Ok(())
    })?;
    bad.extend(scanned.damage.iter().map(|damage| (damage.offset, damage.length)));
    // A torn end was cut off when the store was opened.
    let rest = journal.size()?.saturating_sub(scanned.end);
    if rest > 0 {
        bad.push((scanned.end, rest));
    }
    bad.sort_unstable();
    Ok(bad)
}
