//! What archives and images hold, as trees that are compared in turn.

use super::{Comparer, row};
use crate::{
    Change, Place, Row, World,
    world::{Held, Walked},
};
use groundup_digest::{BlobId, TreeId};
use groundup_meaning::{Finding, Kind as FindingKind};
use groundup_tree::{Device, FileTree, Kind, Meta, Mode, Node, TreePath, Xattrs};
use groundup_unfold::{Entry, EntryKind, Format, Sink, unfold};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    sync::Arc,
};

impl Comparer<'_> {
    /// What differs inside of two archives or images of one format, and of these sizes.
    pub(super) fn inside(
        &self,
        place: &Place,
        format: Format,
        contents: [(BlobId, u64); 2],
        depth: u32,
    ) -> Vec<Row> {
        let [a, b] = contents.map(|(id, _)| self.unfolded(format, id));
        let mut notes: Vec<Finding> = Vec::new();
        if let ([(_, old)], [(_, new)]) = (&a.unread[..], &b.unread[..])
            && a.tree == b.tree
            && a.is_empty
        {
            let why = if old == new { old.clone() } else { format!("before: {old}; after: {new}") };
            let [before, after] = contents.map(|(_, size)| size);
            let finding = super::files::sizes(before, after).note(why);
            return vec![row(place.last(), Change::Changed, place.clone(), vec![finding])];
        }
        for (side, unread) in [("before", &a.unread), ("after", &b.unread)] {
            notes.extend(
                unread
                    .iter()
                    .map(|(path, why)| Finding::not_compared(format!("{side}: {path}"), why)),
            );
        }
        let sides = [a.tree, b.tree].map(|id| self.world.load(id).unwrap_or_default());
        let on_both =
            |path: &TreePath| path.is_root() || sides.iter().all(|tree| tree.get(path).is_some());
        let facts = facts(&a, &b, on_both);
        let mut rows = match self.trees(place, a.tree, b.tree, depth + 1) {
            Ok(rows) => rows,
            Err(error) => {
                notes.push(Finding::not_compared("content", error));
                Vec::new()
            }
        };
        notes.extend(facts);
        let times = a
            .times
            .iter()
            .filter(|(path, time)| b.times.get(*path).is_some_and(|other| other != *time));
        let times = times.count();
        if times > 0 {
            let what = format!("times of {times} entries");
            notes.push(Finding::bare(FindingKind::Identity, what));
        }
        if rows.is_empty() && notes.is_empty() {
            let what = "the same entries, written otherwise".to_owned();
            notes.push(Finding::bare(FindingKind::Encoding, what));
        }
        if !notes.is_empty() {
            rows.push(row(place.last(), Change::Changed, place.clone(), notes));
        }
        rows
    }

    pub(super) fn unfolded(&self, format: Format, id: BlobId) -> Unfolded {
        // What is packed is unpacked by this, so that its parts are where it is from now on.
        let bytes = self.world.bytes(id);
        let held = self.world.held(id);
        let mut taking = Taking {
            world: self.world,
            format,
            walked: Walked::new(held.clone(), format),
            whole: Arc::new(held),
            tree: FileTree::new(),
            times: BTreeMap::new(),
            facts: Facts::new(),
            unread: Vec::new(),
        };
        let walked = match bytes {
            Ok(bytes) => unfold(format, bytes.as_ref(), &self.options.unfold, &mut taking)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = walked {
            taking.unread.push(("the rest".to_owned(), why));
        }
        let tree = self.world.take_tree(&taking.tree);
        let is_empty = taking.tree.is_empty();
        let (times, facts, unread) = (taking.times, taking.facts, taking.unread);
        Unfolded { tree, is_empty, times, facts, unread }
    }
}

/// What formats say of their entries beside what a tree holds, and attributes that no tree takes in.
type Facts = BTreeMap<(TreePath, String), String>;

/// The facts that differ of entries that are on both sides.
fn facts(a: &Unfolded, b: &Unfolded, has: impl Fn(&TreePath) -> bool) -> Vec<Finding> {
    let keys: BTreeSet<&(TreePath, String)> = a.facts.keys().chain(b.facts.keys()).collect();
    let differ = keys.into_iter().filter_map(|key| {
        let (before, after) = (a.facts.get(key), b.facts.get(key));
        let (path, name) = key;
        if before == after || (before.is_none() || after.is_none()) && !has(path) {
            return None;
        }
        let what = if path.is_root() { name.clone() } else { format!("{path}: {name}") };
        // Identifiers and times have no effect on what runs.
        let kind = match name.rsplit('.').next() {
            Some("uuid" | "time" | "guid" | "disk" | "volume" | "id" | "serial" | "index") => {
                FindingKind::Identity
            }
            _ => FindingKind::Metadata,
        };
        let (before, after) = (before.cloned(), after.cloned());
        Some(Finding { before, after, ..Finding::bare(kind, what) })
    });
    differ.collect()
}

