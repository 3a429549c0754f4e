//! What `plan --against` says of an edit is what a build then does.

use groundup_testkit::Deb;
use groundup_tests::tiny::{Tiny, shell};
use serde_json::Value;
use std::collections::BTreeSet;

const RECIPES: &str = r#"[vars]
greeting = "good day"

[source.hello]
path = "hello"

[rootfs.base]
packages = ["tiny-sh", "extra"]

[build.hello]
rootfs = "rootfs.base"
sources = { hello = "source.hello" }
script = """
copy /src/hello/hello.txt /out/hello.txt
echo copied
"""

[image.common]
abstract = true
trees = ["build.hello"]
entrypoint = ["/hello"]
files = [{ path = "/etc/greeting", text = "${greeting}\n" }]

[image.one]
extends = "image.common"
files = [{ path = "/etc/one", source = "one.conf" }]

[image.two]
extends = "image.common"
trees = ["rootfs.base"]
labels = { "org.example.site" = "${site}" }

[image.other]
trees = ["rootfs.base"]
"#;

fn extra(version: &str) -> Deb {
    Deb::new("extra", version, "all").file("usr/share/extra/version", version, 0o644)
}

/// The workspace, locked, committed and built.
fn committed() -> Tiny {
    let tiny = Tiny::with_packages(RECIPES, vec![shell("1"), extra("1")]);
    let settings = tiny.workspace.read("groundup.toml");
    tiny.workspace.write(
        "groundup.toml",
        format!("{settings}\n[vars]\nsite = \"north\"\n")
            .replace("name = \"tiny\"\n", "name = \"tiny\"\nepoch = 1700000000\n"),
    );
    tiny.workspace.write("one.conf", "a = 1\nb = 2\n");
    tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    tiny.git(&["init", "-q"]);
    tiny.commit("all");
    tiny
}

/// Which steps an edit is said to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Downstream {
    /// All that the plan does not know run in the end.
    Runs,
    /// What was made says the same as before: not all that were unknown run.
    StopsEarly,
}

/// What the plan says of the work tree.
struct Told {
    runs: BTreeSet<String>,
    unknown: BTreeSet<String>,
    /// `kind what: change @position`.
    causes: Vec<String>,
    answer: Value,
}

fn told(tiny: &Tiny) -> Told {
    let answer = tiny.answer(&["plan", "--against", "HEAD"]);
    let with = |fate: &str| {
        let steps = answer["affected"].as_array().expect("a list").iter();
        let steps = steps.filter(|step| step["fate"] == fate);
        steps.map(|step| step["step"].as_str().expect("a label").to_owned()).collect()
    };
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let causes = answer["causes"].as_array().expect("a list").iter().map(|row| {
        let (kind, what, change) = (text(row, "kind"), text(row, "what"), text(row, "change"));
        format!("{kind} {what}: {change} @{}", text(row, "position"))
    });
    Told { runs: with("runs"), unknown: with("unknown"), causes: causes.collect(), answer }
}

/// Every key that was built so far.
type Keys = BTreeSet<String>;

/// Builds, and gives the labels of the steps that ran: those with a key that nothing had.
fn ran(tiny: &Tiny, keys: &mut Keys) -> BTreeSet<String> {
    let built = tiny.build(&[]).built;
    let before = keys.len();
    let plan = tiny.answer(&["plan", "--all"]);
    let mut ran = BTreeSet::new();
    let mut fresh = BTreeSet::new();
    for step in plan["steps"].as_array().expect("a list") {
        let key = step["key"].as_str().expect("everything is built").to_owned();
        if !keys.contains(&key) {
            ran.insert(step["step"].as_str().expect("a label").to_owned());
            fresh.insert(key);
        }
    }
    keys.append(&mut fresh);
    assert_eq!(built as usize, keys.len() - before, "as many as the build says: {ran:?}");
    ran
}

