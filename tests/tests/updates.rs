//! Moving pins: what is told of it, what stays, and nothing but fixes.

use groundup_testkit::{Archive, Deb, Suite};
use groundup_tests::tiny::{ARCHITECTURE, RECIPES, Tiny, shell};
use std::fs;

const LOG: &str = "\
extra-source (1.2) test-security; urgency=high

  * CVE-2025-4321: the file is \u{1b}[31mred\u{1b}[0m no more.

 -- Ann <a@example.invalid>  Sun, 14 Sep 2025 22:00:00 +0200

extra-source (1.1) test; urgency=low

  * A version that nobody had.

 -- Ann <a@example.invalid>  Sun, 07 Sep 2025 22:00:00 +0200

extra-source (1.0) test; urgency=low

  * First.

 -- Ann <a@example.invalid>  Sun, 31 Aug 2025 22:00:00 +0200
";

/// One of two packages of one source; the second has its changelog in the first.
fn of_source(name: &str, version: &str) -> Deb {
    let deb = Deb::new(name, version, "all").field("Source", "extra-source");
    let deb = deb.file(&format!("usr/share/{name}/version"), version, 0o644);
    match name {
        "extra" => deb.file("usr/share/doc/extra/changelog.Debian", LOG, 0o644),
        _ => deb,
    }
}

fn packages(version: &str) -> Vec<Deb> {
    vec![shell("1"), of_source("extra", version), of_source("extra-data", version)]
}

fn recipes() -> String {
    let other = "[rootfs.other]\npackages = [\"tiny-sh\"]\n[build.other]\n\
                 rootfs = \"rootfs.other\"\nscript = \"echo\"\n";
    RECIPES.replace("[\"tiny-sh\"]", "[\"tiny-sh\", \"extra\", \"extra-data\"]") + other
}

#[test]
fn an_update_tells_versions_changelogs_and_what_is_built_anew() {
    let mut tiny = Tiny::with_packages(&recipes(), packages("1.0"));
    tiny.says(&["lock"]);
    let lock = tiny.workspace.read("groundup.lock");
    tiny.publish(packages("1.2"));
    let dry = tiny.run(&["update", "--dry-run"]);
    dry.expect(1, &["3 pins would move; groundup.lock is as it was"]);
    assert_eq!(tiny.workspace.read("groundup.lock"), lock);
    let said = tiny.run(&["update"]);
    said.expect(0, &["groundup.lock written; 3 pins moved"]);
    assert_eq!(said.out, dry.out, "a dry run says the same");
    let platform = format!("linux/{ARCHITECTURE}");
    let expected = format!(
        "\
archive tiny: test of Sat, 01 Jan 2022 12:00:00 UTC -> test of Sat, 01 Jan 2022 12:01:00 UTC
extra, extra-data 1.0 -> 1.2  (source extra-source; rootfs.base {platform})
    CVE-2025-4321
    | extra-source (1.2) test-security; urgency=high
    |   * CVE-2025-4321: the file is \\u{{1b}}[31mred\\u{{1b}}[0m no more.
    | extra-source (1.1) test; urgency=low
    |   * A version that nobody had.
to build anew: rootfs.base, build.hello, image.hello
"
    );
    assert_eq!(said.out, expected);
    tiny.run(&["update", "--dry-run"]).expect(0, &["groundup.lock fits; nothing moved"]);
}

#[test]
fn the_answer_for_machines_has_the_same() {
    let mut tiny = Tiny::with_packages(&recipes(), packages("1.0"));
    tiny.says(&["lock"]);
    tiny.publish(packages("1.2"));
    let answer = tiny.answer(&["update", "--dry-run"]);
    assert_eq!((&answer["version"], &answer["changed"]), (&2.into(), &true.into()), "{answer}");
    assert_eq!((&answer["written"], &answer["pins"]), (&false.into(), &3.into()), "{answer}");
    let moved = &answer["moved"][1];
    assert_eq!(moved["kind"], "packages", "{answer}");
    assert_eq!((&moved["from"], &moved["to"]), (&"1.0".into(), &"1.2".into()), "{answer}");
    assert_eq!(moved["changelog"]["cves"][0], "CVE-2025-4321", "{answer}");
    assert_eq!(moved["changelog"]["entries"][1]["version"], "1.1", "{answer}");
    assert_eq!(answer["rebuilds"].as_array().map(Vec::len), Some(3), "{answer}");
    let few = tiny.run(&["update", "--lines", "1"]);
    few.expect(0, &[]);
    assert!(few.out.contains("    | 3 lines more; --lines N shows up to N\n"), "{few}");
}

#[test]
fn without_lines_no_package_is_fetched_and_without_a_changelog_that_is_said() {
    let mut tiny = Tiny::with_packages(RECIPES, vec![shell("1")]);
    tiny.says(&["lock"]);
    tiny.publish(vec![shell("2")]);
    let said = tiny.run(&["update", "--dry-run"]);
    assert!(said.out.contains("    it carries no changelog\n"), "{said}");
    fs::remove_dir_all(tiny.workspace.path("store")).expect("it was made");
    fs::remove_file(tiny.package_file(&shell("2"))).expect("it is published");
    let said = tiny.run(&["update", "--dry-run"]);
    assert!(said.out.contains("    no changelog: cannot get package tiny-sh 2 "), "{said}");
    let said = tiny.run(&["update", "--lines", "0"]);
    said.expect(0, &["groundup.lock written"]);
    assert!(!said.out.contains("changelog"), "{said}");
}

/// A second archive, of fixes, beside the tiny one.
fn publish_fixes(tiny: &Tiny, fixes: &mut Archive, minute: u32, debs: Vec<Deb>) {
    let suite = &mut fixes.suites[0];
    suite.packages = debs.into_iter().map(|deb| ("main".to_owned(), deb)).collect();
    suite.date = format!("Sun, 02 Jan 2022 12:{minute:02}:00 UTC");
    fixes.write(&tiny.workspace.folder().join("fixes"));
}

#[test]
fn security_moves_what_has_a_fix_and_nothing_else() {
    let mut tiny = Tiny::with_packages(&recipes(), packages("1.0"));
    let mut suite = Suite::new("test-security");
    suite.extra = vec!["Label: Tiny-Security".to_owned()];
    suite.architectures = vec![ARCHITECTURE.to_owned()];
    let mut fixes = Archive::of(suite);
    tiny.workspace.write("keys/fixes.asc", fixes.key.armoured());
    let add = |file: &str, text: String| {
        tiny.workspace.write(file, tiny.workspace.read(file) + &text);
    };
    let folder = tiny.workspace.folder().join("fixes");
    add("groundup.local.toml", format!("fixes = [\"{}\"]\n", folder.display()));
    add(
        "groundup.toml",
        "[archive.fixes]\nsuite = \"test-security\"\nsigned_by = \"keys/fixes.asc\"\n".into(),
    );
    publish_fixes(&tiny, &mut fixes, 0, vec![]);
    tiny.says(&["lock"]);
    tiny.build(&[]);
    tiny.publish(vec![shell("7"), of_source("extra", "7"), of_source("extra-data", "7")]);
    tiny.run(&["update", "--security", "--dry-run"]).expect(0, &["nothing moved"]);

    publish_fixes(
        &tiny,
        &mut fixes,
        1,
        vec![of_source("extra", "1.2"), Deb::new("else", "3", "all")],
    );
    let said = tiny.run(&["update", "--security"]);
    said.expect(0, &["2 pins moved"]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("archive fixes: "), "{said}");
    assert!(lines[1].starts_with("extra 1.0 -> 1.2  (source extra-source; rootfs.base "), "{said}");
    assert_eq!(lines[2], "    CVE-2025-4321", "{said}");
    // Both states are vouched for when it is built.
    tiny.build(&[]);
    tiny.run(&["update", "--security"]).expect(0, &["groundup.lock fits; nothing moved"]);
    tiny.run(&["update", "--security", "nothing"]).expect(2, &["`nothing` is not in the lock"]);
}

#[test]
fn a_check_in_ci_names_lines_files_and_the_command() {
    let tiny = Tiny::with_packages(RECIPES, packages("1.0"));
    tiny.says(&["lock"]);
    let lock = tiny.workspace.read("groundup.lock");
    // Without a store or a mirror: nothing is opened.
    fs::remove_dir_all(tiny.workspace.path("store")).expect("it was made");
    fs::remove_dir_all(tiny.mirror()).expect("it was published");
    tiny.workspace.write("recipes/tiny.toml", recipes());
    let said = tiny.run(&["lock", "--check"]);
    said.expect(
        1,
        &[
            "  --> recipes/tiny.toml:5:24\n",
            "  ::: groundup.lock:",
            "the lock has no packages for `rootfs.other`",
            "groundup.lock does not fit the recipes in 2 places: run groundup lock and commit",
        ],
    );
    let answer = tiny.answer(&["lock", "--check"]);
    assert_eq!(answer["remedy"], "groundup lock", "{answer}");
    assert_eq!(answer["stale"][0]["recipe"], "recipes/tiny.toml:5:24", "{answer}");
    assert!(answer["stale"][0]["lock"].as_str().unwrap_or("").starts_with("groundup.lock:"));
    assert!(!tiny.workspace.path("store").exists(), "not even a store is made");
    assert_eq!(tiny.workspace.read("groundup.lock"), lock);
}
