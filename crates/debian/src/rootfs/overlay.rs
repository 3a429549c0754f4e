//! What the recipe lays on top of the packages: trees, removals, directories, files, links.

use super::{
    DirInput, Draft, FileInput, LinkInput, RootfsError, TreeInput,
    draft::{absolute, follow, follow_parents},
};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use groundup_digest::BlobId;
use groundup_provenance::Origins;
use groundup_tree::{FileTree, Kind, Meta, Mode, Node, TreePath, Xattrs};

/// Lays one tree over the draft; its nodes replace what is there.
///
/// A directory of the tree that meets a symbolic link to a directory keeps the link and goes on
/// where it leads, so that a tree with `lib/` can be laid over merged `/usr`.
pub(super) fn lay_tree(draft: &mut Draft<'_>, input: &TreeInput) -> Result<(), RootfsError> {
    let (from, to) = (absolute("tree's part", &input.from)?, absolute("tree's place", &input.to)?);
    let whole = draft.store.load_tree(input.tree)?;
    let origins = match input.origins {
        Some(blob) => read_origins(draft, blob, &input.label)?,
        None => Origins::new(),
    };
    let missing =
        || RootfsError::NoSuchPart { label: input.label.clone(), from: input.from.clone() };
    let label = |path: &TreePath| {
        let known = origins.get(path).filter(|label| *label != super::draft::STATE);
        known.unwrap_or(&input.label).to_owned()
    };
    let top = whole.get(&from).ok_or_else(missing)?;
    if !top.is_directory() {
        return draft.put(&to, top.clone(), &label(&from));
    }
    if !to.is_root() && !draft.finds(&to) {
        draft.put(&to, top.clone(), &input.label)?;
    }
    let part = whole.subtree(&from).ok_or_else(missing)?;
    for (inner, node) in part.iter().filter(|(path, _)| !path.is_root()) {
        draft.put(&to.join_path(inner), node.clone(), &label(&from.join_path(inner)))?;
    }
    link_again(draft, &part, &to)
}

/// Restores the hard links of a tree that was laid at `to`.
fn link_again(draft: &mut Draft<'_>, part: &FileTree, to: &TreePath) -> Result<(), RootfsError> {
    for set in part.links().sets() {
        let places: Vec<_> = set
            .iter()
            .filter_map(|path| follow_parents(&draft.tree, &to.join_path(path)))
            .collect();
        for place in &places[1..] {
            draft.tree.link(place.clone(), &places[0])?;
        }
    }
    Ok(())
}

fn read_origins(draft: &Draft<'_>, blob: BlobId, label: &str) -> Result<Origins, RootfsError> {
    Origins::from_bytes(&draft.read_blob(blob)?)
        .map_err(|source| RootfsError::Origins { label: label.to_owned(), source })
}

/// Globs of absolute paths; `*` does not cross a slash, `**` does.
pub(super) fn globs(patterns: &[String]) -> Result<GlobSet, RootfsError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let bad = |source| RootfsError::Glob { glob: pattern.clone(), source };
        set.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?);
    }
    set.build().map_err(|source| RootfsError::Glob { glob: patterns.join(" "), source })
}

/// Whether the globs take `path`.
pub(super) fn takes(globs: &GlobSet, path: &TreePath) -> bool {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};
    let absolute = [b"/", path.as_bytes()].concat();
    globs.is_match(Path::new(OsStr::from_bytes(&absolute)))
}

/// Takes away what the globs match, directories with all that they hold.
pub(super) fn remove(draft: &mut Draft<'_>, globs: &GlobSet) {
    if globs.is_empty() {
        return;
    }
    let gone: Vec<_> =
        draft.tree.iter().map(|(path, _)| path).filter(|p| takes(globs, p)).cloned().collect();
    for path in gone {
        draft.tree.remove(&path);
    }
}

pub(super) fn put_directory(draft: &mut Draft<'_>, input: &DirInput) -> Result<(), RootfsError> {
    let path = absolute("directory", &input.path)?;
    let meta = meta(input.mode, input.uid, input.gid);
    // The declared directory is what the path means, also through a link.
    let place = follow(&draft.tree, &path).ok_or_else(|| RootfsError::Loop(path.clone()))?;
    draft.put(&place, Node { meta, kind: Kind::Directory }, "")
}

pub(super) fn put_file(draft: &mut Draft<'_>, input: &FileInput) -> Result<(), RootfsError> {
    let path = absolute("file", &input.path)?;
    let kind = Kind::File { blob: input.content, size: input.size };
    let meta = meta(input.mode, input.uid, input.gid);
    draft.put(&path, Node { meta, kind }, &input.label)
}

pub(super) fn put_link(draft: &mut Draft<'_>, input: &LinkInput) -> Result<(), RootfsError> {
    let path = absolute("link", &input.path)?;
    draft.put(&path, Node::symlink(&input.target), &input.label)
}

fn meta(mode: u32, uid: u32, gid: u32) -> Meta {
    Meta { mode: Mode::from_bits(mode), uid, gid, xattrs: Xattrs::none() }
}
