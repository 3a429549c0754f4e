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
    layer::{Attribute, Bounds, Depth, Laid, read},
};
use crate::{DiffError, Part, Subject, World, world::Held};
use groundup_digest::Sha256;
use groundup_image::{Item, Squash, UnpackError, UnpackLimits, Whiteouts};
use groundup_tree::{Kind, TreePath};
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
    let mut squash = Squash::new(Whiteouts::Apply, UnpackLimits::default().names);
    let mut unread: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut attributes: BTreeMap<&[u8], &[Attribute]> = BTreeMap::new();
    let root = ROOT.to_owned();
    for layer in image.layers.iter().skip(unopened) {
        let Some(laid) = read.get(&layer.digest) else { continue };
        squash.next_layer();
        for (number, (path, item)) in laid.items.iter().enumerate() {
            match squash.put(path, item.clone()) {
                Ok(()) => {
                    attributes.remove(&path[..]);
                    let own = laid.attributes.get(&number);
                    attributes.extend(own.map(|own| (&path[..], &own[..])));
                }
                Err(error @ UnpackError::Names(_)) => {
                    let (path, source) = (image.path.clone(), Box::new(error));
                    return Err(DiffError::Archive { path, source });
                }
                Err(error) => {
                    let path = String::from_utf8_lossy(path).into_owned();
                    unread.insert((root.clone(), path, sentence(&error)));
                }
            }
        }
        let told = laid.unread.iter().cloned();
        unread.extend(told.map(|(path, why)| (root.clone(), path, why)));
    }
    let tree = squash.finish();
    let attributes = attributes.into_iter().filter_map(|(path, own)| {
        let path = TreePath::new(path).ok().filter(|path| tree.get(path).is_some())?;
        Some((path, own.iter().cloned().collect()))
    });
    let attributes = attributes.collect();
    let tree = world.take_tree(&tree);
    let parts = image.parts.iter().cloned().chain([(root.clone(), Part::Tree(tree))]);
    let mut subject = Subject::of_parts(&image.name, "image", parts);
    subject.attributes = attributes;
    subject.unread = unread.into_iter().collect();
    Ok(subject)
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
