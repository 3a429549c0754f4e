//! What the tests of trees on disk share: a store of its own, and the same tests again as an
//! ordinary user with a strict umask.

#![allow(dead_code, reason = "each test program uses a part")]

use groundup_store::{OpenOptions, Store};
use groundup_tree::{FileTree, Node, TreePath};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a store in it; both go when it is dropped.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), &OpenOptions::default()).unwrap();
        Self { folder, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file's content and adds the file to a tree.
    pub(crate) fn add(&self, tree: &mut FileTree, path: &[u8], content: &[u8], mode: u32) {
        let content = self.store.put_blob(content).unwrap();
        let node = Node::file(content.blob, content.size, mode);
        tree.insert_with_parents(TreePath::new(path).unwrap(), node).unwrap();
    }

    /// The content of a file of a tree.
    pub(crate) fn content(&self, tree: &FileTree, path: &str) -> Vec<u8> {
        match tree.get(&at(path)).unwrap().kind {
            groundup_tree::Kind::File { blob, .. } => self.store.read_blob(blob).unwrap(),
            ref other => panic!("{path} is a {}", other.noun()),
        }
    }
}

pub(crate) fn at(path: &str) -> TreePath {
    TreePath::new(path.as_bytes()).unwrap()
}

pub(crate) fn inode(path: impl AsRef<Path>) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

pub(crate) fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Writes a file with exactly this mode.
pub(crate) fn write(path: impl AsRef<Path>, content: &[u8], mode: u32) {
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// Makes a directory and those above it, with mode 0755 for the last.
pub(crate) fn make_dir(path: impl AsRef<Path>) {
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

/// Runs all tests of this program but `this` again, with umask 077, and as an ordinary user if
/// this is root.
pub(crate) fn again_as_ordinary_user(this: &str) {
    let folder = tempfile::tempdir().unwrap();
    let temp = folder.path().join("tmp");
    // The program itself may lie where only root may look.
    let program = folder.path().join("tests");
    // By a process of its own: a fork of another test might hold it open for writing when it is run.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
    assert!(copied.unwrap().success());
    fs::create_dir(&temp).unwrap();
    for path in [folder.path(), &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 077; exec \"$0\" --skip \"$1\"", program.to_str().unwrap(), this]);
    command.env("TMPDIR", &temp).current_dir(&temp);
    if rustix::process::geteuid().is_root() {
        chown(&temp, Some(65534), Some(65534)).unwrap();
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("test result: ok. ") && !text.contains(" 0 passed"), "{text}");
}
