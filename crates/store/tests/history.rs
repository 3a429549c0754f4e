//! What a store remembers of ids: which builds name one, and what holds a file.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use groundup_digest::{BlobId, RecordId};
use groundup_store::{
    Access, Create, History, Holder, IdPrefix, Mentions, OpenOptions, RecordKind, Store,
};
use groundup_tree::{FileTree, Node, TreePath};
use std::path::{Path, PathBuf};

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

/// An empty store, in a folder that goes with the first.
fn fresh() -> (tempfile::TempDir, PathBuf, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path);
    (dir, path, store)
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
    let (_dir, _, store) = fresh();
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
    let (_dir, _, store) = fresh();
    put(&store, "a", 1, &[0x10, 0x11, 0x20]);
    let history = history(&store);
    let found = |digits: &str| history.mentions(&digits.parse().unwrap(), 100).unwrap().len();
    assert_eq!((found("1"), found("10"), found("101010"), found("3")), (2, 1, 1, 0));
    assert_eq!(history.mentions(&"1".parse().unwrap(), 1).unwrap().len(), 1, "at most so many");
}

#[test]
fn files_and_directories_are_found_by_what_holds_them() {
    let (_dir, _, store) = fresh();
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
fn a_build_that_is_put_while_somebody_asks_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let (one, other) = (open(&path), open(&path));
    std::thread::scope(|scope| {
        let putting = scope.spawn(|| {
            for at in 0..400 {
                put(&one, "a", at, &[1]);
            }
        });
        while !putting.is_finished() {
            history(&other);
        }
    });
    assert_eq!(history(&other).builds().unwrap(), 400);
}

#[test]
fn a_store_that_is_only_read_is_told_of_too() {
    let (_dir, path, store) = fresh();
    put(&store, "a", 1, &[1]);
    drop(store);
    let options = OpenOptions { create: Create::Never, access: Access::ReadOnly };
    let store = Store::open(&path, &options).unwrap();
    assert_eq!(told(&history(&store), 1).len(), 1);
}

/// The database of a store's history.
fn database(store: &Path) -> PathBuf {
    store.join("index/history.db")
}

/// Makes the index that of another boot, as if the machine had crashed.
fn crash(store: &Path) {
    let files = walkdir::WalkDir::new(store.join("index")).sort_by_file_name().into_iter();
    let mut files = files.map(|entry| entry.unwrap().into_path());
    let is_index =
        |path: &PathBuf| path.extension() == Some("db".as_ref()) && !path.ends_with("history.db");
    let index = files.find(is_index).unwrap();
    std::fs::rename(index, store.join("index/another.db")).unwrap();
    let _ = std::fs::remove_file(store.join("index/synced"));
}

/// The history, and how many records were read for it.
fn counted(store: &Store) -> (History, usize) {
    let mut count = 0;
    let history = store.history(&mut |bytes| {
        count += 1;
        read(bytes)
    });
    (history.unwrap(), count)
}

#[test]
fn it_outlives_the_boot_and_reads_only_what_is_new() {
    let (_dir, path, store) = fresh();
    for at in 1..=9 {
        put(&store, "a", at, &[1]);
    }
    assert_eq!(counted(&store).1, 9);
    drop(store);
    crash(&path);
    let store = open(&path);
    assert!(!path.join("index/another.db").exists());
    put(&store, "a", 10, &[1]);
    let (history, count) = counted(&store);
    assert_eq!((told(&history, 1), count), (vec![("a".to_owned(), 10, 1, 10)], 1));
}

#[test]
fn a_journal_that_lost_its_end_and_grew_again_is_taken_in_anew() {
    let (_dir, path, store) = fresh();
    put(&store, "a", 1, &[1]);
    let journal = path.join("records/journal");
    let older = std::fs::read(&journal).unwrap();
    put(&store, "a", 2, &[2]);
    drop(history(&store));
    drop(store);
    crash(&path);
    std::fs::write(&journal, older).unwrap();
    let store = open(&path);
    // As long as what was lost, and then longer.
    put(&store, "a", 3, &[3]);
    assert_eq!(told(&history(&store), 3).len(), 1);
    put(&store, "a", 4, &[4]);
    let (history, count) = counted(&store);
    assert_eq!([1, 2, 3, 4].map(|id| told(&history, id).len()), [1, 0, 1, 1]);
    assert_eq!(count, 1);
}

