//! A workspace through its life: locked, built, edited, updated; and how little each edit runs.

use groundup_testkit::{Deb, Server};
use groundup_tests::{
    copy_recipes,
    tiny::{ARCHITECTURE, RECIPES, Said, Steps, Tiny, shell},
};
use std::{fs, path::Path, process::Command, sync::OnceLock};

fn extra(version: &str) -> Deb {
    Deb::new("extra", version, "all").file("usr/share/extra/version", version, 0o644)
}

/// The recipes with a second package in the root file system.
fn with_extra() -> String {
    RECIPES.replace("[\"tiny-sh\"]", "[\"tiny-sh\", \"extra\"]")
}

#[test]
fn what_is_locked_builds_and_builds_no_more() {
    let tiny = Tiny::unlocked(RECIPES);
    let said = tiny.run(&["lock"]);
    said.expect(0, &["groundup.lock written; "]);
    assert!(said.out.contains("tiny-sh"), "what is pinned is said: {said}");
    let lock = tiny.workspace.read("groundup.lock");
    assert!(!lock.contains(&*tiny.workspace.folder().to_string_lossy()), "no place: {lock}");
    let said = tiny.run(&["build"]);
    said.expect(0, &["done  build.hello run"]);
    let line = said.out.lines().next().unwrap_or_default();
    assert!(
        line.starts_with("image.hello  sha256:") && line.ends_with("  out/image.hello"),
        "{said}"
    );
    assert!(tiny.workspace.path("out/image.hello/oci-layout").is_file());
    tiny.run(&["build", "build.hello"]).expect(0, &["0 steps built"]);
    assert_eq!(tiny.workspace.read("out/build.hello/hello.txt"), "hello\n");
    assert_eq!(tiny.build(&[]).built, 0);
    assert_eq!(tiny.workspace.read("groundup.lock"), lock, "a build changes no lock");
}

#[test]
fn a_lock_moves_only_when_it_is_told_to() {
    let mut tiny = Tiny::with_packages(&with_extra(), vec![shell("1"), extra("1.0")]);
    tiny.says(&["lock"]);
    let first = tiny.workspace.read("groundup.lock");
    tiny.run(&["lock"]).expect_exactly(0, "groundup.lock fits; nothing moved\n");

    tiny.publish(vec![shell("2"), extra("1.1")]);
    tiny.run(&["lock"]).expect(0, &["nothing moved"]);
    assert_eq!(tiny.workspace.read("groundup.lock"), first);

    tiny.publish(vec![shell("1"), shell("2"), extra("1.0"), extra("1.1")]);
    let moved = tiny.says(&["update", "extra"]);
    assert!(moved.contains("extra 1.0 -> 1.1"), "{moved}");
    assert!(!moved.contains("tiny-sh"), "the other package stays: {moved}");
    let moved = tiny.says(&["update"]);
    assert!(moved.contains("tiny-sh 1 -> 2") && !moved.contains("extra"), "{moved}");
    assert_eq!(tiny.says(&["update"]), "", "and now nothing moves");
    tiny.run(&["update", "extr"]).expect(2, &["`extr` is not in the lock"]);
    tiny.build(&[]);
}

