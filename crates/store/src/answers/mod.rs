//! Answers that hold as long as nothing that they rest on has changed.
//!
//! A build that has nothing to do would read every recipe, lower every target and look up every
//! step, only to find that all is as it was. So a complete answer is kept together with its
//! [`Basis`]: the paths that were looked at, and what `stat` said of them. If it says the same
//! again, the answer stands. It is a hint like the stat cache: lost, damaged or outdated, it costs
//! the work that it saves. What an answer means is its owner's; what it names may be gone, and its
//! owner looks.
//!
//! One file per question, `answers/<BLAKE3 of salt and question>`, in the encoding of
//! `docs/formats/encoding.md` but for the names, which end in a zero byte each:
//!
//! ```text
//! "groundup answer 1\n"
//! directories: path (bytes), whether its list of names counts (u8), states (digest), names (bytes)
//! answer (bytes)
//! [u8; 32] BLAKE3 of all bytes before
//! ```

mod basis;
mod state;

pub use basis::Basis;

use crate::{Access, Store, StoreError, disk};
use groundup_digest::{BlobId, DecodeError, Reader, Writer};
use rayon::prelude::*;
use state::Directory;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

const MAGIC: &[u8] = b"groundup answer 1\n";
/// More answers than this are not kept: they are all dropped.
const MOST: usize = 256;

impl Store {
    fn answer_path(&self, question: &[u8]) -> PathBuf {
        let mut writer = Writer::new();
        writer.u64(self.0.format.salt_tag()).bytes(question);
        self.path().join("answers").join(BlobId::of(writer.as_bytes()).to_string())
    }

    /// The answer to a question, if one is kept and nothing that it rests on has changed.
    pub fn recall_answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        // Any trouble with what is kept means to do without it.
        let bytes = std::fs::read(self.answer_path(question)).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if BlobId::of(body).as_bytes() != sum {
            return None;
        }
        let (directories, answer) = parse(body.strip_prefix(MAGIC)?).ok()?;
        let changed = AtomicBool::new(false);
        let check = |directory: &Directory<'_>| {
            if !changed.load(Ordering::Relaxed) && !directory.is_unchanged() {
                changed.store(true, Ordering::Relaxed);
            }
        };
        // A few directories are looked at sooner than threads are started.
        match directories.len() {
            0..64 => directories.iter().for_each(check),
            _ => directories.par_iter().for_each(check),
        }
        (!changed.into_inner()).then(|| answer.to_vec())
    }

    /// Keeps an answer, unless something that it rests on changed since the basis was begun, or so
    /// shortly before that it could change again unseen.
    pub fn remember_answer(
        &self,
        question: &[u8],
        basis: Basis,
        answer: &[u8],
    ) -> Result<(), StoreError> {
        if self.access() == Access::ReadOnly {
            return Ok(());
        }
        let Some(bytes) = basis.into_bytes(answer) else { return Ok(()) };
        let folder = self.path().join("answers");
        disk::make_dir(&folder)?;
        if disk::names(&folder)?.len() >= MOST {
            self.forget_answers()?;
        }
        let scratch = self.tmp_dir()?;
        disk::replace_file(&scratch.fresh_path(), &self.answer_path(question), &bytes)
    }

    /// Drops every answer.
    pub fn forget_answers(&self) -> Result<(), StoreError> {
        let folder = self.path().join("answers");
        if !folder.is_dir() {
            return Ok(());
        }
        disk::names(&folder)?.iter().try_for_each(|name| disk::remove_file(&folder.join(name)))
    }
}

