//! Source packages and source archives as trees.
//!
//! [`unpack_dsc`] does what `dpkg-source -x` does for the formats `1.0`, `3.0 (native)` and
//! `3.0 (quilt)`: the upstream archives, Debian's changes over them, the patches of the series
//! applied. [`unpack_tar`] takes any compressed tar archive. The trees are normalised: all is owned
//! by root, files are 0644 or (where anyone may execute them) 0755.

mod apply;
mod patch;

pub use apply::ApplyError;
pub(crate) use apply::apply_to_bytes;
pub use patch::{Change, FilePatch, Hunk, Line, Origin, PatchError, parse_patch};

use crate::{
    archive::deb822::{self, Deb822Error},
    package::{Compression, Limits, Ownership, TarError, TarRules, read_tar},
};
use groundup_digest::{BlobId, Sha256, TreeId};
use groundup_store::{Store, StoreError};
use groundup_tree::{ClashPolicy, FileTree, Kind, Node, TreePath};
use std::io::{self, Read};

/// Why a source package or archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The store does not give or take an object.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The `.dsc` is not a control file.
    #[error("cannot read the .dsc")]
    Dsc(#[source] Deb822Error),
    /// The `.dsc` has no stanza, or a malformed field.
    #[error("the field `{0}` of the .dsc is missing or malformed")]
    Field(&'static str),
    /// A format that is not known.
    #[error(
        "source packages of format `{0}` are not supported (only 1.0, 3.0 (native), 3.0 (quilt))"
    )]
    Format(String),
    /// A file that the `.dsc` names was not given.
    #[error("the .dsc names the file {0}, which is not there")]
    MissingFile(String),
    /// A file that was given is not the one that the `.dsc` names.
    #[error(
        "{file}: expected {size} bytes with SHA-256 {sha256}, found {found_size} bytes with {found}"
    )]
    Checksum {
        /// The file.
        file: String,
        /// As the `.dsc` says.
        size: u64,
        /// As the `.dsc` says.
        sha256: Sha256,
        /// The size that it has.
        found_size: u64,
        /// The digest that it has.
        found: Sha256,
    },
    /// The format needs a file that the `.dsc` does not name.
    #[error("the .dsc names no {0}")]
    NoSuchPart(&'static str),
    /// An archive is refused.
    #[error("cannot unpack {file}")]
    Tar {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: TarError,
    },
    /// A patch cannot be read.
    #[error("cannot read the patch {patch}")]
    Patch {
        /// The patch.
        patch: String,
        /// Where and why.
        #[source]
        source: PatchError,
    },
    /// A patch does not apply.
    #[error("the patch {patch} does not apply")]
    Apply {
        /// The patch.
        patch: String,
        /// Where and why.
        #[source]
        source: ApplyError,
    },
    /// The series of patches names one that is not there, or says something unknown.
    #[error("debian/patches/series: `{0}` is no patch in debian/patches, or has an unknown option")]
    Series(String),
    /// A `.diff.gz` cannot be decompressed.
    #[error("cannot decompress {file}")]
    Decompress {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A diff is too long to be one.
    #[error("`{file}` unpacks to more than {LONGEST_DIFF} bytes, the limit for a diff")]
    LongDiff {
        /// The file.
        file: String,
    },
    /// The parts do not form a tree.
    #[error("the parts of the source package do not form a tree")]
    Tree(#[from] groundup_tree::Clash),
}

/// A `.diff.gz` that unpacks to more bytes is refused: it is read as a whole.
const LONGEST_DIFF: u64 = 256 << 20;

/// A file of a source package.
struct Part {
    name: String,
    blob: BlobId,
}

/// Unpacks the source package of a `.dsc`, whose files are given by name, with the default limits.
pub fn unpack_dsc(
    store: &Store,
    dsc: BlobId,
    files: &[(String, BlobId)],
) -> Result<TreeId, SourceError> {
    unpack_dsc_within(store, dsc, files, Limits::default())
}

/// Unpacks the source package of a `.dsc`, whose files are given by name.
pub fn unpack_dsc_within(
    store: &Store,
    dsc: BlobId,
    files: &[(String, BlobId)],
    limits: Limits,
) -> Result<TreeId, SourceError> {
    let text = store.read_blob(dsc)?;
    let Dsc { format, files: listed } = parse_dsc(&text)?;
    let parts = check_files(store, listed, files)?;
    let source = Source { store, parts, limits };
    let mut tree = match format.as_str() {
        "1.0" => source.version_one()?,
        "3.0 (native)" => source.native()?,
        "3.0 (quilt)" => source.quilt()?,
        _ => return Err(SourceError::Format(format)),
    };
    make_rules_executable(&mut tree);
    Ok(store.put_tree(&tree)?)
}

/// Unpacks a tar archive of any known compression, with the default limits; `strip` leading names
/// are cut off its paths.
pub fn unpack_tar(store: &Store, blob: BlobId, strip: usize) -> Result<TreeId, SourceError> {
    unpack_tar_within(store, blob, strip, Limits::default())
}

/// Unpacks a tar archive of any known compression; `strip` leading names are cut off its paths.
pub fn unpack_tar_within(
    store: &Store,
    blob: BlobId,
    strip: usize,
    limits: Limits,
) -> Result<TreeId, SourceError> {
    let tree = read_archive(store, blob, "the archive", strip, limits)?;
    Ok(store.put_tree(&tree)?)
}

/// Applies patches, each with its name for messages, to a tree, one after the other.
pub fn patch_tree(
    store: &Store,
    tree: TreeId,
    patches: &[(String, BlobId)],
) -> Result<TreeId, SourceError> {
    let mut tree = store.load_tree(tree)?;
    for (name, blob) in patches {
        apply_patch(store, &mut tree, name, &store.read_blob(*blob)?)?;
    }
    Ok(store.put_tree(&tree)?)
}

/// Applies one patch.
fn apply_patch(
    store: &Store,
    tree: &mut FileTree,
    name: &str,
    text: &[u8],
) -> Result<(), SourceError> {
    let patch = || name.to_owned();
    let files =
        parse_patch(text).map_err(|source| SourceError::Patch { patch: patch(), source })?;
    for file in &files {
        apply::apply(store, tree, file)
            .map_err(|source| SourceError::Apply { patch: patch(), source })?;
    }
    Ok(())
}

/// The text inside an inline signature, or all of it; the signature is checked elsewhere.
fn without_signature(text: &[u8]) -> &[u8] {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|w| w == what);
    if !text.starts_with(b"-----BEGIN PGP SIGNED MESSAGE-----") {
        return text;
    }
    let start = find(text, b"\n\n").map_or(0, |at| at + 2);
    let text = &text[start..];
    &text[..find(text, b"\n-----BEGIN PGP SIGNATURE-----").map_or(text.len(), |at| at + 1)]
}

/// What is read of a `.dsc`.
struct Dsc {
    format: String,
    files: Vec<Listed>,
}

/// A file that a `.dsc` lists.
struct Listed {
    name: String,
    size: u64,
    sha256: Sha256,
}

fn parse_dsc(text: &[u8]) -> Result<Dsc, SourceError> {
    let stanza = deb822::stanzas(without_signature(text)).map_err(SourceError::Dsc)?.next();
    let stanza = stanza.ok_or(SourceError::Field("Source"))?.map_err(SourceError::Dsc)?;
    let format = stanza.get("Format").unwrap_or("1.0").to_owned();
    let sums = stanza.get("Checksums-Sha256").ok_or(SourceError::Field("Checksums-Sha256"))?;
    let lines = sums.lines().filter(|line| !line.trim().is_empty());
    let files = lines.map(|line| listed(line).ok_or(SourceError::Field("Checksums-Sha256")));
    Ok(Dsc { format, files: files.collect::<Result<_, _>>()? })
}

/// A line `SHA256 SIZE NAME`; the name is that of a file in one folder.
fn listed(line: &str) -> Option<Listed> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [sha256, size, name] = words[..] else { return None };
    let plain = !name.contains('/') && !matches!(name, "." | "..");
    let (sha256, size) = (sha256.parse().ok()?, size.parse().ok()?);
    plain.then(|| Listed { name: name.to_owned(), size, sha256 })
}

