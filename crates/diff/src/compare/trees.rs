//! Trees by path: what came, went, moved and changed.

use super::{Comparer, metadata, pairing, row};
use crate::{Change, DiffError, Place, Row};
use groundup_digest::{BlobId, TreeId};
use groundup_meaning::{Finding, Kind as FindingKind};
use groundup_tree::{Difference, Kind, Node, TreePath};
use rayon::prelude::*;
use std::{collections::BTreeMap, io};

/// A path that differs, as it is told of.
pub(super) enum Told {
    /// Something came, with all that is below it.
    Added(TreePath, Node, Below),
    /// Something went, with all that was below it.
    Removed(TreePath, Node, Below),
    /// It is another; the first path is the one that it had before.
    Changed(TreePath, Node, TreePath, Node),
}

/// What stands below a path that came or went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Below {
    pub(super) entries: usize,
    pub(super) bytes: u64,
}

impl Comparer<'_> {
    pub(super) fn trees(
        &self,
        place: &Place,
        before: TreeId,
        after: TreeId,
        depth: u32,
    ) -> Result<Vec<Row>, DiffError> {
        let differences = groundup_tree::compare(before, after, self.world)?;
        let wanted = |path: &TreePath| {
            let path = shown(path);
            let paths = &self.options.paths;
            depth > 0 || paths.is_empty() || paths.iter().any(|start| path.starts_with(start))
        };
        let differences: Vec<Difference> =
            differences.into_iter().filter(|found| wanted(&found.path)).collect();
        let told = pairing::pair(differences);
        let rows: Vec<Vec<Row>> =
            told.par_iter().map(|told| self.told(place, told, depth)).collect();
        let rows = rows.into_iter().flatten().collect();
        if told.is_empty() {
            return Ok(rows);
        }
        let [before, after] = [before, after].map(|id| self.world.load(id));
        let (before, after) = (before.map_err(unread)?, after.map_err(unread)?);
        Ok(self.together(place, &before, &after, rows))
    }

    fn told(&self, place: &Place, told: &Told, depth: u32) -> Vec<Row> {
        match told {
            Told::Added(path, node, below) => {
                vec![whole(place, path, node, *below, Change::Added)]
            }
            Told::Removed(path, node, below) => {
                vec![whole(place, path, node, *below, Change::Removed)]
            }
            Told::Changed(old, a, new, b) => self.changed(place, (old, a), (new, b), depth),
        }
    }

    fn changed(
        &self,
        place: &Place,
        (old, a): (&TreePath, &Node),
        (new, b): (&TreePath, &Node),
        depth: u32,
    ) -> Vec<Row> {
        let path = shown(new);
        let mut at = place.inside(&path);
        let moved = old != new;
        if moved {
            at.from = Some(shown(old));
        }
        let change = if moved { Change::Moved } else { Change::Changed };
        let mut findings = metadata::compare(a, b);
        let mut rows = match (&a.kind, &b.kind) {
            (Kind::File { blob: a, .. }, Kind::File { blob: b, .. }) if a != b => {
                self.blobs(&at, *a, *b, depth)
            }
            (Kind::Symlink { target: a }, Kind::Symlink { target: b }) if a != b => {
                let [a, b] = [a, b].map(|target| String::from_utf8_lossy(target).into_owned());
                findings.push(Finding::changed(FindingKind::Entry, "target", a, b));
                Vec::new()
            }
            _ => Vec::new(),
        };
        rows.iter_mut().filter(|row| row.places == [at.clone()]).for_each(|row| {
            row.change = change;
            row.contents = [content(a), content(b)];
        });
        if !findings.is_empty() || rows.is_empty() {
            match rows.iter_mut().find(|row| row.places == [at.clone()]) {
                Some(row) => row.findings.extend(findings),
                None => rows.push(row(&path, change, at, findings)),
            }
        }
        rows
    }
}

fn unread(error: io::Error) -> DiffError {
    DiffError::Tree(groundup_tree::DecodeTreeError::Source(error))
}

/// Something that came or went, with what is below it.
fn whole(place: &Place, path: &TreePath, node: &Node, below: Below, change: Change) -> Row {
    let path = shown(path);
    let noun = node.kind.noun();
    let what = match &node.kind {
        Kind::Directory if below.entries > 0 => {
            format!("{noun} with {} entries, {} bytes", below.entries, below.bytes)
        }
        Kind::File { size, .. } => format!("{noun}, {size} bytes"),
        Kind::Symlink { target } => format!("{noun} -> {}", String::from_utf8_lossy(target)),
        _ => noun.to_owned(),
    };
    let mut findings = vec![match change {
        Change::Added => Finding::added(FindingKind::Entry, noun, what),
        _ => Finding::removed(FindingKind::Entry, noun, what),
    }];
    if change == Change::Added {
        findings.extend(metadata::privileges(node));
    }
    let mut row = row(&path, change, place.inside(&path), findings);
    match change {
        Change::Added => row.contents[1] = content(node),
        _ => row.contents[0] = content(node),
    }
    row
}

fn content(node: &Node) -> Option<BlobId> {
    match node.kind {
        Kind::File { blob, .. } => Some(blob),
        _ => None,
    }
}

/// A path for people, without a slash in front.
pub(super) fn shown(path: &TreePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

/// Of paths that came, or went, the topmost with what is below each.
pub(super) fn topmost(paths: Vec<(TreePath, Node)>) -> Vec<(TreePath, Node, Below)> {
    let mut tops: BTreeMap<TreePath, (Node, Below)> = BTreeMap::new();
    let mut last: Option<TreePath> = None;
    for (path, node) in paths {
        let size = if let Kind::File { size, .. } = node.kind { size } else { 0 };
        match last.as_ref().filter(|top| path.is_within(top)) {
            Some(top) => {
                if let Some((_, below)) = tops.get_mut(top) {
                    below.entries += 1;
                    below.bytes += size;
                }
            }
            None => {
                if node.is_directory() {
                    last = Some(path.clone());
                }
                tops.insert(path, (node, Below::default()));
            }
        }
    }
    tops.into_iter().map(|(path, (node, below))| (path, node, below)).collect()
}
