//! Unpacking layers and archives of strangers into a tree as a value, by the rules of OCI
//! ([`Squash`](crate::Squash)).
//!
//! Nothing touches a file system: a device is an entry. What a tree cannot hold is an error, except extended
//! attributes that no tree takes in (`security.selinux`, `trusted.*`): these are listed.

use crate::{
    Objects,
    squash::{Place, Squash, Whiteouts},
    tar_reader::{ReadTarError, TarEntry, TarReader},
};
use groundup_tree::{
    Device, Expansion, FileTree, Kind, LinkError, Meta, Mode, NameError, Node, PathError,
    TreeError, TreePath, Xattrs,
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    io::{self, Read},
    rc::Rc,
};
use tar::EntryType;

/// How much an archive may hold; one that holds more is refused, so that a bomb ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Entries of all layers together.
    pub entries: u64,
    /// Uncompressed bytes of all layers together.
    pub bytes: u64,
    /// Bytes of all paths, targets of symbolic links and extended attributes together, as they are
    /// kept in memory ([`Squash::new`](crate::Squash::new)); names of attributes that are left out
    /// count with their paths.
    pub names: u64,
    /// How far compressed bytes may unpack.
    pub expansion: Expansion,
}

impl Default for UnpackLimits {
    /// Two million entries, 64 GiB, 256 MiB of names.
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            bytes: 64 << 30,
            names: 256 << 20,
            expansion: Expansion::default(),
        }
    }
}

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The tar stream is damaged or refused.
    #[error("the archive cannot be read")]
    Tar(#[from] ReadTarError),
    /// The stream broke off or could not be decompressed.
    #[error("the compressed archive cannot be read")]
    Read(#[source] io::Error),
    /// A name escapes the tree or is no name.
    #[error("an entry has a path that no tree can hold")]
    Path(#[from] PathError),
    /// A symbolic link in the way leads through something that is no name.
    #[error("{path} cannot be resolved")]
    Name {
        /// The entry's path.
        path: TreePath,
        /// What is wrong.
        #[source]
        source: NameError,
    },
    /// Symbolic links in the way lead in a circle.
    #[error("{0} cannot be resolved: over 40 symbolic links are in the way")]
    LinkLoop(TreePath),
    /// The tree would become invalid.
    #[error("an entry cannot stand where it is put")]
    Tree(#[from] TreeError),
    /// A hard link's target is missing or a directory.
    #[error("{path} cannot be a hard link")]
    Link {
        /// The entry's path.
        path: TreePath,
        /// What is wrong.
        #[source]
        source: LinkError,
    },
    /// An entry of a kind that no tree holds.
    #[error("{path} has the unknown kind {kind:?}")]
    Kind {
        /// The entry's path.
        path: TreePath,
        /// The type flag of the header.
        kind: char,
    },
    /// A mode, an owner or a device number is no number that fits.
    #[error("{path}: its {field} is out of range")]
    Field {
        /// The entry's path.
        path: TreePath,
        /// Which field.
        field: &'static str,
    },
    /// The entry of the root is no directory.
    #[error("an entry of the archive replaces the root by something that is no directory")]
    Root,
    /// There are more entries than the limit.
    #[error("the archive has over {0} entries, which is the limit")]
    TooManyEntries(u64),
    /// There are more bytes than the limit.
    #[error("the archive unpacks to over {0} bytes, which is the limit")]
    TooLarge(u64),
    /// Paths and attributes are longer than the limit.
    #[error("the paths and attributes of the archive take over {0} bytes, which is the limit")]
    Names(u64),
    /// To find out where entries belong would take too long.
    #[error(
        "to place the entries of the archive, over {0} bytes of paths have to be looked through, which is the limit"
    )]
    Work(u64),
    /// The store could not take a file.
    #[error("cannot put the content of {path} into the store")]
    Store {
        /// The entry's path.
        path: TreePath,
        /// What the store said.
        #[source]
        source: io::Error,
    },
}

/// Unpacks archives one over the other.
pub(crate) struct Unpacker<'a> {
    objects: &'a dyn Objects,
    limits: UnpackLimits,
    squash: Squash,
    ignored: BTreeSet<String>,
}

/// What unpacking gave.
pub(crate) struct Unpacked {
    pub(crate) tree: FileTree,
    /// `PATH: NAME` of each extended attribute that was left out.
    pub(crate) ignored: BTreeSet<String>,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(
        objects: &'a dyn Objects,
        limits: UnpackLimits,
        whiteouts: Whiteouts,
    ) -> Self {
        let squash = Squash::new(whiteouts, limits.names);
        Self { objects, limits, squash, ignored: BTreeSet::new() }
    }

    pub(crate) fn finish(self) -> Unpacked {
        Unpacked { tree: self.squash.finish(), ignored: self.ignored }
    }

