//! What `diff` says of two builds: the inputs that moved, and under each what it did.

use groundup_testkit::Deb;
use groundup_tests::tiny::{Tiny, shell};
use serde_json::Value;

const RECIPES: &str = r#"[rootfs.base]
packages = ["tiny-sh", "extra"]

[image.app]
trees = ["rootfs.base"]
entrypoint = ["/hello"]
env = { LIMIT = "1024" }
files = [{ path = "/etc/app.conf", source = "app.conf" }]
"#;

fn extra(version: &str) -> Deb {
    Deb::new("extra", version, "all").file("usr/share/extra/version", version, 0o644)
}

/// The workspace, locked, committed and built.
fn committed() -> Tiny {
    let tiny = Tiny::with_packages(RECIPES, vec![shell("1"), extra("1")]);
    tiny.workspace.write("app.conf", "retries = 3\nworkers = 8\n");
    tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    tiny.git(&["init", "-q"]);
    tiny.commit("all");
    tiny.build(&[]);
    tiny
}

/// The rows of a report as `number of the cause: path: finding; finding`.
fn rows(report: &Value) -> Vec<String> {
    let rows = report["rows"].as_array().expect("a list").iter().map(|row| {
        let causes: Vec<_> = row["causes"].as_array().expect("a list").iter().collect();
        let path = row["places"][0]["path"].as_array().expect("a path");
        let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
        let findings = row["findings"].as_array().expect("a list").iter().map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or("").to_owned();
            format!("{} {} -> {}", text("what"), text("before"), text("after"))
        });
        let findings: Vec<String> = findings.collect();
        let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
        format!("{}: {}: {}", causes.join(" "), path.join(" > "), findings.join("; "))
    });
    rows.collect()
}

/// The causes of a report as `kind what: change @position`.
fn causes(report: &Value) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let causes = report["causes"].as_array().expect("a list").iter().map(|row| {
        let (kind, what, change) = (text(row, "kind"), text(row, "what"), text(row, "change"));
        format!("{kind} {what}: {change} @{}", text(row, "position"))
    });
    causes.collect()
}

#[test]
fn a_difference_stands_under_the_input_that_it_comes_from() {
    let mut tiny = committed();
    let same = tiny.answer(&["diff", "HEAD:image.app", "image.app"]);
    assert_eq!((&same["verdict"], rows(&same).len()), (&"equal".into(), 0));

    tiny.workspace.write("app.conf", "retries = 3\nworkers = 80\n");
    let recipe = tiny.workspace.read("recipes/tiny.toml").replace("1024", "infinity");
    tiny.workspace.write("recipes/tiny.toml", recipe);
    tiny.publish(vec![shell("1"), extra("1"), extra("2")]);
    tiny.says(&["update", "extra"]);
    let unbuilt = tiny.run(&["diff", "HEAD:image.app", "image.app"]);
    unbuilt.expect(3, &["`image.app` was not built here", "`groundup build image.app`"]);
    tiny.build(&[]);

    let report = tiny.differs(&["diff", "HEAD:image.app", "image.app"]);
    assert_eq!(report["verdict"], "different");
    let told = causes(&report);
    let number = |start: &str| {
        told.iter().position(|cause| cause.starts_with(start)).expect("a cause of this kind")
    };
    let (file, line, pin) =
        (number("file app.conf:2"), number("recipe "), number("pin extra: 1 -> 2"));
    assert!(told[line].contains("LIMIT") && told[line].contains("1024 -> infinity"), "{told:?}");
    assert!(told[pin].contains("@groundup.lock:"), "{told:?}");
    let rows = rows(&report);
    let has = |cause: usize, path: &str, text: &str| {
        let start = format!("{cause}: {path}: ");
        assert!(
            rows.iter().any(|row| row.starts_with(&start) && row.contains(text)),
            "no `{start}…{text}` in {rows:#?}"
        );
    };
    has(file, "root > etc/app.conf", "80");
    has(pin, "root > usr/share/extra/version", "2");
    has(line, "config.json", "infinity");

    // A reader of the terminal gets the same.
    let said = tiny.run(&["diff", "HEAD:image.app", "image.app"]);
    assert_eq!(said.code, 1, "{said}");
    let text = &said.out;
    assert!(text.lines().next().is_some_and(|line| line.contains("causes, ")), "{text}");
    assert!(text.contains("workers = 8"), "{text}");
    let brief = tiny.run(&["diff", "--brief", "HEAD:image.app", "image.app"]).out;
    assert!(brief.contains("extra") && brief.contains("rows not shown"), "{brief}");
    // The configuration file is above this level, the version of a package in a data file is not.
    let level = ["diff", "--level", "configuration", "HEAD:image.app", "image.app"];
    let above = tiny.run(&level).out;
    assert!(above.contains("etc/app.conf") && above.contains("below the --level"), "{above}");
    assert!(!above.contains("usr/share/extra/version"), "{above}");
    tiny.run(&["diff", "--level", "x", "a", "b"]).expect(2, &["configuration", "telling"]);
}

