//! Manifests of clusters: digests of what was built, checks, and what other programs make of them.
//!
//! All tests share one workspace, whose images and files are small; the OpenAPI document and
//! `kubectl` are those that the recipes of this repository pin. `cluster.demo` itself, whose nodes
//! take minutes to compile, is built by `groundup build`.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_cluster::{Findings, Request, SourceFile, Table, extract, make, yaml};
use groundup_tests::{
    copy_recipes, in_workspace,
    manifests::{fixture, request, valid_objects},
    repository, succeed, told,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

const RECIPES: &str = r#"
[build.openapi]
rootfs = "rootfs.micro"
sources = { kubernetes = "source.kubernetes" }
script = "busybox cp /src/kubernetes/api/openapi-spec/swagger.json /out/"

[build.disk]
rootfs = "rootfs.micro"
script = """
busybox mkdir -p /out/images
busybox echo "a disk" > /out/images/disk.raw
busybox echo "a checksum" > /out/images/disk.sum
"""

[image.one]
files = [{ path = "/one", source = "small/one" }]
platforms = ["linux/amd64"]

[image.two]
files = [{ path = "/two", source = "small/two" }]
platforms = ["linux/amd64", "linux/arm64"]

[cluster.base]
abstract = true
kubernetes = "1.20"
schemas = "source.kubernetes"
manifests = ["small/*.yaml"]

[cluster.base.images]
"registry.example/one" = "image.one"
"registry.example:5000/team/two" = { from = "image.two", name = "mirror.example/two" }

[[cluster.base.set]]
kind = "Machine"
name = "worker"
pointer = "/spec/disks/0/url"
value = "http://images.example/{short}/{file}?bytes={size}"
from = "build.disk"
file = "images/disk.raw"

[[cluster.base.set]]
kind = "Machine"
name = "*"
pointer = "/metadata/annotations/example.com~1installer"
value = "mirror.example/installer-{name}@{digest}"
from = "image.one"

[cluster.small]
extends = "cluster.base"
unchecked = ["example.com/v1 Machine"]

[cluster.standard]
extends = "cluster.small"
artifact = "standard"
tag = "v1"

[image.static]
trees = [{ from = "cluster.small", path = "/objects/small", to = "/etc/kubernetes/manifests" }]

[cluster.lonely]
extends = "cluster.small"
images = { "registry.example/oen" = "image.one" }

[cluster.old]
extends = "cluster.base"

[cluster.allowed]
extends = "cluster.base"
allow = ["unknown-kind Machine/worker"]

[cluster.warned]
extends = "cluster.base"
severity = { unknown-kind = "warn" }

[cluster.blind]
extends = "cluster.small"
set = [{ kind = "Machine", name = "wroker", pointer = "/x", value = "{digest}", from = "image.one" }]

[cluster.mute]
extends = "cluster.small"
set = [{ kind = "Machine", name = "worker", pointer = "/x", value = "{digset}", from = "image.one" }]

[cluster.vague]
extends = "cluster.small"
set = [{ kind = "Machine", name = "worker", pointer = "/x", value = "{hex}", from = "build.disk" }]

[image.restless]
links = { "/etc/systemd/system/timers.target.wants/apt-daily.timer" = "/lib/systemd/system/apt-daily.timer" }

[cluster.restless]
extends = "cluster.small"
images = { "registry.example/one" = "image.restless" }

[cluster.idle]
extends = "cluster.small"
image_fields = [{ kind = "Machin", pointer = "/spec/image" }]

[cluster.schemaless]
extends = "cluster.small"
schemas = "build.disk"
"#;

const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: small}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: one, namespace: small}
spec:
  selector: {matchLabels: {app: one}}
  template:
    metadata: {labels: {app: one}}
    spec:
      initContainers: [{name: init, image: "registry.example/one:dev"}]
      containers: [{name: main, image: registry.example/one}]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: two, namespace: small}
spec:
  schedule: "@daily"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: "registry.example:5000/team/two:1.0"}]
