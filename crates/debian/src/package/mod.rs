//! One `.deb` as a tree, read in process.
//!
//! A `.deb` is an `ar` archive of three members in this order (`deb(5)`): `debian-binary` (format
//! 2.x), `control.tar*` (what the package says of itself, and its scripts) and `data.tar*` (its
//! files). Both archives become trees, with names, types, modes, owners, hard links and bytes as
//! `dpkg-deb --fsys-tarfile` gives them; a directory that the archive does not list is root-owned
//! with mode 0755. Nothing is held in memory but small files, and nothing is taken on trust: what
//! hostile bytes could do is listed in [`TarError`], and [`Limits`] bounds their growth.

mod ar;
pub mod changelog;
mod compression;
mod contents;
mod tar;

pub use ar::ArError;
pub(crate) use compression::{Compression, Resources};
pub use contents::{Contents, Forgotten, PutError};
pub use tar::TarError;
pub(crate) use tar::{Ownership, TarRules, read_tar};

use ar::Ar;
use groundup_digest::{BlobId, TreeId};
use groundup_store::{Store, StoreError};
use groundup_tree::{Expansion, FileTree};
use std::io::Read;

/// The two trees of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unpacked {
    /// The package's files.
    pub data: TreeId,
    /// `control`, `md5sums`, `conffiles`, `triggers` and the maintainer scripts.
    pub control: TreeId,
}

/// Members smaller than this are decompressed by one thread: packages are unpacked side by side.
const WORTH_THREADS: u64 = 16 << 20;

/// Bounds on what unpacking one archive may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Entries of one tar archive.
    pub entries: u64,
    /// Bytes of one tar archive when decompressed.
    pub bytes: u64,
    /// Bytes of the paths, link targets and extended attributes of one tar archive, directories
    /// that only paths imply included.
    pub names: u64,
    /// Bytes of memory that a decompressor may use.
    pub memory: u64,
    /// Threads that a decompressor may use.
    pub threads: u32,
    /// How far compressed bytes may unpack.
    pub expansion: Expansion,
}

impl Limits {
    pub(crate) fn resources(self) -> Resources {
        Resources { memory: self.memory, threads: self.threads, expansion: self.expansion }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            bytes: 64 << 30,
            names: 256 << 20,
            memory: 1 << 30,
            threads: 2,
            expansion: Expansion::default(),
        }
    }
}

/// Why a `.deb` cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The store does not give the `.deb`, or does not take a tree.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The outer archive is malformed.
    #[error("the .deb is not an ar archive as it should be")]
    Ar(#[from] ArError),
    /// A member is missing, or another stands in its place.
    #[error("the .deb should have the member `{expected}` here, but it has {found}")]
    Member {
        /// The member that is due.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The format is newer than what we know.
    #[error("the .deb is of format {0}, only 2.x is known")]
    Format(String),
    /// The compression of a member is unknown.
    #[error("the member `{0}` has an unknown compression")]
    Compression(String),
    /// A member's tar stream is refused.
    #[error("cannot unpack the member `{member}`")]
    Tar {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: TarError,
    },
}

/// Unpacks the `.deb` whose bytes are `deb`, with the default limits.
pub fn unpack(store: &Store, deb: BlobId) -> Result<Unpacked, UnpackError> {
    unpack_within(store, deb, Limits::default())
}

/// Unpacks the `.deb` whose bytes are `deb`.
pub fn unpack_within(store: &Store, deb: BlobId, limits: Limits) -> Result<Unpacked, UnpackError> {
    let parts = read_deb(store.open_blob(deb)?, store, limits)?;
    Ok(Unpacked { data: store.put_tree(&parts.data)?, control: store.put_tree(&parts.control)? })
}

/// The two trees of a package as values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts {
    /// The package's files.
    pub data: FileTree,
    /// What the package says of itself, and its scripts.
    pub control: FileTree,
}

/// Reads a `.deb`; the contents of its files go to `contents`.
pub fn read_deb(
    deb: impl Read + Send,
    contents: &dyn Contents,
    limits: Limits,
) -> Result<Parts, UnpackError> {
    let mut ar = Ar::open(deb)?;
    expect_member(&mut ar, "debian-binary")?;
    let mut format = String::new();
    (&mut ar).take(64).read_to_string(&mut format).map_err(ArError::Read)?;
    if !format.starts_with("2.") || !format.ends_with('\n') {
        return Err(UnpackError::Format(format.trim_end().to_owned()));
    }
    let control = unpack_member(contents, &mut ar, "control.tar", limits)?;
    let data = unpack_member(contents, &mut ar, "data.tar", limits)?;
    if let Some((found, _)) = ar.next_member()? {
        return Err(UnpackError::Member { expected: "(end)", found: format!("`{found}`") });
    }
    Ok(Parts { data, control })
}

/// Goes to the next member whose name starts with `expected`; gives its name and size.
///
/// Members whose names start with an underscore are skipped, as `deb(5)` demands.
fn expect_member<R: Read>(
    ar: &mut Ar<R>,
    expected: &'static str,
) -> Result<(String, u64), UnpackError> {
    loop {
        match ar.next_member()? {
            Some((name, _)) if name.starts_with('_') && expected != "debian-binary" => {}
            Some((name, size)) if name.starts_with(expected) => return Ok((name, size)),
            Some((name, _)) => {
                return Err(UnpackError::Member { expected, found: format!("`{name}`") });
            }
            None => {
                return Err(UnpackError::Member { expected, found: "no further one".to_owned() });
            }
        }
    }
}

fn unpack_member<R: Read + Send>(
    contents: &dyn Contents,
    ar: &mut Ar<R>,
    expected: &'static str,
    limits: Limits,
) -> Result<FileTree, UnpackError> {
    let (member, size) = expect_member(ar, expected)?;
    let compression = match &member[expected.len()..] {
        "" | ".gz" | ".xz" | ".zst" | ".bz2" | ".lzma" => Compression::of_name(&member),
        _ => return Err(UnpackError::Compression(member)),
    };
    let failed = |source| UnpackError::Tar { member: member.clone(), source };
    let threads = if size < WORTH_THREADS { 1 } else { limits.threads };
    let resources = Resources { threads, ..limits.resources() };
    let input = compression.open(&mut *ar, resources);
    let input = input.map_err(|error| failed(TarError::Read(error)))?;
    let rules = TarRules { limits, ownership: Ownership::Kept, strip: 0 };
    read_tar(contents, input, rules).map_err(failed)
}
