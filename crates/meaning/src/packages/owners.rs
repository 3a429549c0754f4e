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
    let mut owners = Owners { found: BTreeMap::new(), merged: merged(files) };
    dpkg(files, &mut owners);
    conffiles(files, &mut owners);
    for path in apk::DATABASES {
        if let Some(text) = files.read(path) {
            installed(&String::from_utf8_lossy(&text), &mut owners);
            break;
        }
    }
    for (path, package, checksum) in rpm::files(files) {
        owners.add(&path, &package, checksum);
    }
    owners.found
}

/// Top folders that are links into `/usr`.
fn merged(files: &dyn Files) -> Vec<&'static str> {
    let into_usr = |name: &&str| {
        let target = files.link(name);
        target.is_some_and(|target| target.trim_start_matches('/') == format!("usr/{name}"))
    };
    ["bin", "sbin", "lib", "lib32", "lib64", "libx32"].into_iter().filter(into_usr).collect()
}

struct Owners {
    found: BTreeMap<String, Owned>,
    merged: Vec<&'static str>,
}

impl Owners {
    fn path(&self, path: &str) -> String {
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let top = path.split('/').next().unwrap_or_default();
        match self.merged.contains(&top) {
            true => format!("usr/{path}"),
            false => path.to_owned(),
        }
    }

    fn add(&mut self, path: &str, package: &str, checksum: Option<Checksum>) {
        let path = self.path(path);
        if path.is_empty() || path == "." {
            return;
        }
        let owned = self.found.entry(path);
        let owned = owned.or_insert_with(|| Owned { package: package.to_owned(), checksum: None });
        if checksum.is_some() {
            owned.checksum = checksum;
        }
    }
}

/// `info/NAME.list` and `NAME.md5sums`; images without dpkg have only the latter, in `status.d`.
fn dpkg(files: &dyn Files, owners: &mut Owners) {
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/status.d"] {
        let paths = files.below(folder);
        for path in &paths {
            let name = path.rsplit('/').next().unwrap_or_default();
            let Some((stem, end)) = name.rsplit_once('.') else { continue };
            let package = stem.split_once(':').map_or(stem, |(name, _)| name);
            if !matches!(end, "list" | "md5sums") {
                continue;
            }
            let Some(text) = files.read(path) else { continue };
            for line in String::from_utf8_lossy(&text).lines() {
                match end {
                    "list" => owners.add(line, package, None),
                    _ => {
                        let Some((digest, path)) = line.split_once(char::is_whitespace) else {
                            continue;
                        };
                        let digest = encoding::hex::<16>(digest).map(Checksum::Md5);
                        owners.add(path.trim_start(), package, digest);
                    }
                }
            }
        }
    }
}

/// Files of configuration: `Conffiles` of the status file has what they held when they were installed.
fn conffiles(files: &dyn Files, owners: &mut Owners) {
    let Some(status) = files.read("var/lib/dpkg/status") else { return };
    for paragraph in paragraphs(&String::from_utf8_lossy(&status)) {
        let package = field(&paragraph, "Package").to_owned();
        for line in field(&paragraph, "Conffiles").lines() {
            let mut words = line.split_whitespace();
            if let (Some(path), Some(digest), None) = (words.next(), words.next(), words.next()) {
                owners.add(path, &package, encoding::hex::<16>(digest).map(Checksum::Md5));
            }
        }
    }
}

/// Lines `P:` name a package, `F:` a folder, `R:` a file in it, `Z:` its digest.
fn installed(text: &str, owners: &mut Owners) {
    let (mut package, mut folder, mut last) = ("", "", String::new());
    for line in text.lines() {
        match line.split_once(':') {
            Some(("P", name)) => (package, folder) = (name, ""),
            Some(("F", path)) => folder = path,
            Some(("R", name)) => {
                last = format!("{folder}/{name}");
                owners.add(&last, package, None);
            }
            Some(("Z", digest)) => {
                let digest = digest.strip_prefix("Q1").and_then(encoding::base64);
                let digest = digest.and_then(|bytes| bytes.try_into().ok()).map(Checksum::Sha1);
                owners.add(&last, package, digest);
            }
            _ => {}
        }
    }
}
