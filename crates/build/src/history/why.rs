//! What a path in a target is, and where it comes from.

use super::{
    Chain, End, HistoryError, layer_facts,
    look::{At, Place},
    trace::Tracer,
};
use groundup_digest::{BlobId, ObjectId, Sha256};
use groundup_provenance::{BuildRecord, Lineage, Maker, Origins, RecordedStep};
use groundup_store::{Store, StoreError};
use groundup_tree::{Entry, EntryKind, Kind, TreePath};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a path is and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The step in whose output the path was found.
    pub tree: String,
    /// The path, with all links above it followed.
    pub path: String,
    /// The links that were followed on the way: path and target.
    pub via: Vec<(String, String)>,
    /// What is there.
    pub node: NodeFacts,
    /// The layer of the image that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// Where it comes from.
    pub chain: Chain,
    /// What is below a directory, by origin, most first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<(String, usize)>,
    /// Other trees of the target that have the path too, by the step that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Where a symbolic link leads in the end; none where nothing is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<Box<Why>>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeFacts {
    /// `file`, `directory`, `symbolic link` and so on.
    pub kind: &'static str,
    /// Permission bits, octal.
    pub mode: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Content of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
    /// The SHA-256 of that, where it is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Target of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// The step that made it.
    pub step: String,
    /// Its number among the layers that the image may have, from 0.
    pub number: usize,
    /// Digest of the compressed bytes, as manifests have it.
    pub digest: Option<String>,
    /// Digest of the uncompressed bytes.
    pub diff_id: Option<String>,
}

/// Why a path cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// The build has no such target.
    #[error("the build has no steps of `{0}`")]
    NoTarget(String),
    /// The target has no such output, tree or platform.
    #[error("`{target}` has no tree called `{part}`")]
    NoPart {
        /// The target.
        target: String,
        /// What was asked for.
        part: String,
        /// What there is.
        parts: Vec<String>,
    },
    /// The path is no path.
    #[error("`{0}` is no path")]
    Path(String),
    /// Nothing is there.
    #[error("`{target}` has no `{path}`")]
    Nothing {
        /// The target.
        target: String,
        /// The path.
        path: String,
        /// The trees that were looked in, by the step that made them.
        looked: Vec<String>,
        /// The deepest directory on the way that is there, and names in it that are alike.
        near: Option<(String, Vec<String>)>,
    },
    /// History cannot be told.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl From<StoreError> for WhyError {
    fn from(error: StoreError) -> Self {
        Self::History(error.into())
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The target, without a platform.
    pub target: &'q str,
    /// An output of it, or one of its inner trees (`root`, `initramfs` of a node).
    pub part: Option<&'q str>,
    /// A platform; without one all are looked at, in order.
    pub platform: Option<&'q str>,
    /// A path in it.
    pub path: &'q str,
}

/// Explains a path of a target as a build made it.
pub fn why(store: &Store, record: &BuildRecord, asked: &Question<'_>) -> Result<Why, WhyError> {
    let tracer = Tracer::new(store, Lineage::new(record));
    let path = TreePath::parse(asked.path.as_bytes())
        .map_err(|_| WhyError::Path(asked.path.to_owned()))?;
    let mut found = None;
    let (mut also, mut seen) = (Vec::new(), BTreeSet::new());
    let trees = entrances(&tracer.lineage, asked)?;
    for (step, output) in &trees {
        let Some(ObjectId::Tree(tree)) = step.output(output) else { continue };
        let Some(place) = tracer.trees.follow(tree, &path)? else { continue };
        match &found {
            None => {
                found = Some((*step, *output, place));
                seen.insert(tree);
            }
            // Who hands a tree on as it is has nothing new.
            Some(_) if place.entry.is_some() && seen.insert(tree) => also.push(step.label.clone()),
            Some(_) => {}
        }
    }
    let Some((step, output, place)) = found else {
        return Err(nothing(&tracer, asked, &path, &trees)?);
    };
    let mut why = tracer.explain(asked.target, step, output, place, Links::Followed)?;
    why.also = also;
    Ok(why)
}

