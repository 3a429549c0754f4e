//! A build that has nothing to do answers from what an earlier one kept; it must never answer
//! otherwise than a build that goes the whole way.

use groundup_tests::tiny::{RECIPES, Tiny};
use serde_json::Value;
use std::{fs, path::Path, process::Command, time::Duration};

/// A built workspace whose answer is kept.
fn kept(git: bool) -> Tiny {
    let tiny = Tiny::new(RECIPES);
    if git {
        write(&tiny, ".gitignore", "/store\n/out\n/home\n/mirror\n*.o\n");
        run_git(&tiny, &["init", "-q"]);
        run_git(&tiny, &["add", "-A"]);
    }
    keep(&tiny);
    tiny
}

/// Builds until the answer is kept: not one that rests on what changed a moment ago.
fn keep(tiny: &Tiny) {
    std::thread::sleep(Duration::from_millis(60));
    build(tiny);
    assert_eq!(answers(tiny), 1, "the answer is kept");
}

fn write(tiny: &Tiny, path: &str, text: impl AsRef<[u8]>) {
    tiny.workspace.write(path, text);
}

fn answers(tiny: &Tiny) -> usize {
    walkdir::WalkDir::new(tiny.workspace.path("store/answers")).min_depth(1).into_iter().count()
}

fn run_git(tiny: &Tiny, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(tiny.workspace.path("")).args(["-c", "user.name=x", "-c", "user.email=x"]);
    assert!(git.args(arguments).status().expect("git starts").success());
}

fn build(tiny: &Tiny) -> (Value, String) {
    let said = tiny.run(&["build", "--json", "image.*", "source.hello"]);
    assert_eq!(said.code, 0, "{said}");
    (said.answer()["targets"].clone(), said.err)
}

/// What a build says now is what one says that knows no answers; gives the targets.
fn is_right(tiny: &Tiny, what: &str) -> Value {
    let (quick, quick_said) = build(tiny);
    // None may be kept: what changed a moment ago is not relied on.
    let _ = fs::remove_dir_all(tiny.workspace.path("store/answers"));
    let (whole, whole_said) = build(tiny);
    assert_eq!(quick, whole, "{what}");
    let warnings = |said: &str| {
        said.lines().filter(|line| line.starts_with("warning")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(warnings(&quick_said), warnings(&whole_said), "{what}");
    keep(tiny);
    quick
}

type Change = fn(&Tiny);

fn every_change_is_seen(tiny: &Tiny, changes: &[(&str, bool, Change)]) {
    let mut last = build(tiny).0;
    for (what, matters, change) in changes {
        change(tiny);
        let now = is_right(tiny, what);
        assert_eq!(now != last, *matters, "{what}");
        last = now;
    }
}

#[test]
fn every_change_of_a_workspace_without_git_is_seen() {
    let tiny = kept(false);
    every_change_is_seen(
        &tiny,
        &[
            ("an edited source", true, |tiny| write(tiny, "hello/hello.txt", "other\n")),
            ("a new file", true, |tiny| write(tiny, "hello/new.txt", "new\n")),
            ("an empty directory", false, |tiny| {
                fs::create_dir(tiny.workspace.path("hello/deep")).expect("it is ours");
            }),
            ("a file in it", true, |tiny| write(tiny, "hello/deep/new.txt", "new\n")),
            ("a removed file", true, |tiny| {
                fs::remove_file(tiny.workspace.path("hello/new.txt")).expect("it is ours");
            }),
            ("an edited recipe", true, |tiny| {
                let recipe = tiny.workspace.read("recipes/tiny.toml");
                write(tiny, "recipes/tiny.toml", recipe.replace("[image.hello]", "[image.other]"));
            }),
            ("a new recipe", true, |tiny| {
                write(tiny, "recipes/more.toml", "[image.more]\ntrees = [\"rootfs.base\"]\n");
            }),
            ("a comment", false, |tiny| {
                let recipe = tiny.workspace.read("recipes/tiny.toml");
                write(tiny, "recipes/tiny.toml", format!("# A comment.\n{recipe}"));
            }),
        ],
    );
}

#[test]
fn every_change_of_a_git_work_tree_is_seen() {
    let tiny = kept(true);
    every_change_is_seen(
        &tiny,
        &[
            ("an untracked file", false, |tiny| write(tiny, "hello/new.txt", "new\n")),
            ("which is then added", true, |tiny| run_git(tiny, &["add", "hello"])),
            ("an ignored file", false, |tiny| write(tiny, "hello/x.o", "o")),
            ("which is ignored no more", false, |tiny| {
                write(tiny, ".gitignore", "/store\n/out\n/home\n/mirror\n");
            }),
            ("an edited file", true, |tiny| write(tiny, "hello/new.txt", "newer\n")),
            ("a removed one", true, |tiny| {
                fs::remove_file(tiny.workspace.path("hello/new.txt")).expect("it is ours");
            }),
            ("a commit", false, |tiny| run_git(tiny, &["commit", "-qam", "x"])),
        ],
    );
}

#[test]
fn an_answer_whose_content_is_gone_is_none() {
    let tiny = kept(false);
    let before = build(&tiny).0;
    fs::remove_dir_all(tiny.workspace.path("out")).expect("it is ours");
    assert_eq!(build(&tiny).0, before);
    assert!(tiny.workspace.path("out/image.hello/oci-layout").is_file(), "copies are made again");
    let blobs = tiny.workspace.path("store/blobs");
    assert!(Command::new("chmod").args(["-R", "u+w"]).arg(&blobs).status().is_ok());
    for entry in walkdir::WalkDir::new(&blobs).min_depth(2) {
        fs::remove_file(entry.expect("it can be listed").path()).expect("it is ours");
    }
    assert!(tiny.build(&[]).built > 0, "what is gone is made again");
    assert_eq!(build(&tiny).0, before);
    tiny.run(&["store", "collect"]).expect(0, &[]);
    assert_eq!(build(&tiny).0, before);
}

#[test]
fn another_question_has_another_answer() {
    let tiny = kept(false);
    let whole = build(&tiny).0;
    let one = tiny.answer(&["build", "build.hello"])["targets"].clone();
    assert_ne!(whole, one);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(tiny.answer(&["build", "build.hello"])["targets"], one);
    assert_eq!(build(&tiny).0, whole);
    let steps = |said: Value| said["steps"]["reused"].as_u64();
    assert_eq!(steps(tiny.answer(&["build"])), steps(tiny.answer(&["build", "image.*"])));
    let place = tiny.workspace.path("elsewhere");
    tiny.says(&["build", "--out", &place.to_string_lossy()]);
    assert!(Path::new(&place).join("image.hello").is_dir(), "another place is no other question");
}
