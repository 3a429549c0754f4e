//! What archives and images hold, as trees that are compared in turn.

use super::{Comparer, row};
use crate::{Change, Place, Row, World};
use groundup_digest::TreeId;
use groundup_meaning::{Finding, Kind as FindingKind};
use groundup_tree::{Device, FileTree, Kind, Meta, Mode, Node, TreePath, Xattrs};
use groundup_unfold::{Bytes, Entry, EntryKind, Format, Sink, unfold};
use std::{
    collections::BTreeMap,
    io::{self, Read},
};

impl Comparer<'_> {
    /// What differs inside of two archives or images of one format.
    pub(super) fn inside(
        &self,
        place: &Place,
        format: Format,
        before: &dyn Bytes,
        after: &dyn Bytes,
        depth: u32,
    ) -> Vec<Row> {
        let [a, b] = [before, after].map(|bytes| self.unfolded(format, bytes));
        let mut notes: Vec<Finding> = Vec::new();
        for (side, unread) in [("before", &a.unread), ("after", &b.unread)] {
            notes.extend(
                unread
                    .iter()
                    .map(|(path, why)| Finding::not_compared(format!("{side}: {path}"), why)),
            );
        }
        let mut rows = match self.trees(place, a.tree, b.tree, depth + 1) {
            Ok(rows) => rows,
            Err(error) => {
                notes.push(Finding::not_compared("content", error));
                Vec::new()
            }
        };
        notes.extend(facts(&a.facts, &b.facts));
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

    fn unfolded(&self, format: Format, bytes: &dyn Bytes) -> Unfolded {
        let mut taking = Taking {
            world: self.world,
            tree: FileTree::new(),
            times: BTreeMap::new(),
            facts: Facts::new(),
            unread: Vec::new(),
        };
        let walked = unfold(format, bytes, &self.options.unfold, &mut taking);
        if let Err(error) = walked {
            taking.unread.push(("the rest".to_owned(), error.to_string()));
        }
        let tree = self.world.take_tree(&taking.tree);
        Unfolded { tree, times: taking.times, facts: taking.facts, unread: taking.unread }
    }
}

/// What formats say of their entries beside what a tree holds, and attributes that no tree takes in.
type Facts = BTreeMap<(TreePath, String), String>;

/// The facts that differ of entries that are on both sides.
fn facts(a: &Facts, b: &Facts) -> Vec<Finding> {
    let differ = a.iter().filter_map(|(key, before)| {
        let after = b.get(key).filter(|after| *after != before)?;
        let (path, name) = key;
        let what = if path.is_root() { name.clone() } else { format!("{path}: {name}") };
        // Identifiers and times have no effect on what runs.
        let kind = match name.rsplit('.').next() {
            Some("uuid" | "time" | "guid" | "disk" | "volume" | "id" | "serial") => {
                FindingKind::Identity
            }
            _ => FindingKind::Metadata,
        };
        Some(Finding::changed(kind, what, before.clone(), after.clone()))
    });
    differ.collect()
}

/// What an archive or image holds.
struct Unfolded {
    tree: TreeId,
    times: BTreeMap<TreePath, i64>,
    facts: Facts,
    unread: Vec<(String, String)>,
}

struct Taking<'a> {
    world: &'a World<'a>,
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
                let (blob, size) = self.world.take(content).map_err(|error| error.to_string())?;
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
