//! The user's own places of pinned inputs: filled, checked, pruned, and built from without a network.

use groundup_testkit::{Behaviour, Deb, OciImage, OciLayer, OciRegistry, Server, Tar, TarEntry};
use groundup_tests::{
    groundup,
    tiny::{RECIPES, Said, Tiny, shell, wait_until},
};
use std::{fs, path::Path, process::Command};

/// An input of each kind.
struct World {
    tiny: Tiny,
    files: Server,
    registry: OciRegistry,
}

/// Every kind of input that comes from outside, in one image.
fn world() -> World {
    let tiny = Tiny::with_packages("", vec![shell("1"), extra("1")]);
    let folder = tiny.workspace.folder().to_owned();
    fs::create_dir(folder.join("files")).expect("a new folder");
    let tar = Tar::of(&[TarEntry::file("from-url.txt", "from a URL", 0o644)]);
    fs::write(folder.join("files/data.tar"), tar).expect("a new file");
    let files = Server::serve(&folder.join("files"));
    commit(&folder.join("code"), "from-git.txt", "from a commit");
    let registry = OciRegistry::start();
    let layer = Tar::of(&[TarEntry::file("base.txt", "from a base", 0o644)]);
    let image = OciImage::new(vec![OciLayer::plain(layer)]);
    image.write_layout(&folder.join("base"), "1");
    registry.put_layout("team/base", &folder.join("base"), "1");
    let recipes = format!(
        "[source.data]\nurl = \"{}\"\n[source.code]\ngit = \"{}\"\n\
         [source.base]\noci = \"docker://{}/team/base:1\"\n\
         [rootfs.base]\npackages = [\"tiny-sh\", \"extra\"]\n\
         [build.all]\nrootfs = \"rootfs.base\"\n\
         sources = {{ data = \"source.data\", code = \"source.code\" }}\n\
         script = \"\"\"\ncopy /src/data/from-url.txt /out/a\ncopy /src/code/from-git.txt /out/b\n\
         copy /usr/share/extra/version /out/c\n\"\"\"\n\
         [image.all]\nbase = \"source.base\"\ntrees = [\"build.all\"]\nplatforms = [\"linux/amd64\"]\n",
        files.url("/data.tar"),
        folder.join("code").display(),
        registry.host(),
    );
    tiny.workspace.write("recipes/tiny.toml", recipes);
    tiny.workspace
        .write("groundup.toml", tiny.workspace.read("groundup.toml").replace("build.*", "image.*"));
    tiny.says(&["lock"]);
    World { tiny, files, registry }
}

fn extra(version: &str) -> Deb {
    Deb::new("extra", version, "all").file("usr/share/extra/version", version, 0o644)
}

fn commit(folder: &Path, name: &str, content: &str) {
    fs::create_dir_all(folder).expect("a new folder");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Test");
            command.env(format!("GIT_{role}_EMAIL"), "test@example.invalid");
        }
        groundup_tests::succeed(&mut command);
    };
    git(&["init", "--quiet"]);
    fs::write(folder.join("old.txt"), "an older file").expect("a new file");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    fs::remove_file(folder.join("old.txt")).expect("it was written");
    fs::write(folder.join(name), content).expect("a new file");
    git(&["add", "--all", "."]);
    git(&["commit", "--quiet", "-m", "second"]);
}

impl World {
    /// Ends all that the inputs came from, and forgets what was fetched.
    fn end(self) -> Tiny {
        let Self { tiny, files, registry } = self;
        drop((files, registry));
        let folder = tiny.workspace.folder();
        for gone in ["mirror", "files", "code", "base", "work/store"] {
            fs::remove_dir_all(folder.join(gone)).expect("it was there");
        }
        // Not every test built before.
        let _ = fs::remove_dir_all(folder.join("work/out"));
        let nowhere = "[mirrors]\ntiny = [\"https://mirror.invalid/debian\"]\n\
                       [network]\nretries = 0\nhost-apt-sources = false\n";
        tiny.workspace.write("groundup.local.toml", nowhere);
        tiny
    }
}

