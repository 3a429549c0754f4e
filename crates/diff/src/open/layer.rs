//! One layer, read once: its entries as items to be laid over others, contents hashed on the way.
//!
//! ```text
//!  plain       bytes ─ sha256 ─ tar ─ blake3                      contents stay in the layer
//!  compressed  bytes ─ sha256 ─ unpack ─ sha256 ─ tar ─ blake3    short contents are kept
//!  on both sides, plain: headers alone; contents have stand-ins
//! ```

use super::image::Layer;
use crate::{
    DiffError, World,
    world::{Held, Reading, Walked},
};
use groundup_digest::{BlobId, Sha256, Sha256Hasher};
use groundup_image::Item;
use groundup_tree::{Device, Kind, Meta, Mode, Node, Xattrs};
use groundup_unfold::{
    Entry, EntryKind, Format, Limits, Sink, UnfoldError, recognise_start, unfold, unfold_stream,
};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Name and value of an extended attribute.
pub(super) type Attribute = (Vec<u8>, Vec<u8>);

/// What a layer holds.
#[derive(Default)]
pub(super) struct Laid {
    /// In its order.
    pub(super) items: Vec<(Vec<u8>, Item)>,
    /// Attributes that no tree takes, by the number of the item.
    pub(super) attributes: BTreeMap<usize, Vec<Attribute>>,
    /// What could not be read of it, and why.
    pub(super) unread: Vec<(String, String)>,
}

/// How much is read of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of it, and its digests are compared.
    Contents,
    /// If it is not compressed, its headers alone: both sides have it.
    Headers,
}

/// What bounds all layers of a comparison together.
pub(super) struct Bounds {
    /// Bytes of names that may still come; they are in memory.
    pub(super) names: AtomicU64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { names: AtomicU64::new(512 << 20) }
    }
}

/// Reads a layer of the image that stands at `path`.
pub(super) fn read(
    world: &World<'_>,
    path: &Path,
    layer: &Layer,
    held: Held,
    depth: Depth,
    bounds: &Bounds,
) -> Result<Laid, DiffError> {
    let digest = layer.digest.oci();
    let failed = |source: io::Error| {
        let source = Box::new(source);
        DiffError::Layer { path: path.to_owned(), digest: digest.clone(), source }
    };
    let unpacked = |error: UnfoldError| failed(io::Error::other(error));
    let bytes = world.open(&held).map_err(failed)?;
    let mut start = vec![0; bytes.len().min(512) as usize];
    bytes.read_at(0, &mut start).map_err(failed)?;
    let format = match recognise_start(&start) {
        Some(format) => format,
        // Without entries.
        None if start.iter().all(|byte| *byte == 0) => Format::Tar,
        None => return Err(failed(io::Error::other("it is no archive that is known"))),
    };
    let limits = Limits::default();
    let held = Arc::new(held);
    let mut laid = Laid::default();
    let taking = |from| Taking { world, from, laid: Laid::default(), bounds };
    let differs = |expected: &Sha256, actual: Sha256| match *expected == actual {
        true => Ok(()),
        false => Err(DiffError::LayerDigest {
            path: path.to_owned(),
            digest: expected.oci(),
            actual: actual.oci(),
        }),
    };
    if !format.is_compression() {
        if depth == Depth::Headers {
            let name = *layer.digest.as_bytes();
            let mut taking = taking(From::Headers(held.clone(), name));
            unfold(format, bytes.as_ref(), &limits, &mut taking).map_err(unpacked)?;
            return Ok(taking.laid);
        }
        let mut stream = Hashed::new(Reading::new(bytes));
        let mut taking = taking(From::Plain(held.clone()));
        unfold_stream(format, &mut stream, &limits, &mut taking).map_err(unpacked)?;
        std::mem::swap(&mut laid, &mut taking.laid);
        let actual = stream.hasher.finish().0;
        differs(&layer.digest, actual)?;
        differs(&layer.diff_id, actual)?;
        return Ok(laid);
    }
    let walked = Walked::new((*held).clone(), format);
    let mut outer = Outer { taking: taking(From::Packed(walked)), diff_id: None, failed: None };
    let mut stream = Hashed::new(Reading::new(bytes));
    let ended = unfold_stream(format, &mut stream, &limits, &mut outer);
    if let Some(error) = outer.failed {
        return Err(unpacked(error));
    }
    ended.map_err(unpacked)?;
    differs(&layer.digest, stream.hasher.finish().0)?;
    differs(&layer.diff_id, outer.diff_id.unwrap_or_else(|| Sha256::of(b"")))?;
    Ok(outer.taking.laid)
}