/// Edits, compares plan and build, and takes the edit back. Gives the causes.
fn edited(
    (tiny, keys): (&Tiny, &mut Keys),
    name: &str,
    downstream: Downstream,
    edit: impl FnOnce(&Tiny),
) -> Vec<String> {
    edit(tiny);
    tiny.git(&["add", "-A", "-N"]);
    let told = told(tiny);
    let ran = ran(tiny, keys);
    let possible: BTreeSet<String> = told.runs.union(&told.unknown).cloned().collect();
    assert!(told.runs.is_subset(&ran), "{name}: planned {:?}, ran {ran:?}", told.runs);
    assert!(ran.is_subset(&possible), "{name}: ran {ran:?}, planned only {possible:?}");
    let stops = if ran == possible { Downstream::Runs } else { Downstream::StopsEarly };
    assert_eq!(stops, downstream, "{name}: ran {ran:?} of {possible:?}");
    assert_eq!(told.causes.is_empty(), ran.is_empty(), "{name}: {:?}", told.answer);
    tiny.git(&["reset", "-q", "--hard"]);
    tiny.git(&["clean", "-q", "-f", "-d"]);
    assert_eq!(tiny.build(&[]).built, 0, "{name}: everything is as it was");
    told.causes
}

fn replace(tiny: &Tiny, path: &str, from: &str, to: &str) {
    let text = tiny.workspace.read(path);
    assert!(text.contains(from), "{path} has no {from}");
    tiny.workspace.write(path, text.replacen(from, to, 1));
}

#[test]
fn what_is_planned_is_what_runs() {
    use Downstream::{Runs, StopsEarly};
    let mut tiny = committed();
    let mut keys = Keys::new();
    let recipe = |from: &'static str, to: &'static str| {
        move |tiny: &Tiny| replace(tiny, "recipes/tiny.toml", from, to)
    };
    let none: [&str; 0] = [];
    assert!(ran(&tiny, &mut keys).len() > 10, "the first build runs everything");

    let causes = edited(
        (&tiny, &mut keys),
        "a comment",
        Runs,
        recipe("[image.one]", "# Words.\n[image.one]"),
    );
    assert_eq!(causes, none);
    let causes = edited(
        (&tiny, &mut keys),
        "white space",
        Runs,
        recipe("path = \"hello\"", "path  =\t\"hello\""),
    );
    assert_eq!(causes, none);
    let causes = edited((&tiny, &mut keys), "reordered tables", Runs, |tiny| {
        let text = tiny.workspace.read("recipes/tiny.toml");
        let mut tables: Vec<&str> = text.split("\n\n").map(str::trim).collect();
        tables.reverse();
        tiny.workspace.write("recipes/tiny.toml", tables.join("\n\n") + "\n");
    });
    assert_eq!(causes, none);

    let causes = edited((&tiny, &mut keys), "a file of a source", StopsEarly, |tiny| {
        tiny.workspace.write("hello/hello.txt", "other\n");
        tiny.workspace.write("hello/more.txt", "more\n");
    });
    assert_eq!(causes, ["file source.hello: 2 paths differ @"]);
    let causes = edited((&tiny, &mut keys), "a file of an image", StopsEarly, |tiny| {
        tiny.workspace.write("one.conf", "a = 1\nb = 3\n");
    });
    assert_eq!(causes, ["file one.conf:2: b = 2 -> b = 3 @"]);
    let causes = edited(
        (&tiny, &mut keys),
        "a script of the same answer",
        StopsEarly,
        recipe("copied", "done"),
    );
    assert_eq!(
        causes,
        ["recipe build.hello script: echo copied -> echo done @recipes/tiny.toml:13"]
    );
    let causes = edited(
        (&tiny, &mut keys),
        "a script of another answer",
        StopsEarly,
        recipe("out/hello", "out/hallo"),
    );
    assert_eq!(causes.len(), 1);
    let causes = edited(
        (&tiny, &mut keys),
        "a base that others extend",
        Runs,
        recipe("[\"/hello\"]", "[\"/hullo\"]"),
    );
    assert_eq!(
        causes,
        [
            "recipe 2 targets entrypoint[/hullo]: added /hullo @recipes/tiny.toml:21",
            "recipe 2 targets entrypoint[/hello]: removed /hello @recipes/tiny.toml:21 at HEAD",
        ]
    );
    let causes = edited(
        (&tiny, &mut keys),
        "a variable of a file",
        StopsEarly,
        recipe("good day", "good night"),
    );
    assert_eq!(
        causes,
        ["recipe 2 targets vars.greeting: good day -> good night @recipes/tiny.toml:2"]
    );
    let causes = edited((&tiny, &mut keys), "a variable of the workspace", Runs, |tiny| {
        replace(tiny, "groundup.toml", "north", "south");
    });
    assert_eq!(causes, ["recipe image.two vars.site: north -> south @groundup.toml:12"]);
    let causes = edited((&tiny, &mut keys), "the epoch", StopsEarly, |tiny| {
        replace(tiny, "groundup.toml", "1700000000", "1700000001");
    });
    assert_eq!(causes, ["recipe workspace.epoch: 1700000000 -> 1700000001 @groundup.toml:3"]);
    let causes = edited(
        (&tiny, &mut keys),
        "a new target",
        Runs,
        recipe(
            "[image.other]",
            "[image.new]\nextends = \"image.one\"\nuser = \"5\"\n\n[image.other]",
        ),
    );
    assert_eq!(causes, ["recipe image.new: added @recipes/tiny.toml:33"]);
    let causes = edited(
        (&tiny, &mut keys),
        "a target that is gone",
        Runs,
        recipe("[image.other]\ntrees = [\"rootfs.base\"]\n", ""),
    );
    assert_eq!(causes, none);

    // Pins, by an archive that has gone on.
    tiny.publish(vec![shell("1"), shell("2"), extra("1"), extra("2")]);
    let causes = edited((&tiny, &mut keys), "one pin", StopsEarly, |tiny| {
        drop(tiny.says(&["update", "extra"]))
    });
    assert_eq!(causes.len(), 2, "the package, and the state of the archive: {causes:?}");
    assert!(causes[0].starts_with("pin extra: 1 -> 2 @groundup.lock:"), "{causes:?}");
    assert!(causes[1].starts_with("pin archive tiny: "), "{causes:?}");
    let causes = edited((&tiny, &mut keys), "the toolchain", StopsEarly, |tiny| {
        drop(tiny.says(&["update", "tiny-sh"]));
    });
    assert!(causes[0].starts_with("pin tiny-sh: 1 -> 2 @groundup.lock:"), "{causes:?}");
    let causes = edited((&tiny, &mut keys), "a package less", StopsEarly, |tiny| {
        replace(tiny, "recipes/tiny.toml", "[\"tiny-sh\", \"extra\"]", "[\"tiny-sh\"]");
        tiny.says(&["lock"]);
    });
    assert_eq!(causes.len(), 2, "{causes:?}");
    assert!(causes[0].starts_with("pin 1 package: removed @groundup.lock:"), "{causes:?}");
    assert!(causes[0].ends_with(" at HEAD"), "{causes:?}");
    assert!(
        causes[1].starts_with("recipe rootfs.base packages[extra]: removed extra"),
        "{causes:?}"
    );
}

