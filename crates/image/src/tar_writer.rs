//! The tar encoder, frozen: a tree as POSIX ustar with PAX records, byte for byte the same always.
//!
//! Entries stand in walk order, whiteouts among them as empty files `.wh.NAME`. Owners are numbers
//! (names are empty), every time is [`FILE_TIME`], files are never sparse, hard links are link
//! entries to the first path of their set. What ustar cannot hold (names over 100 bytes, large
//! numbers, extended attributes) goes to a PAX header of sorted records before the entry.
//! `docs/formats/layers.md` has the bytes.

use groundup_digest::BlobId;
use groundup_tree::{Device, FILE_TIME, FileTree, Kind, Meta, Node, TreePath};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};
use tar::{EntryType, Header};

/// What file names of whiteouts begin with (OCI image spec, layer.md).
pub(crate) const WHITEOUT: &[u8] = b".wh.";
/// The largest number of 11 octal digits: sizes in a ustar header.
const MAX_SIZE: u64 = 0o77_777_777_777;
/// The largest number of 7 octal digits: owners and device numbers in a ustar header.
const MAX_ID: u32 = 0o7_777_777;

/// How many bytes of a file are read at a time.
const BUFFER: usize = 256 << 10;

/// Whether the root of the tree has an entry `./` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootEntry {
    /// As in layers, where its metadata counts.
    Write,
    /// As in archives of files.
    Omit,
}

/// Why a tree cannot be written as tar.
#[derive(Debug, thiserror::Error)]
pub enum WriteTarError {
    /// The name of a file would be read as a whiteout.
    #[error("{0} cannot stand in a layer: names that begin with `.wh.` mean deletions there")]
    WhiteoutName(TreePath),
    /// The name of a deleted path has no room for the prefix of a whiteout.
    #[error("the deletion of {0} cannot stand in a layer: with `.wh.` its name is over 255 bytes")]
    LongWhiteout(TreePath),
    /// The name of an extended attribute cannot stand in a PAX record.
    #[error(
        "{path}: the extended attribute {name:?} cannot stand in a tar: PAX keys are UTF-8 without `=`"
    )]
    XattrName {
        /// The file.
        path: TreePath,
        /// The attribute.
        name: String,
    },
    /// A device number does not fit.
    #[error("{path}: the device number {}:{} does not fit a tar header", device.major, device.minor)]
    Device {
        /// The device.
        path: TreePath,
        /// Its number.
        device: Device,
    },
    /// The content of a file could not be read, or is not what its id says.
    #[error("cannot read the content of {path}")]
    Content {
        /// The file.
        path: TreePath,
        /// What reading said.
        #[source]
        source: io::Error,
    },
    /// The content of a file is shorter or longer than the tree says.
    #[error("the content of {path} has not the {expected} bytes that the tree says")]
    Size {
        /// The file.
        path: TreePath,
        /// The size in the tree.
        expected: u64,
    },
    /// The sink refused bytes.
    #[error("cannot write the tar stream")]
    Write(#[from] io::Error),
}

/// Writes `tree` to `out` with deletions of `deleted` paths, and gives the number of entries.
///
/// `open` gives the content of a blob, which it checks while it is read to its end.
pub fn write_tar<R: Read>(
    tree: &FileTree,
    deleted: &[TreePath],
    root: RootEntry,
    mut open: impl FnMut(BlobId) -> io::Result<R>,
    out: &mut impl Write,
) -> Result<u64, WriteTarError> {
    let mut entries: BTreeMap<TreePath, Option<&Node>> =
        tree.iter().map(|(path, node)| (path.clone(), Some(node))).collect();
    if root == RootEntry::Omit {
        entries.remove(&TreePath::root());
    }
    // In an archive of files a name is only a name.
    let is_whiteout =
        |path: &TreePath| path.name().is_some_and(|n| n.as_bytes().starts_with(WHITEOUT));
    if let Some(path) = entries.keys().find(|path| root == RootEntry::Write && is_whiteout(path)) {
        return Err(WriteTarError::WhiteoutName(path.clone()));
    }
    for path in deleted {
        entries.insert(whiteout(path)?, None);
    }
    // One for all files: most are much smaller.
    let mut buffer = vec![0; BUFFER];
    for (path, node) in &entries {
        let Some(node) = node else {
            let meta = Meta::root_owned(0o644);
            write_entry(
                out,
                path,
                EntryType::Regular,
                &meta,
                0,
                None,
                Device { major: 0, minor: 0 },
            )?;
            continue;
        };
        match tree.links().first(path).filter(|first| *first != path) {
            Some(first) => write_link(out, path, node, first)?,
            None => write_node(out, path, node, &mut open, &mut buffer)?,
        }
    }
    // The end of the archive: two empty blocks.
    out.write_all(&[0; 1024])?;
    Ok(entries.len() as u64)
}

