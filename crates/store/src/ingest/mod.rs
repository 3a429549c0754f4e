//! What a step left becomes a tree: hashed in parallel and moved into the store, not copied.
//!
//! The directory is consumed. Nothing of it is touched before all of it has been read and checked,
//! so an output that is refused is still there for people to look at; after that its files are
//! moved one by one, and what is left is for the caller to remove. Files that the store cannot
//! take as its own (another owner's, linked from elsewhere, on another file system, carrying
//! attributes) are copied.
//!
//! Ownership is not read from disk: a sandbox maps one id, so everything is root's.

mod loss;
mod read;
mod take;
mod walk;
mod xattrs;

pub use loss::{Loss, Losses, LostThing};

use crate::{
    Store,
    error::{StoreError, Tried},
    snapshot::Stamp,
};
use groundup_digest::TreeId;
use groundup_tree::{FileTree, Kind, Meta, Node, TreePath};
use rayon::prelude::*;
use read::ReadFile;
use rustix::fs::FileType;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;
use walk::{Found, Origin};

/// What becomes of permissions and attributes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Permissions {
    /// Mode 0644, 0755 for executables and directories; what that would lose is an error.
    #[default]
    Normal,
    /// As the step left them.
    Keep,
}

/// How a directory is taken in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct IngestOptions {
    /// What becomes of permissions and attributes.
    pub permissions: Permissions,
}

/// A directory that became a tree of the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ingested {
    /// The tree's id.
    pub id: TreeId,
    /// The tree.
    pub tree: FileTree,
}

/// What no tree can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Oddity {
    /// A socket.
    Socket,
    /// A device node.
    Device,
    /// Overlayfs's mark of a removed file.
    Whiteout,
    /// A file whose content or place overlayfs keeps elsewhere.
    Incomplete,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Oddity::Socket => "a socket",
            Oddity::Device => "a device node",
            Oddity::Whiteout => "an overlay's whiteout",
            Oddity::Incomplete => "a part of an overlay without its content",
        })
    }
}

/// Why a directory could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The store, or a file of the directory, could not be used.
    #[error("cannot take in what the step left")]
    Store(#[from] StoreError),
    /// Something that is no file, directory, link or pipe.
    #[error("the output holds {oddity} at {path}; remove it at the end of the step")]
    Odd {
        /// Where.
        path: TreePath,
        /// What.
        oddity: Oddity,
    },
    /// Directories nested deeper than a tree may be.
    #[error(
        "the output is nested more than {most} directories deep, at {path}…; \
         remove what is so deep at the end of the step"
    )]
    Deep {
        /// The start of the path.
        path: TreePath,
        /// How deep a tree may be.
        most: usize,
    },
    /// Files with holes that say to be larger than the disk.
    #[error(
        "the output says to have {size} bytes, more than the {room} of the whole disk, and {path} \
         alone {largest}: it has holes; make it smaller (`truncate`), or compress it, at the end of \
         the step"
    )]
    Large {
        /// The largest file.
        path: TreePath,
        /// Its size.
        largest: u64,
        /// Of all files.
        size: u64,
        /// Of the file system with the store.
        room: u64,
    },
    /// An extended attribute that a tree cannot hold.
    #[error("{path} has the extended attribute {name}, which no tree can hold")]
    Xattr {
        /// Where.
        path: TreePath,
        /// Its name.
        name: String,
    },
    /// Normal permissions would lose something.
    #[error(
        "normal permissions would lose those of {0}; set `permissions = \"keep\"` in the recipe \
         to keep them, or change them at the end of the step"
    )]
    Losses(Losses),
    /// A file changed while it was read.
    #[error("{0} changed while it was read: a process still writes to the output")]
    Changing(TreePath),
}

impl Store {
    /// Takes in the directory `dir` that a step left; see the module for what becomes of it.
    pub fn ingest(&self, dir: &Path, options: &IngestOptions) -> Result<Ingested, IngestError> {
        let origin = Origin::open(dir)?;
        let all = origin.walk()?;
        let inodes = Inodes::of(&all);
        let blobs = self.path().join("blobs");
        let disk = rustix::fs::statvfs(&blobs).tried("look at", &blobs)?;
        check_size(&all, &inodes, disk.f_blocks.saturating_mul(disk.f_frsize))?;
        let read = read_all(&origin, &all, &inodes)?;
        let metas = all
            .iter()
            .zip(&inodes.first_of)
            .map(|(found, first)| loss::meta(found, &read[first].xattrs, options.permissions));
        let metas = collect_losses(metas)?;
        let tree = build(&origin, &all, &inodes, &read, metas, options)?;
        take::take_files(self, &origin, &all, &inodes, &read)?;
        let id = self.put_tree(&tree)?;
        Ok(Ingested { id, tree })
    }
}

