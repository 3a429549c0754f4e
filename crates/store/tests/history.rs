//! What a store remembers of ids: which builds name one, and what holds a file.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use groundup_digest::{BlobId, RecordId};
use groundup_store::{
    Access, Create, History, Holder, IdPrefix, Mentions, OpenOptions, RecordKind, Store,
};
use groundup_tree::{FileTree, Node, TreePath};
use std::path::Path;

/// A build record of these tests: series, start, and ids by their first byte.
fn build(series: &str, started_ms: u64, ids: &[u8]) -> Vec<u8> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{series} {started_ms} {}", ids.join(",")).into_bytes()
}

fn read(bytes: &[u8]) -> Option<Mentions> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut words = text.split(' ');
    let (series, started) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let ids = words.next()?.split(',').filter_map(|id| Some([id.parse().ok()?; 32]));
    Some(Mentions { series, started_ms: started, ids: ids.collect() })
}

fn history(store: &Store) -> History {
    store.history(&mut read).unwrap()
}

fn put(store: &Store, series: &str, started_ms: u64, ids: &[u8]) -> RecordId {
    store.put_record(RecordKind::Build, None, &build(series, started_ms, ids)).unwrap()
}

fn open(path: &Path) -> Store {
    Store::open(path, &OpenOptions::default()).unwrap()
}

/// What is told of an id: series, number of builds, start of the first and the last.
fn told(history: &History, id: u8) -> Vec<(String, u64, u64, u64)> {
    let stretches = history.mentions(&IdPrefix::whole([id; 32]), 100).unwrap();
    let row =
        |s: groundup_store::Stretch| (s.series, s.builds, s.first.started_ms, s.last.started_ms);
    stretches.into_iter().map(row).collect()
}

#[test]
fn builds_that_name_an_id_in_a_row_are_told_as_one_stretch() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    for (at, ids) in [(1, &[1, 2][..]), (2, &[1, 2, 3]), (3, &[1, 3]), (4, &[1, 2, 3])] {
        put(&store, "a", at, ids);
        // Builds of other targets in between change nothing.
        put(&store, "b", 10 + at, &[1]);
        if at == 2 {
            history(&store);
        }
    }
    let history = history(&store);
    let row = |series: &str, builds, first, last| (series.to_owned(), builds, first, last);
    assert_eq!(told(&history, 1), [row("a", 4, 1, 4), row("b", 4, 11, 14)]);
    assert_eq!(told(&history, 2), [row("a", 2, 1, 2), row("a", 1, 4, 4)]);
    assert_eq!(told(&history, 3), [row("a", 3, 2, 4)]);
    assert_eq!(told(&history, 4), []);
    assert_eq!(history.builds().unwrap(), 8);
    let names: Vec<String> = history.series().unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["b", "a"], "the one with the latest build comes first");
}

#[test]
fn a_beginning_of_an_id_finds_all_that_begin_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    put(&store, "a", 1, &[0x10, 0x11, 0x20]);
    let history = history(&store);
    let found = |digits: &str| history.mentions(&digits.parse().unwrap(), 100).unwrap().len();
    assert_eq!((found("1"), found("10"), found("101010"), found("3")), (2, 1, 1, 0));
    assert_eq!(history.mentions(&"1".parse().unwrap(), 1).unwrap().len(), 1, "at most so many");
}