/// The trees of a target in which a path of it may be, the one that people mean first.
fn entrances<'a>(
    lineage: &Lineage<'a>,
    asked: &Question<'_>,
) -> Result<Vec<(&'a RecordedStep, &'a str)>, WhyError> {
    let wanted = |step: &&RecordedStep| {
        let platform = step.parts().platform;
        asked.platform.is_none() || platform.is_none() || platform == asked.platform
    };
    let own: Vec<&RecordedStep> = lineage.steps_of(asked.target).filter(wanted).collect();
    if own.is_empty() {
        return Err(WhyError::NoTarget(asked.target.to_owned()));
    }
    let is_image = asked.target.starts_with("image.");
    let mut trees: Vec<(&RecordedStep, &str)> = Vec::new();
    // What the layers of an image are cut from.
    let whole = own.iter().filter(|step| is_image && step.parts().role == "split");
    for step in whole {
        let tree = step.inputs.iter().find(|(name, ..)| name == "tree");
        if let Some((_, label, _)) = tree
            && let Maker::Step { step, output } = lineage.maker(label)
        {
            trees.push((step, output));
        }
    }
    for role in ["root", "initramfs"] {
        let steps = own.iter().filter(|step| step.parts().role == role);
        trees.extend(steps.map(|step| (*step, "out")));
    }
    for step in lineage.ends_of(asked.target).iter().filter(|step| wanted(step)).chain(&own) {
        let outputs = step.outputs.iter().filter(|(_, id)| id.tree().is_some());
        for (output, _) in outputs {
            // Layers before they are packed are parts of what was looked at already.
            if !trees.contains(&(*step, output)) && step.parts().role != "split" {
                trees.push((*step, output));
            }
        }
    }
    let Some(part) = asked.part else { return Ok(trees) };
    let parts: BTreeSet<String> = trees.iter().map(|tree| part_of(tree).to_owned()).collect();
    trees.retain(|tree| part_of(tree) == part || tree.1 == part && part != "out");
    match trees.is_empty() {
        true => Err(WhyError::NoPart {
            target: asked.target.to_owned(),
            part: part.to_owned(),
            parts: parts.into_iter().collect(),
        }),
        false => Ok(trees),
    }
}

/// What people call a tree of a target: its output, or the step where that is only `out`.
fn part_of<'a>((step, output): &(&'a RecordedStep, &'a str)) -> &'a str {
    if *output == "out" { step.parts().role } else { output }
}

/// One path of a target and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The step in whose output it is.
    pub tree: String,
    /// The path.
    pub path: String,
    /// What is there.
    pub kind: &'static str,
    /// Where it comes from.
    pub end: End,
}

/// Where every path of a target comes from: of the tree that people mean by the target, or of all
/// trees of a part.
pub fn why_all(
    store: &Store,
    record: &BuildRecord,
    asked: &Question<'_>,
    mut each: impl FnMut(Listed),
) -> Result<(), WhyError> {
    let tracer = Tracer::new(store, Lineage::new(record));
    let trees = entrances(&tracer.lineage, asked)?;
    let path = TreePath::parse(asked.path.as_bytes())
        .map_err(|_| WhyError::Path(asked.path.to_owned()))?;
    for (step, output) in trees.into_iter().take(1) {
        let Some(ObjectId::Tree(tree)) = step.output(output) else { continue };
        if !store.has_tree(tree)? {
            continue;
        }
        let whole = store.load_tree(tree)?;
        for (path, node) in whole.within(&path) {
            let end = tracer.trace(step, output, Some(path.clone()))?.end;
            let (tree, path) = (step.label.clone(), path.to_string());
            each(Listed { tree, path, kind: node.kind.noun(), end });
        }
    }
    Ok(())
}

fn nothing(
    tracer: &Tracer<'_>,
    asked: &Question<'_>,
    path: &TreePath,
    trees: &[(&RecordedStep, &str)],
) -> Result<WhyError, HistoryError> {
    let mut near = None;
    if let Some((step, output)) = trees.first()
        && let Some(ObjectId::Tree(tree)) = step.output(output)
    {
        let mut parent = path.parent();
        while let Some(directory) = parent {
            if let Some(Place { path: real, .. }) = tracer.trees.follow(tree, &directory)? {
                let wanted = path.strip(&directory).and_then(|rest| {
                    Some(String::from_utf8_lossy(rest.names().next()?).into_owned())
                });
                let names = tracer.trees.names(tree, &real)?;
                let alike = names.into_iter().filter(|name| {
                    let wanted = wanted.as_deref().unwrap_or_default();
                    name.contains(wanted) || wanted.contains(name.as_str())
                });
                near = Some((directory.to_string(), alike.take(5).collect()));
                break;
            }
            parent = directory.parent();
        }
    }
    Ok(WhyError::Nothing {
        target: asked.target.to_owned(),
        path: path.to_string(),
        looked: trees.iter().map(|(step, _)| step.label.clone()).collect(),
        near,
    })
}

/// Whether what a link leads to is explained too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Left,
}

impl<'a> Tracer<'a> {
    fn explain(
        &self,
        target: &str,
        step: &'a RecordedStep,
        output: &'a str,
        place: Place,
        links: Links,
    ) -> Result<Why, HistoryError> {
        let chain = self.trace(step, output, Some(place.path.clone()))?;
        let node = self.node_facts(place.entry.as_ref())?;
        let holds = match place.entry.as_ref().map(|entry| &entry.kind) {
            None | Some(EntryKind::Directory(_)) => self.below(step, &place.path)?,
            Some(_) => Vec::new(),
        };
        let leads_to = match (&node.target, links) {
            (Some(link), Links::Followed) => self.end_of_link(step, output, &place.path, link)?,
            _ => None,
        };
        let leads_to = match leads_to {
            Some(end) => Some(Box::new(self.explain(target, step, output, end, Links::Left)?)),
            None => None,
        };
        let via = place.via.iter().map(|(path, target)| (path.to_string(), target.clone()));
        Ok(Why {
            tree: step.label.clone(),
            path: place.path.to_string(),
            via: via.collect(),
            node,
            layer: self.layer(target, step, output, &place.path)?,
            chain,
            holds,
            also: Vec::new(),
            leads_to,
        })
    }