---
apiVersion: example.com/v1
kind: Machine
metadata: {name: worker, namespace: small}
spec: {disks: [{size: 1}]}
"#;

fn workspace() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // A static is never dropped: what the last run left is removed by this one.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusters-tests");
        let _ = std::process::Command::new("chmod").args(["-R", "u+w"]).arg(&folder).output();
        let _ = fs::remove_dir_all(&folder);
        let root = folder.join("work");
        copy_recipes(&root);
        fs::write(root.join("recipes/small.toml"), RECIPES).unwrap();
        small(&root, OBJECTS);
        root
    })
}

fn small(root: &Path, objects: &str) {
    fs::create_dir_all(root.join("small")).unwrap();
    fs::write(root.join("small/objects.yaml"), objects).unwrap();
    fs::write(root.join("small/one"), "one\n").unwrap();
    fs::write(root.join("small/two"), "two\n").unwrap();
}

/// A workspace of its own that shares the store.
fn beside(name: &str, objects: &str) -> PathBuf {
    let root = workspace().parent().unwrap().join(name);
    copy_recipes(&root);
    fs::write(root.join("recipes/small.toml"), RECIPES).unwrap();
    small(&root, objects);
    root
}

fn build(root: &Path, targets: &[&str]) {
    let store = workspace().join("store");
    let mut command = in_workspace(root);
    succeed(command.arg("--store").arg(store).arg("build").args(targets));
}

