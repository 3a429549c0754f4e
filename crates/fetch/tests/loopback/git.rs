//! Commits, fetched by the host's git from a repository on disk.

use crate::{Fixture, settings, told};
use groundup_fetch::{Fetcher, GitPin};
use std::{
    fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::atomic::AtomicBool,
};

fn git(dir: &Path, arguments: &[&str]) -> String {
    let identity =
        ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.args(identity).args(arguments).current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository whose attributes ask for conversions.
fn repository(fixture: &Fixture) -> (String, GitPin) {
    let dir = fixture.dir.path().join("upstream");
    fs::create_dir(&dir).unwrap();
    git(&dir, &["init", "--quiet", "--initial-branch=main"]);
    fs::write(dir.join(".gitattributes"), "* text eol=crlf ident\nhidden export-ignore\n").unwrap();
    fs::write(dir.join("a.txt"), "one\n$Id$\n").unwrap();
    fs::write(dir.join("hidden"), "x\n").unwrap();
    fs::write(dir.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
    git(&dir, &["add", "--all"]);
    git(&dir, &["commit", "--quiet", "-m", "first"]);
    git(&dir, &["tag", "v1"]);
    let (commit, tree) = (git(&dir, &["rev-parse", "v1"]), git(&dir, &["rev-parse", "v1^{tree}"]));
    git(&dir, &["commit", "--quiet", "--allow-empty", "-m", "second"]);
    (dir.to_str().unwrap().to_owned(), GitPin { commit, tree })
}

#[test]
fn the_files_of_a_commit_are_those_that_were_committed() {
    let (fixture, cancel) = (Fixture::new(), AtomicBool::new(false));
    let (url, pin) = repository(&fixture);
    let fetcher = Fetcher::new(settings());
    let found = fetcher.fetch_git(&fixture.store, &url, &pin, &cancel).unwrap();
    assert_eq!(fs::read_to_string(found.path().join("a.txt")).unwrap(), "one\n$Id$\n");
    assert!(found.path().join("hidden").exists());
    assert!(!found.path().join(".git").exists());
    let mode = |name: &str| fs::metadata(found.path().join(name)).unwrap().permissions().mode();
    assert_eq!((mode("run") & 0o7777, mode("a.txt") & 0o7777), (0o755, 0o644));
    assert!(found.submodules.is_empty());
    let path = found.path().to_owned();
    drop(found);
    assert!(!path.exists());
}

#[test]
fn names_are_resolved_to_commits() {
    let (fixture, cancel) = (Fixture::new(), AtomicBool::new(false));
    let (url, pin) = repository(&fixture);
    let fetcher = Fetcher::new(settings());
    let resolve = |rev: &str| fetcher.resolve_git(&fixture.store, &url, rev, &cancel);
    assert_eq!(resolve("v1").unwrap(), pin);
    assert_eq!(resolve(&pin.commit).unwrap(), pin);
    assert_ne!(resolve("main").unwrap(), pin);
    let error = resolve("v2").unwrap_err().to_string();
    assert!(error.ends_with("has no branch, tag or commit `v2`"), "{error}");
    let missing = "1".repeat(40);
    let error = resolve(&missing).unwrap_err().to_string();
    assert!(error.ends_with(&format!("has no branch, tag or commit `{missing}`")), "{error}");
}

#[test]
fn another_tree_than_pinned_and_a_missing_repository_are_errors() {
    let (fixture, cancel) = (Fixture::new(), AtomicBool::new(false));
    let (url, pin) = repository(&fixture);
    let fetcher = Fetcher::new(settings());
    let wrong = GitPin { tree: "0".repeat(40), ..pin.clone() };
    let error = fetcher.fetch_git(&fixture.store, &url, &wrong, &cancel).unwrap_err();
    assert!(error.to_string().contains(&pin.tree), "{error}");
    let gone = fixture.dir.path().join("gone");
    let gone = gone.to_str().unwrap();
    let error = fetcher.resolve_git(&fixture.store, gone, "main", &cancel).unwrap_err();
    assert!(told(&error).contains("git says:"), "{}", told(&error));
}
