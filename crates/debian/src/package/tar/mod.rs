//! A tar stream as a tree: contents are handed on while they are read.
//!
//! The strict reader for archives that others made. Long names (GNU `L` and `K`, PAX `path` and
//! `linkpath`), owners as numbers, extended attributes (`SCHILY.xattr.`), devices, fifos and hard
//! links are read; sparse files and unknown entry types are refused, as is every path that leaves
//! the tree, comes twice (a directory may come again unchanged), or goes through a symbolic link.
//! Format: POSIX `pax`, and the GNU tar manual's appendix on the archive format.

mod extensions;

use super::{Contents, Limits, PutError};
use extensions::{Extensions, long_name, pax};
use groundup_store::{StoreError, StoredBlob};
use groundup_tree::{
    Device, FileTree, Kind, LinkError, Meta, Mode, Node, TreeError, TreePath, Xattrs,
};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    io::{self, Read},
};
use tar::{EntryType, Header};

/// Files up to this size are collected and stored together.
const SMALL_FILE: u64 = 256 << 10;
/// How many bytes of small files are collected at most.
const BATCH: usize = 16 << 20;

/// What becomes of owners and modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ownership {
    /// They are kept, owners as numbers.
    Kept,
    /// All is owned by root; directories and executables are 0755, other files 0644.
    Normalised,
}

/// How a stream is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TarRules {
    pub(crate) limits: Limits,
    pub(crate) ownership: Ownership,
    /// Leading names that are cut off every path; entries that have no more are left out.
    pub(crate) strip: usize,
}

/// Why a tar stream is not taken as a tree.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// Reading or decompressing failed, or the stream ends too early.
    #[error("cannot read the tar stream")]
    Read(#[source] io::Error),
    /// A header field does not hold what it should.
    #[error("`{path}`: the tar header has a malformed {field}")]
    Header {
        /// The entry's path as written.
        path: String,
        /// The field.
        field: &'static str,
    },
    /// The path or hard-link target leaves the tree or is no path.
    #[error("`{path}`: not a path inside the tree")]
    Path {
        /// The path as written.
        path: String,
        /// What is wrong.
        #[source]
        source: Option<groundup_tree::PathError>,
    },
    /// An entry that comes again, other than a directory that comes again unchanged.
    #[error("{0}: the path comes twice in the archive")]
    Duplicate(TreePath),
    /// An entry of a kind that trees do not have.
    #[error("`{path}`: {kind} are not supported")]
    Unsupported {
        /// The entry's path as written.
        path: String,
        /// What it is, in the plural.
        kind: String,
    },
    /// An extended attribute that may not enter a tree.
    #[error("`{path}`: the extended attribute `{name}` may not enter a tree")]
    Xattr {
        /// The entry's path as written.
        path: String,
        /// The attribute.
        name: String,
    },
    /// A hard link to a file that did not come before it.
    #[error("{path}: a hard link to {target}, which is no file earlier in the archive")]
    LinkTarget {
        /// The link.
        path: TreePath,
        /// Where it points.
        target: TreePath,
    },
    /// More entries than allowed.
    #[error("more than {0} entries")]
    TooMany(u64),
    /// More bytes than allowed.
    #[error("more than {0} bytes when unpacked")]
    TooLarge(u64),
    /// Paths, link targets and attributes that together are longer than allowed.
    #[error("the paths and attributes of the entries take more than {0} bytes")]
    Names(u64),
    /// Something other than zeros follows the end of the archive.
    #[error("bytes other than zeros follow the end of the tar archive")]
    TrailingBytes,
    /// The entries do not form a tree; a path that goes through a symbolic link is one case.
    #[error("the entries do not form a tree")]
    Tree(#[from] TreeError),
    /// Hard links that cannot be.
    #[error("the hard links do not fit")]
    Links(#[from] LinkError),
    /// The store did not take a content.
    #[error("cannot store the content of `{path}`")]
    Store {
        /// The entry's path as written.
        path: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Reads `input` to its end and gives the tree; contents are put into `contents`.
pub(crate) fn read_tar(
    contents: &dyn Contents,
    input: impl Read,
    rules: TarRules,
) -> Result<FileTree, TarError> {
    let mut archive = tar::Archive::new(Capped { input, left: rules.limits.bytes, over: false });
    let mut reader = TarReader::new(contents, rules);
    let outcome = reader.read_entries(&mut archive);
    let mut rest = archive.into_inner();
    if rest.over {
        return Err(TarError::TooLarge(rules.limits.bytes));
    }
    outcome?;
    rest.expect_zeros()?;
    reader.finish()
}

/// A stream that may not give more than a number of bytes.
struct Capped<R> {
    input: R,
    left: u64,
    over: bool,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.over = true;
                return Err(io::Error::other("the limit of unpacked bytes is reached"));
            }
        }
        Ok(read)
    }
}

impl<R: Read> Capped<R> {
    /// Reads to the end, so that checksums of the compression are checked too.
    fn expect_zeros(&mut self) -> Result<(), TarError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) if buffer[..read].iter().all(|byte| *byte == 0) => {}
                Ok(_) => return Err(TarError::TrailingBytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TarError::Read(error)),
            }
        }
    }
}

