//! Looking back at builds: over many of them, and over records and trees that are not what they
//! should be.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use groundup_build::history::{
    Answer, Asked, BornAs, Did, End, Question, WhyError, open_history, whence, why,
};
use groundup_digest::{BlobId, ObjectId, Sha256, StepKey, TreeId};
use groundup_provenance::{BuildRecord, Circumstances, Origins, RecordedStep, RecordedTarget};
use groundup_store::{IdPrefix, OpenOptions, RecordKind, Store};
use groundup_tree::{FileTree, Node, TreePath};
use std::path::Path;

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

fn blob(text: &str) -> ObjectId {
    ObjectId::Blob(BlobId::of(text.as_bytes()))
}

fn step(
    label: &str,
    inputs: &[(&str, &str, ObjectId)],
    outputs: &[(&str, ObjectId)],
) -> RecordedStep {
    let key = format!("{label} {inputs:?}");
    let inputs = inputs.iter().map(|(name, from, id)| ((*name).into(), (*from).into(), *id));
    RecordedStep {
        label: label.into(),
        key: StepKey::of_encoded(key.as_bytes()),
        position: Some("recipes/x.toml:1".into()),
        inputs: inputs.collect(),
        outputs: outputs.iter().map(|(name, id)| ((*name).into(), *id)).collect(),
        question: None,
    }
}

fn record(target: &str, started_ms: u64, mut steps: Vec<RecordedStep>) -> BuildRecord {
    steps.sort();
    BuildRecord {
        workspace: "test".into(),
        commit: Some(format!("{started_ms:040x}")),
        lock: Some(Sha256::of(b"lock")),
        targets: vec![RecordedTarget { name: target.into(), outputs: Vec::new() }],
        steps,
        circumstances: Circumstances { started_ms, ..Circumstances::default() },
    }
}

fn put(store: &Store, record: &BuildRecord) {
    store.put_record(RecordKind::Build, None, &record.to_bytes()).unwrap();
}

fn store(dir: &Path) -> Store {
    Store::open(&dir.join("store"), &OpenOptions::default()).unwrap()
}

/// What this thread has read so far: bytes and calls.
fn read_so_far() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap().trim().parse::<u64>().unwrap()
    };
    (field("rchar:"), field("syscr:"))
}

#[test]
fn an_id_is_found_among_a_thousand_builds_without_reading_them() {
    // Where there is one, in memory: a thousand builds are a thousand syncs.
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let store = store(dir.path());
    let mut bytes = 0;
    for build in 0..1000_u64 {
        // Each build moves one of a hundred steps; two series take turns.
        let steps = (0..100_u64).map(|number| {
            let version = (build + 99 - number) / 100;
            let of = format!("package p{number}:all unpack {version}");
            let input = format!("package p{number}:all fetch {version}:out");
            step(
                &of,
                &[("package", &input, blob(&input))],
                &[("data", blob(&of)), ("control", blob(&format!("{of} c")))],
            )
        });
        let target = if build % 2 == 0 { "image.even" } else { "image.odd" };
        let record = record(target, build, steps.collect());
        bytes += record.to_bytes().len() as u64;
        put(&store, &record);
    }
    drop(open_history(&store).unwrap());
    let store = self::store(dir.path());
    let history = open_history(&store).unwrap();
    let asked = blob("package p42:all unpack 5");
    let digits = asked.to_string()[5..17].parse::<IdPrefix>().unwrap();
    let before = read_so_far();
    let answer = whence(&store, &history, &Asked::Any(digits)).unwrap();
    let after = read_so_far();
    let Answer::Born { born } = answer else { panic!("it is known: {answer:?}") };
    assert_eq!(born.len(), 1, "{born:?}");
    let first = &born[0];
    assert_eq!(first.what, BornAs::Output { output: "data".into() });
    assert_eq!((first.step.as_str(), first.builds), ("package p42:all unpack 5", 100));
    assert_eq!((first.first.started_ms, first.build.started_ms), (443, 542));
    // Four records are read: the first and last of each series. Pages of the index are mapped.
    let (read, calls) = (after.0 - before.0, after.1 - before.1);
    assert!(read < bytes / 50, "{read} of {bytes} bytes were read");
    assert!(calls < 200, "{calls} calls");
}