    /// Unpacks one archive over what is there, and reads `input` to its end.
    pub(crate) fn unpack(&mut self, input: impl Read) -> Result<(), UnpackError> {
        let mut capped = Capped { input, left: self.limits.bytes, exceeded: false };
        let result = self.entries(&mut capped);
        if capped.exceeded {
            return Err(UnpackError::TooLarge(self.limits.bytes));
        }
        self.limits.bytes = capped.left;
        result
    }

    fn entries(&mut self, input: &mut impl Read) -> Result<(), UnpackError> {
        let mut reader = TarReader::new(input);
        self.squash.next_layer();
        let mut left = self.limits.entries;
        while let Some(entry) = reader.next()? {
            left = left.checked_sub(1).ok_or(UnpackError::TooManyEntries(self.limits.entries))?;
            match self.squash.place(&entry.path)? {
                Place::Root => self.root(&entry)?,
                Place::At(path) => self.put(path, &entry, &mut reader)?,
                Place::Done => {}
            }
        }
        self.limits.entries = left;
        reader.drain().map_err(UnpackError::Read)
    }

    fn root(&mut self, entry: &TarEntry) -> Result<(), UnpackError> {
        if !entry.header.entry_type().is_dir() {
            return Err(UnpackError::Root);
        }
        let meta = self.meta(&TreePath::root(), entry)?;
        self.squash.root(Node { meta, kind: Kind::Directory })
    }

    fn put(
        &mut self,
        path: TreePath,
        entry: &TarEntry,
        reader: &mut TarReader<impl Read>,
    ) -> Result<(), UnpackError> {
        let kind = match entry.header.entry_type() {
            EntryType::Link => return self.squash.link(path, &entry.link),
            EntryType::Regular | EntryType::Continuous if !is_old_directory(entry) => {
                self.content(&path, reader)?
            }
            EntryType::Directory | EntryType::Regular => Kind::Directory,
            EntryType::Symlink => Kind::Symlink { target: entry.link.clone().into() },
            EntryType::Fifo => Kind::Fifo,
            EntryType::Char => Kind::CharDevice(device(&path, entry)?),
            EntryType::Block => Kind::BlockDevice(device(&path, entry)?),
            other => {
                let kind = char::from(other.as_byte());
                return Err(UnpackError::Kind { path, kind });
            }
        };
        let mut meta = self.meta(&path, entry)?;
        if matches!(kind, Kind::Symlink { .. }) {
            meta.mode = Mode::from_bits(0o777);
        }
        self.squash.node(path, Node { meta, kind })
    }

    fn content(
        &mut self,
        path: &TreePath,
        reader: &mut TarReader<impl Read>,
    ) -> Result<Kind, UnpackError> {
        let failed = |source| UnpackError::Store { path: path.clone(), source };
        let mut sink = self.objects.blob_writer().map_err(failed)?;
        let mut content = reader.content();
        let mut buffer = [0; 1 << 16];
        loop {
            let count = match content.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(UnpackError::Read)?,
            };
            if count == 0 {
                break;
            }
            sink.write_all(&buffer[..count]).map_err(failed)?;
        }
        let content = sink.finish().map_err(failed)?;
        Ok(Kind::File { blob: content.blob, size: content.size })
    }

    fn meta(&mut self, path: &TreePath, entry: &TarEntry) -> Result<Meta, UnpackError> {
        let field = |field| UnpackError::Field { path: path.clone(), field };
        let mode = entry.header.mode().map_err(|_| field("mode"))?;
        let uid = u32::try_from(entry.uid).map_err(|_| field("owner"))?;
        let gid = u32::try_from(entry.gid).map_err(|_| field("group"))?;
        let mut xattrs = Xattrs::none();
        for (name, value) in &entry.xattrs {
            if !xattrs.insert(name, value) {
                self.squash.spend(path.as_bytes().len() + name.len())?;
                self.ignored.insert(format!("{path}: {}", String::from_utf8_lossy(name)));
            }
        }
        Ok(Meta { mode: Mode::from_bits(mode), uid, gid, xattrs })
    }
}

/// Archives of before 1988 mark a directory by the slash alone.
fn is_old_directory(entry: &TarEntry) -> bool {
    entry.path.ends_with(b"/") && entry.size == 0
}

fn device(path: &TreePath, entry: &TarEntry) -> Result<Device, UnpackError> {
    let field = || UnpackError::Field { path: path.clone(), field: "device number" };
    let number = |number: io::Result<Option<u32>>| number.ok().flatten().ok_or_else(field);
    Ok(Device {
        major: number(entry.header.device_major())?,
        minor: number(entry.header.device_minor())?,
    })
}

/// Fails once more than `left` bytes were read.
struct Capped<R> {
    input: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.exceeded = true;
                return Err(io::Error::other("over the limit"));
            }
        }
        Ok(count)
    }
}