#[test]
fn a_stale_lock_is_refused_with_its_line_and_the_command() {
    let tiny = Tiny::with_packages(RECIPES, vec![shell("1"), extra("1")]);
    tiny.says(&["lock"]);
    assert_eq!(tiny.run(&["lock", "--check"]).code, 0);
    let lock = tiny.workspace.read("groundup.lock");
    tiny.workspace.write("recipes/tiny.toml", with_extra());
    let stale = "\
error: the lock is stale: `rootfs.base` asks for other packages on `linux/PLATFORM`
  --> recipes/tiny.toml:5:24
   |
 5 | packages = [\"tiny-sh\", \"extra\"]
   |                        ^^^^^^^ `extra` is not in the lock
   |
  ::: groundup.lock:20:14
   |
20 | [rootfs.base.\"linux/PLATFORM\"]
   |              ------------- locked here
   |
   = help: run `groundup lock` to bring the lock up to date
"
    .replace("PLATFORM", ARCHITECTURE);
    for command in [&["build"][..], &["plan"], &["graph"]] {
        tiny.run(command).expect_exactly(2, &stale);
    }
    let checked = tiny.run(&["lock", "--check"]);
    checked.expect(1, &["groundup lock"]);
    let answer = tiny.answer(&["lock", "--check"]);
    assert_eq!((&answer["version"], &answer["fits"]), (&2.into(), &false.into()), "{answer}");
    assert_eq!(answer["stale"][0]["recipe"], "recipes/tiny.toml:5:24", "{answer}");
    assert_eq!(tiny.workspace.read("groundup.lock"), lock, "neither changes the lock");
    let moved = tiny.says(&["lock"]);
    assert!(moved.contains("extra"), "{moved}");
    assert_eq!(tiny.run(&["lock", "--check"]).code, 0);
    tiny.build(&[]);
}

#[test]
fn a_job_of_github_is_told_the_line_of_each_error() {
    let tiny = Tiny::new(RECIPES);
    let top = tiny.workspace.root().parent().expect("it is in a folder").to_owned();
    let name = tiny.workspace.root().file_name().expect("it has a name").to_owned();
    let job = |arguments: &[&str]| {
        let mut command = tiny.command(arguments);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &top);
        tiny.said(&command.output().expect("the program starts"))
    };
    let place =
        |line: u32| format!("::error file={}/recipes/tiny.toml,line={line}", name.display());
    let failing = RECIPES.replace("echo copied", "exit 3");
    tiny.workspace.write("recipes/tiny.toml", &failing);
    job(&["build"]).expect(1, &[&format!("{}::build.hello run", place(7))]);
    tiny.workspace
        .write("recipes/tiny.toml", failing.replace("[image.hello]", "[image.hello]\nwho = 1"));
    job(&["build"]).expect(2, &[&format!("{},col=1::unknown key `who`", place(16))]);
    tiny.workspace.write("recipes/tiny.toml", with_extra());
    let said = job(&["lock", "--check"]);
    said.expect(1, &[&format!("{},col=24::the lock is stale", place(5))]);
    assert!(!tiny.run(&["lock", "--check"]).err.contains("::error"), "elsewhere nothing is said");
}

#[test]
fn without_a_lock_a_build_says_to_make_one() {
    let tiny = Tiny::unlocked(RECIPES);
    tiny.run(&["build"]).expect(2, &["groundup lock"]);
    assert!(!tiny.workspace.path("groundup.lock").exists());
}

#[test]
fn offline_builds_from_the_store_or_names_what_lacks() {
    let tiny = Tiny::unlocked(RECIPES);
    let server = Server::serve(&tiny.mirror());
    let settings = format!("[mirrors]\ntiny = [\"{}\"]\n", server.url(""));
    tiny.workspace.write("groundup.local.toml", settings);
    tiny.says(&["lock"]);
    let before = server.requests().len();
    let said = tiny.run(&["--offline", "build"]);
    said.expect(3, &["error: offline, and one input is not on this machine: package tiny-sh:"]);
    assert_eq!(server.requests().len(), before, "no socket was opened");
    tiny.build(&[]);
    let before = server.requests().len();
    fs::remove_dir_all(tiny.workspace.path("out")).expect("it was built");
    tiny.run(&["--offline", "build"]).expect(0, &["0 steps built"]);
    // A change below the packages needs no mirror either.
    tiny.workspace.write("hello/hello.txt", "other\n");
    tiny.run(&["--offline", "build"]).expect(0, &[]);
    assert_eq!(server.requests().len(), before);
}

#[test]
fn a_mirror_on_disk_needs_no_network_and_a_missing_file_is_named() {
    let tiny = Tiny::new(RECIPES);
    let package = tiny.package_file(&shell("1"));
    let bytes = fs::read(&package).expect("it is published");
    fs::remove_file(&package).expect("the mirror is ours");
    let said = tiny.run(&["--offline", "build"]);
    said.expect(3, &["cannot fetch package tiny-sh", "_1_", "No such file or directory"]);
    assert_eq!(said.err.matches("cannot fetch").count(), 1, "{said}");
    fs::write(&package, bytes).expect("the mirror is ours");
    tiny.run(&["--offline", "build"]).expect(0, &[]);
}

#[test]
fn a_tampered_package_is_refused_and_leaves_no_trace() {
    let tiny = Tiny::new(RECIPES);
    let package = tiny.package_file(&shell("1"));
    let mut bytes = fs::read(&package).expect("it is published");
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&package, bytes).expect("the mirror is ours");
    let said = tiny.run(&["build"]);
    said.expect(3, &["package tiny-sh", "expected sha256 "]);
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
    fs::write(&package, shell("1").build()).expect("the mirror is ours");
    tiny.build(&[]);
}

#[test]
fn a_forged_release_is_not_locked() {
    let tiny = Tiny::unlocked(RECIPES);
    let release = tiny.mirror().join("dists/test/InRelease");
    let text = fs::read_to_string(&release).expect("it is published");
    fs::write(&release, text.replace("Origin: Test", "Origin: Tost")).expect("it is ours");
    tiny.run(&["lock"]).expect(3, &["tiny"]);
    assert!(!tiny.workspace.path("groundup.lock").exists());
}

