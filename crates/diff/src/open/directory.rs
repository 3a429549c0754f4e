//! A directory on disk as a tree; contents stay on disk.

use crate::{DiffError, World};
use groundup_tree::{Device, FileTree, Kind, Meta, Mode, Node, TreePath, Xattrs};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

/// Reads a directory, without following symlinks.
pub(super) fn directory(world: &World<'_>, top: &Path) -> Result<FileTree, DiffError> {
    let mut found: Vec<(TreePath, PathBuf, Metadata)> = Vec::new();
    for entry in walkdir::WalkDir::new(top).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(top).to_owned();
            let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
            DiffError::Read { path, source }
        })?;
        let path = entry.path();
        let read = |source| DiffError::Read { path: path.to_owned(), source };
        // The top itself may be a symlink.
        let metadata = if entry.depth() == 0 { path.metadata() } else { path.symlink_metadata() };
        let inner = path.strip_prefix(top).unwrap_or(path).as_os_str().as_bytes();
        let inner = TreePath::new(inner)
            .map_err(|error| read(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        found.push((inner, path.to_owned(), metadata.map_err(read)?));
    }
    let nodes: Vec<Option<Node>> = found
        .par_iter()
        .map(|(_, path, metadata)| {
            node(world, path, metadata)
                .map_err(|source| DiffError::Read { path: path.clone(), source })
        })
        .collect::<Result<_, _>>()?;
    let mut tree = FileTree::new();
    let mut inodes: BTreeMap<(u64, u64), TreePath> = BTreeMap::new();
    for ((path, on_disk, metadata), node) in found.into_iter().zip(nodes) {
        let Some(node) = node else { continue };
        if path.is_root() {
            tree = FileTree::with_root(node.meta);
            continue;
        }
        let invalid = |source| DiffError::Invalid { path: on_disk.clone(), source };
        tree.insert(path.clone(), node).map_err(invalid)?;
        if metadata.is_file() && metadata.nlink() > 1 {
            let first = inodes.entry((metadata.dev(), metadata.ino()));
            let first = first.or_insert_with(|| path.clone());
            if *first != path {
                // Two names of one inode have one content and one mode, so they can be linked.
                let _ = tree.link(path, &first.clone());
            }
        }
    }
    Ok(tree)
}

/// What stands at a path; nothing for a socket, which no tree holds.
fn node(world: &World<'_>, path: &Path, metadata: &Metadata) -> io::Result<Option<Node>> {
    let kind = metadata.file_type();
    let device = || {
        let number = metadata.rdev();
        Device { major: rustix::fs::major(number), minor: rustix::fs::minor(number) }
    };
    let what = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        let (blob, size) = world.take_file(path)?;
        Kind::File { blob, size }
    } else if kind.is_symlink() {
        Kind::Symlink { target: path.read_link()?.as_os_str().as_bytes().into() }
    } else if kind.is_char_device() {
        Kind::CharDevice(device())
    } else if kind.is_block_device() {
        Kind::BlockDevice(device())
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        return Ok(None);
    };
    let (mode, xattrs) = match what {
        Kind::Symlink { .. } => (0o777, Xattrs::none()),
        _ => (metadata.mode(), xattrs(path)?),
    };
    let (uid, gid) = (metadata.uid(), metadata.gid());
    Ok(Some(Node { meta: Meta { mode: Mode::from_bits(mode), uid, gid, xattrs }, kind: what }))
}

/// The attributes that a tree takes in.
fn xattrs(path: &Path) -> io::Result<Xattrs> {
    let mut found = Xattrs::none();
    let mut names = vec![0; 1 << 16];
    let size = match rustix::fs::llistxattr(path, &mut names) {
        Ok(size) => size,
        Err(rustix::io::Errno::NOTSUP) => return Ok(found),
        Err(error) => return Err(error.into()),
    };
    for name in names[..size].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let size = rustix::fs::lgetxattr(path, name, &mut value)?;
        found.insert(name, &value[..size]);
    }
    Ok(found)
}
