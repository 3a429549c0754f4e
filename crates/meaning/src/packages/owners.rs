//! Which package each file came from, and with which content.

use super::{apk, field, paragraphs, rpm};
use crate::{encoding, root::Files};
use std::collections::BTreeMap;

/// The digest that a package database keeps of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checksum {
    /// As in `*.md5sums` of dpkg.
    Md5([u8; 16]),
    /// As in the database of apk.
    Sha1([u8; 20]),
    /// As in that of rpm.
    Sha256([u8; 32]),
}

impl Checksum {
    /// Whether these are the bytes that it is of.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Md5(digest) => <md5::Md5 as md5::Digest>::digest(bytes).as_slice() == digest,
            Self::Sha1(digest) => <sha1::Sha1 as sha1::Digest>::digest(bytes).as_slice() == digest,
            Self::Sha256(digest) => {
                <sha2::Sha256 as sha2::Digest>::digest(bytes).as_slice() == digest
            }
        }
    }
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The package.
    pub package: String,
    /// What the file held when the package was built, if its database says so; a file of another
    /// content was edited away from its package.
    pub checksum: Option<Checksum>,
}

/// The package of each file of a root, by path without a slash in front. Where `/lib` and the like are
/// links into `/usr`, paths are those below `usr`.
pub fn owners(files: &dyn Files) -> BTreeMap<String, Owned> {
    let (mut found, merged): (BTreeMap<String, Owned>, _) = (BTreeMap::new(), Merged::of(files));
    for database in databases(files) {
        claims(files, &database, &mut |path, package, checksum| {
            let Some(path) = merged.path(path) else { return };
            let owned = found.entry(path);
            let owned =
                owned.or_insert_with(|| Owned { package: package.to_owned(), checksum: None });
            if checksum.is_some() {
                owned.checksum = checksum;
            }
        });
    }
    found
}

/// Top folders that are links into `/usr`.
pub(super) struct Merged(Vec<&'static str>);

impl Merged {
    pub(super) fn of(files: &dyn Files) -> Self {
        let into_usr = |name: &&str| {
            let target = files.link(name);
            target.is_some_and(|target| target.trim_start_matches('/') == format!("usr/{name}"))
        };
        let tops = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
        Self(tops.into_iter().filter(into_usr).collect())
    }

    /// A path as a database writes it, as it is in the root.
    pub(super) fn path(&self, path: &str) -> Option<String> {
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let top = path.split('/').next().unwrap_or_default();
        match path {
            "" | "." => None,
            _ if self.0.contains(&top) => Some(format!("usr/{path}")),
            _ => Some(path.to_owned()),
        }
    }
}

/// The databases of a root that say whose a file is.
pub(super) fn databases(files: &dyn Files) -> Vec<String> {
    let folders = ["var/lib/dpkg/info", "var/lib/dpkg/status.d"];
    let mut found: Vec<String> = folders.iter().flat_map(|folder| files.below(folder)).collect();
    found.retain(|path| path.ends_with(LIST) || path.ends_with(SUMS));
    found.push(STATUS.to_owned());
    found.extend(
        apk::DATABASES.iter().find(|path| files.read(path).is_some()).map(ToString::to_string),
    );
    found.extend(rpm::place(files));
    found
}

/// The ends of the names of dpkg's lists, the first without checksums.
pub(super) const LIST: &str = ".list";
pub(super) const SUMS: &str = ".md5sums";
const STATUS: &str = "var/lib/dpkg/status";

/// Who takes what a database says of a file: path, package, checksum.
pub(super) type Take<'a> = dyn FnMut(&str, &str, Option<Checksum>) + 'a;

/// Gives what one of the databases says of each file.
pub(super) fn claims(files: &dyn Files, database: &str, take: &mut Take<'_>) {
    let name = database.rsplit('/').next().unwrap_or_default();
    let text = || String::from_utf8_lossy(&files.read(database).unwrap_or_default()).into_owned();
    if let Some(stem) = name.strip_suffix(LIST) {
        text().lines().for_each(|path| take(path, package_of(stem), None));
    } else if let Some(stem) = name.strip_suffix(SUMS) {
        for line in text().lines() {
            if let Some((digest, path)) = line.split_once(char::is_whitespace) {
                let digest = encoding::hex::<16>(digest).map(Checksum::Md5);
                take(path.trim_start(), package_of(stem), digest);
            }
        }
    } else if database == STATUS {
        conffiles(&text(), take);
    } else if apk::DATABASES.contains(&database) {
        installed(&text(), take);
    } else {
        for (path, package, checksum) in rpm::files(files) {
            take(&path, &package, checksum);
        }
    }
}

/// Of `libc6:amd64` the name.
fn package_of(stem: &str) -> &str {
    stem.split_once(':').map_or(stem, |(name, _)| name)
}

/// Files of configuration: `Conffiles` of the status file has what they held when they were installed.
fn conffiles(status: &str, take: &mut Take<'_>) {
    for paragraph in paragraphs(status) {
        let package = field(&paragraph, "Package");
        for line in field(&paragraph, "Conffiles").lines() {
            let mut words = line.split_whitespace();
            if let (Some(path), Some(digest), None) = (words.next(), words.next(), words.next()) {
                take(path, package, encoding::hex::<16>(digest).map(Checksum::Md5));
            }
        }
    }
}

/// Lines `P:` name a package, `F:` a folder, `R:` a file in it, `Z:` its digest.
fn installed(text: &str, take: &mut Take<'_>) {
    let (mut package, mut folder, mut last) = ("", "", String::new());
    for line in text.lines() {
        match line.split_once(':') {
            Some(("P", name)) => (package, folder) = (name, ""),
            Some(("F", path)) => folder = path,
            Some(("R", name)) => {
                last = format!("{folder}/{name}");
                take(&last, package, None);
            }
            Some(("Z", digest)) => {
                let digest = digest.strip_prefix("Q1").and_then(encoding::base64);
                let digest = digest.and_then(|bytes| bytes.try_into().ok()).map(Checksum::Sha1);
                take(&last, package, digest);
            }
            _ => {}
        }
    }
}
