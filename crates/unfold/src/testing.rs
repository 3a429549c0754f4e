//! What the tests of all readers use: a sink that keeps everything.

use crate::{Bytes, Entry, EntryKind, Format, Limits, Sink, UnfoldError, unfold, unfold_only};
use std::{
    collections::BTreeMap,
    io::{self, Read},
};

/// Everything that a walk gave, in its order.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) entries: Vec<(Entry, Vec<u8>)>,
    pub(crate) unread: Vec<(Vec<u8>, String)>,
}

impl Sink for Seen {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let mut read = Vec::new();
        content.read_to_end(&mut read)?;
        self.entries.push((entry.clone(), read));
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.unread.push((path.to_vec(), why.to_owned()));
    }
}

impl Seen {
    pub(crate) fn paths(&self) -> Vec<String> {
        self.entries.iter().map(|(entry, _)| text(&entry.path)).collect()
    }

    pub(crate) fn get(&self, path: &str) -> (&Entry, &[u8]) {
        let found = self.entries.iter().find(|(entry, _)| entry.path == path.as_bytes());
        let (entry, content) = found.unwrap_or_else(|| panic!("no {path} in {:?}", self.paths()));
        (entry, content)
    }

    pub(crate) fn kind(&self, path: &str) -> &EntryKind {
        &self.get(path).0.kind
    }

    pub(crate) fn facts(&self, path: &str) -> BTreeMap<String, String> {
        let xattrs = self.get(path).0.xattrs.iter();
        xattrs.map(|(name, value)| (text(name), text(value))).collect()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Small enough that whatever is damaged ends soon.
pub(crate) const SMALL: Limits =
    Limits { entries: 500, bytes: 1 << 20, ratio: 1100, path: 4096, depth: 64 };

pub(crate) fn walked(format: Format, bytes: &dyn Bytes) -> Seen {
    let mut seen = Seen::default();
    unfold(format, bytes, &Limits::default(), &mut seen).unwrap();
    seen
}

pub(crate) fn refused(format: Format, bytes: &dyn Bytes) -> String {
    let mut seen = Seen::default();
    unfold(format, bytes, &SMALL, &mut seen).unwrap_err().sentence()
}

/// Only the entry with this path.
pub(crate) fn only(format: Format, bytes: &dyn Bytes, path: &str) -> Result<Seen, UnfoldError> {
    let mut seen = Seen::default();
    let paths = [path.as_bytes().to_vec()].into();
    unfold_only(format, bytes, &Limits::default(), &paths, &mut seen)?;
    Ok(seen)
}

/// Walks the bytes cut short at every place and with bytes changed: whatever comes, it ends.
pub(crate) fn damaged(format: Format, bytes: &[u8]) {
    let step = (bytes.len() / 150).max(1);
    for end in (0..bytes.len()).step_by(step) {
        let _ = unfold(format, &bytes[..end].to_vec(), &SMALL, &mut Seen::default());
    }
    let mut state = 1u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..300 {
        let mut changed = bytes.to_vec();
        for _ in 0..=random() % 3 {
            let at = random() % changed.len();
            changed[at] = [0, 0xff, 0x7f, 1, random() as u8][random() % 5];
        }
        let _ = unfold(format, &changed, &SMALL, &mut Seen::default());
    }
}