#[test]
fn a_comparison_reads_well_and_knows_whom_it_reaches() {
    let tiny = committed();
    tiny.build(&[]);
    tiny.workspace.write("one.conf", "a = 1\nb = 4\n");
    let said = tiny.says(&["plan", "--against", "HEAD"]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("1 cause: 1 step runs, "), "{said}");
    assert_eq!(lines[1], "1  file  one.conf:2: b = 2 -> b = 4", "{said}");
    assert_eq!(lines[3].trim(), "reaches image.one", "{said}");
    let markdown = tiny.says(&["plan", "--against", "HEAD", "--markdown"]);
    assert!(markdown.starts_with("### groundup plan against `HEAD` ("), "{markdown}");
    assert!(markdown.contains("| 1 | file | `one.conf:2` b = 2 -> b = 4 |"), "{markdown}");
    assert!(markdown.contains("</details>"), "{markdown}");
    let one = tiny.says(&["plan", "--against", "HEAD", "image.two"]);
    assert!(one.starts_with("nothing differs from HEAD: "), "{one}");
}

#[test]
fn revisions_that_cannot_be_compared_are_named() {
    let tiny = committed();
    tiny.run(&["plan", "--against", "nowhere"])
        .expect(2, &["git knows no revision `nowhere`", "git fetch origin nowhere"]);
    // What is broken there is shown as it stands there.
    let good = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", "[image.one]\ntrees = 3\n");
    tiny.git(&["commit", "-q", "-a", "-m", "broken"]);
    tiny.workspace.write("recipes/tiny.toml", good);
    tiny.run(&["plan", "--against", "HEAD"])
        .expect(2, &["the workspace at HEAD cannot be planned:", "recipes/tiny.toml:2:9"]);
    let bare = Tiny::new(groundup_tests::tiny::RECIPES);
    bare.run(&["plan", "--against", "HEAD"]).expect(2, &["is not in a git repository"]);
}
