//! Which files of a repository become sources, against the git of this host.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use groundup_build::{Repository, RepositoryError};
use groundup_digest::{BlobId, ObjectId};
use groundup_plan::{Leaf, LeafRequest, Presence, leaves_of};
use groundup_recipe::{MemoryLoader, load};
use groundup_store::{Basis, OpenOptions, Store};
use groundup_tree::{FileTree, TreePath};
use std::{fs, path::Path, process::Command};

const WORKSPACE: &str = r#"
[workspace]
name = "test"
epoch = 1735689600
platforms = ["linux/amd64"]

[source.code]
path = "src"
exclude = ["*.log"]

[rootfs.x]
trees = ["source.code"]
files = [{ path = "/etc/x", source = "etc/x.conf" }]
"#;

struct Bench {
    dir: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), &OpenOptions::default()).unwrap();
        let bench = Self { dir, store };
        bench.write("src/main.c", "main");
        bench.write("src/deep/other.c", "other");
        bench.write("src/build.log", "log");
        bench.write("etc/x.conf", "x");
        bench
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("work")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.root()).args(["-c", "user.name=t", "-c", "user.email=t@t.invalid"]);
        assert!(git.args(arguments).output().unwrap().status.success(), "git {arguments:?}");
    }

    fn leaves(&self) -> Vec<Leaf> {
        let files = [("groundup.toml", WORKSPACE), ("src/main.c", ""), ("etc/x.conf", "")];
        let loaded = load(&MemoryLoader::new(files)).unwrap();
        leaves_of(&loaded.workspace, &["rootfs.x".parse().unwrap()])
    }

    fn take(&self) -> Result<groundup_build::Taken, RepositoryError> {
        let mut basis = Basis::begin(&self.root());
        Repository::open(&self.root()).take(&self.store, &self.leaves(), &mut basis)
    }

    fn tree(&self) -> FileTree {
        let taken = self.take().unwrap();
        let ObjectId::Tree(id) = taken.leaves["path:source.code"] else { panic!("not a tree") };
        self.store.load_tree(id).unwrap()
    }
}

fn files(tree: &FileTree) -> Vec<String> {
    let files = tree.iter().filter(|(_, node)| !node.is_directory());
    files.map(|(path, _)| path.to_string()).collect()
}

#[test]
fn outside_git_every_file_is_taken_that_the_recipe_does_not_exclude() {
    let bench = Bench::new();
    assert_eq!(files(&bench.tree()), ["/deep/other.c", "/main.c"]);
    let taken = bench.take().unwrap();
    assert_eq!(taken.leaves["file:etc/x.conf"], ObjectId::Blob(BlobId::of(b"x")));
}

#[test]
fn in_git_only_tracked_files_are_taken_and_others_are_named() {
    let bench = Bench::new();
    bench.git(&["init", "-q"]);
    bench.write(".gitignore", "ignored.c\n");
    bench.git(&["add", "."]);
    bench.write("src/new.c", "new");
    bench.write("src/ignored.c", "ignored");
    assert_eq!(files(&bench.tree()), ["/deep/other.c", "/main.c"]);
    assert_eq!(bench.take().unwrap().left_out, ["src/new.c"]);
}

#[test]
fn a_tree_that_may_be_missing_is_empty_until_it_has_files() {
    let bench = Bench::new();
    let request = LeafRequest::Tree {
        path: "keys/x".parse().unwrap(),
        include: vec!["*.p7s".into()],
        exclude: Vec::new(),
        presence: Presence::Optional,
    };
    let leaf = Leaf { label: "signatures:kernel.x".into(), request, ..bench.leaves().remove(0) };
    let found = || {
        let mut basis = Basis::begin(&bench.root());
        let repository = Repository::open(&bench.root());
        let taken = repository.take(&bench.store, std::slice::from_ref(&leaf), &mut basis).unwrap();
        let ObjectId::Tree(id) = taken.leaves["signatures:kernel.x"] else { panic!("not a tree") };
        files(&bench.store.load_tree(id).unwrap())
    };
    assert!(found().is_empty());
    fs::create_dir_all(bench.root().join("keys/x")).unwrap();
    assert!(found().is_empty());
    bench.write("keys/x/README", "how they are made");
    assert!(found().is_empty());
    bench.write("keys/x/1.p7s", "one");
    assert_eq!(found(), ["/1.p7s"]);
    bench.git(&["init", "-q"]);
    assert!(found().is_empty());
    bench.git(&["add", "."]);
    assert_eq!(found(), ["/1.p7s"]);
}

#[test]
fn a_workspace_in_a_directory_that_git_ignores_is_outside_git() {
    let bench = Bench::new();
    let above = bench.root().parent().unwrap().to_owned();
    let init = Command::new("git").arg("-C").arg(&above).args(["init", "-q"]).status();
    assert!(init.unwrap().success());
    assert!(matches!(bench.take(), Err(RepositoryError::Untracked(_))));
    let name = bench.root().file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(above.join(".gitignore"), format!("/{name}/\n")).unwrap();
    assert_eq!(files(&bench.tree()), ["/deep/other.c", "/main.c"]);
    assert_eq!(Repository::open(&bench.root()).commit(), None);
}

#[test]
fn contents_are_those_of_the_work_tree_with_modes_of_git() {
    let bench = Bench::new();
    bench.git(&["init", "-q"]);
    bench.git(&["add", "."]);
    bench.write("src/main.c", "edited");
    let path = bench.root().join("src/main.c");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let tree = bench.tree();
    let node = tree.get(&TreePath::parse(b"main.c").unwrap()).unwrap();
    assert_eq!(node, &groundup_tree::Node::file(BlobId::of(b"edited"), 6, 0o644));
}

#[test]
fn a_deleted_file_is_gone_and_one_that_a_recipe_names_is_an_error() {
    let bench = Bench::new();
    bench.git(&["init", "-q"]);
    bench.git(&["add", "."]);
    fs::remove_file(bench.root().join("src/main.c")).unwrap();
    assert_eq!(files(&bench.tree()), ["/deep/other.c"]);
    fs::remove_file(bench.root().join("etc/x.conf")).unwrap();
    assert!(matches!(bench.take(), Err(RepositoryError::Missing(_))));
}

#[test]
fn an_untracked_file_that_a_recipe_names_is_an_error() {
    let bench = Bench::new();
    bench.git(&["init", "-q"]);
    bench.git(&["add", "src"]);
    let error = bench.take().unwrap_err();
    assert!(matches!(error, RepositoryError::Untracked(_)), "{error}");
    assert!(error.to_string().contains("git add etc/x.conf"), "{error}");
}

#[test]
fn a_commit_is_named_and_marked_if_the_work_tree_differs() {
    let bench = Bench::new();
    assert_eq!(Repository::open(Path::new(&bench.root())).commit(), None);
    bench.git(&["init", "-q"]);
    assert_eq!(Repository::open(&bench.root()).commit(), None, "there is no commit yet");
    bench.git(&["add", "."]);
    bench.git(&["commit", "-q", "-m", "x"]);
    let clean = Repository::open(&bench.root()).commit().unwrap();
    assert_eq!(clean.len(), 40, "{clean}");
    bench.write("src/main.c", "edited");
    assert_eq!(Repository::open(&bench.root()).commit(), Some(format!("{clean}-dirty")));
}
