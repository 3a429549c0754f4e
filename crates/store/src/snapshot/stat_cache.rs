//! A cache of hashes of a person's files, so that an unchanged file is not read again.
//!
//! One file per root, `stat-cache/<BLAKE3 of the root's path>`:
//!
//! ```text
//! "groundup stat cache 1\n"
//! u64 count, little endian, then that many entries, sorted by device and inode, one of each:
//!   u64 device, u64 inode, u64 size, i64 + u32 modified, i64 + u32 changed, [u8; 32] blob, u16 idle
//! [u8; 32] BLAKE3 of all bytes before
//! ```
//!
//! It is a hint: lost, damaged or overtaken by another process, it costs a read and nothing else.
//! A hit needs all of device, inode, size and both times to be equal. A file that was written in
//! the very tick of the clock in which it was read could change again without a new time, so a
//! stamp that is not older than the reading is not kept (git calls such entries racily clean).
//! A new stamp of an inode takes the place of the old one, which cannot come back: the time of change
//! is the kernel's. `idle` counts how many times the file was rewritten without this entry being used.

use super::stamp::{Instant, Stamp};
use groundup_digest::BlobId;
use std::path::Path;

const MAGIC: &[u8] = b"groundup stat cache 1\n";
const ENTRY: usize = 3 * 8 + 2 * 12 + 32 + 2;
/// An entry that was not used while its file was rewritten this often is dropped.
const MOST_IDLE: u16 = 100;

/// The known hashes of one root's files.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct StatCache {
    /// Sorted by device and inode.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    stamp: Stamp,
    blob: BlobId,
    idle: u16,
}

impl Entry {
    fn inode(&self) -> (u64, u64) {
        (self.stamp.device, self.stamp.inode)
    }
}