/// Runs the program where there is no network at all.
fn without_network(tiny: &Tiny, arguments: &[&str]) -> Said {
    let mut command = tiny.workspace.command("unshare");
    let options = if rustix::process::geteuid().is_root() { "-n" } else { "-rn" };
    command.arg(options).arg(groundup()).args(arguments).env("CI", "true");
    tiny.said(&command.output().expect("util-linux has unshare"))
}

/// What the build says of its images: name and digest.
fn digests(said: &Said) -> Vec<String> {
    assert_eq!(said.code, 0, "{said}");
    said.out.lines().map(str::to_owned).collect()
}

fn use_vendor(tiny: &Tiny, place: &str) {
    let text = tiny.workspace.read("groundup.toml");
    let with =
        text.replace("name = \"tiny\"\n", &format!("name = \"tiny\"\nvendor = \"{place}\"\n"));
    tiny.workspace.write("groundup.toml", with);
}

#[test]
fn a_locked_build_runs_from_a_vendor_directory_without_any_network() {
    let world = world();
    let online = digests(&world.tiny.run(&["build"]));
    let said = world.tiny.run(&["vendor"]);
    said.expect(0, &["help: builds look there once `vendor = \"vendor\"` stands below"]);
    assert!(said.out.contains("/vendor  7 inputs, "), "{said}");
    use_vendor(&world.tiny, "vendor");
    let lock = world.tiny.workspace.read("groundup.lock");
    let tiny = world.end();
    let said = without_network(&tiny, &["build"]);
    assert_eq!(digests(&said), online);
    assert_eq!(tiny.workspace.read("groundup.lock"), lock);
    // Locking again finds the pinned states there, too.
    fs::remove_dir_all(tiny.workspace.path("store")).expect("it was built");
    tiny.workspace.write(
        "recipes/more.toml",
        "[rootfs.more]\npackages = [\"extra\"]\n[build.more]\nrootfs = \"rootfs.more\"\nscript = \"x\"\n",
    );
    without_network(&tiny, &["lock"]).expect(0, &["1 pin moved"]);
}

#[test]
fn a_registry_of_ones_own_keeps_everything_too() {
    let world = world();
    let online = digests(&world.tiny.run(&["build"]));
    // "ann:secret"; a token for each repository, for what is asked.
    let pins = OciRegistry::with_tokens("Basic YW5uOnNlY3JldA==");
    let (host, place) = (pins.host(), format!("{}/team/pins", pins.host()));
    let vendor = ["vendor", "--registry", place.as_str()];
    let refused = world.tiny.run(&vendor);
    refused.expect(3, &["access refused (status 401)", "`credentials.\"127.0.0.1:"]);
    let credentials = format!("[credentials.\"{host}\"]\nuser = \"ann\"\npassword = \"secret\"\n");
    // Each worker has to let go of one connection before it asks for the next.
    let credentials = format!("[network]\nconnections-per-host = 1\n{credentials}");
    let settings = world.tiny.workspace.read("groundup.local.toml") + &credentials;
    world.tiny.workspace.write("groundup.local.toml", settings);
    let check = [&vendor[..], &["--check"]].concat();
    world.tiny.run(&check).expect(1, &["is not there, or names the files of another lock"]);
    let said = world.tiny.run(&vendor);
    said.expect(
        0,
        &[&format!("help: builds look there once `vendor = \"docker://{place}\"` stands below")],
    );
    assert!(said.out.contains("  7 inputs, ") && said.out.contains("; 7 new, "), "{said}");
    let again = world.tiny.answer(&vendor);
    assert_eq!(again["new"]["inputs"], 0, "{again}");
    assert_eq!(world.tiny.run(&check).code, 0);
    let tags = pins.tags("team/pins");
    assert!(tags.len() == 2 && tags[0].starts_with("git-"), "{tags:?}");
    let manifest = pins.manifest("team/pins", &tags[1]).expect("it was pushed");
    assert_eq!(manifest["artifactType"], "application/vnd.groundup.pins.v1", "{manifest}");
    let titles: Vec<&str> = (manifest["layers"].as_array().expect("layers").iter())
        .filter_map(|layer| layer["annotations"]["org.opencontainers.image.title"].as_str())
        .collect();
    assert!(titles.contains(&"groundup.lock") && titles.contains(&"package extra 1 all"));

    use_vendor(&world.tiny, &format!("docker://{place}"));
    let tiny = world.end();
    let credentials = credentials.replace("[network]\n", "");
    let settings = tiny.workspace.read("groundup.local.toml") + &credentials;
    tiny.workspace.write("groundup.local.toml", settings);
    assert_eq!(digests(&tiny.run(&["build"])), online);

    // What a registry damages does not count.
    let lock = tiny.workspace.read("groundup.lock");
    let line = lock.lines().find(|line| line.contains("\"extra 1 all tiny\" =")).expect("a pin");
    let digest = line.rsplit('"').nth(1).expect("a digest");
    pins.damage("team/pins", &format!("sha256:{digest}"));
    fs::remove_dir_all(tiny.workspace.path("store")).expect("it was built");
    let said = tiny.run(&["build", "image.all"]);
    said.expect(3, &["package extra:all", "the content is not the pinned one"]);
}

