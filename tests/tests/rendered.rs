//! Kustomizations and charts of a cluster: rendered in the sandbox, by the real `kubectl kustomize`
//! and by a stand-in for Helm, which Debian does not have. That `kubectl` is of 1.20, whose kustomize
//! has directories in `bases` alone; newer ones take them there too.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_tests::{copy, copy_recipes, in_workspace, repository, succeed, told};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const RECIPES: &str = r#"
[source.openapi]
path = "shop/swagger.json"

[rootfs.helm]
trees = ["rootfs.micro"]
files = [{ path = "/usr/bin/helm", source = "shop/tools/helm", mode = "0755" }]

[image.shop]
files = [{ path = "/web", text = "web" }]

[image.store]
files = [{ path = "/cache", text = "cache" }]

[cluster.common]
abstract = true
kubernetes = "1.32"
schemas = "source.openapi"

[cluster.shop]
extends = "cluster.common"
images = { "registry.example/web" = "image.shop", "registry.example/cache" = "image.store" }

[[cluster.shop.kustomizations]]
path = "shop/deploy/overlays/prod"
root = "shop/deploy"
tool = "rootfs.kubectl"

[[cluster.shop.charts]]
release = "cache"
path = "shop/charts/cache"
namespace = "shop"
values = ["shop/deploy/cache.yaml"]
tool = "rootfs.helm"

[cluster.large]
extends = "cluster.shop"

[[cluster.large.charts]]
release = "cache"
path = "shop/charts/cache"
values = ["shop/deploy/cache.yaml"]
set = { replicas = "5" }
api_versions = ["example.com/v1"]
tool = "rootfs.helm"

[source.base]
path = "shop/deploy/base"

[source.settings]
path = "shop/deploy/overlays/prod/settings.conf"

# What a recipe pins from elsewhere, laid down where the kustomization names it.
[cluster.pinned]
extends = "cluster.common"
images = { "registry.example/web" = "image.shop" }

[[cluster.pinned.kustomizations]]
path = "shop/far"
trees = { "pinned/base" = "source.base" }
tool = "rootfs.kubectl"

[cluster.narrow]
extends = "cluster.common"
kustomizations = [{ path = "shop/deploy/overlays/prod", tool = "rootfs.kubectl" }]

[cluster.toolless]
extends = "cluster.common"
charts = [{ release = "cache", path = "shop/charts/cache", tool = "rootfs.micro" }]

[cluster.needy]
extends = "cluster.common"
charts = [{ release = "needy", path = "shop/charts/needy", tool = "rootfs.helm" }]

[cluster.wordy]
extends = "cluster.common"

[[cluster.wordy.charts]]
release = "cache"
path = "shop/charts/cache"
set = { replicas = "many" }
tool = "rootfs.helm"

[cluster.blind]
extends = "cluster.common"
images = { "registry.example/web" = "image.shop" }
kustomizations = [{ path = "shop/blind", root = "shop", tool = "rootfs.kubectl" }]

[cluster.misspelt]
extends = "cluster.common"
images = { "registry.example/web" = "image.shop" }
kustomizations = [{ path = "shop/misspelt", root = "shop", tool = "rootfs.kubectl" }]
"#;

fn lay(root: &Path) {
    copy_recipes(root);
    copy(&repository().join("tests/clusters/rendered"), &root.join("shop"));
    let write = |path: &str, text: &str| {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    };
    write("recipes/shop.toml", RECIPES);
    let settings = "configMapGenerator: [{name: settings, literals: [a=b]}]\n";
    write(
        "shop/far/kustomization.yaml",
        &format!("bases: [pinned/base]\nnamespace: far\n{settings}"),
    );
    write(
        "shop/charts/needy/Chart.yaml",
        "name: needy\ndependencies:\n- name: redis\n  version: 18.1.5\n  repository: https://charts.example\n",
    );
    // A patch that meets nothing: kustomize's own words.
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: nothing}\n";
    write("shop/blind/patch.yaml", patch);
    let patched = "bases: [../deploy/base]\npatchesStrategicMerge: [patch.yaml]\n";
    write("shop/blind/kustomization.yaml", patched);
    let patch = patch.replace("nothing}", "web}\nspec: {replcias: 2}");
    write("shop/misspelt/patch.yaml", &patch);
    write("shop/misspelt/kustomization.yaml", &format!("namespace: shop\n{settings}{patched}"));
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // A static is never dropped: what the last run left is removed by this one.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rendered-tests");
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(&folder).output();
        let _ = fs::remove_dir_all(&folder);
        lay(&folder.join("work"));
        folder
    })
}

fn groundup(root: &Path, arguments: &[&str]) -> Command {
    let mut command = in_workspace(root);
    command.arg("--store").arg(folder().join("store")).args(arguments);
    command
}

