//! After a crash of the machine: what never reached the disk whole is removed.
//!
//! What results, records and roots name was synced before them, but other things may have got their
//! names shortly before the crash and lost their bytes. `index/synced` has the time of the last sync,
//! and in it stands how long each journal was. What changed since (a link made or removed counts) is
//! doubted: blobs and logs are read and compared with their names, check-outs are removed, and holes
//! in journals are filled with frames that say nothing. The index of another boot is the sign that this
//! has to be done, and is removed afterwards.

use crate::{
    TempDir, checkout, disk,
    error::{StoreError, Tried},
    inventory,
    journal::{Appender, Damage, Journal, JournalName},
    logs, trees,
};
use groundup_digest::{BlobId, DirId, TreeId};
use rayon::prelude::*;
use std::{
    collections::HashSet,
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Clocks of files are this coarse at most, in seconds.
const SLACK: i64 = 2;

/// Marks the time before a sync; give it to [`synced`] when the sync has succeeded.
pub(crate) fn about_to_sync(store: &Path) -> Option<tempfile::TempPath> {
    // Without the mark only more is read after a crash.
    let mark = tempfile::Builder::new().prefix("sync-").tempfile_in(store.join("index"));
    let mut mark = mark.ok()?;
    let sizes = JOURNALS.map(|name| {
        let size = store.join(name).join("journal").metadata().map_or(0, |journal| journal.len());
        format!("{name} {size}\n")
    });
    mark.write_all(sizes.concat().as_bytes()).ok()?;
    Some(mark.into_temp_path())
}

const JOURNALS: [&str; 4] = ["hints", "trees", "records", "results"];

/// What changed at this time or later is doubted, in seconds.
fn doubted_since(store: &Path) -> Result<i64, StoreError> {
    let mark = store.join("index/synced");
    match mark.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(i64::MIN),
        metadata => Ok(metadata.tried("look at", mark)?.mtime() - SLACK),
    }
}

/// Removes build logs that changed since the last sync and are not whole.
pub(crate) fn remove_torn_logs(store: &Path) -> Result<(), StoreError> {
    let since = doubted_since(store)?;
    for (_, path, _) in inventory::log_files(store)? {
        let metadata = path.symlink_metadata().tried("look at", &path)?;
        if metadata.ctime() >= since && !logs::is_whole(&fs::read(&path).tried("read", &path)?) {
            disk::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Fills holes that a crash left in what was appended to a journal since the last sync: frames that
/// never reached the disk, before frames that did. Older damage is for people to hear of.
pub(crate) fn fill_holes(store: &Path, journal: &Journal) -> Result<(), StoreError> {
    let sizes = fs::read_to_string(store.join("index/synced")).unwrap_or_default();
    let size = sizes.lines().find_map(|line| line.strip_prefix(journal.name.folder()));
    let synced: u64 = size.and_then(|size| size.trim().parse().ok()).unwrap_or(0);
    let appender = journal.lock()?;
    if !journal.has_title()? && synced < journal.start() {
        appender.blank(Damage { offset: 0, length: journal.start() })?;
    }
    let holes = journal.scan(synced, |_, _| Ok(()))?.damage;
    if holes.is_empty() {
        return Ok(());
    }
    holes.into_iter().try_for_each(|hole| appender.blank(hole))?;
    if journal.name == JournalName::Trees {
        drop_incomplete_trees(journal, &appender, synced)?;
    }
    Ok(())
}

/// A tree that is there has all its directories: objects that were appended since the last sync and
/// lost some of theirs go as well.
pub(crate) fn drop_incomplete_trees(
    journal: &Journal,
    appender: &Appender<'_>,
    synced: u64,
) -> Result<(), StoreError> {
    let mut objects = Vec::new();
    journal.scan(0, |offset, frame| {
        if let (Some(id), Some(wanted)) =
            (trees::id_of_frame(&frame), trees::directories_of(&frame))
        {
            objects.push((id, wanted, Damage { offset, length: frame.size() }));
        }
        Ok(())
    })?;
    loop {
        let known: HashSet<[u8; 32]> = objects.iter().map(|(id, _, _)| *id).collect();
        let is_whole = |(_, wanted, place): &(_, Vec<DirId>, Damage)| {
            place.offset < synced || wanted.iter().all(|id| known.contains(id.as_bytes()))
        };
        let (whole, lost): (Vec<_>, Vec<_>) = objects.into_iter().partition(is_whole);
        if lost.is_empty() {
            return Ok(());
        }
        lost.into_iter().try_for_each(|(_, _, place)| appender.blank(place))?;
        objects = whole;
    }
}

/// Removes check-outs that were made since the last sync: their files may have lost their bytes.
pub(crate) fn remove_doubted_checkouts(store: &Path) -> Result<(), StoreError> {
    let since = doubted_since(store)?;
    let folder = store.join("checkouts");
    let doubted = |path: &PathBuf| {
        let metadata = path.symlink_metadata();
        metadata.is_ok_and(|metadata| metadata.ctime() >= since)
    };
    let names = disk::names(&folder)?.into_iter();
    let ours = names.filter(|name| name.to_str().is_some_and(|n| n.parse::<TreeId>().is_ok()));
    let doubted: Vec<_> = ours.map(|name| folder.join(name)).filter(doubted).collect();
    if doubted.is_empty() {
        return Ok(());
    }
    // Moved away first: half a check-out must not stand in its place.
    let scratch = TempDir::create(&store.join("tmp"))?;
    for path in doubted {
        checkout::make_movable(&path)
            .and_then(|()| fs::rename(&path, scratch.fresh_path()))
            .tried("move away", path)?;
    }
    Ok(())
}

/// Makes the mark the time of the last sync.
pub(crate) fn synced(store: &Path, mark: Option<tempfile::TempPath>) {
    if let Some(mark) = mark {
        let _ = mark.persist(store.join("index/synced"));
    }
}

/// Removes blobs that changed since the last sync and are not whole; gives their ids.
pub(crate) fn remove_torn_blobs(store: &Path) -> Result<Vec<BlobId>, StoreError> {
    let since = doubted_since(store)?;
    let files = inventory::blob_files(store)?.blobs;
    let torn = files.par_iter().map(|file| {
        let path = &file.path;
        let metadata = path.symlink_metadata().tried("look at", path)?;
        if metadata.ctime() < since {
            return Ok(None);
        }
        let bytes = fs::read(path).tried("read", path)?;
        if BlobId::of(&bytes) == file.id {
            return Ok(None);
        }
        disk::remove_file(path).map(|()| Some(file.id))
    });
    let torn = torn.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(torn.into_iter().flatten().collect())
}
