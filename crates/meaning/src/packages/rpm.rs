//! rpm: the headers of its database, in each of the three forms that it has had.

use super::{Checksum, Package, Packages, berkeley, header::Header, ndb, sqlite};
use crate::{Finding, encoding, root::Files, unread::Unread};

/// The blobs of a database, each a header.
type Blobs = Result<Vec<Vec<u8>>, Unread>;
/// Reads them.
type Read = fn(&[u8]) -> Blobs;

/// Folders and names of databases, and who reads them: since 4.16 sqlite, SUSE's ndb, before that
/// Berkeley DB.
const FOLDERS: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"];
const FORMS: &[(&str, Read)] =
    &[("rpmdb.sqlite", sqlite::blobs), ("Packages.db", ndb::blobs), ("Packages", berkeley::blobs)];

/// The first database that is there, and its headers.
fn database(files: &dyn Files) -> Option<(String, Blobs)> {
    let (path, bytes, read) = first(files)?;
    Some((path, read(&bytes)))
}

fn first(files: &dyn Files) -> Option<(String, Vec<u8>, Read)> {
    let places = FOLDERS.iter().flat_map(|folder| FORMS.iter().map(move |form| (folder, form)));
    let mut there = places.filter_map(|(folder, (name, read))| {
        let path = format!("{folder}/{name}");
        files.read(&path).map(|bytes| (path, bytes, *read))
    });
    there.next()
}

/// The path of the first database that is there.
pub(super) fn place(files: &dyn Files) -> Option<String> {
    first(files).map(|(path, ..)| path)
}

pub(super) fn read(files: &dyn Files, packages: &mut Packages) {
    let Some((path, blobs)) = database(files) else { return };
    if files.read(&format!("{path}-wal")).is_some_and(|log| !log.is_empty()) {
        let why = "its log holds changes that are not read; packages may be out of date";
        packages.problems.push(Finding::not_compared(format!("{path}-wal"), why));
    }
    match blobs {
        Ok(blobs) => {
            packages.all.extend(blobs.iter().filter_map(|blob| Header::read(blob)?.package()));
            packages.read.insert(path);
        }
        Err(error) => packages.problems.push(Finding::not_compared(path, error)),
    }
}

/// The files of all packages: path, package, digest.
pub(super) fn files(files: &dyn Files) -> Vec<(String, String, Option<Checksum>)> {
    let Some((_, Ok(blobs))) = database(files) else { return Vec::new() };
    let mut found = Vec::new();
    for header in blobs.iter().filter_map(|blob| Header::read(blob)) {
        let Some(Package { name, .. }) = header.package() else { continue };
        for (path, digest) in header.files() {
            let digest = encoding::hex::<32>(&digest)
                .map(Checksum::Sha256)
                .or_else(|| encoding::hex::<16>(&digest).map(Checksum::Md5));
            found.push((path, name.clone(), digest));
        }
    }
    found
}
