//! What a node carries beside its content: mode, owner, extended attributes.

use std::{collections::BTreeMap, fmt};

/// The 12 permission bits: `rwx` for owner, group and others, set-uid, set-gid and sticky.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// Takes the 12 permission bits of `bits` and drops the rest (the file type of `st_mode`).
    pub const fn from_bits(bits: u32) -> Self {
        Self((bits & 0o7777) as u16)
    }

    /// The 12 bits.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether the owner may execute or enter.
    pub const fn is_executable(self) -> bool {
        self.0 & 0o100 != 0
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// Extended attributes that enter a tree: `user.*`, and `security.capability` in its version 2
/// form (`struct vfs_cap_data` of `linux/capability.h`, 20 bytes).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Xattrs(BTreeMap<Vec<u8>, Vec<u8>>);

impl Xattrs {
    /// No attributes.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether an attribute of this name and value may enter a tree.
    pub fn admits(name: &[u8], value: &[u8]) -> bool {
        match name {
            b"security.capability" => value.len() == 20 && value[3] == 2,
            _ => name.starts_with(b"user.") && name.len() > 5 && !name.contains(&0),
        }
    }

    /// Adds an attribute; `false` if it may not enter a tree.
    pub fn insert(&mut self, name: &[u8], value: &[u8]) -> bool {
        let admitted = Self::admits(name, value);
        if admitted {
            self.0.insert(name.into(), value.into());
        }
        admitted
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }
}

/// The metadata of a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Meta {
    /// Permission bits; 0777 for symbolic links by convention.
    pub mode: Mode,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

impl Meta {
    /// Root-owned with the given permission bits, no extended attributes.
    pub const fn root_owned(mode: u32) -> Self {
        Self { mode: Mode::from_bits(mode), uid: 0, gid: 0, xattrs: Xattrs::none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_attributes_and_v2_capabilities_enter() {
        let mut xattrs = Xattrs::none();
        let v2 = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(xattrs.insert(b"security.capability", &v2));
        assert!(xattrs.insert(b"user.note", b"x"));
        assert!(!xattrs.insert(b"security.capability", &[0; 24]));
        assert!(!xattrs.insert(b"security.selinux", b"x"));
        assert!(!xattrs.insert(b"trusted.overlay.opaque", b"y"));
        assert_eq!(xattrs.iter().len(), 2);
    }
}