#[test]
fn what_says_the_same_rebuilds_nothing() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    let recipe = tiny.workspace.read("recipes/tiny.toml");
    let edit = |text: String| tiny.workspace.write("recipes/tiny.toml", text);
    edit(format!("# A comment.\n{}", recipe.replace("[image", "\n# Another.\n[image")));
    assert_eq!(tiny.build(&[]).built, 0, "a comment");
    let mut tables: Vec<_> = recipe.split("\n\n").map(str::trim).collect();
    tables.reverse();
    edit(tables.join("\n\n") + "\n");
    assert_eq!(tiny.build(&[]).built, 0, "reordered tables");
    edit(recipe.replace(
        "rootfs = \"rootfs.base\"\nsources = { hello = \"source.hello\" }",
        "sources.hello = \"source.hello\"\nrootfs = 'rootfs.base'",
    ));
    assert_eq!(tiny.build(&[]).built, 0, "reordered keys in another form");
    fs::rename(tiny.workspace.path("recipes/tiny.toml"), tiny.workspace.path("recipes/other.toml"))
        .expect("it is ours");
    assert_eq!(tiny.build(&[]).built, 0, "another file");
    tiny.workspace.write("hello/hello.txt", "hello\n");
    assert_eq!(tiny.build(&[]).built, 0, "a touched file");
}

#[test]
fn a_change_rebuilds_what_reads_it_and_no_more() {
    let tiny = Tiny::new(RECIPES);
    let all = tiny.build(&[]);
    tiny.workspace.write("hello/hello.txt", "other\n");
    let Steps { built, reused } = tiny.build(&[]);
    assert!(1 < built && built < all.built, "{built} of {all:?}");
    assert_eq!(built + reused, all.built + all.reused);
    assert_eq!(tiny.build(&[]).built, 0);
    // Back again: everything is known.
    tiny.workspace.write("hello/hello.txt", "hello\n");
    assert_eq!(tiny.build(&[]).built, 0);
    // Another command with the same output: only that step runs.
    let recipe = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", recipe.replace("echo copied", "echo done"));
    assert_eq!(tiny.build(&[]).built, 1, "early cutoff");
}

// What follows uses the real archive, and one store for what it fetches.

/// A store for all tests of this program, made anew by the first of them.
fn shared_store() -> &'static Path {
    static STORE: OnceLock<std::path::PathBuf> = OnceLock::new();
    STORE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workspace-tests-store");
        // Check-outs are read-only to people; the owner may remove them all the same.
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(&place).output();
        let _ = fs::remove_dir_all(&place);
        place
    })
}

/// The program with the shared store.
fn shared(tiny: &Tiny, arguments: &[&str]) -> Said {
    let mut command = tiny.command(arguments);
    command.env("GROUNDUP_STORE", shared_store());
    let said = tiny.said(&command.output().expect("the program starts"));
    assert_eq!(said.code, 0, "{arguments:?}: {said}");
    said
}

#[test]
fn what_init_writes_locks_and_builds() {
    let tiny = Tiny::empty();
    let said = shared(&tiny, &["init"]);
    said.expect(0, &["next: `groundup lock`, then `groundup build`"]);
    shared(&tiny, &["lock"]).expect(0, &["groundup.lock written"]);
    let built = shared(&tiny, &["build"]);
    assert!(built.out.starts_with("image.hello  sha256:"), "{built}");
    assert!(built.out.ends_with("  out/image.hello\n"), "{built}");
    assert_eq!(Steps::of(&shared(&tiny, &["build", "--json"])).built, 0);
    shared(&tiny, &["build", "build.hello"]);
    let mut hello = tiny.workspace.command(tiny.workspace.path("out/build.hello/usr/bin/hello"));
    let said = groundup_tests::succeed(&mut hello);
    assert_eq!(said, "Hello from a pinned, reproducible image.\n");
}

const HELLO: &str =
    "#include <stdio.h>\n\nint main(void) {\n    puts(\"hello\");\n    return 0;\n}\n";

#[test]
fn an_edit_of_a_c_source_rebuilds_as_far_as_it_matters() {
    let tiny = Tiny::empty();
    copy_recipes(&tiny.workspace.root());
    tiny.workspace.write("hello/hello.c", HELLO);
    tiny.workspace.write(
        "recipes/hello.toml",
        "[source.hello]\npath = \"hello\"\n\n[build.hello]\nrootfs = \"rootfs.toolchain\"\n\
         sources = { hello = \"source.hello\" }\n\
         script = \"mkdir -p /out/bin && gcc -O1 -o /out/bin/hello /src/hello/hello.c\"\n\n\
         [image.hello]\ntrees = [\"build.hello\"]\nentrypoint = [\"/bin/hello\"]\n",
    );
    let build = || Steps::of(&shared(&tiny, &["build", "--json", "image.hello"]));
    let all = build();
    assert_eq!(build(), Steps { built: 0, reused: all.built + all.reused });

    tiny.workspace.write("hello/hello.c", HELLO.replace("    return", "    /* Well. */ return"));
    assert_eq!(build().built, 1, "it compiles to the same bytes: nothing downstream");
    tiny.workspace.write("hello/hello.c", HELLO.replace("\"hello\"", "\"other\""));
    let changed = build();
    assert!(changed.built > 1, "the image is made anew: {changed:?}");
    tiny.workspace.write("hello/hello.c", HELLO);
    assert_eq!(build().built, 0, "it was built before");
}