fn parse(bytes: &[u8]) -> Result<(Vec<Directory<'_>>, &[u8]), DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut directories = Vec::new();
    reader.seq(|reader| {
        directories.push(Directory::read(reader)?);
        Ok(())
    })?;
    let answer = reader.bytes()?;
    reader.end()?;
    Ok((directories, answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use std::{fs, path::Path, time::Duration};

    struct Place {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("store"), &OpenOptions::default()).unwrap();
            fs::create_dir_all(folder.path().join("work/inner")).unwrap();
            fs::write(folder.path().join("work/inner/a"), "a").unwrap();
            fs::write(folder.path().join("work/inner/b"), "b").unwrap();
            // What changed in this very moment is not relied on.
            std::thread::sleep(Duration::from_millis(60));
            Self { folder, store }
        }

        fn work(&self) -> PathBuf {
            self.folder.path().join("work")
        }

        fn basis(&self) -> Basis {
            let mut basis = Basis::begin(&self.work());
            basis.path(&self.work().join("inner/a"));
            basis.path(&self.work().join("inner/absent"));
            basis.listing(&self.work());
            basis
        }

        fn remember(&self) {
            self.store.remember_answer(b"q", self.basis(), b"answer").unwrap();
            assert_eq!(self.recall(), Some(b"answer".to_vec()));
        }

        fn recall(&self) -> Option<Vec<u8>> {
            self.store.recall_answer(b"q")
        }
    }

    #[test]
    fn an_answer_stands_until_something_that_it_rests_on_changes() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 7] = [
            ("content", |work| fs::write(work.join("inner/a"), "A").unwrap()),
            ("mode", |work| {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                fs::set_permissions(work.join("inner/a"), mode).unwrap();
            }),
            ("removal", |work| fs::remove_file(work.join("inner/a")).unwrap()),
            ("appearance", |work| fs::write(work.join("inner/absent"), "").unwrap()),
            ("replacement", |work| {
                fs::write(work.join("inner/new"), "a").unwrap();
                fs::rename(work.join("inner/new"), work.join("inner/a")).unwrap();
            }),
            ("new name in a list", |work| fs::write(work.join("new"), "").unwrap()),
            ("another directory", |work| {
                fs::rename(work.join("inner"), work.join("old")).unwrap();
                fs::create_dir(work.join("inner")).unwrap();
            }),
        ];
        for (name, change) in changes {
            let place = Place::new();
            place.remember();
            // Neither of these is looked at.
            fs::write(place.work().join("inner/b"), "other").unwrap();
            fs::write(place.work().join("inner/c"), "other").unwrap();
            assert!(place.recall().is_some(), "before the change of {name}");
            change(&place.work());
            assert_eq!(place.recall(), None, "{name}");
        }
    }

    #[test]
    fn what_changes_while_the_answer_is_made_keeps_it_from_being_kept() {
        let place = Place::new();
        let basis = place.basis();
        fs::write(place.work().join("inner/a"), "A").unwrap();
        place.store.remember_answer(b"q", basis, b"answer").unwrap();
        assert_eq!(place.recall(), None);
        // Nor is one kept of a directory that was put in the place of another.
        let place = Place::new();
        let basis = place.basis();
        fs::create_dir(place.work().join("other")).unwrap();
        fs::rename(place.work().join("inner"), place.work().join("other/inner")).unwrap();
        fs::rename(place.work().join("other/inner"), place.work().join("inner")).unwrap();
        place.store.remember_answer(b"q", basis, b"answer").unwrap();
        assert_eq!(place.recall(), None);
    }

    #[test]
    fn a_new_name_in_the_root_matters_only_to_what_is_absent_there() {
        let place = Place::new();
        let mut basis = Basis::begin(&place.work());
        basis.path(&place.work().join("inner"));
        fs::create_dir(place.work().join("out")).unwrap();
        place.store.remember_answer(b"q", basis, b"answer").unwrap();
        assert!(place.recall().is_some());
        place.store.forget_answers().unwrap();
        let mut basis = Basis::begin(&place.work());
        basis.path(&place.work().join("absent"));
        fs::create_dir(place.work().join("other")).unwrap();
        place.store.remember_answer(b"q", basis, b"answer").unwrap();
        assert_eq!(place.recall(), None);
    }

    #[test]
    fn a_damaged_or_forgotten_answer_is_none() {
        let place = Place::new();
        place.remember();
        let path = place.store.answer_path(b"q");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert_eq!(place.recall(), None, "byte {at}");
        }
        fs::write(&path, whole).unwrap();
        assert!(place.recall().is_some());
        assert_eq!(place.store.recall_answer(b"another question"), None);
        place.store.forget_answers().unwrap();
        assert_eq!(place.recall(), None);
    }
}
