//! The layers of images, laid over each other; what two images have in common is read once, or not.
//!
//! ```text
//!  a ─ b ─ c ─ x      a, b, c: the base of both. It is opened only if what stands above it does not
//!  a ─ b ─ c ─ y      tell all differences, and then with its headers alone where it can be.
//! ```
//!
//! The layers above tell all if those of both sides have the same paths with the same kinds of things
//! and the same targets of links, bring the directories on the way to each, and what differs in content
//! is of no meaning to the rest of a root: then the base does the same to both. Else a path may be of
//! one side only, or lead elsewhere, and what the base has there decides what is told.

use super::{
    files::{At, Layers},
    image::{Image, Layer},
    layer::{Bounds, Depth, Laid, read},
};
use crate::{DiffError, Part, Subject, World, world::Held};
use groundup_digest::Sha256;
use groundup_image::{Item, Squash, UnpackError, UnpackLimits, Whiteouts};
use groundup_tree::Kind;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the tree of an image is called among its parts.
const ROOT: &str = "root";

/// Each layer that was read, by its digest.
type Read = BTreeMap<Sha256, Laid>;

/// Reads images; of several, the layers that all have are read once.
pub(super) fn open(
    world: &World<'_>,
    images: &[&Image],
    layers: &dyn Layers,
) -> Result<Vec<Subject>, DiffError> {
    let base = common(images);
    let reader = Reader { world, images, layers, bounds: Bounds::default() };
    let upper = images.iter().map(|image| image.layers.get(base..).unwrap_or_default());
    let mut read = Read::new();
    reader.read(upper.clone().flatten(), &mut read)?;
    let stacks: Vec<Vec<&Laid>> =
        upper.map(|layers| layers.iter().filter_map(|it| read.get(&it.digest)).collect()).collect();
    let opened = match &stacks[..] {
        [a, b] if base > 0 && tell_all(a, b) => base,
        _ => {
            let lower = images.iter().flat_map(|image| image.layers.iter().take(base));
            reader.read(lower, &mut read)?;
            0
        }
    };
    let mut subjects: Vec<Subject> = images
        .iter()
        .map(|image| subject(world, image, opened, &read))
        .collect::<Result<_, _>>()?;
    // Of what both have not all contents were hashed, so that the tree has no id of its own.
    if images.iter().any(|image| image.layers.iter().any(|layer| sides(images, layer) > 1)) {
        for (subject, image) in subjects.iter_mut().zip(images) {
            subject.called.insert(ROOT.to_owned(), chain(image));
        }
    }
    Ok(subjects)
}

/// How many of the images have a layer.
fn sides(images: &[&Image], layer: &Layer) -> usize {
    let has = |image: &&&Image| image.layers.iter().any(|it| it.digest == layer.digest);
    images.iter().filter(has).count()
}

/// How many of the lowest layers two images have in common.
fn common(images: &[&Image]) -> usize {
    let [a, b] = images else { return 0 };
    let pairs = a.layers.iter().zip(&b.layers);
    pairs.take_while(|(a, b)| a.digest == b.digest && a.diff_id == b.diff_id).count()
}

/// Reads layers of some images.
struct Reader<'a> {
    world: &'a World<'a>,
    images: &'a [&'a Image],
    layers: &'a dyn Layers,
    bounds: Bounds,
}

impl<'a> Reader<'a> {
    /// Reads those that were not read yet, each once.
    fn read(
        &self,
        layers: impl Iterator<Item = &'a Layer>,
        done: &mut Read,
    ) -> Result<(), DiffError> {
        let wanted: BTreeMap<Sha256, &Layer> = layers
            .filter(|layer| !done.contains_key(&layer.digest))
            .map(|layer| (layer.digest, layer))
            .collect();
        let found: Vec<(Sha256, Laid)> = wanted
            .into_par_iter()
            .map(|(digest, layer)| {
                let has = |image: &&&Image| image.layers.iter().any(|it| it.digest == digest);
                let Some(image) = self.images.iter().find(has) else {
                    return Ok((digest, Laid::default()));
                };
                let shared = sides(self.images, layer) > 1;
                let depth = if shared { Depth::Headers } else { Depth::Contents };
                let held = self.held(image, layer)?;
                Ok((digest, read(self.world, &image.path, layer, held, depth, &self.bounds)?))
            })
            .collect::<Result<_, DiffError>>()?;
        done.extend(found);
        Ok(())
    }

