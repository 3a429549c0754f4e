//! Trees: directory and root objects, frames of the journal `trees`.
//!
//! Kind 1 is a directory object, kind 2 a root object; the payload is the canonical encoding, and
//! the id is computed from it. The index knows where each stands.

use crate::{
    Store, StoreError,
    index::check::{self, Column},
    journal::Frame,
};
use groundup_digest::{BlobId, DirId, ObjectId, TreeId};
use groundup_tree::{
    DecodeTreeError, Directory, Encoded, EntryKind, FileTree, Kind, Sink, Source, TreeRoot,
};
use rusqlite::OptionalExtension;
use std::{collections::HashSet, convert::Infallible};

const DIRECTORY: u8 = 1;
const TREE: u8 = 2;

/// The id that a frame's payload has; none for a frame of another kind.
pub(crate) fn id_of_frame(frame: &Frame) -> Option<[u8; 32]> {
    match frame.kind {
        DIRECTORY => Some(*DirId::of_encoded(&frame.payload).as_bytes()),
        TREE => Some(*TreeId::of_encoded(&frame.payload).as_bytes()),
        _ => None,
    }
}

/// Whether a frame is the root object of a tree.
pub(crate) fn is_root(frame: &Frame) -> bool {
    frame.kind == TREE
}

/// The directories that a frame's object refers to; none for a frame that is not in its form.
pub(crate) fn directories_of(frame: &Frame) -> Option<Vec<DirId>> {
    if is_root(frame) {
        return TreeRoot::from_bytes(&frame.payload).ok().map(|root| vec![root.directory]);
    }
    let directory = Directory::from_bytes(&frame.payload).ok()?;
    let directories = directory.entries().iter().filter_map(|entry| match entry.kind {
        EntryKind::Directory(id) => Some(id),
        EntryKind::Other(_) => None,
    });
    Some(directories.collect())
}

/// Collects the objects of a tree that is encoded.
#[derive(Default)]
struct Objects {
    seen: HashSet<[u8; 32]>,
    frames: Vec<([u8; 32], Frame)>,
}

impl Objects {
    fn put(&mut self, id: [u8; 32], kind: u8, payload: Vec<u8>) {
        if self.seen.insert(id) {
            self.frames.push((id, Frame { kind, payload }));
        }
    }
}

impl Sink for Objects {
    type Error = Infallible;

    fn put_directory(&mut self, id: DirId, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.put(*id.as_bytes(), DIRECTORY, bytes);
        Ok(())
    }

    fn put_tree(&mut self, id: TreeId, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.put(*id.as_bytes(), TREE, bytes);
        Ok(())
    }
}

impl Store {
    /// Puts the objects of a tree into the store. Its blobs are put by themselves, before.
    pub fn put_tree(&self, tree: &FileTree) -> Result<TreeId, StoreError> {
        self.put_tree_encoded(tree).map(|encoded| encoded.id)
    }

    /// As [`Store::put_tree`], and gives the id of the top directory as well.
    pub fn put_tree_encoded(&self, tree: &FileTree) -> Result<Encoded, StoreError> {
        self.writable("put a tree")?;
        let mut objects = Objects::default();
        let Ok(encoded) = groundup_tree::encode(tree, &mut objects);
        self.session()?.add(&[ObjectId::Tree(encoded.id)])?;
        // Each object is looked up by itself: one of a known tree may have been lost to damage.
        self.0.index.append(&self.0.trees, |connection| {
            let mut known = connection.prepare_cached("SELECT 1 FROM trees WHERE id = ?1")?;
            let mut frames = Vec::new();
            for (id, frame) in objects.frames {
                if !known.exists([id])? {
                    frames.push(frame);
                }
            }
            Ok((frames, ()))
        })?;
        self.0.durability.wrote();
        self.flush_contents()?;
        Ok(encoded)
    }

