//! The `Packages` index of one archive component and architecture, held compactly in memory.
//!
//! Of 50 MB of text only the fields that resolving and locking need are kept, in one buffer. Every
//! relation, version and digest is checked when the index is parsed, so later readers cannot fail.

use super::{
    deb822::{self, Deb822Error, Stanza},
    relation::{RelationError, Relations, relations},
    version::{Version, VersionError},
};
use groundup_digest::Sha256;
use std::{ops::Range, str::FromStr};

/// The packages of one index, in the order of its text.
#[derive(Debug, Clone)]
pub struct Index {
    text: String,
    entries: Vec<Entry>,
    preference: Preference,
}

/// How much candidates of an archive are preferred; apt's priorities without user pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Preference {
    /// `NotAutomatic: yes` (experimental): if nothing else has the package.
    NotAutomatic,
    /// With `ButAutomaticUpgrades: yes` too (backports): before those, after any other archive.
    ButAutomaticUpgrades,
    /// Any other archive: the highest version wins.
    #[default]
    Ordinary,
}

/// A relation field of a binary package, in the order in which apt reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `Pre-Depends`
    PreDepends,
    /// `Depends`
    Depends,
    /// `Conflicts`
    Conflicts,
    /// `Breaks`
    Breaks,
    /// `Recommends`
    Recommends,
    /// `Suggests`
    Suggests,
    /// `Replaces`
    Replaces,
    /// `Enhances`
    Enhances,
    /// `Provides`
    Provides,
}

/// The `Priority` field; the first is the most needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// No such field; apt ranks it before all others.
    Unstated,
    /// `required`
    Required,
    /// `important`
    Important,
    /// `standard`
    Standard,
    /// `optional`
    Optional,
    /// `extra`, or an unknown word
    Extra,
}

/// The `Multi-Arch` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MultiArch {
    /// `no`, or no such field
    No,
    /// `same`
    Same,
    /// `foreign`
    Foreign,
    /// `allowed`
    Allowed,
}

/// One package of an index.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    index: &'a Index,
    entry: &'a Entry,
}

#[derive(Debug, Clone)]
struct Entry {
    name: Span,
    version: Span,
    architecture: Span,
    source: Span,
    filename: Span,
    relations: [Span; Field::ALL.len()],
    size: u64,
    sha256: Sha256,
    priority: Priority,
    multi_arch: MultiArch,
    essential: bool,
    protected: bool,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not in the control-file format.
    #[error("the index is not a control file")]
    Form(#[from] Deb822Error),
    /// It has more text than the format of this index in memory allows.
    #[error("the index is larger than 4 GiB")]
    TooLarge,
    /// A relation cannot be read.
    #[error("line {line}: package `{package}`: bad `{}` field", field.name())]
    Relation {
        /// The first line of the stanza.
        line: usize,
        /// The package.
        package: String,
        /// The field.
        field: Field,
        /// What is wrong with it.
        #[source]
        source: RelationError,
    },
    /// A version is malformed.
    #[error("line {line}: package `{package}`: bad version")]
    Version {
        /// The first line of the stanza.
        line: usize,
        /// The package.
        package: String,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
    /// Another field has a value that it may not have.
    #[error("line {line}: package `{package}`: `{field}: {value}` is not {expected}")]
    Value {
        /// The first line of the stanza.
        line: usize,
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl Field {
    /// All of them, in apt's order of reading.
    pub const ALL: [Self; 9] = [
        Self::PreDepends,
        Self::Depends,
        Self::Conflicts,
        Self::Breaks,
        Self::Recommends,
        Self::Suggests,
        Self::Replaces,
        Self::Enhances,
        Self::Provides,
    ];

    /// The name in control files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Conflicts => "Conflicts",
            Self::Breaks => "Breaks",
            Self::Recommends => "Recommends",
            Self::Suggests => "Suggests",
            Self::Replaces => "Replaces",
            Self::Enhances => "Enhances",
            Self::Provides => "Provides",
        }
    }
}

impl Index {
    /// Reads the text of a `Packages` file.
    pub fn parse(text: &[u8]) -> Result<Self, IndexError> {
        let mut index =
            Self { text: String::new(), entries: Vec::new(), preference: Preference::Ordinary };
        for stanza in deb822::stanzas(text)? {
            let entry = index.entry(&stanza?)?;
            index.entries.push(entry);
        }
        index.text.shrink_to_fit();
        Ok(index)
    }

    /// The same index of an archive that is preferred so.
    pub fn with_preference(self, preference: Preference) -> Self {
        Self { preference, ..self }
    }

    /// How much candidates from here are preferred.
    pub fn preference(&self) -> Preference {
        self.preference
    }

    /// The number of packages.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no package.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The packages, in the order of the text.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> {
        self.entries.iter().map(|entry| Package { index: self, entry })
    }

    /// The package at a place in the text, from 0.
    pub fn package(&self, place: usize) -> Option<Package<'_>> {
        self.entries.get(place).map(|entry| Package { index: self, entry })
    }

