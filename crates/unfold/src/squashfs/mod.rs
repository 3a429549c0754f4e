//! squashfs 4.0: gzip, xz, zstd and lz4; fragments, holes, extended attributes, all kinds of inodes.
//!
//! ```text
//! superblock | data and fragments | inodes | directories | fragment table | exports | ids | xattrs
//! ```
//!
//! Inodes, directories and tables are in metadata blocks of 8 KiB, each compressed by itself; a place
//! in them is where its block starts and how far into what it unpacks to. lzma and lzo are not read.
//! Source: `Documentation/filesystems/squashfs.rst` and `fs/squashfs/squashfs_fs.h` of Linux.

mod content;
mod inode;
mod metadata;
#[cfg(test)]
mod tests;
mod xattr;

use crate::{
    Bytes, UnfoldError,
    codec::{Codec, Method},
    numbers::{le16, le32, le64, read},
    volume::{self, Node, Volume, Work, Xattrs},
    walk::Walk,
};
use content::Fragments;
use inode::Inode;
use metadata::{Blocks, Position};
use std::io::Read;

const NAME: &str = "squashfs";
/// That a table, a fragment or attributes are absent.
const NONE: u64 = u64::MAX;

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

struct Squashfs<'a> {
    bytes: &'a dyn Bytes,
    codec: Codec,
    work: Work,
    block_size: usize,
    root: u64,
    fragment_count: u32,
    id_count: u32,
    id_table: u64,
    xattr_table: u64,
    inode_table: u64,
    directory_table: u64,
    fragment_table: u64,
    blocks: Blocks,
    fragments: Fragments,
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let head = read(bytes, 0, 96)?;
    let (major, minor) = (le16(&head, 28), le16(&head, 30));
    if (major, minor) != (4, 0) {
        return Err(UnfoldError::unsupported(NAME, format!("version {major}.{minor}")));
    }
    let (name, method) = match le16(&head, 20) {
        1 => ("gzip", Method::Zlib),
        4 => ("xz", Method::Xz),
        5 => ("lz4", Method::Lz4),
        6 => ("zstd", Method::Zstd),
        2 => return Err(UnfoldError::unsupported(NAME, "compression by lzma")),
        3 => return Err(UnfoldError::unsupported(NAME, "compression by lzo")),
        _ => return Err(malformed("the compression is unknown", 20)),
    };
    let block_size = le32(&head, 12);
    if !block_size.is_power_of_two() || !(4 << 10..=1 << 20).contains(&block_size) {
        return Err(malformed("the size of blocks is impossible", 12));
    }
    let facts = vec![
        ("squashfs.compression", name.to_owned()),
        ("squashfs.block-size", block_size.to_string()),
        ("squashfs.time", le32(&head, 8).to_string()),
        ("squashfs.flags", format!("{:#x}", le16(&head, 24))),
    ];
    let squashfs = Squashfs {
        bytes,
        codec: Codec::new(method),
        work: Work::new(walk),
        block_size: block_size as usize,
        root: le64(&head, 32),
        fragment_count: le32(&head, 16),
        id_count: le16(&head, 26).into(),
        id_table: le64(&head, 48),
        xattr_table: le64(&head, 56),
        inode_table: le64(&head, 64),
        directory_table: le64(&head, 72),
        fragment_table: le64(&head, 80),
        blocks: Blocks::default(),
        fragments: Fragments::default(),
    };
    volume::walk(&squashfs, facts, walk)
}

impl Squashfs<'_> {
    /// A number of a table whose metadata blocks are listed at `table`.
    fn in_table(&self, table: u64, index: u64, width: u64) -> Result<Position<'_>, UnfoldError> {
        let at =
            index.checked_mul(width).ok_or_else(|| malformed("an index is too large", table))?;
        let list = table.checked_add(at / 8192 * 8);
        let block = read(self.bytes, list.unwrap_or(NONE), 8)?;
        Ok(self.position(le64(&block, 0), at % 8192))
    }

    fn id(&self, index: u16) -> Result<u32, UnfoldError> {
        if u32::from(index) >= self.id_count {
            return Err(malformed("an owner is not in the table", self.id_table));
        }
        let id: [u8; 4] = self.in_table(self.id_table, index.into(), 4)?.take()?;
        Ok(u32::from_le_bytes(id))
    }
}

impl Volume for Squashfs<'_> {
    type Own = Inode;
    type Place = u64;

    fn root(&self) -> Result<Node<Inode>, UnfoldError> {
        self.inode(self.root)
    }

    fn node(&self, place: &u64) -> Result<Node<Inode>, UnfoldError> {
        self.inode(*place)
    }

    fn children(
        &self,
        directory: &Node<Inode>,
        most: u64,
        found: &mut Vec<(Vec<u8>, u64)>,
    ) -> Result<(), UnfoldError> {
        self.directory(&directory.own, most, found)
    }

    fn xattrs(&self, node: &Node<Inode>) -> Result<Xattrs, UnfoldError> {
        self.attributes(node.own.xattrs)
    }

    fn content<'s>(&'s self, node: &'s Node<Inode>) -> Result<Box<dyn Read + 's>, UnfoldError> {
        self.file(&node.own)
    }
}