fn whiteout(path: &TreePath) -> Result<TreePath, WriteTarError> {
    let error = || WriteTarError::LongWhiteout(path.clone());
    let name = path.name().ok_or_else(error)?;
    let name = [WHITEOUT, name.as_bytes()].concat();
    let name = groundup_tree::Name::new(&name).map_err(|_| error())?;
    Ok(path.parent().unwrap_or_default().join(&name))
}

const NO_DEVICE: Device = Device { major: 0, minor: 0 };

/// A further path of a set of hard links: no content and no attributes, the inode has them.
fn write_link(
    out: &mut impl Write,
    path: &TreePath,
    node: &Node,
    first: &TreePath,
) -> Result<(), WriteTarError> {
    let meta = Meta { xattrs: Default::default(), ..node.meta.clone() };
    let target = Some(first.as_bytes());
    write_entry(out, path, EntryType::Link, &meta, 0, target, NO_DEVICE)
}

fn write_node<R: Read>(
    out: &mut impl Write,
    path: &TreePath,
    node: &Node,
    open: &mut impl FnMut(BlobId) -> io::Result<R>,
    buffer: &mut [u8],
) -> Result<(), WriteTarError> {
    let mut entry =
        |kind, size, target, device| write_entry(out, path, kind, &node.meta, size, target, device);
    match &node.kind {
        Kind::Directory => entry(EntryType::Directory, 0, None, NO_DEVICE),
        Kind::Symlink { target } => entry(EntryType::Symlink, 0, Some(target), NO_DEVICE),
        Kind::CharDevice(device) => entry(EntryType::Char, 0, None, *device),
        Kind::BlockDevice(device) => entry(EntryType::Block, 0, None, *device),
        Kind::Fifo => entry(EntryType::Fifo, 0, None, NO_DEVICE),
        Kind::File { blob, size } => {
            entry(EntryType::Regular, *size, None, NO_DEVICE)?;
            write_content(out, path, (*blob, *size), open, buffer)
        }
    }
}

fn write_content<R: Read>(
    out: &mut impl Write,
    path: &TreePath,
    (blob, size): (BlobId, u64),
    open: &mut impl FnMut(BlobId) -> io::Result<R>,
    buffer: &mut [u8],
) -> Result<(), WriteTarError> {
    if size == 0 {
        return Ok(());
    }
    let failed = |source| WriteTarError::Content { path: path.clone(), source };
    let mut content = open(blob).map_err(failed)?;
    let mut left = size;
    loop {
        // The read after the last byte makes the source check the whole content.
        let count = match content.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(failed)?,
        };
        if count as u64 > left || (count == 0 && left > 0) {
            return Err(WriteTarError::Size { path: path.clone(), expected: size });
        }
        if count == 0 {
            return Ok(pad(out, size)?);
        }
        out.write_all(&buffer[..count])?;
        left -= count as u64;
    }
}

/// Fills up to a whole block of 512 bytes.
fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = (512 - size % 512) % 512;
    out.write_all(&[0; 512][..rest as usize])
}