/// Reads gzip, zstd or plain bytes, told apart by how they begin; what unpacks further than allowed
/// ends in an error.
pub(crate) fn decompress<'a>(
    input: impl Read + 'a,
    expansion: Expansion,
) -> io::Result<Box<dyn Read + 'a>> {
    let packed = Rc::new(Cell::new(0));
    let mut input = Counted { input, packed: packed.clone() };
    let mut start = Vec::new();
    (&mut input).take(4).read_to_end(&mut start)?;
    let is_gzip = start.starts_with(&[0x1f, 0x8b]);
    let is_zstd = start == [0x28, 0xb5, 0x2f, 0xfd];
    let input = io::BufReader::with_capacity(1 << 16, io::Cursor::new(start).chain(input));
    let output: Box<dyn Read + 'a> = match (is_gzip, is_zstd) {
        (true, _) => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        (_, true) => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        _ => return Ok(Box::new(input)),
    };
    Ok(Box::new(Measured { output, packed, unpacked: 0, expansion }))
}

/// Counts what goes into a decoder.
struct Counted<R> {
    input: R,
    packed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.packed.set(self.packed.get() + count as u64);
        Ok(count)
    }
}

/// Ends when more comes out of a decoder than the expansion allows.
struct Measured<'a> {
    output: Box<dyn Read + 'a>,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    expansion: Expansion,
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.output.read(buffer)?;
        self.unpacked += count as u64;
        self.expansion.check(self.packed.get(), self.unpacked).map_err(io::Error::other)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        objects::memory::Memory,
        sample::{self, path},
        tar_writer::{RootEntry, write_tar},
    };
    use tar::{Builder, Header};

    /// An entry of a made-up archive: name, kind, target or content.
    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, text) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            let content = if is_link { "" } else { text };
            if is_link {
                header.as_gnu_mut().unwrap().linkname[..text.len()]
                    .copy_from_slice(text.as_bytes());
            }
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpack(layers: &[Vec<u8>], limits: UnpackLimits) -> Result<FileTree, UnpackError> {
        let memory = Memory::default();
        let mut unpacker = Unpacker::new(&memory, limits, Whiteouts::Apply);
        for layer in layers {
            unpacker
                .unpack(decompress(&layer[..], limits.expansion).map_err(UnpackError::Read)?)?;
        }
        Ok(unpacker.finish().tree)
    }

    fn names(layers: &[Vec<u8>]) -> Vec<String> {
        let tree = unpack(layers, UnpackLimits::default()).unwrap();
        tree.iter().skip(1).map(|(path, _)| path.to_string()).collect()
    }

    fn error(entries: &[(&str, EntryType, &str)]) -> UnpackError {
        unpack(&[archive(entries)], UnpackLimits::default()).unwrap_err()
    }

    use EntryType::{Directory as Dir, Link, Regular as File, Symlink};

    #[test]
    fn what_our_encoder_writes_comes_back_equal() {
        let mut tar = Vec::new();
        write_tar(&sample::tree(), &[], RootEntry::Write, sample::open, &mut tar).unwrap();
        assert_eq!(unpack(&[tar], UnpackLimits::default()).unwrap(), sample::tree());
    }

    #[test]
    fn whiteouts_hide_lower_layers_only_wherever_they_stand() {
        let lower =
            archive(&[("d/", Dir, ""), ("d/a", File, "1"), ("d/b", File, "2"), ("e", File, "")]);
        let upper = archive(&[
            ("d/b", File, "3"),
            ("d/.wh.b", File, ""),
            ("d/.wh.a", File, ""),
            (".wh.e", File, ""),
        ]);
        assert_eq!(names(&[lower.clone(), upper]), ["/d", "/d/b"]);
        let opaque = archive(&[("d/c/x", File, "3"), ("d/.wh..wh..opq", File, "")]);
        assert_eq!(names(&[lower.clone(), opaque]), ["/d", "/d/c", "/d/c/x", "/e"]);
        let book_keeping = archive(&[(".wh..wh.plnk", File, ""), (".wh.never-there", File, "")]);
        assert_eq!(names(&[lower, book_keeping]).len(), 4);
    }

    #[test]
    fn a_file_replaces_a_directory_and_the_other_way_round() {
        let lower = archive(&[("d/a", File, "1"), ("f", File, "2")]);
        let upper = archive(&[("d", File, "1"), ("f/x", File, "")]);
        assert!(matches!(
            unpack(&[lower.clone(), upper], UnpackLimits::default()),
            Err(UnpackError::Tree(_))
        ));
        let upper = archive(&[("d", File, "1"), ("f/", Dir, ""), ("f/x", File, "")]);
        assert_eq!(names(&[lower, upper]), ["/d", "/f", "/f/x"]);
    }

    #[test]
    fn links_in_the_way_are_followed_inside_the_tree() {
        let lower = archive(&[("usr/bin/", Dir, ""), ("bin", Symlink, "../../usr/./bin")]);
        let upper = archive(&[("bin/sh", File, ""), ("bin/.wh.none", File, "")]);
        assert_eq!(names(&[lower, upper]), ["/bin", "/usr", "/usr/bin", "/usr/bin/sh"]);
        let circle = error(&[("a", Symlink, "b"), ("b", Symlink, "/a"), ("a/x", File, "")]);
        assert!(matches!(circle, UnpackError::LinkLoop(_)));
    }

    #[test]
    fn hard_links_reach_lower_layers_and_end_when_one_is_replaced() {
        let lower = archive(&[("a", File, "1")]);
        let middle = archive(&[("b", Link, "./a"), ("c", Link, "/b")]);
        let tree = unpack(&[lower.clone(), middle.clone()], UnpackLimits::default()).unwrap();
        assert_eq!(tree.links().sets(), [[&path("a"), &path("b"), &path("c")]]);
        let upper = archive(&[("a", File, "2")]);
        let tree = unpack(&[lower, middle, upper], UnpackLimits::default()).unwrap();
        assert_eq!(tree.links().sets(), [[&path("b"), &path("c")]]);
    }

    #[test]
    fn rejects_paths_that_escape() {
        assert!(matches!(error(&[("../x", File, "")]), UnpackError::Path(_)));
        assert!(matches!(error(&[("a/../../x", File, "")]), UnpackError::Path(_)));
        assert!(matches!(error(&[("x", Link, "../../etc/passwd")]), UnpackError::Path(_)));
        assert!(matches!(error(&[("./", File, "")]), UnpackError::Root));
        assert_eq!(names(&[archive(&[("/etc/x", File, "")])]), ["/etc", "/etc/x"]);
    }

    #[test]
    fn rejects_hard_links_to_nothing_and_to_directories() {
        assert!(matches!(error(&[("x", Link, "y")]), UnpackError::Link { .. }));
        assert!(matches!(error(&[("d/", Dir, ""), ("x", Link, "d")]), UnpackError::Link { .. }));
        assert!(matches!(error(&[("x", Symlink, "")]), UnpackError::Tree(_)));
    }

    #[test]
    fn rejects_unknown_kinds_and_sparse_files() {
        let unknown = error(&[("x", EntryType::new(b'Z'), "")]);
        assert!(matches!(unknown, UnpackError::Kind { kind: 'Z', .. }));
        let sparse = error(&[("x", EntryType::GNUSparse, "")]);
        assert!(matches!(sparse, UnpackError::Tar(ReadTarError::Sparse { entry: 1 })));
        let pax = [("p", EntryType::XHeader, "22 GNU.sparse.major=1\n"), ("x", File, "")];
        assert!(matches!(error(&pax), UnpackError::Tar(ReadTarError::Sparse { .. })));
    }

    #[test]
    fn rejects_damaged_headers_records_and_ends() {
        let mut damaged = archive(&[("x", File, "")]);
        damaged[0] = b'y';
        let result = unpack(&[damaged], UnpackLimits::default());
        assert!(matches!(result, Err(UnpackError::Tar(ReadTarError::Header { entry: 1 }))));
        for record in ["5 a=b\n", "99 a=b\n", "x", "6 a b\n", "0 a=b\n", "-1 a=\n", "3 a=b\n"] {
            let pax = error(&[("p", EntryType::XHeader, record), ("x", File, "")]);
            assert!(matches!(pax, UnpackError::Tar(ReadTarError::Pax { .. })), "{record:?}: {pax}");
        }
        let whole = archive(&[("x", File, "content")]);
        for end in [100, 515] {
            let result = unpack(&[whole[..end].to_vec()], UnpackLimits::default());
            assert!(result.is_err(), "cut at {end}");
        }
    }

    #[test]
    fn bombs_end_at_the_limits() {
        let zeros = "0".repeat(3 << 20);
        let long = error(&[("p", EntryType::XHeader, &zeros)]);
        assert!(matches!(long, UnpackError::Tar(ReadTarError::Extension { .. })));
        let limits = UnpackLimits { entries: 10, bytes: 1 << 20, ..UnpackLimits::default() };
        let large = archive(&[("x", File, &zeros)]);
        let packed = zstd::encode_all(&large[..], 3).unwrap();
        assert!(matches!(unpack(&[packed], limits), Err(UnpackError::TooLarge(_))));
        let half = archive(&[("x", File, &zeros[..600_000])]);
        assert!(matches!(unpack(&[half.clone(), half], limits), Err(UnpackError::TooLarge(_))));
        let many = archive(&[("x", File, ""); 11]);
        assert!(matches!(unpack(&[many], limits), Err(UnpackError::TooManyEntries(10))));
    }
}