/// Refuses files that could not be anywhere on the disk if their holes were filled: reading them takes
/// hours, and all that comes after the store would fill them.
fn check_size(all: &[Found], inodes: &Inodes, room: u64) -> Result<(), IngestError> {
    let files = inodes.paths.keys().map(|at| &all[*at]);
    let files = files.filter(|found| found.kind == FileType::RegularFile);
    let size_of = |found: &Found| u64::try_from(found.stat.st_size).unwrap_or(0);
    let size = files.clone().fold(0_u64, |sum, found| sum.saturating_add(size_of(found)));
    match files.max_by_key(|found| size_of(found)) {
        Some(found) if size > room => {
            let (path, largest) = (found.path.clone(), size_of(found));
            Err(IngestError::Large { path, largest, size, room })
        }
        _ => Ok(()),
    }
}

/// Which of the things found are one inode.
struct Inodes {
    /// For each thing found the position of the first that is the same inode (itself, mostly).
    first_of: Vec<usize>,
    /// For each position that is a first: how many paths it has here.
    paths: BTreeMap<usize, u64>,
}

impl Inodes {
    fn of(all: &[Found]) -> Self {
        let mut linked = std::collections::HashMap::new();
        let mut inodes = Inodes { first_of: Vec::with_capacity(all.len()), paths: BTreeMap::new() };
        for (position, found) in all.iter().enumerate() {
            #[allow(clippy::unnecessary_cast, reason = "the width differs by architecture")]
            let single = found.kind == FileType::Directory || found.stat.st_nlink as u64 == 1;
            let first = if single {
                position
            } else {
                *linked.entry(Stamp::of(&found.stat).place()).or_insert(position)
            };
            inodes.first_of.push(first);
            *inodes.paths.entry(first).or_default() += 1;
        }
        inodes
    }
}

/// Reads every inode once, in parallel.
fn read_all(
    origin: &Origin<'_>,
    all: &[Found],
    inodes: &Inodes,
) -> Result<BTreeMap<usize, ReadFile>, IngestError> {
    let firsts: Vec<usize> = inodes.paths.keys().copied().collect();
    by_directory(all, &firsts)
        .into_par_iter()
        .map(|(dir, group)| {
            let fd = origin.dir(&dir)?;
            let read = |at: &usize| Ok((*at, read::read(origin, fd.as_fd(), &all[*at])?));
            group.iter().map(read).collect::<Result<Vec<_>, IngestError>>()
        })
        .collect::<Result<Vec<_>, IngestError>>()
        .map(|groups| groups.into_iter().flatten().collect())
}

/// Cuts positions, which are in walk order, into groups that share a directory, none too long for
/// one worker.
fn by_directory(all: &[Found], positions: &[usize]) -> Vec<(TreePath, Vec<usize>)> {
    const MOST: usize = 64;
    let mut groups: BTreeMap<TreePath, Vec<usize>> = BTreeMap::new();
    for at in positions {
        groups.entry(all[*at].path.parent().unwrap_or_default()).or_default().push(*at);
    }
    let cut = groups.into_iter().flat_map(|(dir, group)| {
        let chunks: Vec<_> = group.chunks(MOST).map(|part| (dir.clone(), part.to_vec())).collect();
        chunks
    });
    cut.collect()
}

fn collect_losses(
    metas: impl Iterator<Item = Result<Meta, Loss>>,
) -> Result<Vec<Meta>, IngestError> {
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    for meta in metas {
        match meta {
            Ok(meta) => kept.push(meta),
            Err(loss) => lost.push(loss),
        }
    }
    if lost.is_empty() { Ok(kept) } else { Err(IngestError::Losses(Losses(lost))) }
}

fn build(
    origin: &Origin<'_>,
    all: &[Found],
    inodes: &Inodes,
    read: &BTreeMap<usize, ReadFile>,
    metas: Vec<Meta>,
    options: &IngestOptions,
) -> Result<FileTree, IngestError> {
    let mut tree = FileTree::with_root(root_meta(origin, options)?);
    for ((found, meta), first) in all.iter().zip(metas).zip(&inodes.first_of) {
        let path = &found.path;
        let kind = match (found.kind, &read[first].content) {
            (FileType::Directory, _) => Kind::Directory,
            (FileType::Fifo, _) => Kind::Fifo,
            (FileType::Symlink, _) => Kind::Symlink { target: walk::read_link(origin, path)? },
            (_, Some(content)) => Kind::File { blob: content.id, size: content.size },
            (_, None) => return Err(IngestError::Changing(path.clone())),
        };
        tree.insert(path.clone(), Node { meta, kind })
            .expect("a walk gives each directory before what it holds, and no empty link");
        if all[*first].path != *path {
            tree.link(path.clone(), &all[*first].path)
                .expect("two names of one inode have one node, made in walk order");
        }
    }
    Ok(tree)
}

/// The metadata of the top directory; the builder made it, so only `keep` looks at it.
fn root_meta(origin: &Origin<'_>, options: &IngestOptions) -> Result<Meta, IngestError> {
    let root = TreePath::root();
    if options.permissions == Permissions::Normal {
        return Ok(Node::directory().meta);
    }
    let fail = |error| origin.error("look at", &root, error);
    let found = Found { path: root.clone(), kind: FileType::Directory, stat: origin.top };
    let xattrs = xattrs::read_xattrs(&origin.root).map_err(fail)?;
    read::check_xattrs(&found, &xattrs)?;
    Ok(Meta { xattrs: xattrs.admitted, ..Meta::root_owned(found.mode()) })
}