#[test]
fn files_and_directories_are_found_by_what_holds_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    let blob = store.put_blob(b"content").unwrap();
    let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
    let mut tree = FileTree::new();
    for name in ["usr/bin/a", "usr/bin/b", "etc/c"] {
        tree.insert_with_parents(path(name), Node::file(blob.blob, blob.size, 0o644)).unwrap();
    }
    let id = store.put_tree(&tree).unwrap();
    let history = history(&store);
    let mut names = Vec::new();
    let mut up = Vec::new();
    for holder in history.holders(blob.blob.as_bytes(), 10).unwrap() {
        let Holder::Directory { id, names: found } = holder else {
            panic!("a file is in directories")
        };
        names
            .extend(found.iter().map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()));
        up.push(id);
    }
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
    // Up to the top of the tree.
    let mut tops = Vec::new();
    while let Some(directory) = up.pop() {
        for holder in history.holders(directory.as_bytes(), 10).unwrap() {
            match holder {
                Holder::Directory { id, .. } => up.push(id),
                Holder::Top(tree) => tops.push(tree),
            }
        }
    }
    assert_eq!(tops, [id, id]);
    let prefix = blob.blob.to_string()[..9].parse().unwrap();
    assert_eq!(history.files(&prefix, 10).unwrap(), [*blob.blob.as_bytes()]);
    assert_eq!(history.holders(BlobId::of(b"other").as_bytes(), 10).unwrap(), []);
}

#[test]
fn what_comes_later_is_known_to_who_asks_later_also_of_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let (one, other) = (open(&path), open(&path));
    put(&one, "a", 1, &[1]);
    assert_eq!(told(&history(&one), 1).len(), 1);
    put(&one, "a", 2, &[2]);
    assert_eq!(told(&history(&open(&path)), 2).len(), 1);
    drop(other);
}

#[test]
fn a_store_that_is_only_read_is_told_of_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path);
    put(&store, "a", 1, &[1]);
    drop(store);
    let options = OpenOptions { create: Create::Never, access: Access::ReadOnly };
    let store = Store::open(&path, &options).unwrap();
    assert_eq!(told(&history(&store), 1).len(), 1);
}

/// The database of a store's history.
fn database(store: &Path) -> std::path::PathBuf {
    let files = walkdir::WalkDir::new(store.join("index")).sort_by_file_name();
    let mut files = files.into_iter().map(|entry| entry.unwrap().into_path());
    files.find(|path| path.to_string_lossy().ends_with(".history.db")).unwrap()
}

#[test]
fn a_damaged_history_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path);
    put(&store, "a", 1, &[1]);
    drop(history(&store));
    let file = database(&path);
    for damage in [&b"no database"[..], &[0; 40_000]] {
        std::fs::write(&file, damage).unwrap();
        assert_eq!(told(&history(&store), 1).len(), 1, "{} bytes", damage.len());
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(told(&history(&open(&path)), 1).len(), 1);
}

#[test]
fn damage_that_is_met_while_asking_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path);
    for build in 0..200 {
        put(&store, &format!("s{build}"), build, &(0..200).collect::<Vec<u8>>());
    }
    drop(history(&store));
    let file = database(&path);
    let mut bytes = std::fs::read(&file).unwrap();
    // All but the first pages, which opening looks at.
    bytes.iter_mut().skip(60_000).for_each(|byte| *byte = 0xff);
    std::fs::write(&file, bytes).unwrap();
    let damaged = history(&store);
    let asked = (0..200).map(|id| damaged.mentions(&IdPrefix::whole([id; 32]), 1000));
    let error = asked.into_iter().find_map(Result::err).expect("pages are damaged");
    assert!(error.to_string().contains("run the command again"), "{error}");
    assert_eq!(told(&history(&store), 7).len(), 100, "as many as were asked for");
}

#[test]
fn a_journal_that_was_replaced_by_an_older_one_is_taken_in_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path);
    put(&store, "a", 1, &[1]);
    let journal = path.join("records/journal");
    let older = std::fs::read(&journal).unwrap();
    put(&store, "a", 2, &[2]);
    assert_eq!(told(&history(&store), 2).len(), 1);
    drop(store);
    std::fs::write(&journal, older).unwrap();
    let history = history(&open(&path));
    assert_eq!((told(&history, 1).len(), told(&history, 2).len()), (1, 0));
    assert_eq!(history.builds().unwrap(), 1);
}

#[test]
fn records_that_cannot_be_read_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    put(&store, "a", 1, &[1]);
    store.put_record(RecordKind::Build, None, b"of a newer groundup").unwrap();
    put(&store, "a", 2, &[1]);
    let history = history(&store);
    assert_eq!(told(&history, 1), [("a".to_owned(), 2, 1, 2)]);
}
