//! Append-only files of checked frames: small things that are many, written in one go each.
//!
//! A journal is a title line and then frames: a mark (4 bytes), a kind (1), the payload's length
//! (4, little-endian), a check (8) and the payload. The check is the start of the BLAKE3 of kind and
//! payload. Writers append under an exclusive `flock` on the journal, so what lies behind the last
//! whole frame is left from a process that died, and the next writer cuts it off. A damaged frame
//! costs itself only: reading goes on at the next mark whose frame is whole.

use crate::{
    Access, disk,
    error::{StoreError, Tried},
};
use groundup_digest::BlobId;
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

const MARK: [u8; 4] = *b"guj1";
const HEADER: usize = 17;
/// The kind of a frame that stands where a damaged one stood.
const BLANK: u8 = 0;
/// How many bytes before a place are read for its [seal](Journal::seal).
const SEALED: u64 = 4096;
/// Longer payloads are taken for damage.
const MAX_PAYLOAD: u32 = 1 << 30;

/// The journals of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum JournalName {
    /// What was learned about blobs and times; losing it costs only work.
    Hints,
    /// Directory and root objects of trees.
    Trees,
    /// Step and build records.
    Records,
    /// Results by key.
    Results,
}

impl JournalName {
    /// The folder that the journal is in, which is also its name in the index.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            JournalName::Hints => "hints",
            JournalName::Trees => "trees",
            JournalName::Records => "records",
            JournalName::Results => "results",
        }
    }

    pub(crate) fn title(self) -> String {
        format!("groundup {} 1\n", self.folder())
    }
}

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    fn check(kind: u8, payload: &[u8]) -> [u8; 8] {
        let mut bytes = Vec::with_capacity(payload.len() + 1);
        bytes.push(kind);
        bytes.extend_from_slice(payload);
        let hash = groundup_digest::BlobId::of(&bytes);
        hash.as_bytes()[..8].try_into().expect("a digest has 32 bytes")
    }

    fn write(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(self.payload.len()).ok().filter(|length| *length <= MAX_PAYLOAD);
        let length = length.expect("objects and records are far smaller than 1 GiB");
        out.extend_from_slice(&MARK);
        out.push(self.kind);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&Self::check(self.kind, &self.payload));
        out.extend_from_slice(&self.payload);
    }

    /// The bytes that stand in a journal.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        self.write(&mut bytes);
        bytes
    }

    pub(crate) fn size(&self) -> u64 {
        (HEADER + self.payload.len()) as u64
    }
}

/// A stretch of a journal that holds no whole frame though frames follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What a scan of a journal found beside the frames.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Where the last whole frame ends.
    pub(crate) end: u64,
    /// What could not be read before it.
    pub(crate) damage: Vec<Damage>,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) name: JournalName,
    pub(crate) path: PathBuf,
    /// None in a read-only store that has no such journal yet.
    file: Option<File>,
    access: Access,
    /// `flock` binds the file, not the thread.
    threads: Mutex<()>,
}

/// The right to append to a journal.
pub(crate) struct Appender<'a> {
    journal: &'a Journal,
    file: &'a File,
    _thread: MutexGuard<'a, ()>,
}