#[test]
fn what_a_recipe_puts_in_place_of_a_package_s_file_is_told_with_the_file() {
    let placed = "files = [{ path = \"/etc/extra.conf\", source = \"app.conf\" }]\n";
    let recipes = |files: &str| {
        format!(
            "[rootfs.base]\npackages = [\"tiny-sh\", \"extra\"]\n{files}\n\
             [image.app]\ntrees = [\"rootfs.base\"]\n"
        )
    };
    let extra = extra("1")
        .file("etc/extra.conf", "retries = 1\n", 0o644)
        .control("conffiles", "/etc/extra.conf\n");
    let tiny = Tiny::with_packages(&recipes(""), vec![shell("1"), extra]);
    tiny.workspace.write("app.conf", "retries = 3\n");
    tiny.workspace.write(".gitignore", "/store\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    tiny.git(&["init", "-q"]);
    tiny.commit("all");
    tiny.build(&[]);
    tiny.workspace.write("recipes/tiny.toml", recipes(placed));
    tiny.build(&[]);
    let report = tiny.differs(&["diff", "HEAD:image.app", "image.app"]);
    let rows = report["rows"].as_array().expect("a list");
    assert!(rows.iter().all(|row| row["thing"] != "sideways"), "{report:#}");
    let own = rows.iter().find(|row| row["places"][0]["path"][1] == "etc/extra.conf");
    let findings = own.expect("a row of the file")["findings"].to_string();
    assert!(findings.contains("edited away from its package"), "{findings}");
    assert!(findings.contains("extra 1"), "{findings}");
}

#[test]
fn what_others_wrote_is_compared_with_what_we_built() {
    let tiny = committed();
    tiny.says(&["build", "image.app", "--out", "out"]);
    // The root and the documents, however the layers are made.
    let ours = tiny.answer(&["diff", "image.app", "oci:out/image.app"]);
    assert_eq!(ours["verdict"], "equal", "{ours}");
    tiny.says(&["build", "image.app", "--out", "a"]);
    tiny.workspace.write("app.conf", "retries = 4\nworkers = 8\n");
    tiny.says(&["build", "image.app", "--out", "b"]);
    let report = tiny.differs(&["diff", "a/image.app", "b/image.app"]);
    assert_eq!(report["before"]["kind"], "image");
    assert!(causes(&report).is_empty());
    let rows = rows(&report);
    assert!(rows[0].starts_with(": root > etc/app.conf: "), "{rows:?}");
}

#[test]
fn ids_are_compared_by_the_records_of_their_builds() {
    let tiny = committed();
    let id = |tiny: &Tiny| -> String {
        let plan = tiny.answer(&["plan", "rootfs.base", "--all"]);
        let steps = plan["steps"].as_array().expect("a list");
        let merge = steps.iter().find(|step| step["step"].as_str() == Some(MERGE));
        merge.expect("a step").get("outputs").expect("built")["out"].as_str().expect("an id").into()
    };
    const MERGE: &str = "rootfs.base merge linux/amd64";
    let before = id(&tiny);
    let mut tiny = tiny;
    tiny.publish(vec![shell("1"), extra("1"), extra("2")]);
    tiny.says(&["update", "extra"]);
    tiny.build(&[]);
    let after = id(&tiny);
    let report = tiny.differs(&["diff", &before, &after]);
    let told = causes(&report);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("pin archive tiny: "), "{told:?}");
    assert_eq!(
        (&report["causes"][1]["role"], &report["causes"][1]["paths"]),
        (&"trust".into(), &0.into())
    );
    assert!(told[0].starts_with("pin extra:all: 1 -> 2 @groundup.lock:"), "{told:?}");
    let rows = rows(&report);
    assert!(rows.iter().any(|row| row.contains("usr/share/extra/version")), "{rows:?}");
}

#[test]
fn what_was_only_made_with_an_input_says_that_it_is_a_tool() {
    let recipes = "[rootfs.tools]\npackages = [\"tiny-sh\", \"extra\"]\n\n[build.x]\nrootfs = \"rootfs.tools\"\n\
                   script = \"copy /usr/share/extra/version /out/made-by\"\n";
    let mut tiny = Tiny::with_packages(recipes, vec![shell("1"), extra("1")]);
    tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    tiny.git(&["init", "-q"]);
    tiny.commit("all");
    let id = |tiny: &Tiny| {
        let built = tiny.answer(&["build", "build.x"]);
        built["targets"][0]["id"].as_str().expect("an id").to_owned()
    };
    let before = id(&tiny);
    tiny.publish(vec![shell("1"), extra("1"), extra("2")]);
    tiny.says(&["update", "extra"]);
    let after = id(&tiny);
    for words in [[before.as_str(), after.as_str()], ["HEAD:build.x", "build.x"]] {
        let report = tiny.differs(&["diff", words[0], words[1]]);
        assert_eq!(report["reason"], "toolchain", "{report:#}");
        assert_eq!(report["causes"][0]["role"], "tool", "{report:#}");
        assert!(causes(&report)[0].starts_with("pin extra"), "{report:#}");
        let said = tiny.run(&["diff", words[0], words[1]]).out;
        assert!(said.contains("only tools moved") && said.contains("(a tool: "), "{said}");
    }
}

#[test]
fn words_that_name_nothing_say_what_would() {
    let tiny = committed();
    tiny.run(&["diff", "image.app", "image.nowhere"]).expect(2, &["image.nowhere", "image.app"]);
    tiny.run(&["diff", "nowhere", "image.app"])
        .expect(2, &["`nowhere` is neither a target, an id nor a path", "node.worker"]);
    tiny.run(&["diff", "https://x/y", "image.app"]).expect(2, &["docker://HOST/NAME:TAG"]);
    let unknown = format!("tree:{}", "0".repeat(64));
    tiny.run(&["diff", &unknown, &unknown]).expect(3, &["does not hold the tree"]);
}