#[test]
fn without_the_directory_the_same_build_names_what_is_gone() {
    let world = world();
    world.tiny.says(&["vendor", "pins"]);
    let tiny = world.end();
    let said = without_network(&tiny, &["build"]);
    assert_eq!(said.code, 3, "{said}");
    // The environment names the place as well as a file does.
    let mut command = tiny.workspace.command("unshare");
    let options = if rustix::process::geteuid().is_root() { "-n" } else { "-rn" };
    command.arg(options).arg(groundup()).arg("build").env("GROUNDUP_VENDOR", "pins");
    let said = tiny.said(&command.output().expect("util-linux has unshare"));
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_second_run_keeps_what_is_there_and_check_reads_all_of_it() {
    let world = world();
    let tiny = &world.tiny;
    let first = tiny.answer(&["vendor"]);
    assert_eq!((&first["inputs"], &first["new"]["inputs"]), (&7.into(), &7.into()), "{first}");
    let again = tiny.answer(&["vendor"]);
    assert_eq!((&again["bytes"], &again["new"]["inputs"]), (&first["bytes"], &0.into()));
    assert_eq!(tiny.run(&["vendor", "--check"]).code, 0);
    let checked = tiny.answer(&["vendor", "--check"]);
    assert_eq!((&checked["fits"], &checked["bytes"]), (&true.into(), &first["bytes"]));

    let file = |text: &str| {
        let lock = tiny.workspace.read("groundup.lock");
        let line = lock.lines().position(|line| line.contains(text)).expect("it is pinned");
        let digest = lock.lines().nth(line).and_then(|line| line.rsplit('"').nth(1));
        (line + 1, digest.expect("a digest").to_owned())
    };
    // A flipped byte, a missing file and a broken pack are three answers of no.
    let (line, digest) = file("\"extra 1 all tiny\" =");
    let path = tiny.workspace.path(&format!("vendor/sha256/{digest}"));
    let mut bytes = fs::read(&path).expect("it is kept");
    bytes[100] ^= 1;
    fs::write(&path, bytes).expect("it is ours");
    let (release, digest) = file("inrelease =");
    fs::remove_file(tiny.workspace.path(&format!("vendor/sha256/{digest}"))).expect("it is kept");
    let pack = only(&tiny.workspace.path("vendor/git"));
    let length = fs::metadata(&pack).expect("it is kept").len();
    fs::File::options()
        .write(true)
        .open(&pack)
        .and_then(|file| file.set_len(length / 2))
        .expect("ours");
    let said = tiny.run(&["vendor", "--check"]);
    said.expect(
        1,
        &[
            &format!("package extra 1 all at groundup.lock:{line}\n"),
            "is damaged: its sha256 is ",
            "InRelease of the archive `tiny` at groundup.lock:",
            "there is no sha256/",
            "source.code at groundup.lock:",
            ".pack is damaged",
        ],
    );
    assert!(release > 0 && said.out.contains("  4 of 7 inputs whole"), "{said}");
    fs::remove_file(&path).and_then(|()| fs::remove_file(&pack)).expect("ours");
    let mended = tiny.answer(&["vendor"]);
    assert_eq!(mended["new"]["inputs"], 3, "{mended}");
    assert_eq!(tiny.run(&["vendor", "--check"]).code, 0);
}

/// The only file of a folder.
fn only(folder: &Path) -> std::path::PathBuf {
    #[allow(clippy::disallowed_methods, reason = "there is one")]
    let mut entries = fs::read_dir(folder).expect("a folder");
    let path = entries.next().expect("a file").expect("a file").path();
    assert!(entries.next().is_none(), "there is one file");
    path
}

#[test]
fn pruning_keeps_what_any_noted_lock_pins() {
    let mut tiny = Tiny::with_packages(
        &RECIPES.replace("[\"tiny-sh\"]", "[\"tiny-sh\", \"extra\"]"),
        vec![shell("1"), extra("1")],
    );
    tiny.says(&["lock"]);
    tiny.says(&["vendor", "--name", "release-1"]);
    tiny.publish(vec![shell("1"), extra("2")]);
    tiny.says(&["update"]);
    let kept = tiny.answer(&["vendor", "--prune"]);
    assert_eq!(kept["pruned"]["files"], 0, "the older lock is noted: {kept}");
    fs::remove_file(tiny.workspace.path("vendor/locks/release-1.lock")).expect("it is noted");
    let said = tiny.run(&["vendor", "--check"]);
    said.expect(0, &["3 files more, ", "that no lock pins; --prune removes them"]);
    let pruned = tiny.answer(&["vendor", "--prune"]);
    assert_eq!(pruned["pruned"]["files"], 3, "{pruned}");
    assert_eq!(tiny.run(&["vendor", "--check"]).code, 0);
    tiny.workspace.write("vendor/locks/broken.lock", "version = 1\nwhat\n");
    let said = tiny.run(&["vendor", "--prune"]);
    said.expect(3, &["cannot tell what to keep", "broken.lock is no lock"]);
}

#[test]
fn what_cannot_be_had_is_named_with_its_line_and_the_rest_is_kept() {
    let tiny = Tiny::unlocked(RECIPES);
    let server = Server::serve(&tiny.mirror());
    let settings = format!("[mirrors]\ntiny = [\"{}\"]\n", server.url(""));
    tiny.workspace.write("groundup.local.toml", settings);
    tiny.says(&["lock"]);
    let package = tiny.package_file(&shell("1"));
    fs::remove_file(&package).expect("it is published");
    let said = tiny.run(&["vendor"]);
    said.expect(
        3,
        &[
            "error: package tiny-sh 1 ",
            " at groundup.lock:",
            "is pinned, and gone from every place that is known: move the pin with `groundup update \
             tiny-sh`",
            "error: 1 input of 3 could not be kept",
        ],
    );
    assert!(said.out.contains("  2 inputs, "), "{said}");
    assert!(!tiny.workspace.path("vendor/locks/tiny.lock").exists(), "it is not whole");
    let checked = tiny.answer(&["vendor", "--check"]);
    assert_eq!(
        checked["failed"][0]["messages"][0].as_str().map(|it| &it[..16]),
        Some("there is no sha2")
    );
    // A build says the same of the same pin.
    let said = tiny.run(&["build"]);
    said.expect(3, &["gone from every place", "`groundup update tiny-sh`", "at groundup.lock:"]);
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let tiny = Tiny::unlocked(RECIPES);
    let server = Server::serve(&tiny.mirror());
    let settings = format!("[mirrors]\ntiny = [\"{}\"]\n", server.url(""));
    tiny.workspace.write("groundup.local.toml", settings);
    tiny.says(&["lock"]);
    fs::remove_dir_all(tiny.workspace.path("store")).expect("locking made it");
    let package = tiny.package_file(&shell("1"));
    let path = package.strip_prefix(tiny.mirror()).expect("below").display().to_string();
    server.set(&format!("/{path}"), Behaviour::Stall(10));
    let running = tiny.start(&["vendor"]);
    let folder = tiny.workspace.path("vendor/sha256");
    wait_until("the others are there", || {
        walkdir::WalkDir::new(&folder).into_iter().filter_map(Result::ok).count() > 2
    });
    let said = tiny.run(&["vendor"]);
    said.expect(3, &["another groundup is filling"]);
    running.signal(rustix::process::Signal::KILL);
    running.end(&tiny);
    fs::write(folder.join(".part-7"), "half").expect("ours");
    server.clear(&format!("/{path}"));
    let answer = tiny.answer(&["vendor"]);
    assert_eq!((&answer["inputs"], &answer["new"]["inputs"]), (&3.into(), &1.into()), "{answer}");
    assert!(!folder.join(".part-7").exists(), "what was left is swept");
}

#[test]
fn a_state_that_mirrors_dropped_comes_from_a_service_that_keeps_old_ones() {
    let mut tiny = Tiny::new(RECIPES);
    let folder = tiny.workspace.folder().to_owned();
    // As the service saw the archive within the hour.
    groundup_tests::copy(&tiny.mirror(), &folder.join("snap/tiny/20220101T130000Z"));
    tiny.publish(vec![shell("2")]);
    fs::remove_file(tiny.package_file(&shell("1"))).expect("it was published");
    let server = Server::serve(&folder);
    let settings = |service: &str| {
        let mirror = tiny.mirror();
        let service = server.url(service);
        format!("snapshot = [\"{service}\"]\n[mirrors]\ntiny = [\"{}\"]\n", mirror.display())
    };
    fs::remove_dir_all(tiny.workspace.path("store")).expect("locking made it");
    let said = tiny.run(&["build"]);
    said.expect(
        3,
        &[
            "archive tiny fetch InRelease is pinned, and gone from every place",
            "move the pins of the archive with `groundup update`",
            "at groundup.lock:",
        ],
    );
    tiny.workspace.write("groundup.local.toml", settings("/snap"));
    tiny.build(&[]);
    let asked = server.requests().iter().filter(|it| it.path.ends_with("/InRelease")).count();
    assert_eq!(asked, 2, "first when it was locked, then after the release");

    // A service by digests is another pattern.
    let lock = tiny.workspace.read("groundup.lock");
    for line in lock.lines().filter(|line| line.contains("InRelease") || line.contains("_1_")) {
        let (path, digest) = (line.split('"').rev().nth(3), line.split('"').rev().nth(1));
        let path = line.split('"').find(|it| it.contains('/')).or(path).expect("a path");
        let to = folder.join("by").join(digest.expect("a digest"));
        fs::create_dir_all(folder.join("by")).expect("ours");
        fs::copy(folder.join("snap/tiny/20220101T130000Z").join(path), to).expect("it is there");
    }
    fs::remove_dir_all(folder.join("snap")).expect("ours");
    fs::remove_dir_all(tiny.workspace.path("store")).expect("it was built");
    tiny.workspace.write("groundup.local.toml", settings("/by/{sha256}"));
    tiny.build(&[]);
}
