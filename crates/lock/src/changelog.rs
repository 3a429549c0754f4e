//! The changelog of a package that moved, out of its new `.deb`.

use crate::{
    LockError, Locker,
    verify::{VerifyError, member},
};
use groundup_debian::{
    archive::unpack,
    package::changelog::{Newer, newer},
};
use groundup_recipe::{
    Lock,
    lock::{FilePin, PackageId, PackageOrigin},
};
use rayon::prelude::*;

/// No changelog unpacks to more than this many bytes.
const LARGEST: u64 = 16 << 20;
/// So many packages of one source are looked into: some have their documentation in another.
const TRIES: usize = 3;

/// Packages of one source that moved alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moves {
    /// The packages, as they are now.
    pub packages: Vec<PackageId>,
    /// The version that they had.
    pub from: String,
    /// The version that they have.
    pub to: String,
}

impl Locker<'_> {
    /// What the changelogs say of each of `moves`, in that order; nothing where none of its packages
    /// carries one. The packages of `lock` are fetched as far as they are needed, the smallest first.
    pub fn changelogs(
        &self,
        lock: &Lock,
        moves: &[Moves],
    ) -> Vec<Result<Option<Newer>, LockError>> {
        moves.par_iter().map(|moves| self.changelog(lock, moves)).collect()
    }

    fn changelog(&self, lock: &Lock, moves: &Moves) -> Result<Option<Newer>, LockError> {
        let file = |id: &PackageId| Some((id.clone(), lock.packages.get(id)?.value.clone()));
        let mut files: Vec<(PackageId, FilePin)> = moves.packages.iter().filter_map(file).collect();
        files.sort_by_key(|(_, file)| file.size);
        for (id, file) in files.into_iter().take(TRIES) {
            let PackageOrigin::Archive(archive) = &id.origin else { continue };
            let what = format!("package {} {}", id.name, id.version);
            let blob = self.pinned(archive, &file, &what)?;
            let folder = format!("usr/share/doc/{}", id.name);
            let names = ["changelog.Debian.gz", "changelog.gz", "changelog.Debian", "changelog"];
            let paths = names.map(|name| format!("{folder}/{name}"));
            let unread = |source| LockError::Changelog { package: id.clone(), source };
            let found = match member(self.store, blob, &paths.each_ref().map(String::as_str)) {
                Ok(found) => found,
                Err(VerifyError::NoMember { .. }) => continue,
                Err(error) => return Err(unread(error.into())),
            };
            let bytes = self.store.read_blob(found.blob).map_err(LockError::store(&what))?;
            let text =
                unpack(&found.path, &bytes, LARGEST).map_err(|error| unread(error.into()))?;
            return Ok(Some(newer(&String::from_utf8_lossy(&text), &moves.from, &moves.to)));
        }
        Ok(None)
    }
}