/// What an archive or image holds.
pub(super) struct Unfolded {
    pub(super) tree: TreeId,
    /// Whether nothing of it was read.
    is_empty: bool,
    times: BTreeMap<TreePath, i64>,
    facts: Facts,
    pub(super) unread: Vec<(String, String)>,
}

struct Taking<'a> {
    world: &'a World<'a>,
    format: Format,
    /// What is walked, as that of which contents are parts, and as that which is walked again.
    whole: Arc<Held>,
    walked: Arc<Walked>,
    tree: FileTree,
    times: BTreeMap<TreePath, i64>,
    facts: Facts,
    unread: Vec<(String, String)>,
}

impl Taking<'_> {
    fn put(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), String> {
        let path = TreePath::new(&entry.path).map_err(|error| error.to_string())?;
        if let EntryKind::HardLink(target) = &entry.kind {
            let target = TreePath::new(target).map_err(|error| error.to_string())?;
            if let Some(node) = self.tree.get(&target).cloned() {
                self.insert(path.clone(), node)?;
            }
            return self.tree.link(path, &target).map_err(|error| error.to_string());
        }
        let kind = match &entry.kind {
            EntryKind::Directory => Kind::Directory,
            EntryKind::File(_) => {
                let taken = self.content(entry, content);
                let (blob, size) = taken.map_err(|error| error.to_string())?;
                Kind::File { blob, size }
            }
            EntryKind::Symlink(target) => Kind::Symlink { target: target.as_slice().into() },
            EntryKind::CharacterDevice(major, minor) => {
                Kind::CharDevice(Device { major: *major, minor: *minor })
            }
            EntryKind::BlockDevice(major, minor) => {
                Kind::BlockDevice(Device { major: *major, minor: *minor })
            }
            EntryKind::Fifo => Kind::Fifo,
            EntryKind::Socket => return Err("a socket is in no tree".to_owned()),
            EntryKind::HardLink(_) => return Ok(()),
        };
        let mut xattrs = Xattrs::none();
        for (name, value) in &entry.xattrs {
            if !xattrs.insert(name, value) {
                let key = (path.clone(), String::from_utf8_lossy(name).into_owned());
                self.facts.insert(key, String::from_utf8_lossy(value).into_owned());
            }
        }
        let mode = match kind {
            Kind::Symlink { .. } => 0o777,
            _ => entry.mode,
        };
        let meta = Meta { mode: Mode::from_bits(mode), uid: entry.uid, gid: entry.gid, xattrs };
        if let Some(time) = entry.mtime {
            self.times.insert(path.clone(), time);
        }
        self.insert(path, Node { meta, kind })
    }

    /// Takes a content in, where it is if that can be.
    fn content(&self, entry: &Entry, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        match entry.at {
            Some(at) => self.world.take_part(&self.whole, at, content),
            // It would have to be unpacked from the start again.
            None if self.format.is_compression() => self.world.take(content),
            None => self.world.take_entry(&self.walked, &entry.path, content),
        }
    }

    fn insert(&mut self, path: TreePath, node: Node) -> Result<(), String> {
        if path.is_root() {
            if node.is_directory() {
                let mut tree = FileTree::with_root(node.meta);
                if self.tree.is_empty() {
                    std::mem::swap(&mut self.tree, &mut tree);
                }
            }
            return Ok(());
        }
        let stays = self.tree.get(&path).is_some_and(Node::is_directory) && node.is_directory();
        if !stays {
            // What comes later in an archive takes the place of what was there.
            self.tree.remove(&path);
        }
        self.tree.insert_with_parents(path, node).map_err(|error| error.to_string())
    }
}

fn shown(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.path).into_owned()
}

impl Sink for Taking<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if let Err(why) = self.put(entry, content) {
            self.unread.push((shown(entry), why));
        }
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.unread.push((String::from_utf8_lossy(path).into_owned(), why.to_owned()));
    }
}
