//! The `Sources` index: which files make up a source package.

use super::{
    deb822::{self, Deb822Error, Stanza},
    packages::is_relative,
    version::{Version, VersionError},
};
use groundup_digest::Sha256;
use std::collections::BTreeMap;

/// The source packages of one component.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    packages: BTreeMap<String, Vec<SourcePackage>>,
}

/// One version of a source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its files, the `.dsc` first, then by name.
    pub files: Vec<SourceFile>,
    /// The binary packages that it builds.
    pub binaries: Vec<String>,
    /// The text of its `Build-Depends` field.
    pub build_depends: String,
}

/// One file of a source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// Its path below the root of the archive.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
}

/// Why a `Sources` index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// It is not in the control-file format.
    #[error("the index is not a control file")]
    Form(#[from] Deb822Error),
    /// A version is malformed.
    #[error("line {line}: source package `{package}`: bad version")]
    Version {
        /// The first line of the stanza.
        line: usize,
        /// The package.
        package: String,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
    /// A file list is malformed or lacks the `.dsc`.
    #[error("line {line}: source package `{package}`: expected {expected} in `Checksums-Sha256`")]
    Files {
        /// The first line of the stanza.
        line: usize,
        /// The package.
        package: String,
        /// What should stand there.
        expected: &'static str,
    },
}

impl Sources {
    /// Reads the text of a `Sources` file.
    pub fn parse(text: &[u8]) -> Result<Self, SourcesError> {
        let mut packages: BTreeMap<String, Vec<SourcePackage>> = BTreeMap::new();
        for stanza in deb822::stanzas(text)? {
            let stanza = stanza?;
            // Kept only for the licences of other packages; not offered by apt either.
            if !stanza.says_yes("Extra-Source-Only") {
                let package = package(&stanza)?;
                packages.entry(package.name.clone()).or_default().push(package);
            }
        }
        for versions in packages.values_mut() {
            versions.sort_by(|a, b| b.version.cmp(&a.version));
        }
        Ok(Self { packages })
    }

    /// The named version of a source package, or the highest.
    pub fn find(&self, name: &str, version: Option<&Version>) -> Option<&SourcePackage> {
        let versions = self.packages.get(name)?;
        match version {
            None => versions.first(),
            Some(version) => versions.iter().find(|package| package.version == *version),
        }
    }

    /// The versions of a source package, the highest first.
    pub fn versions(&self, name: &str) -> &[SourcePackage] {
        self.packages.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of all source packages, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }
}

fn package(stanza: &Stanza<'_>) -> Result<SourcePackage, SourcesError> {
    let name = stanza.require("Package")?;
    let line = stanza.line();
    let version = stanza.require("Version")?.parse().map_err(|source| SourcesError::Version {
        line,
        package: name.to_owned(),
        source,
    })?;
    let bad = |expected| SourcesError::Files { line, package: name.to_owned(), expected };
    let directory = stanza.require("Directory")?;
    let mut files = Vec::new();
    for text in stanza.require("Checksums-Sha256")?.lines() {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [digest, size, file] = words.as_slice() else {
            if words.is_empty() {
                continue;
            }
            return Err(bad("lines of digest, size and name"));
        };
        let path =
            if directory == "." { (*file).to_owned() } else { format!("{directory}/{file}") };
        if file.contains('/') || !is_relative(&path) {
            return Err(bad("plain file names"));
        }
        files.push(SourceFile {
            name: (*file).to_owned(),
            path,
            size: size.parse().map_err(|_| bad("sizes in bytes"))?,
            sha256: digest.parse().map_err(|_| bad("64 hexadecimal digits"))?,
        });
    }
    let is_dsc = |file: &SourceFile| file.name.ends_with(".dsc");
    if files.iter().filter(|file| is_dsc(file)).count() != 1 {
        return Err(bad("exactly one .dsc file"));
    }
    files.sort_by(|a, b| (!is_dsc(a), &a.name).cmp(&(!is_dsc(b), &b.name)));
    let binaries = stanza.get("Binary").unwrap_or("").split([',', '\n']);
    Ok(SourcePackage {
        name: name.to_owned(),
        version,
        files,
        binaries: binaries.map(|word| word.trim_ascii().to_owned()).collect(),
        build_depends: stanza.get("Build-Depends").unwrap_or("").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(version: &str, files: &str) -> String {
        format!(
            "Package: a\nBinary: a, a-dev\nVersion: {version}\nDirectory: pool/main/a/a\n\
             Checksums-Sha256:\n{files}\n"
        )
    }

    #[test]
    fn a_source_package_names_its_dsc_first_and_the_highest_version_wins() {
        let sum = Sha256::of(b"");
        let files =
            format!(" {sum} 3 a_1.orig.tar.xz\n {sum} 1 a_1.dsc\n {sum} 2 a_1.debian.tar.xz\n");
        let text = format!("{}\n{}", stanza("1-1", &files), stanza("1-2", &files));
        let sources = Sources::parse(text.as_bytes()).unwrap();
        let best = sources.find("a", None).unwrap();
        assert_eq!(best.version.as_str(), "1-2");
        let names: Vec<_> = best.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a_1.dsc", "a_1.debian.tar.xz", "a_1.orig.tar.xz"]);
        assert_eq!(best.files[0].path, "pool/main/a/a/a_1.dsc");
        assert_eq!(best.binaries, ["a", "a-dev"]);
        let older = "1-1".parse().unwrap();
        assert_eq!(sources.find("a", Some(&older)).unwrap().version, older);
        assert!(sources.find("b", None).is_none());
    }

    #[test]
    fn file_lists_that_leave_their_directory_or_lack_the_dsc_are_refused() {
        let sum = Sha256::of(b"");
        for (files, expected) in [
            (format!(" {sum} 1 ../a.dsc\n"), "plain file names"),
            (format!(" {sum} 1 a.tar\n"), "exactly one .dsc file"),
            (format!(" {sum} one a.dsc\n"), "sizes in bytes"),
            (" 12 1 a.dsc\n".to_owned(), "64 hexadecimal digits"),
            (" 12 1\n".to_owned(), "lines of digest, size and name"),
        ] {
            match Sources::parse(stanza("1", &files).as_bytes()) {
                Err(SourcesError::Files { expected: found, .. }) => assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
