//! Writes a tree as a cpio archive in the `newc` format, which the kernel unpacks to its first root
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! Entries stand in walk order, numbered from 1; each has the time of all files of groundup. The data
//! of hard links stands with the last of them, as GNU cpio writes it. The format has no room for
//! extended attributes: they are left out.

use groundup_digest::{BlobId, TreeId};
use groundup_store::{BlobWriter, Store, StoreError};
use groundup_tree::{Device, FILE_TIME, FileTree, Kind, Node, TreePath};
use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Read, Write},
};

/// Why a tree cannot be a cpio archive.
#[derive(Debug, thiserror::Error)]
pub enum CpioError {
    /// The store does not give or take an object.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// A file is too large for the format.
    #[error("{path} has {size} bytes; a file of a cpio archive has at most 4294967295")]
    Large {
        /// The file.
        path: TreePath,
        /// Its size.
        size: u64,
    },
    /// A file's content is not as long as the tree says.
    #[error("the content of {path} has not the {size} bytes that the tree says")]
    Size {
        /// The file.
        path: TreePath,
        /// The size in the tree.
        size: u64,
    },
    /// The content of a file cannot be read, or the archive not be written.
    #[error("cannot copy {path}")]
    Copy {
        /// The file.
        path: TreePath,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("cannot write the cpio archive")]
    Write(#[from] io::Error),
}

/// Puts the archive of a tree into the store.
pub fn cpio_step(store: &Store, tree: TreeId) -> Result<BlobId, CpioError> {
    let tree = store.load_tree(tree)?;
    let mut out: BufWriter<BlobWriter<'_>> =
        BufWriter::with_capacity(1 << 16, store.blob_writer()?);
    let open = |blob| store.open_blob(blob).map_err(io::Error::other);
    write_cpio(&tree, open, &mut out)?;
    let writer = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(writer.finish()?.blob)
}

/// Writes the archive of a tree; `open` gives the content of a blob.
pub fn write_cpio<R: Read>(
    tree: &FileTree,
    mut open: impl FnMut(BlobId) -> io::Result<R>,
    out: &mut impl Write,
) -> Result<(), CpioError> {
    let sets = tree.links().sets();
    // Each path of a set: the number of the set's inode, how many paths, and whether it is the last.
    let mut linked: BTreeMap<&TreePath, (u32, u32, bool)> = BTreeMap::new();
    let mut next = 1;
    for set in &sets {
        for (number, path) in set.iter().enumerate() {
            let count = u32::try_from(set.len()).unwrap_or(u32::MAX);
            linked.insert(path, (next, count, number + 1 == set.len()));
        }
        next += 1;
    }
    for (path, node) in tree.iter() {
        let (inode, links, has_data) = match linked.get(path) {
            Some(found) => *found,
            None => {
                next += 1;
                (next - 1, if node.is_directory() { 2 } else { 1 }, true)
            }
        };
        let size = size_of(path, node)?;
        let size = if has_data { size } else { 0 };
        let name = if path.is_root() { &b"."[..] } else { path.as_bytes() };
        header(out, name, inode, node, links, size)?;
        match &node.kind {
            Kind::Symlink { target } => out.write_all(target)?,
            Kind::File { blob, size } if has_data && *size > 0 => {
                let content = open(*blob);
                let copied =
                    content.and_then(|content| io::copy(&mut content.take(*size + 1), out));
                let copied =
                    copied.map_err(|source| CpioError::Copy { path: path.clone(), source })?;
                if copied != *size {
                    return Err(CpioError::Size { path: path.clone(), size: *size });
                }
            }
            _ => {}
        }
        pad(out, u64::from(size))?;
    }
    let (inode, mode, uid, gid, time, size) = (0, 0, 0, 0, 0, 0);
    let end = Header { inode, mode, uid, gid, links: 1, time, size, device: NONE };
    Ok(end.write(out, b"TRAILER!!!")?)
}

const NONE: Device = Device { major: 0, minor: 0 };

fn size_of(path: &TreePath, node: &Node) -> Result<u32, CpioError> {
    let size = match &node.kind {
        Kind::File { size, .. } => *size,
        Kind::Symlink { target } => target.len() as u64,
        _ => 0,
    };
    u32::try_from(size).map_err(|_| CpioError::Large { path: path.clone(), size })
}

fn header(
    out: &mut impl Write,
    name: &[u8],
    inode: u32,
    node: &Node,
    links: u32,
    size: u32,
) -> io::Result<()> {
    let (kind, device) = match &node.kind {
        Kind::Fifo => (0o010_000, NONE),
        Kind::CharDevice(device) => (0o020_000, *device),
        Kind::Directory => (0o040_000, NONE),
        Kind::BlockDevice(device) => (0o060_000, *device),
        Kind::File { .. } => (0o100_000, NONE),
        Kind::Symlink { .. } => (0o120_000, NONE),
    };
    let meta = &node.meta;
    let mode = kind | u32::from(meta.mode.bits());
    let time = u32::try_from(FILE_TIME).unwrap_or(0);
    Header { inode, mode, uid: meta.uid, gid: meta.gid, links, time, size, device }.write(out, name)
}

struct Header {
    inode: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    time: u32,
    size: u32,
    device: Device,
}

impl Header {
    /// The fields in eight hexadecimal digits each, then the name, all padded to four bytes.
    fn write(&self, out: &mut impl Write, name: &[u8]) -> io::Result<()> {
        let length = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
        let Self { inode, mode, uid, gid, links, time, size, device } = self;
        let (major, minor) = (device.major, device.minor);
        out.write_all(b"070701")?;
        // The two zeros are the device that the file is on; the last field is for another format.
        let fields =
            [*inode, *mode, *uid, *gid, *links, *time, *size, 0, 0, major, minor, length, 0];
        for field in fields {
            write!(out, "{field:08X}")?;
        }
        out.write_all(name)?;
        out.write_all(&[0])?;
        pad(out, 110 + u64::from(length))
    }
}

/// Zeros up to the next multiple of four.
fn pad(out: &mut impl Write, written: u64) -> io::Result<()> {
    let missing = (4 - written % 4) % 4;
    out.write_all(&[0; 3][..missing as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn sample() -> FileTree {
        let mut tree = FileTree::new();
        let file =
            |text: &str, mode| Node::file(BlobId::of(text.as_bytes()), text.len() as u64, mode);
        tree.insert(path("init"), file("#!/bin/sh\n", 0o755)).unwrap();
        tree.make_directories(&path("dev")).unwrap();
        tree.insert(path("empty"), file("", 0o600)).unwrap();
        tree.insert(path("one"), file("linked", 0o644)).unwrap();
        tree.insert(path("two"), file("linked", 0o644)).unwrap();
        tree.link(path("two"), &path("one")).unwrap();
        tree.insert(path("sh"), Node::symlink("init")).unwrap();
        tree
    }

    fn archive(tree: &FileTree) -> Vec<u8> {
        let texts = ["#!/bin/sh\n", "", "linked"];
        let open = |blob| {
            let found = texts.iter().find(|text| BlobId::of(text.as_bytes()) == blob);
            found.map(|text| text.as_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        let mut bytes = Vec::new();
        write_cpio(tree, open, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_layout_is_that_of_the_format() {
        let bytes = archive(&sample());
        assert!(bytes.starts_with(b"070701"));
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        // The mode of the root, and its name of two bytes with the NUL.
        assert_eq!(&text[14..22], "000041ED");
        assert_eq!(&text[94..102], "00000002");
        assert!(text.contains("TRAILER!!!"));
    }

    #[test]
    fn data_of_hard_links_stands_once() {
        let bytes = archive(&sample());
        let found = bytes.windows(6).filter(|window| *window == b"linked").count();
        assert_eq!(found, 1);
    }

    #[test]
    fn a_file_that_is_too_large_is_named() {
        let mut tree = FileTree::new();
        tree.insert(path("big"), Node::file(BlobId::of(b""), 1 << 32, 0o644)).unwrap();
        let error = write_cpio(&tree, |_| Ok(io::empty()), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, CpioError::Large { size: 4_294_967_296, .. }), "{error}");
    }
}
