//! Extended attributes: behind the inode, and those that many inodes share.

use super::{Erofs, NAME, inode::Inode, malformed};
use crate::{
    UnfoldError,
    numbers::{byte, le16, le32, read},
    volume::Xattrs,
};

impl Erofs<'_> {
    pub(super) fn attributes(&self, inode: &Inode) -> Result<Xattrs, UnfoldError> {
        let mut found = Vec::new();
        if inode.attributes_length == 0 {
            return Ok(found);
        }
        self.work.spend(inode.attributes_length as usize)?;
        let raw = read(self.bytes, inode.attributes, inode.attributes_length as usize)?;
        let shared = usize::from(byte(&raw, 4));
        for number in 0..shared {
            let at = u64::from(le32(&raw, 12 + number * 4)) * 4 + self.shared;
            let head = read(self.bytes, at, 4)?;
            let length = 4 + usize::from(byte(&head, 0)) + usize::from(le16(&head, 2));
            self.work.spend(length)?;
            found.extend(attribute(&read(self.bytes, at, length)?, at)?.map(|(one, _)| one));
        }
        let mut rest = raw.get(12 + shared * 4..).unwrap_or_default();
        while rest.len() >= 4 {
            let Some((one, length)) = attribute(rest, inode.attributes)? else { break };
            found.push(one);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(found)
    }
}

type Attribute = ((Vec<u8>, Vec<u8>), usize);

/// The attribute that starts here, and its length; nothing if it is empty.
fn attribute(raw: &[u8], at: u64) -> Result<Option<Attribute>, UnfoldError> {
    let (name, value) = (usize::from(byte(raw, 0)), usize::from(le16(raw, 2)));
    let prefix: &[u8] = match byte(raw, 1) {
        0 if name == 0 && value == 0 => return Ok(None),
        0 => b"",
        1 => b"user.",
        2 => b"system.posix_acl_access",
        3 => b"system.posix_acl_default",
        4 => b"trusted.",
        6 => b"security.",
        0x80.. => return Err(UnfoldError::unsupported(NAME, "long prefixes of attributes")),
        _ => return Err(malformed("an attribute is of no known kind", at)),
    };
    let short = || malformed("an attribute is cut off", at);
    let (name_end, end) = (4 + name, 4 + name + value);
    let name = [prefix, raw.get(4..name_end).ok_or_else(short)?].concat();
    Ok(Some(((name, raw.get(name_end..end).ok_or_else(short)?.to_vec()), end)))
}