/// A tree in the store with these files, as path and content.
fn tree(store: &Store, files: &[(&str, &str)]) -> ObjectId {
    let mut tree = FileTree::new();
    for (at, content) in files {
        let node = match content.strip_prefix("-> ") {
            Some(target) => Node::symlink(target),
            None => {
                let stored = store.put_blob(content.as_bytes()).unwrap();
                Node::file(stored.blob, stored.size, 0o644)
            }
        };
        tree.insert_with_parents(path(at), node).unwrap();
    }
    ObjectId::Tree(store.put_tree(&tree).unwrap())
}

fn origins(store: &Store, labels: &[(&str, &str)]) -> ObjectId {
    let mut origins = Origins::new();
    for (at, label) in labels {
        origins.insert(path(at), *label);
    }
    ObjectId::Blob(store.put_blob(&origins.to_bytes()).unwrap().blob)
}

fn asked<'a>(target: &'a str, path: &'a str) -> Question<'a> {
    Question { target, part: None, platform: None, path }
}

#[test]
fn what_scripts_changed_leads_to_the_package_that_shipped_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let data = tree(&store, &[("etc/issue", "as shipped"), ("etc/other", "other")]);
    let before = tree(&store, &[("etc/issue", "as shipped"), ("etc/other", "other")]);
    let after =
        tree(&store, &[("etc/issue", "changed"), ("etc/other", "other"), ("etc/new", "new")]);
    let known = origins(&store, &[("etc/issue", "deb:base"), ("etc/other", "deb:base")]);
    let last = origins(
        &store,
        &[("etc/issue", "scripts"), ("etc/new", "scripts"), ("etc/other", "deb:base")],
    );
    let steps = vec![
        step("package base:all fetch 1", &[], &[("out", blob("deb"))]),
        step(
            "package base:all unpack 1",
            &[("package", "package base:all fetch 1:out", blob("deb"))],
            &[("data", data)],
        ),
        step(
            "rootfs.x merge linux/amd64",
            &[("data.0000", "package base:all unpack 1:data", data)],
            &[("origins", known), ("out", before)],
        ),
        step(
            "rootfs.x scripts linux/amd64",
            &[("root", "rootfs.x merge linux/amd64:out", before)],
            &[("out", after)],
        ),
        step(
            "rootfs.x finish linux/amd64",
            &[
                ("after", "rootfs.x scripts linux/amd64:out", after),
                ("before", "rootfs.x merge linux/amd64:out", before),
                ("before.origins", "rootfs.x merge linux/amd64:origins", known),
            ],
            &[("origins", last), ("out", after)],
        ),
    ];
    let record = record("rootfs.x", 1, steps);
    let chain = |path: &str| why(&store, &record, &asked("rootfs.x", path)).unwrap().chain;
    let pin = |chain: groundup_build::history::Chain| match chain.end {
        End::Pin { step, .. } => step,
        end => panic!("no pin: {end:?}"),
    };
    let changed = chain("/etc/issue");
    assert_eq!(changed.hops[0].did, Did::Scripts);
    assert_eq!(pin(changed), "package base:all fetch 1");
    assert_eq!(pin(chain("/etc/other")), "package base:all fetch 1");
    // What no package shipped ends at the recipe of the packages whose scripts ran.
    let made = chain("/etc/new");
    assert_eq!(made.hops[0].did, Did::Scripts);
    assert!(matches!(made.end, End::Recipe { .. }), "{made:?}");
}

