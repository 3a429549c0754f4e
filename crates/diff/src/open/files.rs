//! The files of an image, wherever they are: what names layers is read, layers themselves are not.
//!
//! A layer is known by the digest in its name until whoever reads it has hashed it.

use crate::{
    DiffError, World,
    world::{Held, OnDisk, Reading},
};
use groundup_digest::{BlobId, Content, ContentHasher, Sha256, TreeId};
use groundup_image::{BlobSink, Objects};
use groundup_tree::{FileTree, Node, TreePath};
use groundup_unfold::{Bytes, Entry, EntryKind, Format, Limits, Sink, unfold};
use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

/// Gives layers that are somewhere else, such as in a registry.
pub trait Layers: Sync {
    /// A layer of the image with this name, by its digest and size; it is in the store from then on.
    fn layer(
        &self,
        image: &str,
        digest: &Sha256,
        size: u64,
    ) -> Result<BlobId, Box<dyn Error + Send + Sync>>;
}

/// Where all layers are here.
pub struct NoLayers;

impl Layers for NoLayers {
    fn layer(&self, _: &str, _: &Sha256, _: u64) -> Result<BlobId, Box<dyn Error + Send + Sync>> {
        Err("there is no registry to ask".into())
    }
}

/// Where a file of an image is.
#[derive(Clone)]
pub(super) enum At {
    /// Here.
    Here(Held),
    /// Somewhere else.
    Away,
}

/// The files of an image.
pub(super) struct Files<'w> {
    world: &'w World<'w>,
    pub(super) tree: FileTree,
    /// By a name for each file, as no content is hashed.
    places: BTreeMap<BlobId, (TreePath, u64, At)>,
}

impl<'w> Files<'w> {
    pub(super) fn new(world: &'w World<'w>) -> Self {
        Self { world, tree: FileTree::new(), places: BTreeMap::new() }
    }

    /// Puts a file at a path.
    pub(super) fn put(&mut self, path: TreePath, size: u64, at: At) -> Result<(), String> {
        let name = BlobId::of(&[b"file: ", path.as_bytes()].concat());
        let node = Node::file(name, size, 0o644);
        self.tree.remove(&path);
        self.tree.insert_with_parents(path.clone(), node).map_err(|error| error.to_string())?;
        self.places.insert(name, (path, size, at));
        Ok(())
    }

    /// Where the file is that a [`Content`] stands for, and its size.
    pub(super) fn place(&self, id: BlobId) -> Option<(&At, u64)> {
        self.places.get(&id).map(|(_, size, at)| (at, *size))
    }

    /// All files of an image layout in a directory.
    pub(super) fn of_directory(world: &'w World<'w>, top: &Path) -> Result<Self, DiffError> {
        let mut files = Self::new(world);
        for entry in walkdir::WalkDir::new(top).max_depth(4).follow_links(true).sort_by_file_name()
        {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(top).to_owned();
                let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                DiffError::Read { path, source }
            })?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path();
            let read = |source| DiffError::Read { path: path.to_owned(), source };
            let (disk, _) = OnDisk::open_first(path).map_err(read)?;
            let inner = path.strip_prefix(top).unwrap_or(path).as_os_str().as_encoded_bytes();
            let other = |why: String| read(io::Error::other(why));
            let inner = TreePath::new(inner).map_err(|error| other(error.to_string()))?;
            let size = disk.size();
            files.put(inner, size, At::Here(Held::File(Arc::new(disk)))).map_err(other)?;
        }
        Ok(files)
    }

    /// All files of a tar archive, which stay in it.
    pub(super) fn of_archive(
        world: &'w World<'w>,
        archive: &Arc<Held>,
        bytes: &dyn Bytes,
    ) -> io::Result<Self> {
        let mut members = Members { files: Self::new(world), archive, failed: None };
        let ended = unfold(Format::Tar, bytes, &Limits::default(), &mut members);
        match (members.failed, ended) {
            (Some(why), _) => Err(io::Error::other(why)),
            (None, Err(error)) => Err(io::Error::other(error)),
            (None, Ok(())) => Ok(members.files),
        }
    }
}

/// Takes where the members of an archive stand, not what they are.
struct Members<'w, 'a> {
    files: Files<'w>,
    archive: &'a Arc<Held>,
    failed: Option<String>,
}

impl Sink for Members<'_, '_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let mut put = |files: &mut Files<'_>| -> Result<(), String> {
            let path = TreePath::new(&entry.path).map_err(|error| error.to_string())?;
            match (&entry.kind, entry.at) {
                (EntryKind::File(size), Some(at)) => {
                    let held = Held::Part(self.archive.clone(), at, *size);
                    files.put(path, *size, At::Here(held))
                }
                // One with holes.
                (EntryKind::File(size), None) => {
                    let (id, _) = files.world.take(content).map_err(|error| error.to_string())?;
                    let held = files.world.held(id);
                    files.put(path, *size, At::Here(held))
                }
                (EntryKind::Symlink(target), _) => {
                    files.tree.remove(&path);
                    let node = Node::symlink(target);
                    files.tree.insert_with_parents(path, node).map_err(|error| error.to_string())
                }
                (EntryKind::HardLink(target), _) => {
                    let target = TreePath::new(target).map_err(|error| error.to_string())?;
                    let node = files.tree.get(&target).cloned();
                    let node = node.ok_or_else(|| format!("{path} is a link to nothing"))?;
                    files.tree.insert_with_parents(path, node).map_err(|error| error.to_string())
                }
                _ => Ok(()),
            }
        };
        put(&mut self.files).map_err(|why| {
            self.failed = Some(why);
            io::ErrorKind::Other.into()
        })
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        let path = String::from_utf8_lossy(path);
        self.failed.get_or_insert_with(|| format!("{path}: {why}"));
    }
}

impl Files<'_> {
    /// Whether a file begins as JSON does.
    fn is_document(&self, id: BlobId, at: &At) -> io::Result<bool> {
        let At::Here(_) = at else { return Ok(false) };
        let mut start = Vec::new();
        self.open_blob(id)?.take(1).read_to_end(&mut start)?;
        Ok(matches!(&start[..], [b'{' | b'[' | b' ' | b'\n' | b'\t' | b'\r']))
    }

    fn bytes(&self, id: BlobId) -> io::Result<Box<dyn Bytes + '_>> {
        match self.places.get(&id) {
            Some((_, _, At::Here(held))) => self.world.open(held),
            Some((_, _, At::Away)) => Err(io::ErrorKind::NotFound.into()),
            None => self.world.bytes(id),
        }
    }
}

/// For readers of layouts: documents by their contents, layers by what they are called.
impl Objects for Files<'_> {
    fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Reading::new(self.bytes(id)?)))
    }

    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
        self.world.blob_writer()
    }

    fn content_of(&self, id: BlobId) -> io::Result<Content> {
        let Some((path, size, at)) = self.places.get(&id) else { return self.world.content_of(id) };
        let named = path.name().and_then(|name| name.to_string().parse::<Sha256>().ok());
        // Documents are hashed; whoever reads a layer hashes it.
        if let Some(sha256) = named
            && !self.is_document(id, at)?
        {
            return Ok(Content { blob: id, sha256, size: *size });
        }
        let mut hasher = ContentHasher::new();
        let mut content = self.open_blob(id)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        let content = hasher.finish();
        if let At::Here(held) = at {
            self.world.hold(content.blob, held.clone());
        }
        Ok(content)
    }

    fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
        self.world.put_tree(tree)
    }

    fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
        self.world.load_tree(id)
    }
}
