//! Child steps: what is compiled again after a change, and that answers do not depend on it.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_tests::{copy_recipes, in_workspace, told};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A program of three files, of which one reads a header of options.
const RECIPE: &str = r#"
[source.program]
path = "program"

[build.program]
rootfs = "rootfs.toolchain"
sources = { program = "source.program" }
reuse = true
script = """
cp -R /src/program/. .
make -s -j"$GROUNDUP_JOBS" CC="/groundup/reuse gcc"
cp program /out/
"""
"#;

const FILES: &[(&str, &str)] = &[
    (
        "Makefile",
        "objects = main.o one.o two.o\nprogram: $(objects)\n\tgcc -o $@ $(objects)\n\
      %.o: %.c\n\t$(CC) -Ifirst -Isecond -c $< -o $@\n",
    ),
    ("main.c", "int one(void);\nint two(void);\nint main(void) { return one() + two(); }\n"),
    ("one.c", "#include <one.h>\nint one(void) { return ONE; }\n"),
    ("two.c", "#include <two.h>\n#warning told again\nint two(void) { return TWO; }\n"),
    ("first/none.h", ""),
    ("second/one.h", "#define ONE 1\n"),
    ("second/two.h", "#define TWO 2\n"),
];

struct Workspace {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

/// What a build said of its children, and the id of what it made.
#[derive(Debug, PartialEq)]
struct Built {
    ran: u64,
    reused: u64,
    unkept: u64,
    program: String,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        copy_recipes(&root);
        fs::write(root.join("recipes/program.toml"), RECIPE).unwrap();
        let workspace = Self { _folder: folder, root };
        for (path, text) in FILES {
            workspace.write(path, text);
        }
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join("program").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn build(&self, options: &[&str]) -> Built {
        build(&self.root, options)
    }
}

fn build(root: &Path, options: &[&str]) -> Built {
    let mut command = in_workspace(root);
    let output = command.args(["build", "build.program", "--json"]).args(options).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let events = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let children = events.iter().find(|event| event["event"] == "children");
    let count = |name: &str| children.map_or(0, |event| event["children"][name].as_u64().unwrap());
    let last = events.last().unwrap();
    Built {
        ran: count("ran"),
        reused: count("reused"),
        unkept: count("unkept"),
        program: last.to_string().split("tree:").nth(1).unwrap()[..64].to_owned(),
    }
}

const STEP: &str = "build.program run linux/amd64";

#[test]
fn only_what_a_change_reaches_is_compiled_again() {
    let workspace = Workspace::new();
    let first = workspace.build(&[]);
    assert_eq!((first.ran, first.reused, first.unkept), (3, 0, 0));

    // Without reuse, and with all of it: the same program.
    let plain = workspace.build(&["--no-reuse", "--rerun", STEP]);
    assert_eq!((plain.ran, plain.reused, &plain.program), (0, 0, &first.program));
    let again = workspace.build(&["--jobs", "1", "--rerun", STEP]);
    assert_eq!((again.ran, again.reused, &again.program), (0, 3, &first.program));

    // A header that one file reads.
    workspace.write("second/one.h", "#define ONE 5\n");
    let changed = workspace.build(&[]);
    assert_eq!((changed.ran, changed.reused), (1, 2));
    assert_ne!(changed.program, first.program);

    // A header that was looked for and not found before the one that was.
    workspace.write("first/two.h", "#define TWO 7\n");
    let shadowed = workspace.build(&[]);
    assert_eq!((shadowed.ran, shadowed.reused), (1, 2));
    assert_ne!(shadowed.program, changed.program);

    // One that nobody looks for.
    workspace.write("first/three.h", "#define THREE 3\n");
    let unread = workspace.build(&[]);
    assert_eq!((unread.ran, unread.reused, &unread.program), (0, 3, &shadowed.program));

    // Back to the beginning: both results of a command are known.
    fs::remove_file(workspace.root.join("program/first/two.h")).unwrap();
    fs::remove_file(workspace.root.join("program/first/three.h")).unwrap();
    workspace.write("second/one.h", "#define ONE 1\n");
    let back = workspace.build(&["--rerun", STEP]);
    assert_eq!((back.ran, back.reused, &back.program), (0, 3, &first.program));

    // What a compiler said is said again.
    let mut log = in_workspace(&workspace.root);
    let log = log.args(["log", STEP]).output().unwrap();
    assert!(String::from_utf8_lossy(&log.stdout).contains("told again"), "{}", told(&log));
}

#[test]
fn another_directory_and_store_give_the_same() {
    let (one, other) = (Workspace::new(), Workspace::new());
    assert_eq!(one.build(&["--jobs", "1"]).program, other.build(&["--jobs", "4"]).program);
}

#[test]
fn what_fails_or_cannot_be_known_is_not_kept() {
    let workspace = Workspace::new();
    // Programs that list a directory, change a file by another name than its own, or by another than
    // it was read by, one that fails, one whose caller gives up, and one that only speaks.
    let script = r#"
mkdir d && touch d/a
/groundup/reuse sh -c 'cat d/a > here.txt'
/groundup/reuse ls d > listed.txt
/groundup/reuse sh -c 'cat d/a > d/../other.txt'
ln -s . here && /groundup/reuse sh -c 'cat here/d/a; echo x > d/a'
/groundup/reuse sh -c 'exit 3' || echo "code $?" > code.txt
timeout 1 /groundup/reuse sh -c 'sleep 100' || echo gone >> code.txt
echo words | /groundup/reuse cat > words.txt
cp *.txt /out/
"#;
    let recipe = RECIPE.split_once("script").unwrap().0.to_owned();
    let recipe = format!("{recipe}script = '''{script}'''\n");
    fs::write(workspace.root.join("recipes/program.toml"), recipe).unwrap();
    let first = workspace.build(&[]);
    assert_eq!((first.ran, first.reused, first.unkept), (1, 0, 5));
    let text = |name: &str| {
        fs::read_to_string(workspace.root.join("out/build.program").join(name)).unwrap()
    };
    assert_eq!((text("code.txt"), text("words.txt")), ("code 3\ngone\n".into(), "words\n".into()));
    let again = workspace.build(&["--rerun", STEP]);
    assert_eq!((again.ran, again.reused, again.unkept), (0, 1, 5));
    assert_eq!(again.program, first.program);
}
