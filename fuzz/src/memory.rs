//! A store in memory, for what reads images.

use groundup_digest::{BlobId, Content, DirId, TreeId};
use groundup_image::{BlobSink, Objects};
use groundup_tree::{FileTree, Sink, encode};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    convert::Infallible,
    io::{self, Read, Write},
};

#[derive(Default)]
pub(crate) struct Memory {
    blobs: RefCell<BTreeMap<BlobId, Vec<u8>>>,
    trees: RefCell<BTreeMap<TreeId, FileTree>>,
}

struct Nowhere;

impl Sink for Nowhere {
    type Error = Infallible;

    fn put_directory(&mut self, _: DirId, _: Vec<u8>) -> Result<(), Infallible> {
        Ok(())
    }

    fn put_tree(&mut self, _: TreeId, _: Vec<u8>) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Blob<'a>(&'a Memory, Vec<u8>);

impl Write for Blob<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobSink for Blob<'_> {
    fn finish(self: Box<Self>) -> io::Result<Content> {
        let content = Content::of(&self.1);
        self.0.blobs.borrow_mut().insert(content.blob, self.1);
        Ok(content)
    }
}

impl Memory {
    fn bytes(&self, id: BlobId) -> io::Result<Vec<u8>> {
        self.blobs.borrow().get(&id).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Objects for Memory {
    fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.bytes(id)?)))
    }

    fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
        Ok(Box::new(Blob(self, Vec::new())))
    }

    fn content_of(&self, id: BlobId) -> io::Result<Content> {
        Ok(Content::of(&self.bytes(id)?))
    }

    fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
        let Ok(encoded) = encode(tree, &mut Nowhere);
        self.trees.borrow_mut().insert(encoded.id, tree.clone());
        Ok(encoded.id)
    }

    fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
        self.trees.borrow().get(&id).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}