    /// Where a layer is, once it is here.
    fn held(&self, image: &Image, layer: &Layer) -> Result<Held, DiffError> {
        if let At::Here(held) = &layer.at {
            return Ok(held.clone());
        }
        let blob = self.layers.layer(&image.name, &layer.digest, layer.size).map_err(|source| {
            let digest = layer.digest.oci();
            DiffError::Away { image: image.name.clone(), digest, source }
        })?;
        Ok(Held::Store(blob))
    }
}

/// Whether two stacks of layers over an equal base tell all that differs, whatever the base is.
fn tell_all(a: &[&Laid], b: &[&Laid]) -> bool {
    fn sorted(laid: &Laid) -> Vec<&(Vec<u8>, Item)> {
        let mut items: Vec<&(Vec<u8>, Item)> = laid.items.iter().collect();
        items.sort_by(|a, b| a.0.cmp(&b.0));
        items
    }
    a.len() == b.len()
        && stand_alone(a)
        && stand_alone(b)
        && a.iter().zip(b).all(|(a, b)| {
            let (a, b) = (sorted(a), sorted(b));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && alike(a, b))
        })
}

/// Whether layers bring the directories on the way to each of their paths before they name it, and what
/// they link to: then nothing of them can land elsewhere by what stands below them.
fn stand_alone(layers: &[&Laid]) -> bool {
    let mut directories: BTreeSet<&[u8]> = BTreeSet::new();
    let mut others: BTreeSet<&[u8]> = BTreeSet::new();
    for (path, item) in layers.iter().flat_map(|laid| &laid.items) {
        if above(path).is_some_and(|parent| !directories.contains(parent)) {
            return false;
        }
        match item {
            Item::Link(target) if !others.contains(&target[..]) => return false,
            Item::Node(node) if node.is_directory() => {
                others.remove(&path[..]);
                directories.insert(path);
            }
            Item::Node(_) | Item::Link(_) => {
                directories.remove(&path[..]);
                others.insert(path);
            }
        }
    }
    true
}

/// The directory that a path stands in; nothing for the top one.
fn above(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|byte| *byte == b'/')?;
    path.get(..end)
}

/// Whether the base does the same to two entries of one path, and no reader of roots cares.
fn alike((path, a): &(Vec<u8>, Item), (_, b): &(Vec<u8>, Item)) -> bool {
    let (Item::Node(a), Item::Node(b)) = (a, b) else { return a == b };
    let same_kind = match (&a.kind, &b.kind) {
        (Kind::Directory, Kind::Directory) | (Kind::File { .. }, Kind::File { .. }) => true,
        (a, b) => a == b,
    };
    same_kind && (a == b || !is_of_the_system(path))
}