/// The names of the files that a `.dsc` lists.
pub(crate) fn names_of_dsc(text: &[u8]) -> Result<Vec<String>, SourceError> {
    Ok(parse_dsc(text)?.files.into_iter().map(|file| file.name).collect())
}

/// Checks every file that the `.dsc` lists.
fn check_files(
    store: &Store,
    listed: Vec<Listed>,
    files: &[(String, BlobId)],
) -> Result<Vec<Part>, SourceError> {
    let mut parts = Vec::new();
    for Listed { name, size, sha256 } in listed {
        let given = files.iter().find(|(given, _)| *given == name);
        let Some((_, blob)) = given else {
            // Detached signatures of upstream are not unpacked.
            if name.ends_with(".asc") {
                continue;
            }
            return Err(SourceError::MissingFile(name));
        };
        let found = store.content_of(*blob)?;
        if (found.sha256, found.size) != (sha256, size) {
            return Err(SourceError::Checksum {
                file: name,
                size,
                sha256,
                found_size: found.size,
                found: found.sha256,
            });
        }
        parts.push(Part { name, blob: *blob });
    }
    Ok(parts)
}

struct Source<'a> {
    store: &'a Store,
    parts: Vec<Part>,
    limits: Limits,
}

impl Source<'_> {
    /// `1.0`: an upstream archive with a `.diff.gz`, or one archive alone.
    fn version_one(&self) -> Result<FileTree, SourceError> {
        let Some(diff) = self.parts.iter().find(|part| part.name.ends_with(".diff.gz")) else {
            return self.native();
        };
        let orig = self.part("upstream archive", |name| name.contains(".orig.tar."))?;
        let mut tree = self.top_of(orig)?;
        let mut text = Vec::new();
        Compression::Gzip
            .open(self.store.open_blob(diff.blob)?, self.limits.resources())
            .and_then(|input| input.take(LONGEST_DIFF + 1).read_to_end(&mut text))
            .map_err(|source| SourceError::Decompress { file: diff.name.clone(), source })?;
        if text.len() as u64 > LONGEST_DIFF {
            return Err(SourceError::LongDiff { file: diff.name.clone() });
        }
        apply_patch(self.store, &mut tree, &diff.name, &text)?;
        Ok(tree)
    }

    /// One archive with everything.
    fn native(&self) -> Result<FileTree, SourceError> {
        let all = self.part("archive", |name| name.contains(".tar.") && !name.ends_with(".asc"))?;
        self.top_of(all)
    }

    /// `3.0 (quilt)`: upstream's archives, Debian's folder over them, its patches applied.
    fn quilt(&self) -> Result<FileTree, SourceError> {
        let orig = self.part("upstream archive", |name| {
            name.contains(".orig.tar.") && !name.ends_with(".asc")
        })?;
        let mut tree = self.top_of(orig)?;
        let mut components: Vec<(&str, &Part)> =
            self.parts.iter().filter_map(|part| Some((component(&part.name)?, part))).collect();
        components.sort_by_key(|(name, _)| *name);
        for (name, part) in components {
            let inner = self.top_of(part)?;
            let at = TreePath::new(name.as_bytes()).map_err(|_| SourceError::Field("Files"))?;
            // A component takes the place of a directory that upstream's archive has.
            tree.remove(&at);
            tree.overlay(&inner, &at, ClashPolicy::Replace)?;
        }
        let debian = self.part("debian archive", |name| name.contains(".debian.tar."))?;
        let debian = read_archive(self.store, debian.blob, &debian.name, 0, self.limits)?;
        tree.remove(&path("debian"));
        tree.overlay(&debian, &TreePath::root(), ClashPolicy::Replace)?;
        for name in self.series(&tree)? {
            let place = path("debian/patches").join_path(
                &TreePath::parse(name.as_bytes()).map_err(|_| SourceError::Series(name.clone()))?,
            );
            let Some(Node { kind: Kind::File { blob, .. }, .. }) = tree.get(&place) else {
                return Err(SourceError::Series(name));
            };
            let text = self.store.read_blob(*blob)?;
            apply_patch(self.store, &mut tree, &name, &text)?;
        }
        Ok(tree)
    }

    /// The names in `debian/patches/series` (or `debian.series`), in order.
    fn series(&self, tree: &FileTree) -> Result<Vec<String>, SourceError> {
        let places = ["debian/patches/debian.series", "debian/patches/series"].map(path);
        let series = places.iter().find_map(|place| tree.get(place));
        let Some(Node { kind: Kind::File { blob, .. }, .. }) = series else {
            return Ok(Vec::new());
        };
        let text = self.store.read_blob(*blob)?;
        let mut names = Vec::new();
        for line in String::from_utf8_lossy(&text).lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            // Debian's format allows no other strip level than 1.
            if words.any(|word| word != "-p1") {
                return Err(SourceError::Series(line.to_owned()));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn part(&self, what: &'static str, is: impl Fn(&str) -> bool) -> Result<&Part, SourceError> {
        let found = self.parts.iter().find(|part| is(&part.name));
        found.ok_or(SourceError::NoSuchPart(what))
    }

    /// An upstream archive without its top directory, as `dpkg-source` takes it: the directory is
    /// cut off only if nothing stands beside it.
    fn top_of(&self, part: &Part) -> Result<FileTree, SourceError> {
        let tree = read_archive(self.store, part.blob, &part.name, 0, self.limits)?;
        let mut tops = tree.iter().filter(|(path, _)| path.names().count() == 1);
        let only = match (tops.next(), tops.next()) {
            (Some((top, node)), None) if node.is_directory() => tree.subtree(top),
            _ => None,
        };
        drop(tops);
        Ok(only.unwrap_or(tree))
    }
}

/// The component of `NAME_VERSION.orig-COMPONENT.tar.EXT`.
fn component(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once(".orig-")?;
    let (component, ending) = rest.split_once(".tar.")?;
    (!ending.ends_with(".asc")).then_some(component)
}

fn read_archive(
    store: &Store,
    blob: BlobId,
    name: &str,
    strip: usize,
    limits: Limits,
) -> Result<FileTree, SourceError> {
    let failed = |source| SourceError::Tar { file: name.to_owned(), source };
    let read_failed = |error| failed(TarError::Read(error));
    let mut reader = store.open_blob(blob)?;
    // The first bytes tell the compression better than a name does.
    let mut start = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut start).map_err(read_failed)?;
    let compression = Compression::of_content(&start);
    let input = compression.open(io::Cursor::new(start).chain(reader), limits.resources());
    let rules = TarRules { limits, ownership: Ownership::Normalised, strip };
    read_tar(store, input.map_err(read_failed)?, rules).map_err(failed)
}

/// `dpkg-source` makes `debian/rules` executable, whatever the archive says.
fn make_rules_executable(tree: &mut FileTree) {
    let rules = path("debian/rules");
    if let Some(Node { kind: Kind::File { blob, size }, .. }) = tree.get(&rules).cloned() {
        let node = Node::file(blob, size, 0o755);
        tree.insert(rules, node).expect("a file may replace a file");
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).expect("a constant path is a path")
}