#[test]
fn links_on_the_way_are_followed_and_loops_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let files = [
        ("usr/bin/x", "x"),
        ("bin", "-> usr/bin"),
        ("a/up", "-> ../usr"),
        ("loop", "-> loop"),
        ("to", "-> /bin/x"),
        ("away", "-> /nowhere"),
    ];
    let out = tree(&store, &files);
    let record = record("build.x", 1, vec![step("build.x run", &[], &[("out", out)])]);
    let found = |path: &str| why(&store, &record, &asked("build.x", path));
    let place = |path: &str| found(path).unwrap().path;
    assert_eq!(place("/bin/x"), "/usr/bin/x");
    assert_eq!(place("/a/up/bin/x"), "/usr/bin/x");
    assert_eq!(found("/bin/x").unwrap().via, [("/bin".to_owned(), "usr/bin".to_owned())]);
    assert_eq!(found("/to").unwrap().leads_to.unwrap().path, "/usr/bin/x");
    assert_eq!(found("/away").unwrap().leads_to, None);
    assert_eq!(found("/loop").unwrap().node.target.as_deref(), Some("loop"));
    assert!(matches!(found("/loop/x"), Err(WhyError::Nothing { .. })));
    assert!(matches!(found("/usr/bin/x/y"), Err(WhyError::Nothing { .. })));
    assert!(matches!(found("/usr/bin/y"), Err(WhyError::Nothing { .. })));
}

#[test]
fn a_record_whose_steps_go_round_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (a, b) = (tree(&store, &[("x", "a")]), tree(&store, &[("x", "b")]));
    let steps = vec![
        step("build.a run", &[("src.b", "build.b run:out", b)], &[("out", a)]),
        step("build.b run", &[("src.a", "build.a run:out", a)], &[("out", b)]),
    ];
    let record = record("build.a", 1, steps);
    let answer = why(&store, &record, &asked("build.a", "/x")).unwrap();
    assert!(matches!(answer.chain.end, End::Unknown { .. }), "{answer:?}");
    put(&store, &record);
    let history = open_history(&store).unwrap();
    let known = whence(&store, &history, &Asked::Object(a)).unwrap();
    assert!(matches!(known, Answer::Born { .. }));
    let file = Asked::Object(blob("a"));
    let Answer::Born { born } = whence(&store, &history, &file).unwrap() else {
        panic!("the file is in a tree")
    };
    assert!(matches!(&born[0].chain.as_ref().unwrap().end, End::Unknown { .. }));
}

#[test]
fn trees_that_are_lost_leave_what_records_say() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let lost = ObjectId::Tree(TreeId::of_encoded(b"lost"));
    let record = record("build.a", 1, vec![step("build.a run", &[], &[("out", lost)])]);
    put(&store, &record);
    let answer = why(&store, &record, &asked("build.a", "/x"));
    assert!(matches!(answer, Err(WhyError::Nothing { .. })), "{answer:?}");
    let history = open_history(&store).unwrap();
    let known = whence(&store, &history, &Asked::Object(lost)).unwrap();
    let Answer::Born { born } = known else { panic!("its build is known") };
    assert_eq!(born[0].step, "build.a run");
    let unknown = whence(&store, &history, &Asked::Object(blob("x"))).unwrap();
    assert_eq!(unknown, Answer::Nothing { builds: 1, stored: false });
}

#[test]
fn a_path_of_thousands_of_directories_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let deep = format!("{}f", "d/".repeat(2000));
    let out = tree(&store, &[(&deep, "deep")]);
    let record = record("build.a", 1, vec![step("build.a run", &[], &[("out", out)])]);
    let answer = why(&store, &record, &asked("build.a", &deep)).unwrap();
    assert_eq!(answer.node.size, Some(4));
    put(&store, &record);
    let history = open_history(&store).unwrap();
    let file = whence(&store, &history, &Asked::Object(blob("deep"))).unwrap();
    assert!(matches!(file, Answer::Born { .. }), "{file:?}");
}