impl Journal {
    pub(crate) fn open(
        store: &Path,
        name: JournalName,
        access: Access,
    ) -> Result<Self, StoreError> {
        let path = store.join(name.folder()).join("journal");
        let file = match access {
            Access::ReadWrite => Some(disk::open_append(&path)?),
            Access::ReadOnly => match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                file => Some(file.tried("open", &path)?),
            },
        };
        Ok(Self { name, path, file, access, threads: Mutex::new(()) })
    }

    /// Whether frames can be appended.
    pub(crate) fn is_writable(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// A journal that is read only, whatever file it is in.
    pub(crate) fn of_file(name: JournalName, path: PathBuf, file: File) -> Self {
        Self { name, path, file: Some(file), threads: Mutex::new(()), access: Access::ReadOnly }
    }

    /// How many bytes the journal has.
    pub(crate) fn size(&self) -> Result<u64, StoreError> {
        let Some(file) = &self.file else { return Ok(0) };
        Ok(file.metadata().tried("look at", &self.path)?.len())
    }

    /// Whether the title line is as it was written, or there is none yet.
    pub(crate) fn has_title(&self) -> Result<bool, StoreError> {
        let Some(file) = &self.file else { return Ok(true) };
        let mut found = vec![0; self.name.title().len()];
        let whole = read_at(file, &mut found, 0).tried("read", &self.path)?;
        Ok(self.size()? == 0 || whole && found == self.name.title().as_bytes())
    }

    /// Where the first frame stands.
    pub(crate) fn start(&self) -> u64 {
        self.name.title().len() as u64
    }

    /// Waits for the right to append.
    pub(crate) fn lock(&self) -> Result<Appender<'_>, StoreError> {
        let file = self.file.as_ref().ok_or(StoreError::ReadOnly("append to a journal"))?;
        let thread = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        file.lock().tried("lock", &self.path)?;
        let appender = Appender { journal: self, file, _thread: thread };
        if self.size()? < self.start() {
            appender.cut(0)?;
            let title = self.name.title();
            io::Write::write_all(&mut &*file, title.as_bytes()).tried("write", &self.path)?;
        }
        Ok(appender)
    }

    /// The frame at `offset`, if a whole one is there.
    pub(crate) fn frame(&self, offset: u64) -> Result<Option<Frame>, StoreError> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut header = [0; HEADER];
        if !read_at(file, &mut header, offset).tried("read", &self.path)? || header[..4] != MARK {
            return Ok(None);
        }
        let kind = header[4];
        let length = u32::from_le_bytes(header[5..9].try_into().expect("four bytes"));
        if length > MAX_PAYLOAD || offset + HEADER as u64 + u64::from(length) > self.size()? {
            return Ok(None);
        }
        let mut payload = vec![0; length as usize];
        let whole = read_at(file, &mut payload, offset + HEADER as u64);
        let whole = whole.tried("read", &self.path)? && Frame::check(kind, &payload) == header[9..];
        Ok(whole.then_some(Frame { kind, payload }))
    }

    /// A digest of what stands before `end`, which tells this journal from one that was cut there or
    /// before and grew again. None if the journal is shorter.
    pub(crate) fn seal(&self, end: u64) -> Result<Option<BlobId>, StoreError> {
        let length = end.min(SEALED);
        let mut bytes = vec![0; length as usize];
        let whole = match &self.file {
            Some(file) => read_at(file, &mut bytes, end - length).tried("read", &self.path)?,
            None => length == 0,
        };
        Ok(whole.then(|| BlobId::of(&bytes)))
    }

    /// Gives each whole frame from `from` on, with its offset.
    pub(crate) fn scan(
        &self,
        from: u64,
        mut each: impl FnMut(u64, Frame) -> Result<(), StoreError>,
    ) -> Result<Scanned, StoreError> {
        let mut at = from.max(self.start());
        let mut scanned = Scanned { end: at, damage: Vec::new() };
        loop {
            if let Some(frame) = self.frame(at)? {
                let next = at + frame.size();
                each(at, frame)?;
                (at, scanned.end) = (next, next);
            } else if let Some(next) = self.next_frame(at + 1)? {
                scanned.damage.push(Damage { offset: at, length: next - at });
                at = next;
            } else {
                return Ok(scanned);
            }
        }
    }

    /// Where the next whole frame from `from` on starts.
    fn next_frame(&self, from: u64) -> Result<Option<u64>, StoreError> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut window = vec![0; 1 << 20];
        let mut at = from;
        loop {
            let read = file.read_at(&mut window, at).tried("read", &self.path)?;
            if read < HEADER {
                return Ok(None);
            }
            let marks = window[..read].windows(MARK.len()).enumerate();
            for (index, _) in marks.filter(|(_, bytes)| *bytes == MARK) {
                if self.frame(at + index as u64)?.is_some() {
                    return Ok(Some(at + index as u64));
                }
            }
            at += (read - MARK.len() + 1) as u64;
        }
    }
}

