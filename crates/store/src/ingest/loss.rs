//! What normalising the permissions of an output would lose.

use super::{Permissions, walk::Found, xattrs};
use groundup_tree::{Meta, Mode, TreePath};
use rustix::fs::FileType;
use std::fmt;

/// One thing that would be lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Where.
    pub path: TreePath,
    /// What.
    pub what: LostThing,
}

/// What would be lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LostThing {
    /// A mode with set-id or sticky bits, or closed to group or others.
    Mode(Mode),
    /// An extended attribute of this name.
    Xattr(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            LostThing::Mode(mode) => write!(f, "{} (mode {mode})", self.path),
            LostThing::Xattr(name) => write!(f, "{} (attribute {name})", self.path),
        }
    }
}

/// How many losses a message names.
const NAMED: usize = 5;

/// The losses of an output, in walk order; at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Losses(pub(super) Vec<Loss>);

impl Losses {
    /// All of them.
    pub fn as_slice(&self) -> &[Loss] {
        &self.0
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, loss) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}{loss}", if position == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The mode that `found` has once taken in as normal, or its loss.
pub(super) fn normal_mode(found: &Found) -> Result<u32, Loss> {
    let mode = found.mode();
    let (normal, open) = match found.kind {
        FileType::Symlink => return Ok(0o777),
        FileType::Directory => (0o755, 0o055),
        _ if mode & 0o100 != 0 => (0o755, 0o044),
        _ => (0o644, 0o044),
    };
    if mode & 0o7000 == 0 && mode & open == open {
        return Ok(normal);
    }
    Err(Loss { path: found.path.clone(), what: LostThing::Mode(Mode::from_bits(mode)) })
}

/// The metadata with which `found` enters a tree, or what would be lost.
pub(super) fn meta(
    found: &Found,
    xattrs: &xattrs::Found,
    permissions: Permissions,
) -> Result<Meta, Loss> {
    if permissions == Permissions::Keep {
        let mode = if found.kind == FileType::Symlink { 0o777 } else { found.mode() };
        let xattrs = xattrs.admitted.clone();
        return Ok(Meta { xattrs, ..Meta::root_owned(mode) });
    }
    let mode = normal_mode(found)?;
    match xattrs.admitted.iter().next() {
        None => Ok(Meta::root_owned(mode)),
        Some((name, _)) => {
            let what = LostThing::Xattr(String::from_utf8_lossy(name).into_owned());
            Err(Loss { path: found.path.clone(), what })
        }
    }
}
