//! All objects of a comparison: those of the store, and those that were read from outside.
//!
//! Trees from outside are in memory as objects; their contents stay where they are: a file, a part of
//! an archive, an entry of an image that is walked again. Only what has to be unpacked and is short, or
//! differs, stands in one scratch file that has no name, so that nothing is left behind however this
//! ends. A file that changes meanwhile is an error when it is read again.

mod again;
mod held;
mod scratch;

pub(crate) use held::{Held, OnDisk, Reading, Walked};

use groundup_digest::{BlobHasher, BlobId, Content, DirId, TreeId};
use groundup_image::{BlobSink, Objects};
use groundup_store::{Executable, Store, StoreError};
use groundup_tree::{FileTree, Sink, Source, TreePath, decode, encode};
use groundup_unfold::Bytes;
use held::Inner;
use scratch::{Scratch, Writing};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Objects of the store and of what was read from outside.
pub struct World<'s> {
    store: Option<&'s Store>,
    scratch: Scratch,
    outside: RwLock<Outside>,
}

#[derive(Default)]
struct Outside {
    directories: BTreeMap<DirId, Vec<u8>>,
    trees: BTreeMap<TreeId, Vec<u8>>,
    contents: BTreeMap<BlobId, Held>,
    /// Stand-ins for the ids of contents that were not hashed, since both sides have them.
    unhashed: BTreeSet<BlobId>,
}

impl<'s> World<'s> {
    /// The objects of a store, if there is one. What has to be written down goes to a file without a
    /// name in the directory `scratch`.
    pub fn new(store: Option<&'s Store>, scratch: &Path) -> io::Result<Self> {
        let scratch = Scratch::new(scratch)?;
        Ok(Self { store, scratch, outside: RwLock::default() })
    }

    fn outside(&self) -> RwLockReadGuard<'_, Outside> {
        self.outside.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Outside> {
        self.outside.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a tree from outside.
    pub(crate) fn take_tree(&self, tree: &FileTree) -> TreeId {
        let mut outside = self.change();
        let Ok(encoded) = encode(tree, &mut *outside);
        encoded.id
    }

    /// Takes in the content of a file on disk, which stays there.
    pub(crate) fn take_file(&self, path: &Path) -> io::Result<(BlobId, u64)> {
        let (disk, mut file) = OnDisk::open_first(path)?;
        let (id, size) = hashed(&mut file)?;
        disk.check(&file)?;
        self.hold(id, Held::File(Arc::new(disk)));
        Ok((id, size))
    }

    /// Says where a content is, unless that is known.
    pub(crate) fn hold(&self, id: BlobId, held: Held) {
        self.change().contents.entry(id).or_insert(held);
    }

    /// Where the content with an id is.
    pub(crate) fn held(&self, id: BlobId) -> Held {
        self.outside().contents.get(&id).cloned().unwrap_or(Held::Store(id))
    }

    /// Takes in content, which is written to the scratch file.
    pub(crate) fn take(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        again::take(self, content, u64::MAX, |_| Held::Lost("".into()))
    }

    /// Takes in content that stands at a place of other content, where it stays.
    pub(crate) fn take_part(
        &self,
        of: &Arc<Held>,
        at: u64,
        content: &mut dyn Read,
    ) -> io::Result<(BlobId, u64)> {
        let (id, size) = hashed(content)?;
        self.hold(id, Held::Part(of.clone(), at, size));
        Ok((id, size))
    }

    /// Takes in content that a compressed stream unpacks to at a place; what is long is not kept.
    pub(crate) fn take_packed(
        &self,
        of: &Arc<Walked>,
        at: u64,
        content: &mut dyn Read,
    ) -> io::Result<(BlobId, u64)> {
        again::take(self, content, again::KEPT, |size| Held::Packed(of.clone(), at, size))
    }

    /// Takes in the content of an entry; what is long is not kept.
    pub(crate) fn take_entry(
        &self,
        of: &Arc<Walked>,
        path: &[u8],
        content: &mut dyn Read,
    ) -> io::Result<(BlobId, u64)> {
        again::take(self, content, again::KEPT, |_| Held::Entry(of.clone(), path.into()))
    }

    /// A stand-in for the id of so many bytes of a content that both sides have: it is hashed only
    /// where something else stands at its path on one side.
    pub(crate) fn stand_in(&self, of: &Arc<Held>, name: &[u8], at: u64, size: u64) -> BlobId {
        let text = [b"not hashed: ", name, &at.to_le_bytes(), &size.to_le_bytes()].concat();
        let id = BlobId::of(&text);
        let mut outside = self.change();
        outside.contents.insert(id, Held::Part(of.clone(), at, size));
        outside.unhashed.insert(id);
        id
    }

    /// Whether a tree is known.
    pub fn has_tree(&self, id: TreeId) -> Result<bool, StoreError> {
        if self.outside().trees.contains_key(&id) {
            return Ok(true);
        }
        self.store.map_or(Ok(false), |store| store.has_tree(id))
    }

    /// The content of a blob at any place; an error of the kind `NotFound` if it is not there.
    pub fn bytes(&self, id: BlobId) -> io::Result<Box<dyn Bytes + '_>> {
        let mut held = self.held(id);
        if held.is_packed() {
            self.gather([id]);
            held = self.held(id);
        }
        self.open(&held)
    }