impl StatCache {
    /// Reads the cache at `path`; empty if there is none that is whole.
    pub(super) fn load(path: &Path) -> Self {
        // Any trouble with a cache means to do without it.
        std::fs::read(path).ok().and_then(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    pub(super) fn get(&self, stamp: &Stamp) -> Option<BlobId> {
        let inode = (stamp.device, stamp.inode);
        let place = self.entries.binary_search_by_key(&inode, Entry::inode).ok()?;
        let entry = &self.entries[place];
        (entry.stamp == *stamp).then_some(entry.blob)
    }

    /// The cache after a snapshot in which `seen` was looked up or read; none if nothing is new.
    pub(super) fn updated(&self, seen: &[(Stamp, BlobId)]) -> Option<Self> {
        if seen.iter().all(|(stamp, blob)| self.get(stamp) == Some(*blob)) {
            return None;
        }
        let seen = seen.iter().map(|(stamp, blob)| Entry { stamp: *stamp, blob: *blob, idle: 0 });
        let kept = self.entries.iter().filter(|entry| entry.idle < MOST_IDLE);
        let kept = kept.map(|entry| Entry { idle: entry.idle + 1, ..entry.clone() });
        // The sort is stable: what was seen stands before what is kept of the same inode.
        let mut entries: Vec<_> = seen.chain(kept).collect();
        entries.sort_by_key(Entry::inode);
        entries.dedup_by_key(|entry| entry.inode());
        Some(Self { entries })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + self.entries.len() * ENTRY + 32);
        bytes.extend(MAGIC);
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        for Entry { stamp, blob, idle } in &self.entries {
            for number in [stamp.device, stamp.inode, stamp.size] {
                bytes.extend(number.to_le_bytes());
            }
            for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
                bytes.extend(seconds.to_le_bytes());
                bytes.extend(nanoseconds.to_le_bytes());
            }
            bytes.extend(blob.as_bytes());
            bytes.extend(idle.to_le_bytes());
        }
        bytes.extend(BlobId::of(&bytes).as_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if BlobId::of(body).as_bytes() != sum {
            return None;
        }
        let (count, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        if rest.len() != count.checked_mul(ENTRY)? {
            return None;
        }
        let entries: Vec<_> = rest.chunks_exact(ENTRY).map(entry).collect::<Option<_>>()?;
        entries.is_sorted_by(|a, b| a.inode() < b.inode()).then_some(Self { entries })
    }
}

/// Reads and writes a cache, for the fuzz targets: one that is whole is written as it was.
pub(crate) fn round_trip(bytes: &[u8]) {
    if let Some(cache) = StatCache::parse(bytes) {
        assert_eq!(StatCache::parse(&cache.to_bytes()), Some(cache), "a cache is read as it was");
    }
}

fn entry(mut bytes: &[u8]) -> Option<Entry> {
    let bytes = &mut bytes;
    let [device, inode, size] = [take(bytes)?, take(bytes)?, take(bytes)?].map(u64::from_le_bytes);
    let mut instant = || -> Option<Instant> {
        Some((i64::from_le_bytes(take(bytes)?), u32::from_le_bytes(take(bytes)?)))
    };
    let (modified, changed) = (instant()?, instant()?);
    let blob = BlobId::from_bytes(take(bytes)?);
    let idle = u16::from_le_bytes(take(bytes)?);
    let stamp = Stamp { device, inode, size, modified, changed };
    Some(Entry { stamp, blob, idle })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// Whether a file with this stamp, read after `start`, can be known by it: its times lie before
/// `start` by more than the clock of its file system might round.
pub(crate) fn is_settled(stamp: &Stamp, start: Instant) -> bool {
    let newest = stamp.modified.max(stamp.changed);
    // A tick of the kernel is at most 10 ms; file systems that keep whole seconds may keep two.
    let slack = if stamp.changed.1 == 0 { (2, 0) } else { (0, 20_000_000) };
    let nanoseconds = newest.1 + slack.1;
    let settled =
        (newest.0 + slack.0 + i64::from(nanoseconds / 1_000_000_000), nanoseconds % 1_000_000_000);
    settled < start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(inode: u64) -> Stamp {
        Stamp { device: 1, inode, size: 3, modified: (-5, 6), changed: (7, 8) }
    }

    #[test]
    fn a_cache_comes_back_as_it_was_and_damage_empties_it() {
        let seen = [(stamp(1), BlobId::of(b"a")), (stamp(2), BlobId::of(b"b"))];
        let cache = StatCache::default().updated(&seen).unwrap();
        let mut bytes = cache.to_bytes();
        assert_eq!(StatCache::parse(&bytes), Some(cache));
        assert_eq!(StatCache::parse(&bytes[..bytes.len() - 1]), None);
        bytes[40] ^= 1;
        assert_eq!(StatCache::parse(&bytes), None);
        assert_eq!(StatCache::parse(b""), None);
    }

    #[test]
    fn nothing_new_is_not_written_and_unused_entries_go_in_the_end() {
        let one = [(stamp(1), BlobId::of(b"a"))];
        let mut cache = StatCache::default().updated(&one).unwrap();
        assert!(cache.updated(&one).is_none());
        for inode in 2..=u64::from(MOST_IDLE) + 3 {
            cache = cache.updated(&[(stamp(inode), BlobId::of(b"b"))]).unwrap();
        }
        assert_eq!(cache.get(&stamp(1)), None);
        assert_eq!(cache.get(&stamp(50)), Some(BlobId::of(b"b")));
    }

    #[test]
    fn a_file_that_is_written_again_and_again_has_one_entry() {
        let mut cache = StatCache::default();
        for time in 0..50 {
            let stamp = Stamp { changed: (time, 0), ..stamp(1) };
            let blob = BlobId::of(&time.to_le_bytes());
            cache = cache.updated(&[(stamp, blob)]).unwrap();
            assert_eq!(cache.get(&stamp), Some(blob));
            assert_eq!(cache.entries.len(), 1);
        }
        assert_eq!(cache.get(&Stamp { changed: (3, 0), ..stamp(1) }), None);
    }

    #[test]
    fn a_stamp_of_the_tick_of_its_reading_is_not_trusted() {
        let at = |changed| Stamp { changed, ..stamp(1) };
        assert!(is_settled(&at((100, 5)), (100, 30_000_000)));
        assert!(!is_settled(&at((100, 5)), (100, 10_000_000)));
        assert!(!is_settled(&at((100, 990_000_000)), (101, 0)));
        assert!(is_settled(&at((100, 990_000_000)), (101, 20_000_000)));
        assert!(!is_settled(&at((100, 0)), (101, 999_999_999)));
        assert!(!is_settled(&Stamp { modified: (200, 0), ..stamp(1) }, (150, 0)));
    }
}