/// A small file whose content is not stored yet.
struct Pending {
    path: TreePath,
    meta: Meta,
    content: Vec<u8>,
}

struct TarReader<'a> {
    contents: &'a dyn Contents,
    rules: TarRules,
    /// Bytes that paths, targets and attributes may still take.
    names: u64,
    /// Every path seen; nothing where the content is pending.
    nodes: BTreeMap<TreePath, Option<Node>>,
    links: Vec<(TreePath, TreePath)>,
    pending: Vec<Pending>,
    pending_bytes: usize,
}

impl<'a> TarReader<'a> {
    fn new(contents: &'a dyn Contents, rules: TarRules) -> Self {
        Self {
            contents,
            rules,
            names: rules.limits.names,
            nodes: BTreeMap::new(),
            links: Vec::new(),
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    fn read_entries<R: Read>(&mut self, archive: &mut tar::Archive<R>) -> Result<(), TarError> {
        let mut extensions = Extensions::default();
        let entries = archive.entries().map_err(TarError::Read)?.raw(true);
        for (number, entry) in entries.enumerate() {
            let mut entry = entry.map_err(TarError::Read)?;
            if number as u64 >= self.rules.limits.entries {
                return Err(TarError::TooMany(self.rules.limits.entries));
            }
            let header = entry.header().clone();
            match header.entry_type() {
                EntryType::GNULongName => extensions.path = Some(long_name(&mut entry)?),
                EntryType::GNULongLink => extensions.link = Some(long_name(&mut entry)?),
                EntryType::XHeader => pax(&mut entry, &mut extensions)?,
                // A comment in archives that git makes; anything else would change all entries.
                EntryType::XGlobalHeader => {
                    let mut global = Extensions::default();
                    pax(&mut entry, &mut global)?;
                    let empty = global.path.is_none()
                        && global.link.is_none()
                        && global.size.is_none()
                        && global.xattrs.is_empty();
                    if !empty {
                        let kind = "global headers that change entries".to_owned();
                        return Err(TarError::Unsupported { path: lossy(&header), kind });
                    }
                }
                _ => self.take(&header, std::mem::take(&mut extensions), &mut entry)?,
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        header: &Header,
        extensions: Extensions,
        content: &mut impl Read,
    ) -> Result<(), TarError> {
        let written = extensions.path.clone().unwrap_or_else(|| header.path_bytes().into_owned());
        let text = String::from_utf8_lossy(&written).into_owned();
        let Some(path) = self.path(&written)? else { return skip(content) };
        let field = |field| TarError::Header { path: text.clone(), field };
        let size = header.entry_size().map_err(|_| field("size"))?;
        if extensions.size.is_some_and(|wanted| wanted != size) {
            return Err(field("size: the PAX header says another one"));
        }
        let meta = self.meta(header, &extensions, &text)?;
        let attributes = extensions.xattrs.iter().map(|(name, value)| name.len() + value.len());
        self.spend(written.len() + attributes.sum::<usize>())?;
        let link = || {
            let name = extensions.link.clone();
            name.or_else(|| header.link_name_bytes().map(|name| name.into_owned()))
                .ok_or_else(|| field("link target"))
        };
        let kind = match header.entry_type() {
            // Old archives mark a directory by a slash at the end of its name.
            EntryType::Regular if written.ends_with(b"/") => Kind::Directory,
            EntryType::Regular | EntryType::Continuous => {
                return self.take_file(path, meta, size, content, text);
            }
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => {
                let target = link()?;
                self.spend(target.len())?;
                Kind::Symlink { target: target.into() }
            }
            EntryType::Link => {
                let target = link()?;
                self.spend(target.len())?;
                let target = self.path(&target)?.ok_or_else(|| TarError::Path {
                    path: String::from_utf8_lossy(&target).into_owned(),
                    source: None,
                })?;
                return self.take_link(path, target);
            }
            EntryType::Char => Kind::CharDevice(device(header).ok_or_else(|| field("device"))?),
            EntryType::Block => Kind::BlockDevice(device(header).ok_or_else(|| field("device"))?),
            EntryType::Fifo => Kind::Fifo,
            EntryType::GNUSparse => {
                return Err(TarError::Unsupported { path: text, kind: "sparse files".to_owned() });
            }
            other => {
                let kind = format!("entries of type {:?}", char::from(other.as_byte()));
                return Err(TarError::Unsupported { path: text, kind });
            }
        };
        if size != 0 && header.entry_type() != EntryType::Regular {
            skip(content)?;
        }
        let meta = match (&kind, self.rules.ownership) {
            (Kind::Symlink { .. }, _) => Meta { mode: Mode::from_bits(0o777), ..meta },
            (Kind::Directory, Ownership::Normalised) => Meta::root_owned(0o755),
            _ => meta,
        };
        self.put(path, Node { meta, kind })
    }

    /// Counts bytes that the tree will keep beside contents: they are in memory.
    fn spend(&mut self, bytes: usize) -> Result<(), TarError> {
        let left = self.names.checked_sub(bytes as u64);
        self.names = left.ok_or(TarError::Names(self.rules.limits.names))?;
        Ok(())
    }

    /// The path as it is in the tree; none for what `strip` cuts off.
    fn path(&self, written: &[u8]) -> Result<Option<TreePath>, TarError> {
        let text = || String::from_utf8_lossy(written).into_owned();
        if written.starts_with(b"/") {
            return Err(TarError::Path { path: text(), source: None });
        }
        let path = TreePath::parse(written)
            .map_err(|source| TarError::Path { path: text(), source: Some(source) })?;
        if self.rules.strip == 0 {
            return Ok(Some(path));
        }
        let names: Vec<_> = path.names().skip(self.rules.strip).collect();
        if names.is_empty() {
            return Ok(None);
        }
        Ok(Some(TreePath::new(&names.join(&b'/')).expect("names of a path make a path")))
    }

    fn meta(&self, header: &Header, extensions: &Extensions, text: &str) -> Result<Meta, TarError> {
        let field = |field| TarError::Header { path: text.to_owned(), field };
        let mode = header.mode().map_err(|_| field("mode"))?;
        if self.rules.ownership == Ownership::Normalised {
            return Ok(Meta::root_owned(if mode & 0o111 != 0 { 0o755 } else { 0o644 }));
        }
        let number = |pax: Option<u32>, value: io::Result<u64>, name| match pax {
            Some(number) => Ok(number),
            None => {
                let value = value.ok().and_then(|value| u32::try_from(value).ok());
                value.ok_or_else(|| field(name))
            }
        };
        let mut xattrs = Xattrs::none();
        for (name, value) in &extensions.xattrs {
            if !xattrs.insert(name, value) {
                let (path, name) = (text.to_owned(), String::from_utf8_lossy(name).into_owned());
                return Err(TarError::Xattr { path, name });
            }
        }
        Ok(Meta {
            mode: Mode::from_bits(mode),
            uid: number(extensions.uid, header.uid(), "owner")?,
            gid: number(extensions.gid, header.gid(), "group")?,
            xattrs,
        })
    }

    fn take_file(
        &mut self,
        path: TreePath,
        meta: Meta,
        size: u64,
        content: &mut impl Read,
        text: String,
    ) -> Result<(), TarError> {
        if self.nodes.contains_key(&path) {
            return Err(TarError::Duplicate(path));
        }
        if size > SMALL_FILE {
            let stored = self.contents.put_stream(content).map_err(|error| match error {
                PutError::Read(error) => TarError::Read(error),
                PutError::Store(source) => TarError::Store { path: text.clone(), source },
            })?;
            if stored.size != size {
                return Err(TarError::Read(io::ErrorKind::UnexpectedEof.into()));
            }
            return self.put(path, file(stored, meta));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        content.read_to_end(&mut bytes).map_err(TarError::Read)?;
        if bytes.len() as u64 != size {
            return Err(TarError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        self.nodes.insert(path.clone(), None);
        self.pending_bytes += bytes.len();
        self.pending.push(Pending { path, meta, content: bytes });
        if self.pending_bytes >= BATCH { self.store_pending() } else { Ok(()) }
    }

    fn take_link(&mut self, path: TreePath, target: TreePath) -> Result<(), TarError> {
        let is_file = |node: &Option<Node>| node.as_ref().is_none_or(|node| !node.is_directory());
        if self.nodes.contains_key(&path) {
            return Err(TarError::Duplicate(path));
        }
        if !self.nodes.get(&target).is_some_and(is_file) {
            return Err(TarError::LinkTarget { path, target });
        }
        self.nodes.insert(path.clone(), None);
        self.links.push((path, target));
        Ok(())
    }

    fn put(&mut self, path: TreePath, node: Node) -> Result<(), TarError> {
        match self.nodes.get(&path) {
            None => {}
            Some(Some(other)) if *other == node && node.is_directory() => {}
            Some(_) => return Err(TarError::Duplicate(path)),
        }
        self.nodes.insert(path, Some(node));
        Ok(())
    }

    /// Stores the collected small files, in parallel.
    fn store_pending(&mut self) -> Result<(), TarError> {
        self.pending_bytes = 0;
        let stored = std::mem::take(&mut self.pending).into_par_iter().map(|pending| {
            let Pending { path, meta, content } = pending;
            let stored = self.contents.put(&content);
            let stored =
                stored.map_err(|source| TarError::Store { path: path.to_string(), source })?;
            Ok((path, file(stored, meta)))
        });
        let stored: Vec<_> = stored.collect::<Result<_, TarError>>()?;
        self.nodes.extend(stored.into_iter().map(|(path, node)| (path, Some(node))));
        Ok(())
    }

    fn finish(mut self) -> Result<FileTree, TarError> {
        self.store_pending()?;
        for (path, target) in &self.links {
            let node = self.nodes[target].clone();
            self.nodes.insert(path.clone(), node);
        }
        let mut tree = FileTree::new();
        for (path, node) in std::mem::take(&mut self.nodes) {
            // Directories that no entry names are made too: a bomb of deep paths ends here.
            let (before, length) = (tree.len(), path.as_bytes().len());
            tree.insert_with_parents(path, node.expect("every content was stored"))?;
            self.spend((tree.len() - before).saturating_sub(1) * length)?;
        }
        for (path, target) in self.links {
            tree.link(path, &target)?;
        }
        Ok(tree)
    }
}

fn file(content: StoredBlob, meta: Meta) -> Node {
    Node { meta, kind: Kind::File { blob: content.id, size: content.size } }
}

fn device(header: &Header) -> Option<Device> {
    let major = header.device_major().ok()??;
    let minor = header.device_minor().ok()??;
    Some(Device { major, minor })
}

fn lossy(header: &Header) -> String {
    String::from_utf8_lossy(&header.path_bytes()).into_owned()
}

fn skip(content: &mut impl Read) -> Result<(), TarError> {
    io::copy(content, &mut io::sink()).map_err(TarError::Read)?;
    Ok(())
}
