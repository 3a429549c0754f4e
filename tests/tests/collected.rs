//! What `diff` says of builds whose contents were collected, or that are known by a digest alone.

use groundup_testkit::Deb;
use groundup_tests::tiny::{Tiny, shell};
use serde_json::Value;

const RECIPES: &str = r#"[rootfs.base]
packages = ["tiny-sh", "extra", "linux"]

[image.app]
trees = ["rootfs.base"]
entrypoint = ["/hello"]
env = { LIMIT = "1024" }
files = [{ path = "/etc/app.conf", source = "app.conf" }]
"#;

fn packages(version: &str, option: &str) -> Vec<Deb> {
    let config = format!("CONFIG_64BIT=y\nCONFIG_NF_TABLES={option}\n");
    let extra = Deb::new("extra", version, "all");
    let linux = Deb::new("linux", &format!("6.1-{version}"), "all");
    vec![
        extra.file("usr/share/extra/version", version, 0o644),
        linux.file("boot/config-6.1", config, 0o644),
    ]
}

/// The workspace, locked, committed and built; the digest of the image.
fn committed() -> (Tiny, Value) {
    let tiny = Tiny::with_packages(RECIPES, [vec![shell("1")], packages("1", "y")].concat());
    tiny.workspace.write("app.conf", "retries = 3\nworkers = 8\n");
    tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    tiny.git(&["init", "-q"]);
    tiny.commit("all");
    let built = tiny.answer(&["build", "image.app"]);
    (tiny, built["targets"][0].clone())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The causes of a report as `kind what: change`.
fn causes(report: &Value) -> Vec<String> {
    let causes = report["causes"].as_array().expect("a list").iter();
    causes
        .map(|row| format!("{} {}: {}", text(row, "kind"), text(row, "what"), text(row, "change")))
        .collect()
}

/// The rows of a report as `path: what before -> after (note)`, one for each finding.
fn findings(report: &Value) -> Vec<String> {
    fn told(path: &str, finding: &Value, found: &mut Vec<String>) {
        let [what, before, after, note] =
            ["what", "before", "after", "note"].map(|key| text(finding, key));
        found.push(format!("{path}: {what} {before} -> {after} ({note})"));
        for inner in finding["inside"].as_array().into_iter().flatten() {
            told(path, inner, found);
        }
    }
    let mut found = Vec::new();
    for row in report["rows"].as_array().expect("a list") {
        let path = row["places"][0]["path"].as_array().expect("a path");
        let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
        for finding in row["findings"].as_array().expect("a list") {
            told(&path.join(" > "), finding, &mut found);
        }
    }
    found
}

#[track_caller]
fn has(list: &[String], texts: &[&str]) {
    let fits = |line: &String| texts.iter().all(|text| line.contains(text));
    assert!(list.iter().any(fits), "no {texts:?} in {list:#?}");
}

#[test]
fn a_line_that_moved_is_told_from_a_file_that_moved_without_any_revision() {
    let (tiny, first) = committed();
    let line = tiny.workspace.read("recipes/tiny.toml");
    let build = |tiny: &Tiny| tiny.answer(&["build", "image.app"])["targets"][0].clone();
    tiny.workspace.write("recipes/tiny.toml", line.replace("1024", "infinity"));
    let only_line = build(&tiny);
    tiny.workspace.write("app.conf", "retries = 3\nworkers = 80\n");
    let both = build(&tiny);
    tiny.workspace.write("recipes/tiny.toml", &line);
    let only_file = build(&tiny);

    let said = |a: &Value, b: &Value| {
        let report = tiny.differs(&["diff", text(a, "id"), text(b, "id")]);
        assert_eq!(report["reason"], "input", "{report:#}");
        let mut causes = causes(&report);
        causes.sort();
        causes
    };
    let of_line = "recipe image.app env.LIMIT: 1024 -> infinity";
    let of_file = "file app.conf:2: workers = 8 -> workers = 80";
    assert_eq!(said(&first, &only_line), [of_line]);
    assert_eq!(said(&first, &only_file), [of_file]);
    assert_eq!(said(&first, &both), [of_file, of_line]);
}

#[test]
fn collected_builds_are_compared_by_digest_alone() {
    let (mut tiny, first) = committed();
    let commit = {
        let mut command = tiny.workspace.command("git");
        command.args(["rev-parse", "HEAD"]);
        groundup_tests::succeed(&mut command).trim().to_owned()
    };
    tiny.publish([vec![shell("1")], packages("1", "y"), packages("2", "m")].concat());
    tiny.says(&["update", "extra", "linux"]);
    tiny.workspace.write("app.conf", "retries = 3\nworkers = 80\n");
    tiny.commit("another");
    let second = tiny.answer(&["build", "image.app"])["targets"][0].clone();
    tiny.says(&["store", "collect"]);

    let digests = [&first, &second].map(|target| text(target, "digest").to_owned());
    let [old, new] = digests.map(|digest| format!("registry.example/app@{digest}"));
    let report = tiny.differs(&["diff", &old, &new]);
    let told = causes(&report);
    has(&told, &["pin extra", "1 -> 2"]);
    has(&told, &["file app.conf"]);
    let found = findings(&report);
    has(&found, &["extra", "1 -> 2"]);
    has(&found, &["root > boot/config-6.1", "CONFIG_NF_TABLES", "y -> m"]);
    has(&found, &["root > etc/app.conf", "80"]);
    has(&found, &["root > usr/share/extra/version", "its content is no longer in the store"]);
    let hint = report["hints"][0].as_str().expect("a hint");
    assert!(hint.contains(&format!("git worktree add ../before {commit}")), "{hint}");
    assert!(hint.contains("build image.app"), "{hint}");
    let said = tiny.run(&["diff", &old, &new]);
    assert!(said.out.contains("were collected; they come back with"), "{said}");

    let unknown = format!("sha256:{}", "0".repeat(64));
    tiny.run(&["diff", &unknown, &new]).expect(2, &["no build in the store made", "skopeo copy"]);
}