    fn keep(&mut self, text: Option<&str>) -> Result<Span, IndexError> {
        let text = text.unwrap_or("");
        let start = u32::try_from(self.text.len()).map_err(|_| IndexError::TooLarge)?;
        let length = u32::try_from(text.len()).map_err(|_| IndexError::TooLarge)?;
        self.text.push_str(text);
        Ok(Span { start, length })
    }

    fn entry(&mut self, stanza: &Stanza<'_>) -> Result<Entry, IndexError> {
        let line = stanza.line();
        let name = stanza.require("Package")?;
        let package = || name.to_owned();
        let bad = |field, value: &str, expected| {
            let value = value.to_owned();
            IndexError::Value { line, package: package(), field, value, expected }
        };
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
        if name.is_empty() || !name.bytes().all(named) {
            return Err(bad("Package", name, "a package name"));
        }
        let version = stanza.require("Version")?;
        Version::from_str(version).map_err(|source| {
            let package = package();
            IndexError::Version { line, package, source }
        })?;
        let filename = stanza.require("Filename")?;
        if !is_relative(filename) {
            return Err(bad("Filename", filename, "a path inside the archive"));
        }
        let size = stanza.require("Size")?;
        let sha256 = stanza.require("SHA256")?;
        let mut spans = [Span { start: 0, length: 0 }; Field::ALL.len()];
        for (span, field) in spans.iter_mut().zip(Field::ALL) {
            let value = stanza.get(field.name());
            for relation in relations(value.unwrap_or("")) {
                relation.map_err(|source| {
                    let package = package();
                    IndexError::Relation { line, package, field, source }
                })?;
            }
            *span = self.keep(value)?;
        }
        Ok(Entry {
            name: self.keep(Some(name))?,
            version: self.keep(Some(version))?,
            architecture: self.keep(Some(stanza.require("Architecture")?))?,
            source: self.keep(stanza.get("Source"))?,
            filename: self.keep(Some(filename))?,
            relations: spans,
            size: size.parse().map_err(|_| bad("Size", size, "a number of bytes"))?,
            sha256: sha256.parse().map_err(|_| bad("SHA256", sha256, "64 hexadecimal digits"))?,
            priority: priority(stanza.get("Priority")),
            multi_arch: multi_arch(stanza.get("Multi-Arch")),
            essential: stanza.says_yes("Essential"),
            protected: stanza.says_yes("Protected") || stanza.says_yes("Important"),
        })
    }
}

