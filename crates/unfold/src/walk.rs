//! One walk: what was met so far, and what that may still become.

use crate::{Bytes, Entry, EntryKind, Limits, Sink, UNKNOWN_SIZE, UnfoldError, Window};
use std::{
    cmp::Ordering,
    collections::BTreeSet,
    io::{self, Read},
};

/// What unreadable content means for what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Nothing: the rest is found without it.
    Local,
    /// The rest cannot be found.
    Fatal,
}

/// One walk over an archive or image.
pub(crate) struct Walk<'a> {
    pub(crate) limits: &'a Limits,
    wanted: Option<&'a BTreeSet<Vec<u8>>>,
    sink: &'a mut dyn Sink,
    entries: u64,
    bytes: u64,
    /// How many could not be read.
    unread: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        limits: &'a Limits,
        wanted: Option<&'a BTreeSet<Vec<u8>>>,
        sink: &'a mut dyn Sink,
    ) -> Self {
        Self { limits, wanted, sink, entries: 0, bytes: 0, unread: 0 }
    }

    /// A path as entries have it; one that leads out or is too long is told as unread.
    pub(crate) fn path(&mut self, raw: &[u8]) -> Option<Vec<u8>> {
        let mut path = Vec::with_capacity(raw.len().min(self.limits.path));
        let mut depth = 0;
        for name in raw.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b".")) {
            depth += 1;
            let why = match name {
                b".." => Some("its path has `..` in it".to_owned()),
                name if name.contains(&0) => Some("its path has a zero byte in it".to_owned()),
                _ if depth > self.limits.depth => Some(self.too_deep()),
                name if path.len() + name.len() >= self.limits.path => {
                    Some(format!("its path has more than {} bytes", self.limits.path))
                }
                _ => None,
            };
            if let Some(why) = why {
                let shown = raw.get(..raw.len().min(256)).unwrap_or_default();
                self.unread(shown, &why);
                return None;
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        Some(path)
    }

    pub(crate) fn too_deep(&self) -> String {
        format!("it is more than {} directories deep", self.limits.depth)
    }

    /// Whether all is walked, not some entries only.
    pub(crate) fn is_whole(&self) -> bool {
        self.wanted.is_none()
    }

    /// Whether the entry with this path is to be given.
    pub(crate) fn wants(&self, path: &[u8]) -> bool {
        self.wanted.is_none_or(|wanted| wanted.contains(path))
    }

    /// Whether something below this directory is to be given.
    pub(crate) fn wants_below(&self, path: &[u8]) -> bool {
        let Some(wanted) = self.wanted else { return true };
        let mut start = path.to_vec();
        if !start.is_empty() {
            start.push(b'/');
        }
        wanted
            .range(start.clone()..)
            .find(|path| !path.is_empty())
            .is_some_and(|path| path.starts_with(&start))
    }

    /// Counts one more entry.
    pub(crate) fn count(&mut self) -> Result<(), UnfoldError> {
        self.entries += 1;
        match self.entries > self.limits.entries {
            true => Err(UnfoldError::Limit { what: "entries", limit: self.limits.entries }),
            false => Ok(()),
        }
    }

    /// How many entries may still come.
    pub(crate) fn entries_left(&self) -> u64 {
        self.limits.entries.saturating_sub(self.entries)
    }

    pub(crate) fn unread(&mut self, path: &[u8], why: &str) {
        /// A sink keeps what it is told: no archive may make it keep more than this many, or longer paths.
        const MOST: u64 = 10_000;
        const LONGEST: usize = 256;
        self.unread += 1;
        match self.unread.cmp(&MOST) {
            Ordering::Less => self.sink.unread(path.get(..LONGEST).unwrap_or(path), why),
            Ordering::Equal => self.sink.unread(b"", "more entries that cannot be read"),
            Ordering::Greater => {}
        }
    }

    /// Tells an error that concerns one place only; a limit concerns all.
    pub(crate) fn flaw(&mut self, path: &[u8], error: UnfoldError) -> Result<(), UnfoldError> {
        if let UnfoldError::Limit { .. } = error {
            return Err(error);
        }
        self.unread(path, &error.sentence());
        Ok(())
    }

    /// Counts an entry without content, and gives it.
    pub(crate) fn bare(&mut self, entry: &Entry) -> Result<(), UnfoldError> {
        self.entry(entry, &mut io::empty(), Damage::Local)
    }

    /// Counts an entry, and gives it with its content.
    pub(crate) fn entry(
        &mut self,
        entry: &Entry,
        content: &mut dyn Read,
        damage: Damage,
    ) -> Result<(), UnfoldError> {
        self.count()?;
        self.give(entry, content, damage)
    }

    /// Counts an entry whose content stands in one piece, and gives it. So many bytes are there, and
    /// do not become more: they do not count.
    pub(crate) fn part(&mut self, entry: &Entry, content: &dyn Bytes) -> Result<(), UnfoldError> {
        self.count()?;
        if self.wants(&entry.path) {
            self.sink.part(entry, content).map_err(UnfoldError::Read)?;
        }
        Ok(())
    }

    /// As [`Self::part`], for a range of the whole; one that leads out of it is told as unread.
    pub(crate) fn range(
        &mut self,
        mut entry: Entry,
        bytes: &dyn Bytes,
        start: u64,
        length: u64,
    ) -> Result<(), UnfoldError> {
        match Window::new(bytes, start, length) {
            Some(window) => {
                entry.kind = EntryKind::File(length);
                entry.at = Some(start);
                self.part(&entry, &window)
            }
            None => {
                self.count()?;
                let why = format!("its {length} bytes from {start} are not all there");
                self.unread(&entry.path, &why);
                Ok(())
            }
        }
    }

    /// Gives an entry that was counted already.
    pub(crate) fn give(
        &mut self,
        entry: &Entry,
        content: &mut dyn Read,
        damage: Damage,
    ) -> Result<(), UnfoldError> {
        if !self.wants(&entry.path) {
            return Ok(());
        }
        let limit = self.limits.bytes;
        if let EntryKind::File(size) = entry.kind
            && size != UNKNOWN_SIZE
            && size > limit
        {
            let why = format!("it has {size} bytes, more than the limit of {limit}");
            self.unread(&entry.path, &why);
            return Ok(());
        }
        let left = match entry.kind {
            EntryKind::File(UNKNOWN_SIZE) => None,
            EntryKind::File(size) => Some(size),
            _ => Some(0),
        };
        let mut metered = Metered { content, bytes: self.bytes, limit, left, failed: None };
        let taken = self.sink.entry(entry, &mut metered);
        self.bytes = metered.bytes;
        let Err(refused) = taken else { return Ok(()) };
        match metered.failed.map(UnfoldError::from) {
            None => Err(UnfoldError::Read(refused)),
            Some(failed) if damage == Damage::Fatal => Err(failed),
            Some(failed) => self.flaw(&entry.path, failed),
        }
    }
}