    /// The content that is somewhere, which does not have to be unpacked.
    pub(crate) fn open(&self, held: &Held) -> io::Result<Box<dyn Bytes + '_>> {
        Ok(match held {
            Held::File(disk) => Box::new(disk.clone().reopened()?),
            Held::Scratch(pieces) => Box::new(self.scratch.content(pieces.clone())),
            Held::Part(of, start, size) => {
                Box::new(Inner { whole: self.open(of)?, start: *start, size: *size })
            }
            Held::Store(id) => {
                let store = self.store.ok_or(io::ErrorKind::NotFound)?;
                if !store.has_blob(*id).map_err(io::Error::other)? {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let path = store.blob_path(*id, Executable::No).map_err(io::Error::other)?;
                Box::new(File::open(path)?)
            }
            Held::Packed(..) | Held::Entry(..) => return Err(io::ErrorKind::Unsupported.into()),
            Held::Lost(why) => return Err(io::Error::other(why.to_string())),
        })
    }

    /// The whole content of a blob.
    pub fn read(&self, id: BlobId) -> io::Result<Vec<u8>> {
        let bytes = self.bytes(id)?;
        let size = usize::try_from(bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut content = vec![0; size];
        bytes.read_at(0, &mut content)?;
        Ok(content)
    }

    /// A directory of a tree as a tree of its own, if there is one.
    pub fn below(&self, id: TreeId, path: &str) -> io::Result<Option<TreeId>> {
        let path = TreePath::new(path.as_bytes()).map_err(io::Error::other)?;
        Ok(self.load(id)?.subtree(&path).map(|tree| self.take_tree(&tree)))
    }

    /// A whole tree.
    pub fn load(&self, id: TreeId) -> io::Result<FileTree> {
        decode(id, self).map_err(io::Error::other)
    }
}

impl Sink for Outside {
    type Error = std::convert::Infallible;

    fn put_directory(&mut self, id: DirId, bytes: Vec<u8>) -> Result<(), Self::Error> {
        self.directories.insert(id, bytes);
        Ok(())
    }

    fn put_tree(&mut self, id: TreeId, bytes: Vec<u8>) -> Result<(), Self::Error> {
        self.trees.insert(id, bytes);
        Ok(())
    }
}

impl Source for World<'_> {
    type Error = io::Error;

    fn directory(&self, id: DirId) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.outside().directories.get(&id) {
            return Ok(bytes.clone());
        }
        self.store.ok_or(io::ErrorKind::NotFound)?.directory(id).map_err(io::Error::other)
    }

    fn tree(&self, id: TreeId) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.outside().trees.get(&id) {
            return Ok(bytes.clone());
        }
        self.store.ok_or(io::ErrorKind::NotFound)?.tree(id).map_err(io::Error::other)
    }
}

/// What a reader of images puts goes to the scratch file.
impl Objects for World<'_> {
    fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Reading::new(self.bytes(id)?)))
    }

    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
        Ok(Box::new(Taking { world: self, writing: self.scratch.begin(u64::MAX) }))
    }

    fn content_of(&self, id: BlobId) -> io::Result<Content> {
        let mut hasher = groundup_digest::ContentHasher::new();
        let mut input = self.open_blob(id)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match input.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
        Ok(self.take_tree(tree))
    }

    fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
        self.load(id)
    }
}

/// The id and size of a content that is read to its end.
fn hashed(content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
    let mut hasher = BlobHasher::new();
    again::copy(content, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok((hasher.id(), hasher.size()))
}

struct Taking<'a> {
    world: &'a World<'a>,
    writing: Writing<'a>,
}

impl io::Write for Taking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobSink for Taking<'_> {
    fn finish(self: Box<Self>) -> io::Result<Content> {
        let Self { world, writing } = *self;
        let (id, _, pieces) = writing.end(|id| !world.outside().contents.contains_key(&id))?;
        if let Some(pieces) = pieces {
            world.hold(id, Held::Scratch(pieces));
        }
        world.content_of(id)
    }
}
