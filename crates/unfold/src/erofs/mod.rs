//! EROFS: plain, inline and chunked files, and those compressed with lz4, deflate or zstd.
//!
//! ```text
//! boot (1024) | superblock | inodes (each in slots of 32 bytes), shared attributes | data
//! ```
//!
//! An inode is followed by its attributes, and these by what its layout needs: the end of the file,
//! chunks, or the index of compressed clusters. Other devices, lzma, long attribute prefixes and files that are packed
//! into others are not read. Source: `Documentation/filesystems/erofs.rst` and `fs/erofs/erofs_fs.h` of Linux 6.12.

mod clusters;
mod content;
mod index;
mod inode;
mod xattr;

use crate::{
    Bytes, UnfoldError,
    codec::{Codec, Method},
    numbers::{byte, le16, le32, le64, read, until_zero, uuid},
    volume::{self, Node, Volume, Work, Xattrs},
    walk::Walk,
};
use inode::Inode;
use std::io::Read;

const NAME: &str = "EROFS";
pub(crate) const MAGIC: u32 = 0xe0f5_e1e2;

/// Features of a superblock that are understood.
const ZERO_PADDING: u32 = 0x1;
const KNOWN: u32 = 0x7f;

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

struct Erofs<'a> {
    bytes: &'a dyn Bytes,
    work: Work,
    /// The size of a block as a power of two.
    bits: u32,
    features: u32,
    root: u64,
    /// Where inodes are counted from, and shared attributes.
    inodes: u64,
    shared: u64,
    /// The time of compact inodes, which have none.
    time: i64,
    lz4: Codec,
    deflate: Codec,
    zstd: Codec,
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let head = read(bytes, 1024, 128)?;
    let (bits, features) = (u32::from(byte(&head, 12)), le32(&head, 80));
    if le32(&head, 0) != MAGIC || !(9..=16).contains(&bits) || byte(&head, 90) != 0 {
        return Err(malformed("the superblock is damaged", 1024));
    }
    if features & !KNOWN != 0 {
        return Err(UnfoldError::unsupported(NAME, format!("features {features:#x}")));
    }
    let erofs = Erofs {
        bytes,
        work: Work::new(walk),
        bits,
        features,
        root: le16(&head, 14).into(),
        inodes: u64::from(le32(&head, 40)) << bits,
        shared: u64::from(le32(&head, 44)) << bits,
        time: le64(&head, 24) as i64,
        lz4: Codec::new(Method::Lz4),
        deflate: Codec::new(Method::Deflate),
        zstd: Codec::new(Method::Zstd),
    };
    let label = until_zero(head.get(64..80).unwrap_or_default());
    let mut facts = vec![
        ("erofs.uuid", uuid(&head, 48)),
        ("erofs.features", format!("{:x}-{features:x}", le32(&head, 8))),
        ("erofs.block-size", (1u32 << bits).to_string()),
        ("erofs.time", erofs.time.to_string()),
    ];
    if !label.is_empty() {
        facts.push(("erofs.label", String::from_utf8_lossy(label).into_owned()));
    }
    volume::walk(&erofs, facts, walk)
}

impl Erofs<'_> {
    fn block_size(&self) -> u64 {
        1 << self.bits
    }
}

impl Volume for Erofs<'_> {
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
        self.list(&directory.own, most, found)
    }

    fn xattrs(&self, node: &Node<Inode>) -> Result<Xattrs, UnfoldError> {
        self.attributes(&node.own)
    }

    fn content<'s>(&'s self, node: &'s Node<Inode>) -> Result<Box<dyn Read + 's>, UnfoldError> {
        self.file(&node.own)
    }
}