#[test]
fn builds_that_a_crash_took_are_not_told() {
    let (_dir, path, store) = fresh();
    put(&store, "a", 1, &[1]);
    let start = path.join("records/journal").metadata().unwrap().len() as usize;
    put(&store, "a", 2, &[2]);
    let end = path.join("records/journal").metadata().unwrap().len() as usize;
    // Far more than the seal is of.
    for at in 3..300 {
        put(&store, "a", at, &[3]);
    }
    drop(history(&store));
    drop(store);
    crash(&path);
    let journal = path.join("records/journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[start..end].fill(0);
    std::fs::write(&journal, bytes).unwrap();
    let history = history(&open(&path));
    assert_eq!([1, 2, 3].map(|id| told(&history, id).len()), [1, 0, 1]);
    assert_eq!(history.builds().unwrap(), 298);
}

#[test]
fn what_could_not_be_read_is_read_by_who_can() {
    let (_dir, _, store) = fresh();
    put(&store, "a", 1, &[1]);
    put(&store, "b", 2, &[2]);
    let mut tried = 0;
    let mut none = |_: &[u8]| {
        tried += 1;
        None
    };
    store.history(&mut none).unwrap();
    store.history(&mut none).unwrap();
    assert_eq!(tried, 3, "the newest stands for all");
    let history = history(&store);
    assert_eq!((told(&history, 1).len(), told(&history, 2).len()), (1, 1));
    assert_eq!(counted(&store).1, 0);
}

#[test]
fn a_build_that_is_made_again_after_a_crash_took_it_is_told_as_that() {
    // All but the start of a record may be the same, and its length.
    let record = |started: u64| {
        let ids = vec!["7"; 5_000].join(",");
        format!("a {started} {},{ids}", started % 200).into_bytes()
    };
    let put = |store: &Store, started| {
        store.put_record(RecordKind::Build, None, &record(started)).unwrap()
    };
    let (_dir, path, store) = fresh();
    put(&store, 1001);
    let journal = path.join("records/journal");
    let older = std::fs::read(&journal).unwrap();
    put(&store, 1002);
    drop(history(&store));
    drop(store);
    crash(&path);
    std::fs::write(&journal, older).unwrap();
    let store = open(&path);
    let again = put(&store, 1003);
    let history = history(&store);
    assert_eq!(history.series().unwrap()[0].latest, again);
    assert_eq!([1, 2, 3].map(|id| told(&history, id).len()), [1, 0, 1]);
    assert_eq!(told(&history, 7), [("a".to_owned(), 2, 1001, 1003)]);
}

#[test]
fn a_damaged_history_is_made_anew() {
    let (_dir, path, store) = fresh();
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
    let (_dir, path, store) = fresh();
    for build in 0..200 {
        put(&store, &format!("s{build}"), build, &(0..200).collect::<Vec<u8>>());
    }
    drop(history(&store));
    let file = database(&path);
    let mut bytes = std::fs::read(&file).unwrap();
    // The first page of a table that opening does not look at.
    let database = rusqlite::Connection::open(&file).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'mentions'";
    let page: u32 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(database);
    bytes[(page as usize - 1) * 4096..page as usize * 4096].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let damaged = history(&store);
    let asked = (0..200).map(|id| damaged.mentions(&IdPrefix::whole([id; 32]), 1000));
    let error = asked.into_iter().find_map(Result::err).expect("pages are damaged");
    assert!(error.to_string().contains("run the command again"), "{error}");
    assert_eq!(told(&history(&store), 7).len(), 100, "as many as were asked for");
}

#[test]
fn a_journal_that_was_replaced_by_an_older_one_is_taken_in_anew() {
    let (_dir, path, store) = fresh();
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
    let (_dir, _, store) = fresh();
    put(&store, "a", 1, &[1]);
    store.put_record(RecordKind::Build, None, b"of a newer groundup").unwrap();
    put(&store, "a", 2, &[1]);
    let history = history(&store);
    assert_eq!(told(&history, 1), [("a".to_owned(), 2, 1, 2)]);
}