fn write_entry(
    out: &mut impl Write,
    path: &TreePath,
    kind: EntryType,
    meta: &Meta,
    size: u64,
    target: Option<&[u8]>,
    device: Device,
) -> Result<(), WriteTarError> {
    let mut name = path.as_bytes().to_vec();
    if path.is_root() {
        name = b"./".to_vec();
    } else if kind == EntryType::Directory {
        name.push(b'/');
    }
    let target = target.unwrap_or_default();
    let records = pax_records(path, &name, target, meta, size)?;
    if !records.is_empty() {
        let mut header = new_header(b"PaxHeaders.0", EntryType::XHeader);
        header.set_mode(0o644);
        header.set_size(records.len() as u64);
        header.set_cksum();
        out.write_all(header.as_bytes())?;
        out.write_all(&records)?;
        pad(out, records.len() as u64)?;
    }
    let mut header = new_header(&name, kind);
    let fields = header.as_ustar_mut().expect("invariant: a ustar header was made");
    let fits = target.len().min(fields.linkname.len());
    fields.linkname[..fits].copy_from_slice(&target[..fits]);
    header.set_mode(meta.mode.bits().into());
    // A number that has a PAX record is zero here.
    header.set_uid(small_id(meta.uid).unwrap_or(0).into());
    header.set_gid(small_id(meta.gid).unwrap_or(0).into());
    header.set_size(if size > MAX_SIZE { 0 } else { size });
    if matches!(kind, EntryType::Char | EntryType::Block) {
        let error = || WriteTarError::Device { path: path.clone(), device };
        let major = small_id(device.major).ok_or_else(error)?;
        let minor = small_id(device.minor).ok_or_else(error)?;
        header.set_device_major(major)?;
        header.set_device_minor(minor)?;
    }
    header.set_cksum();
    Ok(out.write_all(header.as_bytes())?)
}

fn small_id(id: u32) -> Option<u32> {
    (id <= MAX_ID).then_some(id)
}

/// A header with as much of the name as fits, a kind and the file time.
fn new_header(name: &[u8], kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    let fields = header.as_ustar_mut().expect("invariant: a ustar header was made");
    let fits = name.len().min(fields.name.len());
    fields.name[..fits].copy_from_slice(&name[..fits]);
    header.set_entry_type(kind);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(FILE_TIME as u64);
    header
}

