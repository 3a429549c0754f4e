//! ext2, ext3 and ext4, as they stand on the disk: journals are not replayed, which is told.
//!
//! ```text
//! boot (1024) | superblock | group descriptors | of each group: bitmaps, inodes, blocks
//! ```
//!
//! Block maps and extents, 64-bit block numbers, directories with and without hash trees (read as the
//! lists that both are), inline data, extended attributes in the inode, in a block and in inodes of
//! their own. Encrypted files, meta block groups and compression are not read. Source:
//! `Documentation/filesystems/ext4` of Linux.

mod content;
mod directory;
mod inode;
mod xattr;

use crate::{
    Bytes, UnfoldError,
    numbers::{le16, le32, read, until_zero, uuid},
    volume::{self, Node, Volume, Work, Xattrs},
    walk::Walk,
};
use inode::Inode;
use std::io::Read;

const NAME: &str = "ext";
const ROOT: u32 = 2;

/// Features without which nothing can be read right: the name is told.
const UNREAD: &[(u32, &str)] = &[
    (0x1, "compression"),
    (0x8, "a journal alone"),
    (0x10, "meta block groups"),
    (0x1000, "data in directories"),
];
const NEEDS_RECOVERY: u32 = 0x4;
const WIDE: u32 = 0x80;

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

struct Ext<'a> {
    bytes: &'a dyn Bytes,
    work: Work,
    block: u64,
    inodes: u32,
    inodes_per_group: u32,
    inode_size: u64,
    /// Where the group descriptors are, and the size of each.
    groups: u64,
    descriptor: u64,
    is_wide: bool,
}

/// Whether a superblock can be meant.
pub(crate) fn is_plausible(bytes: &dyn Bytes) -> bool {
    read(bytes, 1024, 1024).is_ok_and(|head| le32(&head, 24) <= 6 && le32(&head, 40) > 0)
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let head = read(bytes, 1024, 1024)?;
    if le16(&head, 56) != 0xef53 || !is_plausible(bytes) {
        return Err(malformed("the superblock is damaged", 1024));
    }
    let incompatible = le32(&head, 96);
    if let Some((_, what)) = UNREAD.iter().find(|(bit, _)| incompatible & bit != 0) {
        return Err(UnfoldError::unsupported(NAME, *what));
    }
    if incompatible & NEEDS_RECOVERY != 0 {
        walk.unread(b"", "ext: the changes that stand in its journal only are not read");
    }
    let block = 1024u64 << le32(&head, 24);
    let is_wide = incompatible & WIDE != 0;
    let (old, inode_size) = (le32(&head, 76) == 0, u64::from(le16(&head, 88)));
    let ext = Ext {
        bytes,
        work: Work::new(walk),
        block,
        inodes: le32(&head, 0),
        inodes_per_group: le32(&head, 40),
        inode_size: if old { 128 } else { inode_size },
        groups: (u64::from(le32(&head, 20)) + 1) * block,
        descriptor: if is_wide { u64::from(le16(&head, 254)).max(64) } else { 32 },
        is_wide,
    };
    if ext.inode_size < 128 || ext.inode_size > block || ext.descriptor > block {
        return Err(malformed("the superblock has impossible sizes", 1024));
    }
    let name = |start: usize, end: usize| {
        String::from_utf8_lossy(until_zero(head.get(start..end).unwrap_or_default())).into_owned()
    };
    let mut facts = vec![
        ("ext.uuid", uuid(&head, 104)),
        ("ext.features", format!("{:x}-{incompatible:x}-{:x}", le32(&head, 92), le32(&head, 100))),
        ("ext.block-size", block.to_string()),
        ("ext.hash-seed", uuid(&head, 236)),
        ("ext.made", le32(&head, 264).to_string()),
        ("ext.written", le32(&head, 48).to_string()),
    ];
    facts.extend([("ext.label", name(120, 136)), ("ext.mounted-at", name(136, 200))]);
    facts.retain(|(_, value)| !value.is_empty());
    volume::walk(&ext, facts, walk)
}

impl Ext<'_> {
    /// A block, counted as work.
    fn block(&self, number: u64) -> Result<Vec<u8>, UnfoldError> {
        self.work.spend(self.block as usize)?;
        let at =
            number.checked_mul(self.block).ok_or_else(|| malformed("a block is too far", 0))?;
        read(self.bytes, at, self.block as usize)
    }
}

impl Volume for Ext<'_> {
    type Own = Inode;
    type Place = u32;

    fn root(&self) -> Result<Node<Inode>, UnfoldError> {
        self.inode(ROOT)
    }

    fn node(&self, place: &u32) -> Result<Node<Inode>, UnfoldError> {
        self.inode(*place)
    }

    fn children(
        &self,
        directory: &Node<Inode>,
        most: u64,
        found: &mut Vec<(Vec<u8>, u32)>,
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