impl<'a> Package<'a> {
    fn text(&self, span: Span) -> &'a str {
        let start = span.start as usize;
        &self.index.text[Range { start, end: start + span.length as usize }]
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.text(self.entry.name)
    }

    /// Its version.
    pub fn version(&self) -> &'a str {
        self.text(self.entry.version)
    }

    /// Its architecture, or `all`.
    pub fn architecture(&self) -> &'a str {
        self.text(self.entry.architecture)
    }

    /// The name and version of the source package that it was built from.
    pub fn source(&self) -> (&'a str, &'a str) {
        let source = self.text(self.entry.source);
        match source.split_once('(') {
            Some((name, version)) => {
                (name.trim_ascii(), version.trim_end_matches(')').trim_ascii())
            }
            None if source.is_empty() => (self.name(), self.version()),
            None => (source, self.version()),
        }
    }

    /// The path of the `.deb` below the root of the archive.
    pub fn filename(&self) -> &'a str {
        self.text(self.entry.filename)
    }

    /// The size of the `.deb` in bytes.
    pub fn size(&self) -> u64 {
        self.entry.size
    }

    /// The SHA-256 of the `.deb`.
    pub fn sha256(&self) -> Sha256 {
        self.entry.sha256
    }

    /// Its `Priority`.
    pub fn priority(&self) -> Priority {
        self.entry.priority
    }

    /// Its `Multi-Arch`.
    pub fn multi_arch(&self) -> MultiArch {
        self.entry.multi_arch
    }

    /// Whether it says `Essential: yes`.
    pub fn is_essential(&self) -> bool {
        self.entry.essential
    }

    /// Whether it says `Protected: yes` (or `Important: yes`, the older name).
    pub fn is_protected(&self) -> bool {
        self.entry.protected
    }

    /// How much its archive is preferred.
    pub fn preference(&self) -> Preference {
        self.index.preference
    }

    /// The text of a relation field; empty if there is none.
    pub fn field(&self, field: Field) -> &'a str {
        self.text(self.entry.relations[field as usize])
    }

    /// The relations of a field; none of them is an error, since parsing the index checked them.
    pub fn relations(&self, field: Field) -> Relations<'a> {
        relations(self.field(field))
    }
}

/// Whether a path stays inside the archive that names it.
pub(super) fn is_relative(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn priority(word: Option<&str>) -> Priority {
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("required") => Priority::Required,
        Some("important") => Priority::Important,
        Some("standard") => Priority::Standard,
        Some("optional") => Priority::Optional,
        Some(_) => Priority::Extra,
        None => Priority::Unstated,
    }
}

fn multi_arch(word: Option<&str>) -> MultiArch {
    match word {
        Some("same") => MultiArch::Same,
        Some("foreign") => MultiArch::Foreign,
        Some("allowed") => MultiArch::Allowed,
        _ => MultiArch::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    fn stanza(extra: &str) -> String {
        format!(
            "Package: aa\nVersion: 1:2-3\nArchitecture: amd64\nFilename: pool/a/aa.deb\nSize: 7\n\
             SHA256: {ZEROS}\n{extra}\n"
        )
    }

    #[test]
    fn a_package_keeps_what_resolving_needs() {
        let text = stanza(
            "Source: src (5)\nDepends: b (>= 1) | c\nPriority: required\nMulti-Arch: same\n\
             Essential: yes\nDescription: not kept\n",
        );
        let index = Index::parse(text.as_bytes()).unwrap();
        let package = index.package(0).unwrap();
        assert_eq!((package.name(), package.version(), package.size()), ("aa", "1:2-3", 7));
        assert_eq!(package.source(), ("src", "5"));
        assert_eq!(package.relations(Field::Depends).count(), 2);
        assert_eq!(package.relations(Field::Breaks).count(), 0);
        assert_eq!(
            (package.priority(), package.multi_arch()),
            (Priority::Required, MultiArch::Same)
        );
        assert!(package.is_essential() && !package.is_protected());
        assert!(!index.text.contains("not kept"));
    }

    #[test]
    fn bad_values_name_the_line_and_the_package() {
        let text = format!("{}\n{}", stanza(""), stanza("Depends: b (>= \n"));
        let error = Index::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 9: package `aa`: bad `Depends` field");
        let outside = stanza("").replace("pool/a", "../a");
        assert!(matches!(
            Index::parse(outside.as_bytes()),
            Err(IndexError::Value { field: "Filename", .. })
        ));
        let unsized_package = stanza("").replace("Size: 7", "Size: seven");
        assert!(matches!(
            Index::parse(unsized_package.as_bytes()),
            Err(IndexError::Value { field: "Size", .. })
        ));
    }
}