/// Content that counts against the limit of a walk, is as long as its entry says, and remembers why it
/// broke.
struct Metered<'a> {
    content: &'a mut dyn Read,
    bytes: u64,
    limit: u64,
    /// What has to come yet, where the entry says.
    left: Option<u64>,
    failed: Option<io::Error>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let most = most.min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let failed = match self.content.read(buffer) {
            Ok(0) if self.left.is_some() => io::ErrorKind::UnexpectedEof.into(),
            Ok(count) => {
                self.left = self.left.map(|left| left.saturating_sub(count as u64));
                self.bytes = self.bytes.saturating_add(count as u64);
                if self.bytes <= self.limit {
                    return Ok(count);
                }
                UnfoldError::Limit { what: "bytes of content", limit: self.limit }.into()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => error,
        };
        let told = io::Error::new(failed.kind(), failed.to_string());
        self.failed = Some(failed);
        Err(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;

    fn walk_with(limits: Limits, test: impl FnOnce(&mut Walk<'_>)) -> Seen {
        let mut seen = Seen::default();
        test(&mut Walk::new(&limits, None, &mut seen));
        seen
    }

    #[test]
    fn paths_are_plain_and_never_lead_out() {
        let limits = Limits { path: 12, depth: 3, ..Limits::default() };
        let seen = walk_with(limits, |walk| {
            assert_eq!(walk.path(b"/./a//b/"), Some(b"a/b".to_vec()));
            assert_eq!(walk.path(b"./"), Some(Vec::new()));
            for bad in [&b"a/../b"[..], b"a/b/c/d", b"thirteen-char", b"a\0b"] {
                assert_eq!(walk.path(bad), None);
            }
        });
        assert_eq!(seen.unread.len(), 4);
        assert_eq!(seen.unread[0], (b"a/../b".to_vec(), "its path has `..` in it".to_owned()));
    }

    #[test]
    fn what_is_told_of_unread_entries_is_bounded() {
        let seen = walk_with(Limits::default(), |walk| {
            (0..30_000).for_each(|_| walk.unread(&[b'a'; 5000], "why"));
        });
        assert_eq!(seen.unread.len(), 10_000);
        assert!(seen.unread.iter().all(|(path, _)| path.len() <= 256));
        assert_eq!(seen.unread[9_999].1, "more entries that cannot be read");
    }

    #[test]
    fn what_is_too_large_is_told_and_what_grows_too_large_ends_the_walk() {
        let limits = Limits { bytes: 10, entries: 3, ..Limits::default() };
        let seen = walk_with(limits, |walk| {
            let large = Entry::plain(b"large".to_vec(), EntryKind::File(11));
            walk.entry(&large, &mut io::repeat(1), Damage::Local).unwrap();
            let some = Entry::plain(b"some".to_vec(), EntryKind::File(6));
            walk.entry(&some, &mut io::repeat(1).take(6), Damage::Local).unwrap();
            let error = walk.entry(&some, &mut io::repeat(1).take(6), Damage::Local).unwrap_err();
            assert_eq!(error.to_string(), "it has more than 10 bytes of content");
            let error = walk.bare(&some).unwrap_err();
            assert_eq!(error.to_string(), "it has more than 3 entries");
        });
        assert_eq!(seen.unread.len(), 1);
    }

    #[test]
    fn below_is_what_stands_under_a_directory() {
        let wanted = BTreeSet::from([b"a/b/c".to_vec(), b"a.x".to_vec()]);
        let (limits, mut seen) = (Limits::default(), Seen::default());
        let walk = Walk::new(&limits, Some(&wanted), &mut seen);
        let below = [&b""[..], b"a", b"a/b", b"a/b/c", b"a.x", b"b"].map(|at| walk.wants_below(at));
        assert_eq!(below, [true, true, true, false, false, false]);
        assert!(walk.wants(b"a.x") && !walk.wants(b"a") && !walk.is_whole());
    }
}
