//! `why` says where a file comes from, and `whence` what a digest is: after builds, from records
//! alone, and after contents were collected.

use groundup_testkit::Deb;
use groundup_tests::{
    history::every_path_ends,
    succeed,
    tiny::{Tiny, shell},
};
use serde_json::Value;

const RECIPES: &str = r#"[source.hello]
path = "hello"

[rootfs.base]
packages = ["tiny-sh", "extra"]

[build.hello]
rootfs = "rootfs.base"
sources = { hello = "source.hello" }
script = """
copy /src/hello/hello.txt /out/hello.txt
copy /src/hello/hello.txt /out/second.txt
"""

[image.one]
trees = ["rootfs.base", { from = "build.hello", to = "/opt/hello" }]
entrypoint = ["/bin/sh"]
files = [
    { path = "/etc/greeting", text = "good day\n" },
    { path = "/etc/one", source = "one.conf" },
]
links = { "/etc/hello" = "../opt/hello/hello.txt" }
dirs = ["/srv/empty"]

[image.other]
trees = ["rootfs.base"]
"#;

fn extra(version: &str) -> Deb {
    Deb::new("extra", version, "all").file("usr/share/extra/version", version, 0o644)
}

fn git(tiny: &Tiny, arguments: &[&str]) -> String {
    let mut command = tiny.workspace.command("git");
    command.args(["-c", "user.name=A. U. Thor", "-c", "user.email=a@b.invalid"]).args(arguments);
    succeed(&mut command)
}

fn commit(tiny: &Tiny, message: &str) -> String {
    git(tiny, &["add", "-A"]);
    git(tiny, &["commit", "-q", "-m", message]);
    git(tiny, &["rev-parse", "HEAD"]).trim().to_owned()
}

