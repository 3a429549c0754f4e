//! `/etc/ld.so.cache` as `ldconfig` writes it, made without running it.
//!
//! The directories of `/etc/ld.so.conf` and the built-in ones are searched for shared libraries;
//! each gives an entry `SONAME -> directory/SONAME`. Links that `ldconfig` would make are not made:
//! packages ship them. Sub-directories `glibc-hwcaps` get no entries, so the loader takes the
//! baseline library there; `docs/debian.md` lists this limit.

mod directories;
mod elf;
mod encode;

pub use encode::{Entry, encode};

use super::{
    Draft, RootfsError,
    draft::{constant, follow},
    overlay::takes,
};
use elf::Library;
use globset::GlobSet;
use groundup_digest::BlobId;
use groundup_tree::{Kind, Node, TreePath};
use rayon::prelude::*;
use std::{cmp::Ordering, collections::BTreeMap};

const CACHE: &str = "/etc/ld.so.cache";

/// Writes the cache for a C library of this package version, unless `removed` takes it or the
/// recipe has put one; architectures whose flags are not known get none.
pub(super) fn write(
    draft: &mut Draft<'_>,
    libc: &str,
    arch: &str,
    removed: &GlobSet,
) -> Result<(), RootfsError> {
    let place = constant(CACHE);
    let Some(triplet) = elf::triplet(arch) else { return Ok(()) };
    if takes(removed, &place) || draft.finds(&place) {
        return Ok(());
    }
    let directories = directories::search_path(draft, triplet)?;
    let found: Vec<_> =
        directories.iter().flat_map(|(written, place)| candidates(draft, written, place)).collect();
    let libraries = read_libraries(draft, &found)?;
    let mut entries: Vec<Entry> = Vec::new();
    for (written, _) in &directories {
        let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
        for candidate in found.iter().filter(|candidate| candidate.directory == written) {
            if let Some(library) = &libraries[&candidate.blob] {
                choose(&mut chosen, candidate, library);
            }
        }
        entries.extend(chosen.into_iter().map(|(soname, chosen)| Entry {
            path: format!("{}/{soname}", written.trim_end_matches('/')),
            soname,
            flags: chosen.flags,
        }));
    }
    let upstream = libc.split('-').next().unwrap_or(libc);
    let generator = format!("ldconfig (Debian GLIBC {libc}) stable release version {upstream}");
    draft.put_state_at(&place, &encode(entries, &generator), groundup_tree::Meta::root_owned(0o644))
}

/// A file or link whose name is that of a library.
struct Candidate<'a> {
    directory: &'a str,
    name: String,
    is_link: bool,
    blob: BlobId,
}

struct Chosen {
    name: String,
    is_link: bool,
    flags: u32,
}

fn candidates<'a>(draft: &Draft<'_>, written: &'a str, place: &TreePath) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for (path, node) in draft.tree.within(place) {
        if path.parent().as_ref() != Some(place) || node.is_directory() {
            continue;
        }
        let name = path.name().map(|name| name.to_string()).unwrap_or_default();
        if !(name.starts_with("lib") || name.starts_with("ld-")) || !name.contains(".so") {
            continue;
        }
        let Some(real) = follow(&draft.tree, path) else { continue };
        let Some(Node { kind: Kind::File { blob, .. }, .. }) = draft.tree.get(&real) else {
            continue;
        };
        let is_link = matches!(node.kind, Kind::Symlink { .. });
        candidates.push(Candidate { directory: written, name, is_link, blob: *blob });
    }
    candidates
}

/// Reads each file once, in parallel; nothing for what is no library.
fn read_libraries(
    draft: &Draft<'_>,
    candidates: &[Candidate<'_>],
) -> Result<BTreeMap<BlobId, Option<Library>>, RootfsError> {
    let mut blobs: Vec<BlobId> = candidates.iter().map(|candidate| candidate.blob).collect();
    blobs.sort();
    blobs.dedup();
    let read = |blob: BlobId| Ok((blob, Library::parse(&draft.store.read_blob(blob)?)));
    blobs.into_par_iter().map(read).collect()
}

/// Takes a candidate in, in place of an older one of the same soname.
fn choose(chosen: &mut BTreeMap<String, Chosen>, candidate: &Candidate<'_>, library: &Library) {
    let mut soname = library.soname.clone().unwrap_or_else(|| candidate.name.clone());
    let mut is_link = candidate.is_link;
    // A link counts by its own name if that is the soname or, as the link for the compiler
    // (`libx.so -> libx.so.1.2`), the start of it; otherwise it counts as the file.
    if is_link && candidate.name != soname {
        is_link = candidate.name.ends_with(".so") && soname.starts_with(&candidate.name);
    }
    if is_link {
        soname.clone_from(&candidate.name);
    }
    let newer = |other: &Chosen| {
        (!is_link && other.is_link)
            || (is_link == other.is_link
                && encode::compare_names(&other.name, &candidate.name) == Ordering::Less)
    };
    match chosen.get(&soname) {
        Some(other) if !newer(other) => {}
        _ => {
            let name = candidate.name.clone();
            chosen.insert(soname, Chosen { name, is_link, flags: library.flags });
        }
    }
}
