//! Trees by path: what came, went, moved and changed.

use super::{Comparer, metadata, pairing, row};
use crate::{Change, DiffError, Place, Row};
use groundup_digest::{BlobId, TreeId};
use groundup_meaning::{Finding, Kind as FindingKind, Whole};
use groundup_tree::{Difference, Kind, Node, TreePath};
use rayon::prelude::*;
use std::io;

/// A path that differs, as it is told of.
pub(super) enum Told {
    /// Something came, with all that is below it.
    Added(TreePath, Node, Below),
    /// Something went, with all that was below it.
    Removed(TreePath, Node, Below),
    /// It is another; the first path is the one that it had before.
    Changed(TreePath, Node, TreePath, Node),
}

impl Told {
    /// The contents that are compared.
    fn contents(&self) -> Vec<BlobId> {
        match self {
            Self::Changed(_, a, _, b) if content(a) != content(b) => {
                content(a).into_iter().chain(content(b)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What stands below a path that came or went.
#[derive(Debug, Default)]
pub(super) struct Below {
    entries: usize,
    bytes: u64,
    /// Its files, if all of them are called as manifests are.
    manifests: Vec<(TreePath, Node)>,
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
        let told = pairing::pair(self.world.settled(differences).map_err(unread)?);
        self.world.gather(told.iter().flat_map(Told::contents));
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
                self.one_sided(place, path, node, below, Change::Added)
            }
            Told::Removed(path, node, below) => {
                self.one_sided(place, path, node, below, Change::Removed)
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
            (a, b) => {
                // What was a file and is a link now leads somewhere, too.
                let (before, after) = (target(a), target(b));
                if before != after {
                    let what = Finding::bare(FindingKind::Entry, "target");
                    findings.push(Finding { before, after, ..what });
                }
                Vec::new()
            }
        };
        rows.iter_mut().filter(|row| row.places == [at.clone()]).for_each(|row| {
            row.change = change;
            row.contents = [content(a), content(b)];
        });
        // Of an archive that moved only its entries may be told so far.
        let is_told = rows.iter().any(|row| row.places == [at.clone()]);
        if !findings.is_empty() || rows.is_empty() || moved && !is_told {
            match rows.iter_mut().find(|row| row.places == [at.clone()]) {
                Some(row) => row.findings.extend(findings),
                None => rows.push(row(&path, change, at, findings)),
            }
        }
        rows
    }
}

impl Comparer<'_> {
    /// Something that came or went; a directory that holds nothing but Kubernetes objects is told by
    /// them.
    fn one_sided(
        &self,
        place: &Place,
        path: &TreePath,
        node: &Node,
        below: &Below,
        change: Change,
    ) -> Vec<Row> {
        let mut objects = Vec::new();
        for (path, node) in &below.manifests {
            let row = self.whole(place, path, node, &Below::default(), change);
            if !row.findings.iter().any(|finding| finding.kind == FindingKind::Object) {
                objects.clear();
                break;
            }
            objects.push(row);
        }
        match objects.is_empty() {
            true => vec![self.whole(place, path, node, below, change)],
            false => objects,
        }
    }

    /// Something that came or went, with what is below it.
    fn whole(
        &self,
        place: &Place,
        path: &TreePath,
        node: &Node,
        below: &Below,
        change: Change,
    ) -> Row {
        let is = if change == Change::Added { Whole::Came } else { Whole::Went };
        let shown = shown(path);
        let mut findings = self.objects(&shown, node, is);
        if findings.is_empty() {
            let (noun, what) = (node.kind.noun(), described(node, below));
            findings.push(match is {
                Whole::Came => Finding::added(FindingKind::Entry, noun, what),
                Whole::Went => Finding::removed(FindingKind::Entry, noun, what),
            });
        }
        if is == Whole::Came {
            findings.extend(metadata::privileges(node));
        }
        let mut row = row(&shown, change, place.inside(&shown), findings);
        row.contents[usize::from(is == Whole::Came)] = content(node);
        row
    }

    /// The Kubernetes objects of a file that came or went. Below `usr` they are examples of packages.
    fn objects(&self, path: &str, node: &Node, is: Whole) -> Vec<Finding> {
        /// A larger file is no manifest.
        const MOST: u64 = 8 << 20;
        match node.kind {
            Kind::File { blob, size } if size <= MOST && is_manifest(path) => {
                let bytes = self.world.read(blob).unwrap_or_default();
                groundup_meaning::whole(&bytes, is, &self.options.meaning)
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a file may hold Kubernetes objects that are applied, by its name.
fn is_manifest(path: &str) -> bool {
    let is_yaml = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
    is_yaml && !path.starts_with("usr/")
}

/// What something is that came or went.
fn described(node: &Node, below: &Below) -> String {
    let noun = node.kind.noun();
    match &node.kind {
        Kind::Directory if below.entries > 0 => {
            format!("{noun} with {} entries, {} bytes", below.entries, below.bytes)
        }
        Kind::File { size, .. } => format!("{noun}, {size} bytes"),
        Kind::Symlink { target } => format!("{noun} -> {}", String::from_utf8_lossy(target)),
        _ => noun.to_owned(),
    }
}

pub(super) fn unread(error: io::Error) -> DiffError {
    DiffError::Tree(groundup_tree::DecodeTreeError::Source(error))
}

fn target(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Symlink { target } => Some(String::from_utf8_lossy(target).into_owned()),
        _ => None,
    }
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
    let mut tops: Vec<Top> = Vec::new();
    for (path, node) in paths {
        match tops.last_mut().filter(|top| top.node.is_directory() && path.is_within(&top.path)) {
            Some(top) => top.take(path, node),
            None => {
                let below = Below::default();
                tops.push(Top { path, node, below, is_mixed: false });
            }
        }
    }
    tops.into_iter().map(|top| (top.path, top.node, top.below)).collect()
}

/// Something that came or went with all that is below it.
struct Top {
    path: TreePath,
    node: Node,
    below: Below,
    /// Whether there are other files below it than manifests.
    is_mixed: bool,
}

impl Top {
    fn take(&mut self, path: TreePath, node: Node) {
        self.below.entries += 1;
        if let Kind::File { size, .. } = node.kind {
            self.below.bytes += size;
        }
        if node.is_directory() || self.is_mixed {
            return;
        }
        self.is_mixed = !is_manifest(&shown(&path));
        match self.is_mixed {
            true => self.below.manifests = Vec::new(),
            false => self.below.manifests.push((path, node)),
        }
    }
}
