//! A Debian archive in a folder: pool, indexes, and releases signed with a throwaway key.

use crate::{Compression, Deb, SigningKey};
use groundup_digest::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// One suite of an archive.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name, the folder in `dists/`; also suite and codename in its release.
    pub name: String,
    /// The date of its release.
    pub date: String,
    /// Until when it is valid, if it says so.
    pub valid_until: Option<String>,
    /// Its packages, with their component.
    pub packages: Vec<(String, Deb)>,
    /// More lines for its release (`Origin: …`).
    pub extra: Vec<String>,
    /// Architectures that it has, beside those of its packages.
    pub architectures: Vec<String>,
}

impl Suite {
    /// A suite without packages, for amd64.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            date: "Sat, 01 Jan 2022 12:00:00 UTC".to_owned(),
            valid_until: None,
            packages: Vec::new(),
            extra: vec!["Origin: Test".to_owned(), "Label: Test".to_owned()],
            architectures: vec!["amd64".to_owned()],
        }
    }

    /// Adds a package to the component `main`.
    pub fn package(mut self, deb: Deb) -> Self {
        self.packages.push(("main".to_owned(), deb));
        self
    }

    fn architectures(&self) -> BTreeSet<&str> {
        let of_packages = self.packages.iter().map(|(_, deb)| deb.get("Architecture"));
        let listed = self.architectures.iter().map(String::as_str);
        of_packages.chain(listed).filter(|name| *name != "all").collect()
    }

    fn components(&self) -> BTreeSet<&str> {
        let of_packages = self.packages.iter().map(|(component, _)| component.as_str());
        of_packages.chain(["main"]).collect()
    }

    /// The text of `Packages` for one component and architecture.
    fn index(&self, component: &str, architecture: &str) -> String {
        let here = self.packages.iter().filter(|(name, deb)| {
            name == component && [architecture, "all"].contains(&deb.get("Architecture"))
        });
        here.map(|(_, deb)| deb.stanza(&pool_path(component, deb)) + "\n").collect()
    }
}

fn pool_path(component: &str, deb: &Deb) -> String {
    let name = deb.get("Package");
    format!("pool/{component}/{}/{name}/{}", &name[..1], deb.file_name())
}

/// An archive to be written.
#[derive(Debug)]
pub struct Archive {
    /// The key that signs its releases.
    pub key: SigningKey,
    /// Its suites.
    pub suites: Vec<Suite>,
    /// In which forms its indexes lie there; the plain form is always listed in the release.
    pub indexes: Vec<Compression>,
}

impl Archive {
    /// An archive of one suite, with plain indexes.
    pub fn of(suite: Suite) -> Self {
        Self { key: SigningKey::new(1), suites: vec![suite], indexes: vec![Compression::NONE] }
    }

    /// Writes it all into a folder, which is what a mirror would serve.
    pub fn write(&self, folder: &Path) {
        for suite in &self.suites {
            for (component, deb) in &suite.packages {
                write(&folder.join(pool_path(component, deb)), &deb.build());
            }
            let dist = folder.join("dists").join(&suite.name);
            let listed = self.write_indexes(suite, &dist);
            let release = release(suite, &listed);
            write(&dist.join("Release"), release.as_bytes());
            write(&dist.join("InRelease"), self.key.clear_sign(&release).as_bytes());
        }
        write(&folder.join("keyring.gpg"), &self.key.keyring());
        write(&folder.join("keyring.asc"), self.key.armoured().as_bytes());
    }

    /// Writes the indexes of a suite, by name and by hash, and gives what its release lists.
    fn write_indexes(&self, suite: &Suite, dist: &Path) -> BTreeMap<String, (Sha256, usize)> {
        let mut listed = BTreeMap::new();
        for component in suite.components() {
            for architecture in suite.architectures() {
                let plain = suite.index(component, architecture).into_bytes();
                let folder = format!("{component}/binary-{architecture}");
                let name = format!("{folder}/Packages");
                listed.insert(name.clone(), (Sha256::of(&plain), plain.len()));
                for form in &self.indexes {
                    let (bytes, name) = ((form.compress)(&plain), format!("{name}{}", form.suffix));
                    let digest = Sha256::of(&bytes);
                    write(&dist.join(&name), &bytes);
                    write(&dist.join(format!("{folder}/by-hash/SHA256/{digest}")), &bytes);
                    listed.insert(name, (digest, bytes.len()));
                }
            }
        }
        listed
    }
}

fn release(suite: &Suite, listed: &BTreeMap<String, (Sha256, usize)>) -> String {
    let words = |set: BTreeSet<&str>| set.into_iter().collect::<Vec<_>>().join(" ");
    let mut lines = suite.extra.clone();
    lines.push(format!("Suite: {}", suite.name));
    lines.push(format!("Codename: {}", suite.name));
    lines.push(format!("Date: {}", suite.date));
    lines.extend(suite.valid_until.iter().map(|date| format!("Valid-Until: {date}")));
    lines.push("Acquire-By-Hash: yes".to_owned());
    lines.push(format!("Architectures: {}", words(suite.architectures())));
    lines.push(format!("Components: {}", words(suite.components())));
    lines.push("SHA256:".to_owned());
    let files = listed.iter().map(|(name, (digest, size))| format!(" {digest} {size} {name}"));
    lines.extend(files);
    lines.join("\n") + "\n"
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_from_release_to_package_holds() {
        let deb = Deb::new("tiny", "1", "all").file("usr/share/tiny", "x", 0o644);
        let archive = Archive::of(Suite::new("test").package(deb.clone()));
        let folder = tempfile::tempdir().unwrap();
        archive.write(folder.path());
        let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
        let packages = read("dists/test/main/binary-amd64/Packages");
        let signed = String::from_utf8(read("dists/test/InRelease")).unwrap();
        let line =
            format!(" {} {} main/binary-amd64/Packages\n", Sha256::of(&packages), packages.len());
        assert!(signed.contains(&line), "{signed}");
        let packages = String::from_utf8(packages).unwrap();
        let package = read("pool/main/t/tiny/tiny_1_all.deb");
        assert!(packages.contains(&format!("SHA256: {}\n", Sha256::of(&package))), "{packages}");
        assert_eq!(package, deb.build());
    }
}