/// A stream that is hashed.
struct Hashed<R> {
    input: R,
    hasher: Sha256Hasher,
}

impl<R: Read> Hashed<R> {
    fn new(input: R) -> Self {
        Self { input, hasher: Sha256Hasher::new() }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Takes what a compressed layer unpacks to, as it comes.
struct Outer<'a> {
    taking: Taking<'a>,
    diff_id: Option<Sha256>,
    failed: Option<UnfoldError>,
}

impl Sink for Outer<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if entry.path != b"content" {
            self.unread(&entry.path, "something follows the compressed stream");
            return Ok(());
        }
        let mut stream = Hashed::new(content);
        let limits = Limits::default();
        if let Err(error) = unfold_stream(Format::Tar, &mut stream, &limits, &mut self.taking) {
            let told = io::Error::other(error.to_string());
            self.failed = Some(error);
            return Err(told);
        }
        self.diff_id = Some(stream.hasher.finish().0);
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.taking.unread(path, why);
    }
}

/// What entries are read from.
enum From {
    Plain(Arc<Held>),
    Headers(Arc<Held>, [u8; 32]),
    Packed(Arc<Walked>),
}

struct Taking<'a> {
    world: &'a World<'a>,
    from: From,
    laid: Laid,
    bounds: &'a Bounds,
}

impl Taking<'_> {
    fn content(&self, entry: &Entry, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        match (&self.from, entry.at, &entry.kind) {
            (From::Plain(held), Some(at), _) => self.world.take_part(held, at, content),
            (From::Headers(held, name), Some(at), EntryKind::File(size)) => {
                Ok((self.world.stand_in(held, name, at, *size), *size))
            }
            (From::Packed(walked), Some(at), _) => self.world.take_packed(walked, at, content),
            _ => self.world.take(content),
        }
    }

    /// Counts what stays in memory.
    fn spend(&self, entry: &Entry) -> io::Result<()> {
        let place = size_of::<Attribute>();
        let attributes = entry.xattrs.iter().map(|it| place + it.0.len() + it.1.len());
        let target = match &entry.kind {
            EntryKind::Symlink(target) | EntryKind::HardLink(target) => target.len(),
            _ => 0,
        };
        let own = size_of::<(Vec<u8>, Item)>();
        let bytes = (own + entry.path.len() + target + attributes.sum::<usize>()) as u64;
        let left = &self.bounds.names;
        let spent =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(bytes));
        let full = "the entries of the layers take more than 512 MiB of memory";
        spent.map(drop).map_err(|_| io::Error::other(full))
    }
}

impl Sink for Taking<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        self.spend(entry)?;
        let device = |major: &u32, minor: &u32| Device { major: *major, minor: *minor };
        let kind = match &entry.kind {
            EntryKind::HardLink(target) => {
                let item = Item::Link(target.clone());
                self.laid.items.push((entry.path.clone(), item));
                return Ok(());
            }
            EntryKind::Directory => Kind::Directory,
            EntryKind::File(_) => {
                let (blob, size) = self.content(entry, content)?;
                Kind::File { blob, size }
            }
            EntryKind::Symlink(target) => Kind::Symlink { target: target.as_slice().into() },
            EntryKind::CharacterDevice(major, minor) => Kind::CharDevice(device(major, minor)),
            EntryKind::BlockDevice(major, minor) => Kind::BlockDevice(device(major, minor)),
            EntryKind::Fifo => Kind::Fifo,
            EntryKind::Socket => {
                self.unread(&entry.path, "a socket is in no tree");
                return Ok(());
            }
        };
        let mut xattrs = Xattrs::none();
        for (name, value) in &entry.xattrs {
            if !xattrs.insert(name, value) {
                let others = self.laid.attributes.entry(self.laid.items.len()).or_default();
                others.push((name.clone(), value.clone()));
            }
        }
        let mode = if let Kind::Symlink { .. } = kind { 0o777 } else { entry.mode };
        let meta = Meta { mode: Mode::from_bits(mode), uid: entry.uid, gid: entry.gid, xattrs };
        self.laid.items.push((entry.path.clone(), Item::Node(Node { meta, kind })));
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.laid.unread.push((String::from_utf8_lossy(path).into_owned(), why.to_owned()));
    }
}
