//! Images of others: layers, layouts and archives, their JSON.

use crate::{
    input::{Input, sections},
    memory::Memory,
    own::check_tree,
    tar::with_checksums,
};
use groundup_digest::Sha256;
use groundup_image::{
    BaseParams, BaseSource, ImageConfig, Index, Manifest, Objects, Platform, UnpackLimits,
    base_step, canonical_json, fuzzing::unpack_layers,
};
use groundup_testkit::{Tar, TarEntry};
use groundup_tree::Expansion;
use std::collections::BTreeMap;

const LIMITS: UnpackLimits = UnpackLimits {
    entries: 2_000,
    bytes: 4 << 20,
    names: 1 << 20,
    expansion: Expansion { ratio: 1000 },
};

/// Layers one over the other, each with its length (three bytes, little-endian) before it.
pub(crate) fn layers(data: &[u8]) {
    let (variant, rest) = Input::split(data);
    let (mut input, mut layers) = (Input(rest), Vec::new());
    while !input.is_empty() && layers.len() < 8 {
        let length = [input.byte(), input.byte(), input.byte(), 0];
        let layer = input.take(u32::from_le_bytes(length) as usize);
        layers.push(if variant & 1 == 1 { with_checksums(layer) } else { layer.to_vec() });
    }
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    if let Ok(tree) = unpack_layers(&Memory::default(), &layers, LIMITS) {
        check_tree(&tree);
    }
}

/// An archive with an image. The input is the archive (variant 0), or its files after lines
/// `=== PATH`, in which `@NAME@` stands for the digest of the part of that name before it and
/// `#NAME#` for its size; a part whose path starts with `@` is the blob that its digest names.
pub(crate) fn archive(data: &[u8]) {
    let (variant, bytes) = Input::split(data);
    let bytes = match variant & 3 {
        0 => bytes.to_vec(),
        1 => with_checksums(bytes),
        _ => written(bytes),
    };
    let objects = Memory::default();
    let Ok(archive) = objects.put_blob(&bytes) else { return };
    let params = BaseParams { platform: Platform::linux("amd64"), digest: None };
    let Ok(base) = base_step(&objects, BaseSource::Archive(archive.blob), &params, LIMITS) else {
        return;
    };
    check_tree(&objects.load_tree(base.tree).expect("the tree was put"));
    let layout = objects.load_tree(base.layout).expect("the layout was put");
    check_tree(&layout);
    let again = BaseSource::Layout(base.layout);
    let again = base_step(&objects, again, &params, LIMITS).expect("what was written is read");
    assert_eq!((again.tree, again.layout), (base.tree, base.layout), "and gives the same");
}

fn written(text: &[u8]) -> Vec<u8> {
    let (mut entries, mut known) = (Vec::new(), BTreeMap::new());
    for (path, content) in sections(text).into_iter().take(16) {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let content = filled(content, &known);
        let (digest, size) = (Sha256::of(&content), content.len());
        let name = match path.strip_prefix('@') {
            Some(_) => format!("blobs/sha256/{digest}"),
            None => path.to_owned(),
        };
        known.insert(format!("@{}@", path.trim_start_matches('@')), digest.to_string());
        known.insert(format!("#{}#", path.trim_start_matches('@')), size.to_string());
        entries.push(TarEntry::file(name, content, 0o644));
    }
    Tar::of(&entries)
}

fn filled(content: &[u8], known: &BTreeMap<String, String>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else { return content.to_vec() };
    let mut text = text.to_owned();
    for (mark, value) in known {
        if mark.len() > 2 && text.len() < 64 << 10 {
            text = text.replace(mark, value);
        }
    }
    text.into_bytes()
}

/// Manifests, indexes and configurations: what is read and written is read as it was.
pub(crate) fn json(data: &[u8]) {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned>(data: &[u8]) {
        let Ok(value) = serde_json::from_slice::<T>(data) else { return };
        // Fractions have no canonical form.
        let Ok(written) = canonical_json(&value) else { return };
        let again: T = serde_json::from_slice(&written).expect("what was written is read");
        assert_eq!(canonical_json(&again).ok(), Some(written), "and written as it was");
    }
    check::<Manifest>(data);
    check::<Index>(data);
    check::<ImageConfig>(data);
}