/// Whether readers of roots may see a path together with others: units, parameters, packages, accounts,
/// programs that a package knows, manifests.
fn is_of_the_system(path: &[u8]) -> bool {
    let tops: [&[u8]; 10] =
        [b"etc", b"boot", b"lib", b"lib64", b"bin", b"sbin", b"usr", b"opt", b"var/lib", b"run"];
    let below = |top: &&[u8]| {
        path.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    let names: [&[u8]; 4] = [b"etc", b"systemd", b"sysctl.d", b"modprobe.d"];
    let ends: [&[u8]; 3] = [b".yaml", b".yml", b".json"];
    tops.iter().any(below)
        || path.split(|byte| *byte == b'/').any(|name| names.contains(&name))
        || ends.iter().any(|end| path.ends_with(end))
}

/// An image as its root, its configuration and its manifest; `unopened` layers at its bottom are left
/// out, of which nothing differs.
fn subject(
    world: &World<'_>,
    image: &Image,
    unopened: usize,
    read: &Read,
) -> Result<Subject, DiffError> {
    let failed = |error| {
        let (path, source) = (image.path.clone(), Box::new(error));
        DiffError::Archive { path, source }
    };
    let lain = lay(image, unopened, read, UnpackLimits::default()).map_err(failed)?;
    let Lain { mut squash, unread } = lain;
    let attributes = squash.take_others();
    let tree = world.take_tree(&squash.finish());
    let root = [(ROOT.to_owned(), Part::Tree(tree))];
    let parts = image.parts.iter().cloned().chain(root);
    let mut subject = Subject::of_parts(&image.name, "image", parts);
    subject.attributes = attributes;
    let unread = unread.into_iter().map(|(path, why)| (ROOT.to_owned(), path, why));
    subject.unread = unread.collect();
    Ok(subject)
}

/// Layers that lie over each other.
struct Lain {
    squash: Squash,
    /// Paths of entries that stand nowhere, and why.
    unread: BTreeSet<(String, String)>,
}

/// Lays the layers of an image over each other. A layer is read once and may be listed often: what is
/// laid is counted each time.
fn lay(
    image: &Image,
    unopened: usize,
    read: &Read,
    limits: UnpackLimits,
) -> Result<Lain, UnpackError> {
    let mut squash = Squash::new(Whiteouts::Apply, limits.names);
    let mut unread = BTreeSet::new();
    let mut left = limits.entries;
    for layer in image.layers.iter().skip(unopened) {
        let Some(laid) = read.get(&layer.digest) else { continue };
        let more = left.checked_sub(laid.items.len() as u64);
        left = more.ok_or(UnpackError::TooManyEntries(limits.entries))?;
        squash.next_layer();
        for (number, (path, item)) in laid.items.iter().enumerate() {
            let others = laid.attributes.get(&number).map_or(&[][..], |own| own);
            match squash.put(path, item.clone(), others) {
                Ok(()) => {}
                Err(error @ (UnpackError::Names(_) | UnpackError::Work(_))) => return Err(error),
                Err(error) => {
                    let path = String::from_utf8_lossy(path).into_owned();
                    let why = sentence(&error);
                    squash.spend(path.len() + why.len())?;
                    unread.insert((path, why));
                }
            }
        }
        for (path, why) in &laid.unread {
            squash.spend(path.len() + why.len())?;
            unread.insert((path.clone(), why.clone()));
        }
    }
    Ok(Lain { squash, unread })
}

fn sentence(error: &UnpackError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// The ChainID of all layers (OCI image spec, config.md): what names a root by its layers.
fn chain(image: &Image) -> String {
    let ids = image.layers.iter().map(|layer| layer.diff_id);
    let chain =
        ids.reduce(|below, id| Sha256::of(format!("{} {}", below.oci(), id.oci()).as_bytes()));
    chain.map_or_else(|| "no layers".to_owned(), |chain| chain.oci())
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_tree::Node;

    /// An image of one layer many times.
    fn listed(items: Vec<(Vec<u8>, Item)>, times: usize) -> (Image, Read) {
        let digest = Sha256::of(b"layer");
        let layer = Layer { digest, diff_id: digest, size: 0, at: At::Away };
        let image = Image {
            name: "x".into(),
            path: "x".into(),
            parts: Vec::new(),
            layers: vec![layer; times],
        };
        (image, Read::from([(digest, Laid { items, ..Laid::default() })]))
    }

    fn directory(path: &str) -> (Vec<u8>, Item) {
        (path.into(), Item::Node(Node::directory()))
    }

    #[test]
    fn a_layer_that_is_listed_often_counts_each_time() {
        let limits = UnpackLimits { entries: 10, ..UnpackLimits::default() };
        let (image, read) = listed(vec![directory("a"), directory("b")], 5);
        assert!(lay(&image, 0, &read, limits).is_ok());
        let (image, read) = listed(vec![directory("a"), directory("b")], 6);
        let refused = lay(&image, 0, &read, limits).err();
        assert!(matches!(refused, Some(UnpackError::TooManyEntries(10))), "{refused:?}");
        let limits = UnpackLimits { names: 1000, ..UnpackLimits::default() };
        let (image, read) = listed(vec![directory(&"a".repeat(200))], 6);
        let refused = lay(&image, 0, &read, limits).err();
        assert!(matches!(refused, Some(UnpackError::Names(1000))), "{refused:?}");
    }

    #[test]
    fn what_is_told_of_entries_that_stand_nowhere_counts() {
        let limits = UnpackLimits { names: 10_000, ..UnpackLimits::default() };
        let link = |number| (format!("{number}").into(), Item::Link(vec![b'a'; 300]));
        let (image, read) = listed((0..100).map(link).collect(), 1);
        let refused = lay(&image, 0, &read, limits).err();
        assert!(matches!(refused, Some(UnpackError::Names(10_000))), "{refused:?}");
    }
}