/// What a build that must fail said.
fn failure(target: &str) -> String {
    let output = groundup(&folder().join("work"), &["build", target]).output().unwrap();
    assert!(!output.status.success(), "{}", told(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read(root: &Path, path: &str) -> String {
    let place = root.join("out").join(path);
    fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
}

/// The digest that a layout's index names.
fn digest(root: &Path, target: &str) -> String {
    let index: serde_json::Value =
        serde_json::from_str(&read(root, &format!("{target}/index.json"))).unwrap();
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn overlays_and_charts_come_out_with_the_digests_of_this_graph() {
    let root = folder().join("work");
    let targets = ["cluster.shop", "cluster.large", "cluster.pinned", "image.shop", "image.store"];
    succeed(groundup(&root, &["build"]).args(targets));
    // What the overlay adds to its base, and what `images` maps.
    let web = read(&root, "cluster.shop/objects/shop/deployment.apps-web.yaml");
    assert!(web.contains("replicas: 3\n"), "{web}");
    assert!(
        web.contains(&format!("registry.example/web@{}\n", digest(&root, "image.shop"))),
        "{web}"
    );
    let cache = read(&root, "cluster.shop/objects/shop/deployment.apps-cache.yaml");
    let pinned = format!("registry.example/cache@{}\n", digest(&root, "image.store"));
    assert!(cache.contains("replicas: 2\n") && cache.contains(&pinned), "{cache}");
    // What Helm was asked for.
    let asked = read(&root, "cluster.shop/objects/shop/configmap-arguments.yaml");
    let words = "template cache /src/chart --output-dir=/out --kube-version=1.32.0 --include-crds \
                 --skip-tests --namespace=shop --values=/src/values/0/cache.yaml";
    assert!(asked.contains(words), "{asked}");
    // A child's entry of the same release stands for its parent's.
    let asked = read(&root, "cluster.large/objects/default/configmap-arguments.yaml");
    let words = "--api-versions=example.com/v1 --values=/src/values/0/cache.yaml --set=replicas=5";
    assert!(asked.contains(words) && !asked.contains("--namespace"), "{asked}");
    let cache = read(&root, "cluster.large/objects/default/deployment.apps-cache.yaml");
    assert!(cache.contains("replicas: 5\n"), "{cache}");
    // A pinned base, below the directory of the kustomization.
    let far = read(&root, "cluster.pinned/objects/far/deployment.apps-web.yaml");
    assert!(far.contains("replicas: 1\n"), "{far}");
    // What the tools wrote can be looked at.
    let wrote = "cluster.shop-rendered/charts/shop/cache/cache/templates/deployment.yaml";
    assert!(read(&root, wrote).contains("image: registry.example/cache"));
    let wrote = "cluster.shop-rendered/kustomizations/shop/deploy/overlays/prod/objects.yaml";
    assert!(read(&root, wrote).contains("image: registry.example/web:dev"));
    let place = "/kustomizations/shop/deploy/overlays/prod/objects.yaml";
    let why = succeed(&mut groundup(&root, &["why", "cluster.shop:rendered", place]));
    assert!(why.lines().any(|line| line.contains("file") && line.contains("shop/deploy")), "{why}");
    // kustomize takes what comes out.
    let made = succeed(&mut groundup(
        &root,
        &["run", "rootfs.kubectl", "--", "kubectl", "kustomize", "out/cluster.shop"],
    ));
    assert_eq!(made.matches("kind: Deployment").count(), 2, "{made}");
}

#[test]
fn what_cannot_be_rendered_is_told_before_a_tool_runs() {
    for (target, parts) in [
        (
            "cluster.narrow",
            [
                "shop/deploy/overlays/prod/kustomization.yaml:3:3: ",
                "`../../base` leads out of `shop/deploy/overlays/prod`",
                "`root = \"shop/deploy\"`",
                "at recipes/shop.toml:",
            ],
        ),
        (
            "cluster.needy",
            [
                "shop/charts/needy/Chart.yaml:3:3: ",
                "depends on `redis 18.1.5` from `https://charts.example`",
                "`[source.redis]` with `url = \"https://charts.example/redis-18.1.5.tgz\"`",
                "at recipes/shop.toml:",
            ],
        ),
        (
            "cluster.toolless",
            [
                "`rootfs.micro` has no `helm` in its PATH",
                "help: pin Helm as a `source`",
                "cluster.toolless check chart cache",
                "at recipes/shop.toml:",
            ],
        ),
    ] {
        let said = failure(target);
        for part in parts {
            assert!(said.contains(part), "{target}: {part}\n{said}");
        }
        assert!(!said.contains("render "), "{said}");
    }
}

#[test]
fn what_a_tool_says_and_what_is_wrong_with_its_objects_name_the_kustomization() {
    let said = failure("cluster.blind");
    for part in ["cluster.blind render kustomization shop/blind", "| ", "nothing", "shop.toml:"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = failure("cluster.wordy");
    assert!(
        said.contains("| Error: execution error at (cache): replicas is no number: many"),
        "{said}"
    );
    assert!(said.contains("cluster.wordy render chart cache"), "{said}");
    let said = failure("cluster.misspelt");
    let place = "kustomization shop/misspelt: objects.yaml:";
    for part in [place, ", Deployment/web: ", "`spec.replcias`", "did you mean `replicas`?"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_plan_names_the_file_of_a_kustomization_that_moved() {
    let root = folder().join("moved");
    lay(&root);
    fs::write(root.join(".gitignore"), "/out\n/store\n").unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&root).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        succeed(command.args(author).args(arguments))
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "all"]);
    let replicas = root.join("shop/deploy/overlays/prod/replicas.yaml");
    let text = fs::read_to_string(&replicas).unwrap();
    fs::write(&replicas, text.replace("replicas: 3", "replicas: 4")).unwrap();
    fs::write(root.join("shop/deploy/cache.yaml"), "replicas: 7\n").unwrap();
    let said = succeed(&mut groundup(&root, &["plan", "--against", "HEAD", "cluster.shop"]));
    for part in
        ["overlays/prod/replicas.yaml", "shop/deploy/cache.yaml", "replicas: 2 -> replicas: 7"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}