/// What a build that must fail said.
fn failure(root: &Path, targets: &[&str]) -> String {
    let store = workspace().join("store");
    let mut command = in_workspace(root);
    let output = command.arg("--store").arg(store).arg("build").args(targets).output().unwrap();
    assert!(!output.status.success(), "{}", told(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files below a directory, by path.
fn files(root: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (path, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The digest that a layout's index names.
fn digest(root: &Path, target: &str) -> String {
    let index = json(&root.join("out").join(target).join("index.json"));
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn digests_in_manifests_are_those_of_the_built_layouts() {
    let root = workspace();
    build(root, &["cluster.small", "image.one", "image.two", "build.disk"]);
    let made = files(&root.join("out/cluster.small"));
    let (one, two) = (digest(root, "image.one"), digest(root, "image.two"));
    let deployment = &made["objects/small/deployment.apps-one.yaml"];
    let image = format!("image: \"registry.example/one@{one}\"\n").replace('"', "");
    assert_eq!(deployment.matches(&image).count(), 2, "{deployment}");
    // An image for two platforms is pinned by its index.
    let job = &made["objects/small/cronjob.batch-two.yaml"];
    assert!(job.contains(&format!("image: mirror.example/two@{two}\n")), "{job}");
    let index = root.join("out/image.two/blobs/sha256").join(two.trim_start_matches("sha256:"));
    assert_eq!(json(&index)["manifests"].as_array().unwrap().len(), 2);

    let machine = &made["objects/small/machine.example.com-worker.yaml"];
    let disk = fs::read(root.join("out/build.disk/images/disk.raw")).unwrap();
    let hex = hex(&disk);
    let url = format!("url: \"http://images.example/{}/disk.raw?bytes=7\"\n", &hex[..12]);
    assert!(machine.contains(&url), "{machine}");
    let installer = format!("example.com/installer: mirror.example/installer-one@{one}\n");
    assert!(machine.contains(&installer), "{machine}");
    let resources = "resources:\n  - objects/namespace-small.yaml\n";
    assert!(made["kustomization.yaml"].contains(resources), "{}", made["kustomization.yaml"]);
    let whole: BTreeSet<&str> = made["all.yaml"].split("---\n").skip(1).collect();
    let single = made.iter().filter(|(path, _)| path.starts_with("objects/"));
    assert_eq!(whole, single.map(|(_, text)| text.as_str()).collect());
    assert_eq!(json(&root.join("out/cluster.small-checks/checks.json")), serde_json::json!([]));
}

fn hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_changed_file_moves_one_digest_in_the_objects_that_name_it() {
    let root = beside("changed", OBJECTS);
    build(&root, &["cluster.small"]);
    let before = files(&root.join("out/cluster.small"));
    fs::write(root.join("small/two"), "two, changed\n").unwrap();
    build(&root, &["cluster.small", "image.two"]);
    let after = files(&root.join("out/cluster.small"));
    let changed: Vec<&String> =
        before.keys().filter(|path| before[*path] != after[*path]).collect();
    assert_eq!(changed, ["all.yaml", "objects/small/cronjob.batch-two.yaml"]);
    let two = digest(&root, "image.two");
    let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let job = "objects/small/cronjob.batch-two.yaml";
    let moved: Vec<String> = lines(&after[job]).difference(&lines(&before[job])).cloned().collect();
    assert_eq!(moved.len(), 1);
    assert!(moved[0].ends_with(&format!("mirror.example/two@{two}")), "{moved:?}");
}

#[test]
fn words_order_and_anchors_of_the_yaml_change_nothing() {
    let root = beside("rewritten", OBJECTS);
    build(&root, &["cluster.small"]);
    let before = files(&root.join("out/cluster.small"));
    let mut documents: Vec<&str> = OBJECTS.split("---\n").collect();
    documents.reverse();
    let rewritten = documents
        .join("---\n# a comment\n")
        .replace("selector: {matchLabels: {app: one}}", "selector: {matchLabels: &l {app: one}}")
        .replace("metadata: {labels: {app: one}}", "metadata:\n      labels: *l");
    fs::write(root.join("small/objects.yaml"), rewritten).unwrap();
    build(&root, &["cluster.small"]);
    assert_eq!(files(&root.join("out/cluster.small")), before);
}

#[test]
fn kubectl_takes_the_directory_and_reads_the_same_objects() {
    // Every text that some reader of YAML takes for something else, as a value of a ConfigMap.
    let texts = [
        "",
        "~",
        "null",
        "true",
        "yes",
        "No",
        "on",
        "y",
        "0",
        "012",
        "0x1F",
        "1_000",
        "1e3",
        "12:30:45",
        "2001-12-14",
        "=",
        "<<",
        "- a",
        "a: b",
        "#",
        "*a",
        "!a",
        "|",
        "%a",
        "a\tb",
        "a\nb\n",
        " a",
        "é",
        "{x}",
        "'",
        "\"",
        "a #b",
        "-",
        "?",
        "\u{1f600}",
        "trailing \n",
    ];
    let mut config = String::from(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: nasty, namespace: small}\ndata:\n",
    );
    for (index, text) in texts.iter().enumerate() {
        config.push_str(&format!("  k{index}: {}\n", serde_json::to_string(text).unwrap()));
    }
    let root = beside("kubectl", &format!("{OBJECTS}{config}"));
    build(&root, &["cluster.small"]);
    let mut kustomize = in_workspace(&root);
    kustomize.arg("--store").arg(workspace().join("store"));
    kustomize.args(["run", "rootfs.kubectl", "--", "kubectl", "kustomize", "out/cluster.small"]);
    let said = succeed(&mut kustomize);
    let objects = |text: &str| -> BTreeMap<String, yaml::Node> {
        let documents = yaml::read(text.as_bytes(), yaml::Budget::default()).unwrap();
        let named = documents.into_iter().map(|document| {
            let part = |keys: &[&str]| document.root.text_at(keys).unwrap().to_owned();
            (format!("{}/{}", part(&["kind"]), part(&["metadata", "name"])), document.root)
        });
        named.collect()
    };
    let ours = fs::read_to_string(root.join("out/cluster.small/all.yaml")).unwrap();
    let (ours, theirs) = (objects(&ours), objects(&said));
    assert_eq!(ours.len(), 5);
    assert_eq!(ours, theirs);
    for (index, text) in texts.iter().enumerate() {
        let kept = theirs["ConfigMap/nasty"].text_at(&["data", &format!("k{index}")]);
        assert_eq!(kept, Some(*text));
    }
}

#[test]
fn the_artifact_has_the_layout_that_flux_and_argo_cd_pull() {
    let root = workspace();
    build(root, &["cluster.small", "cluster.standard"]);
    let manifest = |target: &str| {
        let digest = digest(root, target);
        let blobs = root.join("out").join(target).join("blobs/sha256");
        let manifest = json(&blobs.join(digest.trim_start_matches("sha256:")));
        let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
        (manifest, blobs.join(layer.trim_start_matches("sha256:")))
    };
    let (flux, layer) = manifest("cluster.small-oci");
    assert_eq!(flux["config"]["mediaType"], "application/vnd.cncf.flux.config.v1+json");
    assert_eq!(flux["layers"][0]["mediaType"], "application/vnd.cncf.flux.content.v1.tar+gzip");
    assert_eq!(flux["layers"].as_array().unwrap().len(), 1);
    let (standard, _) = manifest("cluster.standard-oci");
    let plain = "application/vnd.oci.image.layer.v1.tar+gzip";
    assert_eq!(standard["layers"][0]["mediaType"], plain);
    let index = json(&root.join("out/cluster.standard-oci/index.json"));
    let name = &index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"];
    assert_eq!(name, "v1");
    // The host's tar reads what is in it.
    let place = root.join("unpacked");
    fs::create_dir_all(&place).unwrap();
    let mut tar = std::process::Command::new("tar");
    succeed(tar.arg("-xzf").arg(layer).arg("-C").arg(&place));
    assert_eq!(files(&place), files(&root.join("out/cluster.small")));
}

#[test]
fn manifests_are_a_tree_for_static_pods() {
    let root = workspace();
    build(root, &["image.static"]);
    assert!(root.join("out/image.static/index.json").exists());
}

#[test]
fn what_the_recipe_asks_for_must_meet_something() {
    let root = workspace();
    for (target, wanted) in [
        (
            "cluster.lonely",
            [
                "`images` has `registry.example/oen`, but no object has this image",
                "there is `registry.example/one`",
            ],
        ),
        (
            "cluster.old",
            [
                "small/objects.yaml:30:7: document 4, Machine/worker: no kind `Machine` of `example.com/v1` is known",
                "name `example.com/v1 Machine` in `unchecked`",
            ],
        ),
        (
            "cluster.blind",
            ["`set` means Machine/wroker, which no manifest has", "did you mean Machine/worker?"],
        ),
        ("cluster.mute", ["`value` has the unknown word `{digset}`", "did you mean `{digest}`?"]),
        ("cluster.vague", ["`build.disk` has 2 files: say which with `file`", "`images/disk.raw`"]),
        (
            "cluster.restless",
            [
                "image.restless: `apt-daily.timer` of apt is enabled by",
                "name `self-changing image.restless` in `allow`",
            ],
        ),
        ("cluster.idle", ["`image_fields` has the kind `Machin`", "did you mean `Machine`?"]),
        ("cluster.schemaless", ["the source of `schemas` has no OpenAPI document", "schemas_path"]),
    ] {
        let said = failure(root, &[target]);
        for part in wanted {
            assert!(said.contains(part), "{target}: {said}");
        }
    }
    build(root, &["cluster.allowed"]);
    let checks = json(&root.join("out/cluster.allowed-checks/checks.json"));
    assert_eq!(checks[0]["rule"], "unknown-kind");
}

#[test]
fn warnings_are_told_with_their_place_by_every_build() {
    let root = workspace();
    let warned = |text: &str| {
        let store = root.join("store");
        let mut command = in_workspace(root);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", root);
        command.arg("--store").arg(store).args(["build", "--no-out", "cluster.warned"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.matches(text).count(), 1, "{said}");
    };
    for _ in ["made", "known", "nothing to do"] {
        let line = 1 + OBJECTS.lines().position(|line| line == "kind: Machine").unwrap();
        let place = format!("small/objects.yaml:{line}: Machine/worker: ");
        warned(&format!("warning: {place}"));
        warned(&format!("::warning file=small/objects.yaml,line={line}::"));
    }
}

#[test]
fn what_is_wrong_with_manifests_is_annotated_at_the_recipe_and_at_their_line() {
    let root = workspace();
    let mut command = in_workspace(root);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", root);
    command.arg("--store").arg(root.join("store")).args(["build", "--no-out", "cluster.old"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = 1 + OBJECTS.lines().position(|line| line == "kind: Machine").unwrap();
    let place = format!("\n::error file=small/objects.yaml,line={line},col=");
    assert!(
        said.contains(&place) && said.contains("\n::error file=recipes/small.toml,line="),
        "{said}"
    );
}

#[test]
fn recipes_that_name_nothing_are_errors_at_their_line() {
    let root = beside("misnamed", OBJECTS);
    let recipes = RECIPES.replace("\"small/*.yaml\"", "\"smal/*.yaml\"").replace(
        "\"registry.example/one\" = \"image.one\"",
        "\"registry.example/one:1\" = \"image.one\"",
    );
    fs::write(root.join("recipes/small.toml"), recipes).unwrap();
    let said = failure(&root, &["cluster.small"]);
    assert!(said.contains("did you mean `registry.example/one`?"), "{said}");
    let recipes = RECIPES.replace("\"small/*.yaml\"", "\"smal/*.yaml\"");
    fs::write(root.join("recipes/small.toml"), recipes).unwrap();
    let said = failure(&root, &["cluster.small"]);
    assert!(said.contains("no file fits `smal/*.yaml`"), "{said}");
    assert!(said.contains("recipes/small.toml:"), "{said}");
}

/// The schemas of the version that the recipes pin.
fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        build(workspace(), &["build.openapi"]);
        let document = fs::read(workspace().join("out/build.openapi/swagger.json")).unwrap();
        extract(&document, "1.20").unwrap()
    })
}

/// What is wrong, but for the image that no object of the fixtures has.
fn wrong(request: Request) -> Vec<String> {
    let Err(Findings(findings)) = make(request) else { return Vec::new() };
    let told = findings.iter().filter(|finding| finding.location.is_some());
    told.map(ToString::to_string).collect()
}

#[test]
fn broken_manifests_get_the_right_messages() {
    let folder = repository().join("tests/clusters/broken");
    #[allow(clippy::disallowed_methods, reason = "sorted below")]
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 40);
    let mut said = String::new();
    for name in &names {
        let manifests = vec![fixture("valid/support.yaml"), fixture(&format!("broken/{name}"))];
        let found = wrong(request(table(), manifests));
        assert!(!found.is_empty(), "{name} has nothing wrong");
        assert!(found.iter().all(|line| line.starts_with(name.as_str())), "{found:#?}");
        said.push_str(&format!("{}\n", found.join("\n")));
    }
    let place = repository().join("tests/clusters/broken.txt");
    let expected = fs::read_to_string(&place).unwrap_or_default();
    assert_eq!(said, expected, "the messages are no longer those of {}", place.display());
}

#[test]
fn valid_objects_of_every_kind_get_no_message() {
    let objects = valid_objects();
    assert!(objects.len() >= 200, "{}", objects.len());
    let mut kinds = BTreeSet::new();
    for object in &objects {
        let file = SourceFile { name: "valid.yaml".into(), bytes: object.clone().into_bytes() };
        let found = wrong(request(table(), vec![fixture("valid/support.yaml"), file]));
        assert!(found.is_empty(), "{found:#?}\n{object}");
        let part = |key: &str| object.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        kinds.insert(format!("{} {}", part("apiVersion: "), part("kind: ")));
    }
    let missing: Vec<&String> =
        table().kinds.keys().filter(|kind| !kinds.contains(*kind)).collect();
    assert!(missing.is_empty(), "no valid object of {missing:?}");
}
