//! A small tree with everything that a layer can hold, for tests.

use groundup_digest::BlobId;
use groundup_tree::{Device, FileTree, Kind, Meta, Node, TreePath};
use std::io;

/// A path over the 100 bytes of a header.
pub(crate) const LONG: &str = "etc/a-directory-with-a-rather-long-name/another-directory-with-a-long-name/and-a-file-of-that-kind.conf";

const CONTENTS: &[&str] = &["", "hello\n", "root:x:0:0::/root:/bin/sh\n", "#!/bin/sh\n"];

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

/// A file with one of the known contents, or any other that is never opened.
pub(crate) fn file(content: &str) -> Node {
    Node::file(BlobId::of(content.as_bytes()), content.len() as u64, 0o644)
}

pub(crate) fn open(blob: BlobId) -> io::Result<&'static [u8]> {
    let found = CONTENTS.iter().find(|content| BlobId::of(content.as_bytes()) == blob);
    found.map(|content| content.as_bytes()).ok_or(io::ErrorKind::NotFound.into())
}

/// Puts the contents of the tree into a store.
pub(crate) fn put_contents(objects: &dyn crate::Objects) {
    for content in CONTENTS {
        objects.put_blob(content.as_bytes()).unwrap();
    }
}

pub(crate) fn tree() -> FileTree {
    let mut tree = FileTree::new();
    let mut put = |name: &str, node: Node| tree.insert_with_parents(path(name), node).unwrap();
    put("etc/motd", file("hello\n"));
    put("etc/empty", file(""));
    put(LONG, file("hello\n"));
    put("etc/passwd", file("root:x:0:0::/root:/bin/sh\n"));
    put("bin", Node::symlink("usr/bin"));
    put("etc/long-link", Node::symlink("../".to_owned() + LONG));
    let mut ping = file("#!/bin/sh\n");
    ping.meta = Meta::root_owned(0o4755);
    (ping.meta.uid, ping.meta.gid) = (3_000_000_000, 12);
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(ping.meta.xattrs.insert(b"security.capability", &capability));
    assert!(ping.meta.xattrs.insert(b"user.note", b"two\nlines = here"));
    put("usr/bin/ping", ping.clone());
    put("usr/bin/ping6", ping);
    let special = |kind| Node { meta: Meta::root_owned(0o666), kind };
    put("dev/null", special(Kind::CharDevice(Device { major: 1, minor: 3 })));
    put("dev/sda", special(Kind::BlockDevice(Device { major: 8, minor: 1_048_575 })));
    put("dev/fifo", special(Kind::Fifo));
    let mut sticky = Node::directory();
    sticky.meta = Meta::root_owned(0o1777);
    put("tmp", sticky);
    tree.link(path("usr/bin/ping6"), &path("usr/bin/ping")).unwrap();
    tree.insert(TreePath::new(b"etc/\xff\xfe").unwrap(), file("hello\n")).unwrap();
    tree
}