    fn node_facts(&self, entry: Option<&Entry>) -> Result<NodeFacts, HistoryError> {
        let Some(entry) = entry else {
            let (kind, mode) = ("directory", "0755".to_owned());
            let none = (None, None, None, None);
            let (size, blob, sha256, target) = none;
            return Ok(NodeFacts { kind, mode, uid: 0, gid: 0, size, blob, sha256, target });
        };
        let mut facts = NodeFacts {
            kind: entry.node().kind.noun(),
            mode: entry.meta.mode.to_string(),
            uid: entry.meta.uid,
            gid: entry.meta.gid,
            size: None,
            blob: None,
            sha256: None,
            target: None,
        };
        match &entry.kind {
            EntryKind::Other(Kind::File { blob, size }) => {
                (facts.size, facts.blob) = (Some(*size), Some(*blob));
                facts.sha256 = self.store.known_content(*blob)?.map(|content| content.sha256);
            }
            EntryKind::Other(Kind::Symlink { target }) => {
                facts.target = Some(String::from_utf8_lossy(target).into_owned());
            }
            EntryKind::Other(_) | EntryKind::Directory(_) => {}
        }
        Ok(facts)
    }

    /// Where the link at `path` leads in the end, through further links.
    fn end_of_link(
        &self,
        step: &RecordedStep,
        output: &str,
        path: &TreePath,
        link: &str,
    ) -> Result<Option<Place>, HistoryError> {
        let Some(ObjectId::Tree(tree)) = step.output(output) else { return Ok(None) };
        let (mut at, mut link, mut via) = (path.clone(), link.to_owned(), Vec::new());
        for _ in 0..40 {
            let base = if link.starts_with('/') {
                String::new()
            } else {
                at.parent().unwrap_or_default().to_string()
            };
            let Some(next) = lexical(&format!("{base}/{link}")) else { return Ok(None) };
            let Some(place) = self.trees.follow(tree, &next)? else { return Ok(None) };
            via.extend(place.via.clone());
            match place.entry.as_ref().map(|entry| &entry.kind) {
                Some(EntryKind::Other(Kind::Symlink { target })) => {
                    let target = String::from_utf8_lossy(target).into_owned();
                    via.push((place.path.clone(), target.clone()));
                    (at, link) = (place.path, target);
                }
                _ => return Ok(Some(Place { via, ..place })),
            }
        }
        Ok(None)
    }

    /// How many files below a directory each origin gave.
    fn below(
        &self,
        step: &RecordedStep,
        path: &TreePath,
    ) -> Result<Vec<(String, usize)>, HistoryError> {
        let Some(ObjectId::Blob(origins)) = step.output("origins") else { return Ok(Vec::new()) };
        if !self.store.has_blob(origins)? {
            return Ok(Vec::new());
        }
        let bytes = self.store.read_blob(origins)?;
        let Ok(origins) = Origins::from_bytes(&bytes) else { return Ok(Vec::new()) };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, label) in origins.iter().filter(|(known, _)| known.is_within(path)) {
            *counts.entry(label).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> =
            counts.into_iter().map(|(label, count)| (label.to_owned(), count)).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(counts)
    }

    /// The layer that has a path of an image: the one whose tree has it.
    fn layer(
        &self,
        target: &str,
        step: &RecordedStep,
        output: &str,
        path: &TreePath,
    ) -> Result<Option<Layer>, HistoryError> {
        if !target.starts_with("image.") {
            return Ok(None);
        }
        let made_of = format!("{}:{output}", step.label);
        let reads = |split: &&RecordedStep| {
            let mut inputs = split.inputs.iter();
            split.parts().role == "split"
                && inputs.any(|(name, label, _)| name == "tree" && *label == made_of)
        };
        let Some(split) = self.lineage.steps_of(target).find(reads) else { return Ok(None) };
        for (output, id) in &split.outputs {
            let number = output.strip_prefix("layer.").and_then(|number| number.parse().ok());
            let (Some(number), ObjectId::Tree(tree)) = (number, id) else { continue };
            let Some(At::Entry(entry)) = self.trees.get(*tree, path)? else { continue };
            // Directories are in every layer that has something below them.
            if matches!(entry.kind, EntryKind::Directory(_)) {
                return Ok(None);
            }
            let label = split.label.replacen(" split", &format!(" {output}"), 1);
            let facts = self.lineage.step(&label).and_then(|step| layer_facts(self.store, step));
            let digest = |key: &str| {
                let hex = facts.as_ref()?.get(key)?.as_str()?;
                Some(format!("sha256:{}", hex.trim_start_matches("sha256:")))
            };
            let (digest, diff_id) = (digest("digest"), digest("diff_id"));
            return Ok(Some(Layer { step: label, number, digest, diff_id }));
        }
        Ok(None)
    }
}

/// A path without `.` and `..`.
fn lexical(path: &str) -> Option<TreePath> {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    TreePath::new(names.join("/").as_bytes()).ok()
}