fn pax_records(
    path: &TreePath,
    name: &[u8],
    target: &[u8],
    meta: &Meta,
    size: u64,
) -> Result<Vec<u8>, WriteTarError> {
    let mut records: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut put = |key: &[u8], value: Vec<u8>| records.insert(key.into(), value);
    if name.len() > 100 {
        put(b"path", name.into());
    }
    if target.len() > 100 {
        put(b"linkpath", target.into());
    }
    if size > MAX_SIZE {
        put(b"size", size.to_string().into());
    }
    for (key, id) in [("uid", meta.uid), ("gid", meta.gid)] {
        if small_id(id).is_none() {
            put(key.as_bytes(), id.to_string().into());
        }
    }
    for (name, value) in meta.xattrs.iter() {
        if name.contains(&b'=') || std::str::from_utf8(name).is_err() {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(WriteTarError::XattrName { path: path.clone(), name });
        }
        put(&[b"SCHILY.xattr.", name].concat(), value.into());
    }
    Ok(records.iter().flat_map(|(key, value)| pax_record(key, value)).collect())
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::sample;
    use groundup_digest::Sha256;
    use groundup_tree::Xattrs;

    fn tar_of(tree: &FileTree, deleted: &[TreePath]) -> Result<Vec<u8>, WriteTarError> {
        let mut out = Vec::new();
        write_tar(tree, deleted, RootEntry::Write, sample::open, &mut out)?;
        Ok(out)
    }

    #[test]
    fn bytes_are_pinned() {
        let deleted = [sample::path("etc/gone"), sample::path("opt")];
        let tar = tar_of(&sample::tree(), &deleted).unwrap();
        assert_eq!(tar.len() % 512, 0);
        assert_eq!(
            Sha256::of(&tar).to_string(),
            "5c70c329c3620eeb151c0e02ea5ff53e60c47b5c1171406bfb1231da6d22c5a2"
        );
    }

    #[test]
    fn the_tar_crate_reads_what_is_written() {
        let tar = tar_of(&sample::tree(), &[sample::path("etc/gone")]).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        let mut names = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), FILE_TIME as u64);
            assert_eq!(header.username_bytes().unwrap(), b"");
            names.push(String::from_utf8_lossy(&entry.path_bytes()).into_owned());
        }
        assert_eq!(names[0], "./");
        assert!(names.contains(&"etc/.wh.gone".to_owned()));
        assert!(names.contains(&sample::LONG.to_owned()));
        assert!(
            names.is_sorted_by(|a, b| TreePath::parse(a.as_bytes()).unwrap()
                < TreePath::parse(b.as_bytes()).unwrap())
        );
    }

    #[test]
    fn rejects_names_that_mean_deletions() {
        let mut tree = FileTree::new();
        tree.insert(sample::path(".wh.x"), sample::file("")).unwrap();
        assert!(matches!(tar_of(&tree, &[]), Err(WriteTarError::WhiteoutName(_))));
        let mut out = Vec::new();
        write_tar(&tree, &[], RootEntry::Omit, sample::open, &mut out).unwrap();
        let long = sample::path(&"x".repeat(252));
        let error = tar_of(&FileTree::new(), &[long]).unwrap_err();
        assert!(matches!(error, WriteTarError::LongWhiteout(_)));
    }

    #[test]
    fn rejects_content_of_another_size() {
        for size in [1, 3] {
            let mut tree = FileTree::new();
            tree.insert(sample::path("x"), Node::file(BlobId::of(b"ab"), size, 0o644)).unwrap();
            let mut out = Vec::new();
            let result = write_tar(&tree, &[], RootEntry::Write, |_| Ok(&b"ab"[..]), &mut out);
            assert!(matches!(result, Err(WriteTarError::Size { .. })));
        }
    }

    #[test]
    fn rejects_what_a_header_cannot_hold() {
        let mut tree = FileTree::new();
        let device = Device { major: 1 << 22, minor: 0 };
        let node = Node { meta: Meta::root_owned(0o600), kind: Kind::CharDevice(device) };
        tree.insert(sample::path("x"), node).unwrap();
        assert!(matches!(tar_of(&tree, &[]), Err(WriteTarError::Device { .. })));
        let mut tree = FileTree::new();
        let mut node = sample::file("x");
        assert!(node.meta.xattrs.insert(b"user.a=b", b""));
        tree.insert(sample::path("x"), node).unwrap();
        assert!(matches!(tar_of(&tree, &[]), Err(WriteTarError::XattrName { .. })));
    }

    #[test]
    fn large_numbers_go_to_records() {
        let meta = Meta {
            mode: Meta::root_owned(0).mode,
            uid: MAX_ID + 1,
            gid: MAX_ID,
            xattrs: Xattrs::none(),
        };
        let records = pax_records(&sample::path("x"), b"x", b"", &meta, MAX_SIZE + 1).unwrap();
        assert_eq!(records, b"19 size=8589934592\n15 uid=2097152\n");
    }

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        // POSIX pax: `30 mtime=...`; the turn from 9 to 10 and from 99 to 100 bytes.
        assert_eq!(pax_record(b"a", b"1234"), b"9 a=1234\n");
        assert_eq!(pax_record(b"a", b"12345"), b"11 a=12345\n");
        for length in 0..300 {
            let record = pax_record(b"path", &vec![b'x'; length]);
            let text = String::from_utf8(record.clone()).unwrap();
            let (digits, _) = text.split_once(' ').unwrap();
            assert_eq!(digits.parse::<usize>().unwrap(), record.len());
        }
    }
}