    /// Reads a whole tree.
    pub fn load_tree(&self, id: TreeId) -> Result<FileTree, StoreError> {
        groundup_tree::decode(id, self).map_err(|error| match error {
            DecodeTreeError::Source(error) => error,
            source => StoreError::MalformedTree { id, source: Box::new(source) },
        })
    }

    /// Whether the root object of a tree is in the store; its directories then are as well.
    pub fn has_tree(&self, id: TreeId) -> Result<bool, StoreError> {
        Ok(self.tree_offset(id.as_bytes())?.is_some())
    }

    /// Whether a blob, or a tree with all its directories and blobs, is in the store.
    pub fn has_complete(&self, object: ObjectId) -> Result<bool, StoreError> {
        let mut whole = true;
        let walked = self.walk_blobs(object, &mut HashSet::new(), |blob| {
            whole = whole && self.has_blob(blob)?;
            Ok(())
        });
        match walked {
            Err(StoreError::MissingTree(_) | StoreError::MissingDirectory(_)) => Ok(false),
            walked => walked.map(|()| whole),
        }
    }

    /// Gives each blob of an object that is not behind an id in `seen`, and notes the ids there.
    pub(crate) fn walk_blobs(
        &self,
        object: ObjectId,
        seen: &mut HashSet<[u8; 32]>,
        mut each: impl FnMut(BlobId) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let tree = match object {
            ObjectId::Blob(blob) => {
                return if seen.insert(*blob.as_bytes()) { each(blob) } else { Ok(()) };
            }
            ObjectId::Tree(tree) => tree,
        };
        if !seen.insert(*tree.as_bytes()) {
            return Ok(());
        }
        let malformed = |error| {
            let source = Box::new(DecodeTreeError::Malformed(error));
            StoreError::MalformedTree { id: tree, source }
        };
        let root = TreeRoot::from_bytes(&self.tree(tree)?).map_err(malformed)?;
        let mut todo = vec![root.directory];
        while let Some(id) = todo.pop() {
            if !seen.insert(*id.as_bytes()) {
                continue;
            }
            let directory = Directory::from_bytes(&self.directory(id)?).map_err(malformed)?;
            for entry in directory.entries() {
                match entry.kind {
                    EntryKind::Directory(id) => todo.push(id),
                    EntryKind::Other(Kind::File { blob, .. }) if seen.insert(*blob.as_bytes()) => {
                        each(blob)?;
                    }
                    EntryKind::Other(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The encoded bytes of an object of a tree; none if it is not there.
    fn tree_object(
        &self,
        id: &[u8; 32],
        what: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(offset) = self.tree_offset(id)? else { return Ok(None) };
        match self.0.trees.frame(offset)? {
            Some(frame) if id_of_frame(&frame) == Some(*id) => Ok(Some(frame.payload)),
            _ => Err(StoreError::DamagedFrame { what, path: self.0.trees.path.clone(), offset }),
        }
    }

    fn tree_offset(&self, id: &[u8; 32]) -> Result<Option<u64>, StoreError> {
        self.0.index.with("look up a tree in", |connection| {
            let sql = "SELECT offset, row_check FROM trees WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let offset = statement.query_row([id], |row| {
                let offset = row.get::<_, i64>(0)?;
                let columns = [Column::Bytes(id), Column::Number(offset)];
                check::compare(row.get(1)?, "trees", &columns)?;
                Ok(offset as u64)
            });
            offset.optional()
        })
    }
}

impl Source for Store {
    type Error = StoreError;

    fn directory(&self, id: DirId) -> Result<Vec<u8>, StoreError> {
        let bytes = self.tree_object(id.as_bytes(), "a directory object")?;
        bytes.ok_or(StoreError::MissingDirectory(id))
    }

    fn tree(&self, id: TreeId) -> Result<Vec<u8>, StoreError> {
        let bytes = self.tree_object(id.as_bytes(), "a tree's root object")?;
        bytes.ok_or(StoreError::MissingTree(id))
    }
}
