//! Texts that people edit: recipes, the workspace, settings, and the lock, which nobody should.

use crate::support::{refuses, untouched};
use groundup_tests::tiny::{RECIPES, Tiny, shell};
use std::fs;

#[test]
fn texts_that_are_no_recipes_are_refused_with_file_line_and_column() {
    let rows: [(&str, &str, &str, &[&str]); 6] = [
        ("broken TOML", "recipes/tiny.toml", "[source.hello\npath = 1", &["recipes/tiny.toml:1:"]),
        ("a broken workspace", "groundup.toml", "[workspace]\nname = \"x", &["groundup.toml:2:"]),
        ("not UTF-8", "recipes/tiny.toml", "\u{0}", &["recipes/tiny.toml:1:1"]),
        (
            "a misspelt key",
            "recipes/a.toml",
            "[rootfs.b]\npakages = []\n",
            &["a.toml:2:1", "`packages`"],
        ),
        (
            "an unknown target",
            "recipes/a.toml",
            "[image.b]\ntrees = [\"build.helo\"]\n",
            &["a.toml:2:", "`build.hello`"],
        ),
        (
            "deep nesting",
            "recipes/a.toml",
            "x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            &["a.toml:1:"],
        ),
    ];
    for (row, file, text, words) in rows {
        let tiny = Tiny::new(RECIPES);
        tiny.workspace.write(file, text);
        refuses(&tiny, row, &["build"], 2, words);
    }
    let tiny = Tiny::new(RECIPES);
    tiny.workspace.write("groundup.local.toml", "[networks]\n");
    // Every command reads the settings, also the one that would look at the store.
    tiny.run(&["build"]).expect(2, &["groundup.local.toml", "unknown field `networks`", "line 1"]);
    fs::remove_file(tiny.workspace.path("groundup.local.toml")).expect("it was written");
    untouched(&tiny, "settings");
}

#[test]
fn a_chain_of_ten_thousand_targets_is_read_or_refused_but_ends() {
    let tiny = Tiny::new(RECIPES);
    let mut text = "[build.t0]\nrootfs = \"rootfs.base\"\nscript = \"x\"\n".to_owned();
    for number in 1..10_000 {
        text += &format!("[build.t{number}]\nextends = \"build.t{}\"\n", number - 1);
    }
    tiny.workspace.write("recipes/chain.toml", text);
    let said = tiny.run(&["plan", "build.t1"]);
    assert!([0, 2].contains(&said.code), "{said}");
}

#[test]
fn a_lock_that_was_edited_is_refused_with_its_line_and_the_remedy() {
    let sha = |text: &str| {
        let start = text.find("\"tiny-sh 1 ").expect("the package is pinned");
        let end = start + text[start..].find(']').expect("a list");
        (end - 65, end - 1)
    };
    let edits: [(&str, &dyn Fn(&str) -> String, i32, &[&str]); 7] = [
        ("no TOML", &|text| text.replace("[package]", "[package"), 2, &["groundup.lock:"]),
        ("a half file", &|text| text[..text.len() / 2].to_owned(), 2, &["groundup.lock"]),
        (
            "another version",
            &|text| text.replace("version = 1", "version = 99"),
            2,
            &["groundup.lock:", "99"],
        ),
        (
            "an unknown key",
            &|text| format!("{text}\n[frob]\n"),
            2,
            &["groundup.lock:", "frob", "groundup lock"],
        ),
        (
            "a digest with a letter too few",
            &|text| {
                let (start, _) = sha(text);
                format!("{}{}", &text[..start], &text[start + 1..])
            },
            2,
            &["groundup.lock:", "digest"],
        ),
        (
            "the digest of another file",
            &|text| {
                let (start, end) = sha(text);
                format!("{}{}{}", &text[..start], "ab".repeat(32), &text[end..])
            },
            // Two steps find it, the download and the check against the archive; which is first
            // is a matter of time, so both are let run.
            1,
            &["package tiny-sh", "expected sha256 abab", "does not offer what is pinned"],
        ),
        (
            "a path that leaves the archive",
            &|text| text.replace("pool/main/t/tiny-sh/tiny-sh_1_", "../../tiny-sh_1_"),
            1,
            &["groundup.lock:", "not a path below a location"],
        ),
    ];
    for (row, edit, code, words) in edits {
        let tiny = Tiny::new(RECIPES);
        let text = tiny.workspace.read("groundup.lock");
        let edited = edit(&text);
        assert_ne!(edited, text, "{row}");
        tiny.workspace.write("groundup.lock", edited);
        refuses(&tiny, row, &["build", "--keep-going"], code, words);
        tiny.workspace.write("groundup.lock", text);
        tiny.build(&[]);
    }
}

#[test]
fn a_lock_that_cannot_be_read_is_an_error_and_not_a_missing_one() {
    for command in ["build", "lock", "plan"] {
        let tiny = Tiny::new(RECIPES);
        let lock = tiny.workspace.path("groundup.lock");
        fs::remove_file(&lock).expect("it was written");
        fs::create_dir(&lock).expect("the place is free");
        let said = tiny.run(&[command]);
        said.expect(3, &["groundup.lock"]);
        assert!(!said.err.contains("groundup lock`"), "another lock is no remedy: {said}");
        assert!(lock.is_dir(), "it is left as it is");
    }
}

#[test]
fn an_unknown_name_to_update_is_told_with_the_nearest() {
    let tiny = Tiny::new(RECIPES);
    refuses(&tiny, "a package", &["update", "tinysh"], 2, &["`tinysh`", "`tiny-sh`"]);
    refuses(&tiny, "nothing near", &["update", "nosuch"], 2, &["`nosuch`"]);
    assert!(shell("1").get("Package") == "tiny-sh");
}
