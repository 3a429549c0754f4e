//! Which directories hold a file or a directory, and which trees those are in.

use super::{History, IdPrefix};
use crate::{StoreError, journal::Frame, trees};
use groundup_digest::{DirId, TreeId};
use groundup_tree::{Directory, EntryKind, Kind, Name, TreeRoot};
use rusqlite::params;

/// What holds a blob or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A directory, under these names.
    Directory {
        /// The directory.
        id: DirId,
        /// The names in it.
        names: Vec<Name>,
    },
    /// The directory is the top of this tree.
    Top(TreeId),
}

/// The start of an id as a number that is in the same order.
pub(super) fn short(id: &[u8; 32]) -> i64 {
    let start = u64::from_be_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]]);
    (start ^ 1 << 63).cast_signed()
}

/// Gives the ids of what a frame of the journal `trees` holds.
pub(super) fn children(frame: &Frame, mut each: impl FnMut(&[u8; 32])) {
    if trees::is_root(frame) {
        if let Ok(root) = TreeRoot::from_bytes(&frame.payload) {
            each(root.directory.as_bytes());
        }
        return;
    }
    let Ok(directory) = Directory::from_bytes(&frame.payload) else { return };
    for entry in directory.entries() {
        if let Some(child) = child(&entry.kind) {
            each(&child);
        }
    }
}

fn child(kind: &EntryKind) -> Option<[u8; 32]> {
    match kind {
        EntryKind::Directory(id) => Some(*id.as_bytes()),
        EntryKind::Other(Kind::File { blob, .. }) => Some(*blob.as_bytes()),
        EntryKind::Other(_) => None,
    }
}

impl History {
    /// What holds the blob or directory of this id; at most `most` are looked at.
    pub fn holders(&self, id: &[u8; 32], most: usize) -> Result<Vec<Holder>, StoreError> {
        let mut holders = Vec::new();
        for offset in self.parents(&IdPrefix::whole(*id), most)? {
            let Some(frame) = self.store.0.trees.frame(offset)? else { continue };
            let Some(own) = trees::id_of_frame(&frame) else { continue };
            if trees::is_root(&frame) {
                let root = TreeRoot::from_bytes(&frame.payload).ok();
                if root.is_some_and(|root| root.directory.as_bytes() == id) {
                    holders.push(Holder::Top(TreeId::from_bytes(own)));
                }
                continue;
            }
            let Ok(directory) = Directory::from_bytes(&frame.payload) else { continue };
            let held = directory.entries().iter().filter(|it| child(&it.kind) == Some(*id));
            let names: Vec<Name> = held.map(|entry| entry.name.clone()).collect();
            if !names.is_empty() {
                holders.push(Holder::Directory { id: DirId::from_bytes(own), names });
            }
        }
        Ok(holders)
    }

    /// The ids of files that begin with these digits, as far as trees hold them; at most `most`.
    pub fn files(&self, prefix: &IdPrefix, most: usize) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut found = std::collections::BTreeSet::new();
        for offset in self.parents(prefix, most)? {
            let Some(frame) = self.store.0.trees.frame(offset)? else { continue };
            let Ok(directory) = Directory::from_bytes(&frame.payload) else { continue };
            for entry in directory.entries() {
                if let EntryKind::Other(Kind::File { blob, .. }) = &entry.kind
                    && prefix.has(blob.as_bytes())
                {
                    found.insert(*blob.as_bytes());
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    fn parents(&self, prefix: &IdPrefix, most: usize) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT DISTINCT parent FROM inside WHERE child BETWEEN ?1 AND ?2 LIMIT ?3";
        let found = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let range = params![short(prefix.low()), short(prefix.high()), most as i64];
            let offsets = statement.query_map(range, |row| row.get::<_, i64>(0))?;
            offsets.map(|offset| offset.map(i64::unsigned_abs)).collect::<rusqlite::Result<_>>()
        };
        self.ask("look up a file in the history of", found)
    }
}
