//! Extended attributes of a file that a step left: what enters a tree, what is lost, what is
//! overlayfs's own.

use groundup_tree::Xattrs;
use rustix::fs;
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::AsFd;

/// The attributes found on one file or directory.
#[derive(Default, Debug)]
pub(crate) struct Found {
    /// Those that may enter a tree.
    pub(crate) admitted: Xattrs,
    /// The first one that says something that a tree cannot hold (an access control list, say).
    pub(crate) inadmissible: Option<CString>,
    /// Overlayfs keeps the content elsewhere: what is here is not the file.
    pub(crate) incomplete: bool,
    /// Whether the inode carries any attribute at all, labels of the host apart.
    pub(crate) marked: bool,
}

/// Reads the attributes of an open file or directory.
pub(crate) fn read_xattrs(file: impl AsFd) -> Result<Found, Errno> {
    let mut found = Found::default();
    for name in names(&file)? {
        let bytes = name.to_bytes();
        let own = [&b"trusted.overlay."[..], b"user.overlay."];
        if let Some(rest) = own.iter().find_map(|prefix| bytes.strip_prefix(*prefix)) {
            found.incomplete |= matches!(rest, b"metacopy" | b"redirect" | b"whiteout");
            found.marked = true;
            continue;
        }
        let says_something = bytes.starts_with(b"user.")
            || bytes == b"security.capability"
            || bytes.starts_with(b"system.posix_acl_");
        if !says_something {
            // Labels of the host (`security.selinux`, `security.ima`, `trusted.*`).
            continue;
        }
        found.marked = true;
        let Some(value) = value(&file, &name)? else { continue };
        let value = if bytes == b"security.capability" { capability_v2(value) } else { value };
        if !found.admitted.insert(bytes, &value) && found.inadmissible.is_none() {
            found.inadmissible = Some(name);
        }
    }
    Ok(found)
}

/// Version 3 of `struct vfs_cap_data` is version 2 and the user id that is root in the namespace
/// where it was set; seen from inside that namespace, as a tree sees it, it is version 2.
fn capability_v2(mut value: Vec<u8>) -> Vec<u8> {
    if value.len() == 24 && value[3] == 3 {
        value.truncate(20);
        value[3] = 2;
    }
    value
}

fn names(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let list = loop {
        let size = match fs::flistxattr_query(&file) {
            Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            other => other?,
        };
        let mut list = vec![0; size];
        match fs::flistxattr(&file, &mut list[..]) {
            Ok(size) => {
                list.truncate(size);
                break list;
            }
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error),
        }
    };
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.filter_map(|name| CString::new(name).ok()).collect();
    names.sort();
    Ok(names)
}

/// The value of an attribute; none if it went away meanwhile.
fn value(file: impl AsFd, name: &CString) -> Result<Option<Vec<u8>>, Errno> {
    loop {
        let size = match fs::fgetxattr_query(&file, name) {
            Err(Errno::NODATA) => return Ok(None),
            other => other?,
        };
        let mut value = vec![0; size];
        match fs::fgetxattr(&file, name, &mut value[..]) {
            Ok(size) => {
                value.truncate(size);
                return Ok(Some(value));
            }
            Err(Errno::NODATA) => return Ok(None),
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_of_a_namespace_is_one_of_version_2_inside_it() {
        let v3 = [vec![1, 0, 0, 3], vec![7; 16], vec![1, 2, 3, 4]].concat();
        let v2 = capability_v2(v3);
        assert!(Xattrs::admits(b"security.capability", &v2));
        assert_eq!(capability_v2(v2.clone()), v2);
    }
}