impl Appender<'_> {
    /// Where the next frame will stand.
    pub(crate) fn end(&self) -> Result<u64, StoreError> {
        self.journal.size()
    }

    /// Drops what lies behind `end`.
    pub(crate) fn cut(&self, end: u64) -> Result<(), StoreError> {
        self.file.set_len(end).tried("cut", &self.journal.path)
    }

    /// Writes a frame that says nothing over a damaged stretch, which is as long as a frame at
    /// least, or the title anew, so that the journal is whole again.
    pub(crate) fn blank(&self, damage: Damage) -> Result<(), StoreError> {
        let path = &self.journal.path;
        if damage.offset == 0 {
            let file = File::options().write(true).open(path).tried("open", path)?;
            let title = self.journal.name.title();
            return file.write_all_at(title.as_bytes(), 0).tried("write", path);
        }
        let Some(length) = damage.length.checked_sub(HEADER as u64) else {
            // No frame is as short: this is the end of a torn one.
            let is_end = damage.offset + damage.length == self.end()?;
            return if is_end { self.cut(damage.offset) } else { Ok(()) };
        };
        let mut bytes = Vec::new();
        Frame { kind: BLANK, payload: vec![0; length as usize] }.write(&mut bytes);
        // The file that is open for appending would append this, wherever it was told to write.
        let file = File::options().write(true).open(path).tried("open", path)?;
        file.write_all_at(&bytes, damage.offset).tried("write", path)
    }

    /// Appends frames; gives the offset of each and the new end.
    pub(crate) fn append(&self, frames: &[Frame]) -> Result<(Vec<u64>, u64), StoreError> {
        let start = self.end()?;
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(frames.len());
        for frame in frames {
            offsets.push(start + bytes.len() as u64);
            frame.write(&mut bytes);
        }
        if let Err(error) = (&*self.file).write_all(&bytes) {
            // A full disk may have taken a part.
            self.cut(start)?;
            return Err(error).tried("append to", &self.journal.path);
        }
        Ok((offsets, start + bytes.len() as u64))
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        // An unlock of a lock that is held cannot fail.
        let _ = self.file.unlock();
    }
}

/// Fills the buffer; false if the file ends before.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(folder: &Path) -> Journal {
        disk::make_dir(&folder.join("results")).unwrap();
        Journal::open(folder, JournalName::Results, Access::ReadWrite).unwrap()
    }

    fn frame(text: &str) -> Frame {
        Frame { kind: 7, payload: text.as_bytes().to_vec() }
    }

    fn frames(journal: &Journal) -> (Vec<String>, Scanned) {
        let mut texts = Vec::new();
        let scanned = journal.scan(0, |_, frame| {
            texts.push(String::from_utf8(frame.payload).unwrap());
            Ok(())
        });
        (texts, scanned.unwrap())
    }

    #[test]
    fn bytes_are_the_documented_ones() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        journal.lock().unwrap().append(&[frame("ab")]).unwrap();
        let check = groundup_digest::BlobId::of(b"\x07ab");
        let start = &b"groundup results 1\nguj1\x07\x02\x00\x00\x00"[..];
        let golden = [start, &check.as_bytes()[..8], b"ab"];
        assert_eq!(std::fs::read(&journal.path).unwrap(), golden.concat());
    }

    #[test]
    fn a_torn_end_is_no_frame_and_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let (_, end) = journal.lock().unwrap().append(&[frame("a"), frame("b")]).unwrap();
        for cut in 1..frame("b").size() {
            journal.lock().unwrap().cut(end - cut).unwrap();
            let (texts, scanned) = frames(&journal);
            assert_eq!(texts, ["a"]);
            assert_eq!(scanned.damage, []);
            assert_eq!(scanned.end, journal.start() + frame("a").size());
        }
    }

    #[test]
    fn a_seal_tells_a_journal_from_one_that_grew_again() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let (offsets, end) = journal.lock().unwrap().append(&[frame("a"), frame("b")]).unwrap();
        let seal = journal.seal(end).unwrap();
        assert!(seal.is_some() && seal != journal.seal(offsets[1]).unwrap());
        journal.lock().unwrap().append(&[frame("c")]).unwrap();
        assert_eq!(journal.seal(end).unwrap(), seal, "what comes behind it does not matter");
        journal.lock().unwrap().cut(offsets[1]).unwrap();
        assert_eq!(journal.seal(end).unwrap(), None);
        journal.lock().unwrap().append(&[frame("d"), frame("c")]).unwrap();
        assert_ne!(journal.seal(end).unwrap(), seal);
        assert_eq!(journal.seal(0).unwrap(), Some(BlobId::of(b"")));
    }

    #[test]
    fn a_flipped_byte_costs_one_frame() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let three = [frame("one"), frame("two"), frame("three")];
        let (offsets, _) = journal.lock().unwrap().append(&three).unwrap();
        let whole = std::fs::read(&journal.path).unwrap();
        for at in offsets[1]..offsets[2] {
            let mut bytes = whole.clone();
            bytes[at as usize] ^= 0x10;
            std::fs::write(&journal.path, bytes).unwrap();
            let (texts, scanned) = frames(&journal);
            assert_eq!(texts, ["one", "three"]);
            let damage = Damage { offset: offsets[1], length: offsets[2] - offsets[1] };
            assert_eq!(scanned.damage, [damage]);
            journal.lock().unwrap().blank(damage).unwrap();
            let (texts, scanned) = frames(&journal);
            assert_eq!((&texts[0][..], &texts[2][..]), ("one", "three"));
            assert_eq!(scanned.damage, []);
        }
    }
}
