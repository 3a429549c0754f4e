//! All objects of a comparison: those of the store, and those that were read from outside.
//!
//! Trees from outside are in memory as objects; their contents stay where they are on disk, or stand
//! in one scratch file that has no name, so that nothing is left behind however this ends.

mod scratch;

use groundup_digest::{BlobHasher, BlobId, Content, DirId, TreeId};
use groundup_image::{BlobSink, Objects};
use groundup_store::{Executable, Store, StoreError};
use groundup_tree::{FileTree, Sink, Source, TreePath, decode, encode};
use groundup_unfold::Bytes;
use scratch::{Pieces, Scratch, Writing};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
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
}

/// Where the content of a file from outside is.
#[derive(Clone)]
enum Held {
    /// A file on disk of its own.
    File(PathBuf),
    /// A part of the scratch file.
    Scratch(Pieces),
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
        let mut hasher = BlobHasher::new();
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        let id = hasher.id();
        self.change().contents.entry(id).or_insert_with(|| Held::File(path.to_owned()));
        Ok((id, hasher.size()))
    }

    /// Takes in content, which is written to the scratch file.
    pub(crate) fn take(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        let mut writing = self.scratch.begin();
        io::copy(content, &mut writing)?;
        self.taken(writing)
    }

    fn taken(&self, writing: Writing<'_>) -> io::Result<(BlobId, u64)> {
        let wanted = |id| !self.outside().contents.contains_key(&id);
        let (id, size, pieces) = writing.end(wanted)?;
        if let Some(pieces) = pieces {
            self.change().contents.insert(id, Held::Scratch(pieces));
        }
        Ok((id, size))
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
        let held = self.outside().contents.get(&id).cloned();
        match held {
            Some(Held::File(path)) => Ok(Box::new(File::open(path)?)),
            Some(Held::Scratch(pieces)) => Ok(Box::new(self.scratch.content(pieces))),
            None => {
                let store = self.store.ok_or(io::ErrorKind::NotFound)?;
                if !store.has_blob(id).map_err(io::Error::other)? {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let path = store.blob_path(id, Executable::No).map_err(io::Error::other)?;
                Ok(Box::new(File::open(path)?))
            }
        }
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
        Ok(Box::new(Reading { bytes: self.bytes(id)?, at: 0 }))
    }

    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
        Ok(Box::new(Taking { world: self, writing: self.scratch.begin() }))
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

/// Content at any place, read from its start.
struct Reading<'a> {
    bytes: Box<dyn Bytes + 'a>,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.len().saturating_sub(self.at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.bytes.read_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
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
        let (id, _) = world.taken(writing)?;
        world.content_of(id)
    }
}
