//! The walk over a file system, the same for all: each directory before what is in it, names sorted.
//!
//! No directory is entered twice, so that no loop is followed and nothing is told in two places. A
//! further name of a file is a hard link to the first that was met. Damage in one place is told, and
//! the rest is walked.

use crate::{
    Entry, EntryKind, UnfoldError,
    walk::{Damage, Walk},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Something in a file system.
pub(crate) struct Node<T> {
    /// The same for all names of it, and for nothing else.
    pub(crate) id: u64,
    /// How many names it has, as far as the file system says.
    pub(crate) links: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Option<i64>,
    pub(crate) kind: EntryKind,
    /// What the file system needs to read its content.
    pub(crate) own: T,
}

/// A file system.
pub(crate) trait Volume {
    /// What is known of a node beyond its metadata.
    type Own;
    /// Where a directory says that a node is.
    type Place;

    fn root(&self) -> Result<Node<Self::Own>, UnfoldError>;

    fn node(&self, place: &Self::Place) -> Result<Node<Self::Own>, UnfoldError>;

    /// What is in a directory, without `.` and `..`; at most `most`. What was found before an error
    /// stays found.
    fn children(
        &self,
        directory: &Node<Self::Own>,
        most: u64,
        found: &mut Vec<(Vec<u8>, Self::Place)>,
    ) -> Result<(), UnfoldError>;

    fn xattrs(&self, node: &Node<Self::Own>) -> Result<Xattrs, UnfoldError>;

    fn content<'s>(&'s self, node: &'s Node<Self::Own>) -> Result<Box<dyn Read + 's>, UnfoldError>;
}

/// What the file system says of itself, which stands on its top directory.
pub(crate) type Facts = Vec<(&'static str, String)>;

/// Walks a file system from its root.
pub(crate) fn walk<V: Volume>(
    volume: &V,
    facts: Facts,
    walk: &mut Walk<'_>,
) -> Result<(), UnfoldError> {
    let root = volume.root()?;
    if root.kind != EntryKind::Directory {
        return Err(UnfoldError::malformed("file system", "its root is no directory", 0));
    }
    let mut tour = Tour {
        volume,
        walk,
        entered: BTreeSet::from([root.id]),
        names: BTreeMap::new(),
        open: Vec::new(),
    };
    let mut top = tour.entry(&root, Vec::new())?;
    facts.iter().for_each(|(name, value)| top.fact(name, value));
    tour.walk.bare(&top)?;
    tour.enter(&root, Vec::new())?;
    while let Some((path, children)) = tour.open.last_mut() {
        match children.next() {
            Some((name, place)) => {
                let path = path.clone();
                tour.child(&path, &name, &place)?;
            }
            None => drop(tour.open.pop()),
        }
    }
    Ok(())
}

/// A directory that is being walked, and what of it is left.
type Open<P> = (Vec<u8>, std::vec::IntoIter<(Vec<u8>, P)>);

struct Tour<'w, 'a, V: Volume> {
    volume: &'w V,
    walk: &'w mut Walk<'a>,
    entered: BTreeSet<u64>,
    /// The first name of each file that has several.
    names: BTreeMap<u64, Vec<u8>>,
    open: Vec<Open<V::Place>>,
}

impl<V: Volume> Tour<'_, '_, V> {
    fn child(&mut self, above: &[u8], name: &[u8], place: &V::Place) -> Result<(), UnfoldError> {
        let path = joined(above, name);
        let odd = name.is_empty() || name.iter().any(|byte| matches!(byte, 0 | b'/'));
        let why = match name {
            b"." | b".." => return Ok(()),
            _ if odd => Some("its name cannot be that of a file".to_owned()),
            _ if self.open.len() > self.walk.limits.depth => Some(self.walk.too_deep()),
            _ if path.len() > self.walk.limits.path => {
                Some(format!("its path has more than {} bytes", self.walk.limits.path))
            }
            _ => None,
        };
        self.walk.count()?;
        if let Some(why) = why {
            self.walk.unread(path.get(..path.len().min(256)).unwrap_or_default(), &why);
            return Ok(());
        }
        if !self.walk.wants(&path) && !self.walk.wants_below(&path) {
            return Ok(());
        }
        let node = match self.volume.node(place) {
            Ok(node) => node,
            Err(error) => return self.walk.flaw(&path, error),
        };
        let is_directory = node.kind == EntryKind::Directory;
        if is_directory && !self.entered.insert(node.id) {
            self.walk.unread(&path, "it is a directory that was met elsewhere already");
            return Ok(());
        }
        let mut entry = self.entry(&node, path.clone())?;
        if !is_directory && node.links > 1 && self.walk.is_whole() {
            match self.names.get(&node.id) {
                Some(first) => entry.kind = EntryKind::HardLink(first.clone()),
                None => drop(self.names.insert(node.id, path.clone())),
            }
        }
        if !matches!(entry.kind, EntryKind::File(_)) {
            self.walk.give(&entry, &mut io::empty(), Damage::Local)?;
        } else if self.walk.wants(&path) {
            match self.volume.content(&node) {
                Ok(mut content) => self.walk.give(&entry, &mut content, Damage::Local)?,
                Err(error) => self.walk.flaw(&path, error)?,
            }
        }
        if is_directory && self.walk.wants_below(&path) {
            self.enter(&node, path)?;
        }
        Ok(())
    }

    fn entry(&mut self, node: &Node<V::Own>, path: Vec<u8>) -> Result<Entry, UnfoldError> {
        let xattrs = match self.volume.xattrs(node) {
            Ok(mut xattrs) => {
                xattrs.sort();
                xattrs
            }
            Err(error) => {
                let why = format!("its extended attributes: {}", error.sentence());
                self.walk.unread(&path, &why);
                Vec::new()
            }
        };
        let Node { mode, uid, gid, mtime, .. } = *node;
        Ok(Entry { path, mode, uid, gid, mtime, xattrs, kind: node.kind.clone(), at: None })
    }

    fn enter(&mut self, directory: &Node<V::Own>, path: Vec<u8>) -> Result<(), UnfoldError> {
        let mut found = Vec::new();
        let left = self.walk.entries_left().saturating_add(1);
        if let Err(error) = self.volume.children(directory, left, &mut found) {
            self.walk.flaw(&path, error)?;
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        // Damage again: only one of them could be reached by its name.
        found.dedup_by(|later, first| {
            let twice = later.0 == first.0;
            if twice {
                self.walk.unread(&joined(&path, &later.0), "its directory has this name twice");
            }
            twice
        });
        self.open.push((path, found.into_iter()));
        Ok(())
    }
}

fn joined(above: &[u8], name: &[u8]) -> Vec<u8> {
    if above.is_empty() { name.to_vec() } else { [above, b"/", name].concat() }
}

/// How much may be unpacked or looked up in all, since places of a file system may be read again and
/// again: as many bytes as a walk may give, and a third more.
pub(crate) struct Work {
    left: Cell<u64>,
    limit: u64,
}

impl Work {
    pub(crate) fn new(walk: &Walk<'_>) -> Self {
        let limit = walk.limits.bytes.saturating_add(walk.limits.bytes / 3).max(1 << 20);
        Self { left: Cell::new(limit), limit }
    }

    pub(crate) fn spend(&self, bytes: usize) -> Result<(), UnfoldError> {
        let left = self.left.get().checked_sub(bytes as u64);
        let what = "bytes to read in all for its contents";
        self.left.set(left.ok_or(UnfoldError::Limit { what, limit: self.limit })?);
        Ok(())
    }
}

/// The numbers of a device, as Linux packs them into 32 bits.
pub(crate) fn device(packed: u32) -> (u32, u32) {
    ((packed >> 8) & 0xfff, (packed & 0xff) | ((packed >> 12) & 0xf_ff00))
}

/// Content that is made piece by piece: `next` gives the piece that starts at a place.
pub(crate) struct Pieces<F> {
    next: F,
    piece: Vec<u8>,
    taken: usize,
    at: u64,
    size: u64,
}

impl<F: FnMut(u64) -> Result<Piece, UnfoldError>> Pieces<F> {
    pub(crate) fn new(size: u64, next: F) -> Self {
        Self { next, piece: Vec::new(), taken: 0, at: 0, size }
    }
}

/// What stands at a place of a file.
pub(crate) enum Piece {
    /// These bytes; none is an error.
    Bytes(Vec<u8>),
    /// So many zeros.
    Zeros(u64),
}

impl<F: FnMut(u64) -> Result<Piece, UnfoldError>> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.size {
            return Ok(0);
        }
        if self.taken == self.piece.len() {
            (self.piece, self.taken) = match (self.next)(self.at)? {
                Piece::Bytes(bytes) => (bytes, 0),
                Piece::Zeros(count) => {
                    // As many at a time as a buffer has, so that holes take no memory.
                    let count = count.min(self.size - self.at).clamp(1, 64 << 10);
                    (vec![0; count as usize], 0)
                }
            };
        }
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let held = self.piece.get(self.taken..).unwrap_or_default();
        let count = held.len().min(buffer.len()).min(left);
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), held.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        self.at += count as u64;
        Ok(count)
    }
}
