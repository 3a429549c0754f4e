//! After a run: whose each file of the root is, and what else of it is data.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use super::raw::{BASIC, Status};
use super::{Key, OwnedPath, Record, Register};

/// The file in the scratch directory that holds the records.
pub(crate) const OWNERS: &str = "owners";

/// Owners could not be found out.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub struct CollectError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The register that the launcher left in a scratch directory.
pub(crate) fn load(scratch: &Path) -> Result<Register, CollectError> {
    let path = scratch.join(OWNERS);
    let fail = |source| CollectError { doing: "reading", path: path.clone(), source };
    let bytes = fs::read(&path).map_err(fail)?;
    let rows: Vec<(Key, Record)> =
        serde_json::from_slice(&bytes).map_err(|error| fail(io::Error::other(error)))?;
    Ok(Register::from_rows(rows))
}

/// Everything in the root that a run with [`super::Ownership::Data`] left, in no promised order, with
/// its owner. Files that their owner may not read become readable, sockets are removed.
pub fn collect(scratch: &Path) -> Result<Vec<OwnedPath>, CollectError> {
    let register = load(scratch)?;
    let top = scratch.join(crate::scratch::UPPER);
    let fail =
        |source: io::Error| CollectError { doing: "looking through", path: top.clone(), source };
    let root = rustix::fs::open(&top, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let root = root.map_err(|error| fail(error.into()))?;
    let mut walk = Walk { register, found: Vec::new() };
    walk.note(&root, Vec::new()).map_err(fail)?;
    fs::set_permissions(&top, std::os::unix::fs::PermissionsExt::from_mode(0o755)).map_err(fail)?;
    let mut todo = vec![Vec::new()];
    while let Some(path) = todo.pop() {
        walk.directory(&root, &path, &mut todo).map_err(|source| CollectError {
            doing: "looking at",
            path: top.join(String::from_utf8_lossy(&path).as_ref()),
            source,
        })?;
    }
    Ok(walk.found)
}

struct Walk {
    register: Register,
    found: Vec<OwnedPath>,
}

impl Walk {
    fn directory(
        &mut self,
        root: &OwnedFd,
        path: &[u8],
        todo: &mut Vec<Vec<u8>>,
    ) -> io::Result<()> {
        let place: &[u8] = if path.is_empty() { b"." } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(root, place, flags, Mode::empty())?;
        for name in names(&dir)? {
            let mut below = path.to_vec();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(name.to_bytes());
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&dir, &name, flags, Mode::empty())?;
            let mode = Status::of(file.as_fd(), BASIC)?.mode();
            let kind = FileType::from_raw_mode(mode);
            if kind == FileType::Socket {
                rustix::fs::unlinkat(&dir, &name, AtFlags::empty())?;
                continue;
            }
            self.note(&file, below.clone())?;
            let needed = if kind == FileType::Directory { 0o700 } else { 0o600 };
            if kind != FileType::Symlink && mode & needed != needed {
                let mode = Mode::from_raw_mode(mode & 0o7777 | needed);
                rustix::fs::chmodat(&dir, &name, mode, AtFlags::empty())?;
            }
            if kind == FileType::Directory {
                todo.push(below);
            }
        }
        Ok(())
    }

    fn note(&mut self, file: &OwnedFd, path: Vec<u8>) -> io::Result<()> {
        let status = Status::of(file.as_fd(), BASIC)?;
        let none = Record::default();
        let record = self.register.of(file, &status)?.unwrap_or(&none);
        self.found.push(OwnedPath { path, owner: record.owner(status.mode()) });
        Ok(())
    }
}

fn names(dir: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