/// The workspace, locked and committed.
fn committed() -> Tiny {
    let tiny = Tiny::with_packages(RECIPES, vec![shell("1"), extra("1")]);
    tiny.workspace.write("one.conf", "a = 1\n");
    tiny.workspace.write(".gitignore", "/store\n/out\n/home\n/mirror\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    git(&tiny, &["init", "-q"]);
    commit(&tiny, "all of it");
    tiny
}

/// What the `why` of a path ends at: kind, what, place.
fn end(tiny: &Tiny, target: &str, path: &str) -> (String, String, String) {
    let answer = tiny.answer(&["why", target, path]);
    assert_eq!(answer["version"], 1, "{answer}");
    parts(&answer["end"])
}

fn parts(end: &Value) -> (String, String, String) {
    let text = |name: &str| end[name].as_str().unwrap_or_default().to_owned();
    (text("kind"), text("what"), text("place"))
}

/// The number of the line of a file that has a text.
fn line_of(tiny: &Tiny, path: &str, text: &str) -> String {
    let file = tiny.workspace.read(path);
    let line = file.lines().position(|line| line.contains(text));
    format!("{path}:{}", line.unwrap_or_else(|| panic!("{path} has no {text}")) + 1)
}

fn owned(parts: (&str, &str, String)) -> (String, String, String) {
    (parts.0.to_owned(), parts.1.to_owned(), parts.2)
}

#[test]
fn a_file_is_followed_back_to_its_pin_recipe_or_file() {
    let tiny = committed();
    tiny.build(&["image.one"]);
    let pin = |text: &str| line_of(&tiny, "groundup.lock", text);
    let recipe = |text: &str| line_of(&tiny, "recipes/tiny.toml", text);
    let extra = owned(("pin", "extra 1 all tiny", pin("\"extra 1 all tiny\"")));
    assert_eq!(end(&tiny, "image.one", "/usr/share/extra/version"), extra);
    assert_eq!(end(&tiny, "rootfs.base", "/usr/share/extra/version"), extra);
    // What dpkg notes of a package is that package's.
    assert_eq!(end(&tiny, "image.one", "/var/lib/dpkg/info/extra.list"), extra);
    assert_eq!(
        end(&tiny, "image.one", "/etc/greeting"),
        owned(("recipe", "image.one", recipe("/etc/greeting")))
    );
    assert_eq!(
        end(&tiny, "image.one", "/etc/one"),
        owned(("file", "one.conf", "one.conf".to_owned()))
    );
    assert_eq!(
        end(&tiny, "image.one", "/var/lib/dpkg/status"),
        owned(("recipe", "rootfs.base", recipe("[rootfs.base]")))
    );
    // A build that copies leads to what it copied, from where it was laid down elsewhere.
    let hello = owned(("file", "hello/hello.txt", "hello/hello.txt".to_owned()));
    assert_eq!(end(&tiny, "image.one", "/opt/hello/hello.txt"), hello);
    assert_eq!(end(&tiny, "image.one", "/opt/hello/second.txt"), hello);
    assert_eq!(end(&tiny, "build.hello", "/hello.txt"), hello);
    // A link is the recipe's, and leads to a file.
    let answer = tiny.answer(&["why", "image.one", "/etc/hello"]);
    assert_eq!(parts(&answer["end"]), owned(("recipe", "image.one", recipe("links = "))));
    assert_eq!(answer["found"]["node"]["target"], "../opt/hello/hello.txt");
    assert_eq!(answer["found"]["leads_to"]["path"], "/opt/hello/hello.txt");
    assert_eq!(parts(&answer["leads_to_end"]), hello);
    // A directory says what is below it; an empty one whose it is.
    let answer = tiny.answer(&["why", "image.one", "/usr/share/extra"]);
    assert_eq!(answer["found"]["holds"], serde_json::json!([["deb:extra", 1]]));
    assert_eq!(parts(&answer["end"]), extra);
    assert_eq!(
        end(&tiny, "image.one", "/srv/empty"),
        owned(("recipe", "image.one", recipe("/srv/empty")))
    );
    // The layer is one of the image.
    let answer = tiny.answer(&["why", "image.one", "/etc/one"]);
    let layer = answer["found"]["layer"]["digest"].as_str().expect("a layer").to_owned();
    let born = tiny.answer(&["whence", &layer]);
    assert_eq!(born["born"][0]["is"], "layer", "{born}");
    assert_eq!(born["born"][0]["step"], answer["found"]["layer"]["step"]);
    let said = tiny.says(&["why", "image.one", "/usr/share/extra/version"]);
    assert!(said.contains("laid it down from the package extra"), "{said}");
    let ends = every_path_ends(&tiny.workspace.path(""), "image.one");
    assert!(ends.agreed >= 3 && ends.files == 3, "{ends:?}");
}

#[test]
fn the_line_of_now_is_told_and_who_last_moved_it() {
    let mut tiny = committed();
    tiny.build(&["image.one"]);
    // Lines move without a build.
    let lock = tiny.workspace.read("groundup.lock");
    tiny.workspace.write("groundup.lock", format!("# One line more.\n{lock}"));
    let recipes = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", format!("# One.\n# Two.\n{recipes}"));
    tiny.workspace.write("one.conf", "a = 2\n");
    let moved = commit(&tiny, "a line more, and another value");
    let (.., place) = end(&tiny, "image.one", "/usr/share/extra/version");
    assert_eq!(place, line_of(&tiny, "groundup.lock", "\"extra 1 all tiny\""));
    let (.., place) = end(&tiny, "image.one", "/etc/greeting");
    assert_eq!(place, line_of(&tiny, "recipes/tiny.toml", "/etc/greeting"));
    let blamed = |path: &str| {
        let answer = tiny.answer(&["why", "image.one", path, "--blame"]);
        let blame = answer["end"]["blame"].clone();
        let text = |name: &str| blame[name].as_str().unwrap_or_default().to_owned();
        assert!(!text("author").is_empty(), "{answer}");
        (text("commit"), text("summary"))
    };
    let first = git(&tiny, &["rev-parse", "HEAD~1"]).trim().to_owned();
    assert_eq!(blamed("/usr/share/extra/version"), (first, "all of it".to_owned()));
    assert_eq!(blamed("/etc/one"), (moved, "a line more, and another value".to_owned()));
    let answer = tiny.answer(&["why", "image.one", "/etc/one"]);
    assert_eq!(answer["end"]["note"], "changed since", "{answer}");
    assert_eq!(answer["lock_is_here"], false);
    let said = tiny.run(&["why", "image.one", "/etc/one"]);
    said.expect(0, &["the lock has moved since"]);
    // What is pinned no more is said so, with the line of then.
    tiny.publish(vec![shell("1"), extra("2")]);
    tiny.says(&["update", "extra"]);
    let answer = tiny.answer(&["why", "image.one", "/usr/share/extra/version"]);
    assert_eq!(answer["end"]["note"], "no longer pinned", "{answer}");
    tiny.workspace.write("one.conf", "a = 3\n");
    tiny.build(&["image.one"]);
    let answer = tiny.answer(&["why", "image.one", "/usr/share/extra/version", "--blame"]);
    assert_eq!(answer["end"]["what"], "extra 2 all tiny", "{answer}");
    assert_eq!(answer["end"]["blame"]["commit"], Value::Null, "it is not committed");
}

#[test]
fn a_target_says_what_it_is_made_of_and_made_with() {
    let tiny = committed();
    tiny.build(&["image.*"]);
    let answer = tiny.answer(&["why", "build.hello"]);
    let parts = |kind: &str, name: &str| {
        let rows = answer["made_of"][kind].as_array().expect("a list").iter();
        let rows = rows.map(|row| format!("{} {}", row[name].as_str().unwrap(), row["for"]));
        rows.collect::<Vec<_>>()
    };
    assert!(parts("pins", "what").contains(&"extra 1 all tiny \"tool\"".to_owned()), "{answer}");
    assert_eq!(
        parts("files", "leaf"),
        ["file:keys/tiny.asc \"trust\"", "path:source.hello \"content\""]
    );
    let answer = tiny.answer(&["why", "image.one"]);
    let pins = answer["made_of"]["pins"].as_array().expect("a list");
    let extra = pins.iter().find(|pin| pin["what"] == "extra 1 all tiny").expect("it is in it");
    assert_eq!(
        (extra["for"].as_str(), extra["source_package"].as_str()),
        (Some("content"), Some("extra"))
    );
    let said = tiny.says(&["why", "image.one"]);
    assert!(said.contains("in it: 2 packages of 2 source packages, 2 files, "), "{said}");
    assert!(said.contains("  package  extra 1"), "{said}");
    assert!(said.contains("vouched for by archive tiny (groundup.lock:"), "{said}");
}

#[test]
fn a_digest_says_what_it_is_in_each_of_its_forms() {
    let tiny = committed();
    let built = tiny.answer(&["build", "image.one"]);
    let digest = built["targets"][0]["digest"].as_str().expect("an image").to_owned();
    let id = built["targets"][0]["id"].as_str().expect("an id").to_owned();
    let hex = digest.trim_start_matches("sha256:").to_owned();
    for form in [
        digest.clone(),
        hex.clone(),
        hex[..12].to_owned(),
        format!("registry.invalid:5000/team/one@{digest}"),
        format!("docker-pullable://registry.invalid/team/one@{digest}"),
    ] {
        let answer = tiny.answer(&["whence", &form]);
        assert_eq!(answer["known"], "born", "{form}: {answer}");
        let born = &answer["born"][0];
        assert_eq!(born["is"], "image-manifest", "{form}: {answer}");
        assert_eq!(born["owner"], "image.one");
        assert_eq!(born["sha256"], hex.as_str());
        assert_eq!(born["targets"], serde_json::json!(["image.one"]));
        assert_eq!(born["build"]["commit"], git(&tiny, &["rev-parse", "HEAD"]).trim());
        assert_eq!(answer["lock_is_here"], true);
        let place = answer["position"].as_str().expect("a place");
        assert_eq!(place, line_of(&tiny, "recipes/tiny.toml", "[image.one]"));
    }
    // The layout, what is in it, and what is in the image.
    let layout = tiny.answer(&["whence", &id]);
    assert_eq!(
        (&layout["born"][0]["is"], &layout["born"][0]["step"]),
        (&"output".into(), &"image.one index".into())
    );
    let manifest: Value = json(&tiny, &digest);
    let config = manifest["config"]["digest"].as_str().expect("a configuration").to_owned();
    assert_eq!(tiny.answer(&["whence", &config])["born"][0]["is"], "image-config");
    for layer in manifest["layers"].as_array().expect("layers") {
        let digest = layer["digest"].as_str().expect("a digest");
        assert_eq!(tiny.answer(&["whence", digest])["born"][0]["is"], "layer");
    }
    let config: Value = json(&tiny, &config);
    for diff_id in config["rootfs"]["diff_ids"].as_array().expect("layers") {
        let born = tiny.answer(&["whence", diff_id.as_str().expect("a digest")]);
        assert!(["diff-id", "layer"].contains(&born["born"][0]["is"].as_str().unwrap()), "{born}");
    }
    // A file that is at hand, of the repository and of a package.
    let said = tiny.answer(&["whence", "one.conf"]);
    assert_eq!(
        (&said["born"][0]["is"], &said["born"][0]["label"]),
        (&"source".into(), &"file:one.conf".into())
    );
    tiny.workspace.write("version", "1");
    let said = tiny.answer(&["whence", "./version"]);
    assert_eq!(said["born"][0]["is"], "file", "{said}");
    assert_eq!(said["chain"]["end"]["kind"], "pin", "{said}");
    let text = tiny.says(&["whence", &digest]);
    assert!(text.starts_with(&format!("{digest}: the manifest of image.one")), "{text}");
    // A step's key, and a build.
    let key = said["born"][0]["key"].as_str().expect("a key");
    assert_eq!(tiny.answer(&["whence", key])["born"][0]["is"], "key");
}

/// A JSON blob of the image in `out/image.one`.
fn json(tiny: &Tiny, digest: &str) -> Value {
    let name = digest.replace(':', "/");
    serde_json::from_str(&tiny.workspace.read(&format!("out/image.one/blobs/{name}")))
        .expect("JSON")
}

#[test]
fn what_is_not_known_is_said_with_what_was_searched() {
    let tiny = committed();
    let nowhere = format!("sha256:{}", "0f".repeat(32));
    tiny.run(&["why", "image.one"]).expect(1, &["groundup build image.one"]);
    tiny.build(&["image.one"]);
    tiny.run(&["whence", &nowhere]).expect(1, &["nothing is known of", "(1 build)", "--store"]);
    let said = tiny.run(&["whence", &nowhere, "--json"]);
    assert_eq!((said.code, &said.answer()["known"]), (1, &"nothing".into()));
    tiny.run(&["whence", "no-digest"]).expect(2, &["is no digest", "sha256:"]);
    tiny.run(&["whence", "sha256:xyz"]).expect(2, &["is no hexadecimal digit"]);
    let many = (0..16)
        .map(|digit| format!("{digit:x}"))
        .map(|digit| tiny.run(&["whence", &format!("sha256:{digit}")]));
    let ambiguous = many.into_iter().find(|said| said.code == 2).expect("one digit fits several");
    ambiguous.expect(2, &["several ids begin with", "more digits"]);
    assert!(ambiguous.out.lines().count() > 1, "{ambiguous}");
    tiny.run(&["why", "image.none"]).expect(1, &["no build in this store has made `image.none`"]);
    tiny.run(&["why", "image.one", "/usr/share/extra/versions"]).expect(
        1,
        &["has no `/usr/share/extra/versions`", "`/usr/share/extra` is there, with version"],
    );
    tiny.run(&["why", "image.one:no", "/x"]).expect(2, &["has no tree called `no`"]);
    tiny.run(&["why", "image.one", "/../.."]).expect(2, &["is no path"]);
}

#[test]
fn old_builds_are_told_of_after_their_contents_were_collected() {
    let tiny = committed();
    let first = tiny.answer(&["build", "image.one"]);
    let digest = first["targets"][0]["digest"].as_str().expect("an image").to_owned();
    let old = git(&tiny, &["rev-parse", "HEAD"]).trim().to_owned();
    let layer = {
        let manifest = json(&tiny, &digest);
        manifest["layers"][0]["digest"].as_str().expect("a layer").to_owned()
    };
    let root = tiny.answer(&["why", "image.one", "/opt/hello/hello.txt"]);
    let blob = root["found"]["node"]["blob"].as_str().expect("a file").to_owned();
    tiny.workspace.write("hello/hello.txt", "another\n");
    tiny.workspace.write("one.conf", "a = 5\n");
    let new = commit(&tiny, "another");
    let second = tiny.answer(&["build", "image.one"]);
    assert_ne!(second["targets"][0]["digest"], first["targets"][0]["digest"]);
    let dry = tiny.answer(&["store", "collect", "--dry-run"]);
    let kept = |answer: &Value, reason: &str| {
        let rows = answer["kept"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["reason"] == reason)
    };
    let facts = kept(&dry, "facts of earlier builds").expect("facts are kept");
    assert!(facts["total"]["count"].as_u64() > Some(5), "{dry}");
    let said = tiny.run(&["store", "status"]);
    said.expect(0, &["never drops trees, results and records", "of 2 builds"]);
    tiny.says(&["store", "collect"]);
    // The content is gone, and what tells of it is not.
    assert_ne!(tiny.run(&["show", &format!("blob:{blob}")]).code, 0);
    let born = tiny.answer(&["whence", &digest]);
    assert_eq!(born["born"][0]["is"], "image-manifest", "{born}");
    assert_eq!(born["born"][0]["build"]["commit"], old.as_str());
    let born = tiny.answer(&["whence", &layer]);
    assert_eq!(born["known"], "born", "{born}");
    let id = first["targets"][0]["id"].as_str().expect("an id");
    let listed = tiny.answer(&["show", id]);
    assert!(listed["entries"].as_array().expect("entries").len() > 5, "its tree is listed");
    let born = tiny.answer(&["whence", &format!("blob:{blob}")]);
    assert_eq!(born["born"][0]["is"], "file", "{born}");
    assert_eq!(born["chain"]["end"]["what"], "hello/hello.txt", "{born}");
    // The same output of several builds is told once.
    let shell = tiny.answer(&[
        "whence",
        tiny.answer(&["why", "image.one", "/bin/sh"])["found"]["node"]["blob"]
            .as_str()
            .expect("a file"),
    ]);
    let builds =
        shell["born"].as_array().expect("a list").iter().map(|born| born["builds"].as_u64());
    assert_eq!(builds.max().flatten(), Some(2), "{shell}");
    assert_eq!(shell["born"][0]["first"]["commit"], old.as_str());
    assert_eq!(shell["born"][0]["build"]["commit"], new.as_str());
    // Without a budget facts go too; trees and records still answer.
    tiny.says(&["store", "collect", "--facts-days", "0"]);
    let dry = tiny.answer(&["store", "collect", "--dry-run", "--facts-size", "0"]);
    assert_eq!(kept(&dry, "facts of earlier builds"), None, "{dry}");
    assert_eq!(tiny.answer(&["whence", &digest])["known"], "born");
    assert_eq!(tiny.answer(&["whence", &layer])["known"], "born");
    // Nothing that the present needs went.
    assert_eq!(tiny.build(&["image.one"]).built, 0);
}
