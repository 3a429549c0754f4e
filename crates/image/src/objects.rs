//! What this crate needs of a store, and the store as that.

use groundup_digest::{BlobId, Content, TreeId};
use groundup_store::{BlobWriter, Store};
use groundup_tree::FileTree;
use std::io::{self, BufWriter, Read, Write};

/// Blobs and trees by id; `&Store` is one.
///
/// Errors are [`io::Error`]s that hold the store's own error, so that they pass through readers and
/// writers.
pub trait Objects {
    /// The content of a blob; the read that reaches its end fails if the content is damaged.
    fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>>;
    /// Begins a blob.
    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>>;
    /// SHA-256 and size of a blob.
    fn content_of(&self, id: BlobId) -> io::Result<Content>;
    /// Puts a tree.
    fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId>;
    /// A whole tree.
    fn load_tree(&self, id: TreeId) -> io::Result<FileTree>;

    /// Puts a blob that is in memory.
    fn put_blob(&self, bytes: &[u8]) -> io::Result<Content> {
        let mut sink = self.blob_writer()?;
        sink.write_all(bytes)?;
        sink.finish()
    }
}

/// A blob that is being written; it exists only once it is finished.
pub trait BlobSink: Write {
    /// Ends the blob and gives its digests.
    fn finish(self: Box<Self>) -> io::Result<Content>;
}

impl Objects for Store {
    fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Store::open_blob(self, id).map_err(io::Error::other)?))
    }

    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
        let writer = Store::blob_writer(self).map_err(io::Error::other)?;
        Ok(Box::new(BufWriter::with_capacity(1 << 16, writer)))
    }

    fn content_of(&self, id: BlobId) -> io::Result<Content> {
        Store::content_of(self, id).map_err(io::Error::other)
    }

    fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
        Store::put_tree(self, tree).map_err(io::Error::other)
    }

    fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
        Store::load_tree(self, id).map_err(io::Error::other)
    }
}

impl BlobSink for BufWriter<BlobWriter<'_>> {
    fn finish(self: Box<Self>) -> io::Result<Content> {
        self.into_inner()?.finish().map_err(io::Error::other)
    }
}

#[cfg(test)]
pub(crate) mod memory {
    use super::*;
    use groundup_digest::DirId;
    use groundup_tree::{Sink, encode};
    use std::{cell::RefCell, collections::BTreeMap};

    /// A store in memory.
    #[derive(Default)]
    pub(crate) struct Memory {
        blobs: RefCell<BTreeMap<BlobId, Vec<u8>>>,
        trees: RefCell<BTreeMap<TreeId, FileTree>>,
    }

    /// Ids are enough: the trees are kept as they are.
    struct Nowhere;

    impl Sink for Nowhere {
        type Error = std::convert::Infallible;

        fn put_directory(&mut self, _: DirId, _: Vec<u8>) -> Result<(), Self::Error> {
            Ok(())
        }

        fn put_tree(&mut self, _: TreeId, _: Vec<u8>) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    struct MemorySink<'a>(&'a Memory, Vec<u8>);

    impl Write for MemorySink<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl BlobSink for MemorySink<'_> {
        fn finish(self: Box<Self>) -> io::Result<Content> {
            let content = Content::of(&self.1);
            self.0.blobs.borrow_mut().insert(content.blob, self.1);
            Ok(content)
        }
    }

    impl Memory {
        pub(crate) fn bytes(&self, id: BlobId) -> io::Result<Vec<u8>> {
            self.blobs.borrow().get(&id).cloned().ok_or(io::ErrorKind::NotFound.into())
        }
    }

    impl Objects for Memory {
        fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(io::Cursor::new(self.bytes(id)?)))
        }

        fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
            Ok(Box::new(MemorySink(self, Vec::new())))
        }

        fn content_of(&self, id: BlobId) -> io::Result<Content> {
            Ok(Content::of(&self.bytes(id)?))
        }

        fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
            let id = encode(tree, &mut Nowhere).unwrap().id;
            self.trees.borrow_mut().insert(id, tree.clone());
            Ok(id)
        }

        fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
            self.trees.borrow().get(&id).cloned().ok_or(io::ErrorKind::NotFound.into())
        }
    }
}
