//! Directories: lists of names in blocks; a hash tree hides in lines that are not in use.

use super::{
    Ext,
    inode::{INLINE, Inode},
    malformed,
};
use crate::{
    UnfoldError,
    numbers::{byte, le16, le32},
};
use std::io::Read;

impl Ext<'_> {
    pub(super) fn list(
        &self,
        inode: &Inode,
        most: u64,
        found: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), UnfoldError> {
        if inode.flags & INLINE != 0 {
            let data = self.inline(inode)?;
            // The number of the directory above stands first; lines do not cross into the attribute.
            let (first, rest) = data.split_at_checked(60).unwrap_or((&data, &[]));
            names(first.get(4..).unwrap_or_default(), most, found)?;
            return names(rest, most, found);
        }
        let mut content = self.file(inode)?;
        let mut block = vec![0; self.block as usize];
        for _ in 0..inode.size / self.block {
            self.work.spend(block.len())?;
            content.read_exact(&mut block)?;
            if found.len() as u64 >= most {
                break;
            }
            names(&block, most, found)?;
        }
        Ok(())
    }
}

fn names(mut lines: &[u8], most: u64, found: &mut Vec<(Vec<u8>, u32)>) -> Result<(), UnfoldError> {
    let whole = lines.len();
    while lines.len() >= 8 && (found.len() as u64) < most {
        let (inode, length) = (le32(lines, 0), le16(lines, 4));
        // In blocks of 64 KiB, the whole block does not fit into the number.
        let length = match length {
            0 | 0xffff if whole == 0x1_0000 => whole,
            length => usize::from(length),
        };
        let (line, rest) = match lines.split_at_checked(length) {
            Some(parts) if length >= 8 && length % 4 == 0 => parts,
            // What is left of the inode is zeros.
            _ if lines.iter().all(|byte| *byte == 0) => break,
            _ => return Err(malformed("a line of a directory is damaged", 0)),
        };
        lines = rest;
        let name = line.get(8..8 + usize::from(byte(line, 6)));
        if inode == 0 {
            continue;
        }
        let name = name.ok_or_else(|| malformed("a name is longer than its line", 0))?;
        if !matches!(name, b"." | b"..") {
            found.push((name.to_vec(), inode));
        }
    }
    Ok(())
}
