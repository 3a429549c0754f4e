//! A hundred clusters that differ in a few lines: what it costs to plan them, and to see that nothing
//! is to be done.

use super::{node, unpack::copy_folder};
use crate::{
    bench::{Bench, Contender, Ready, output, timed},
    error::{Result, Tried},
    record::{Mark, Outcome},
};
use std::{fmt::Write, fs, path::Path, process::Command};

/// Most memory of a plan and of a build with nothing to do.
const MEMORY: u64 = 200_000_000;
const TARGETS: &str = "cluster.fleet-*";
const EDITED: &str = "recipes/fleet-edited.txt";

/// The plan of all, and a build of all after a build of all.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let (clusters, nodes, images) = bench.sized((100, 20, 200), (10, 2, 20));
    let workspace = bench.folder("fleet");
    fs::create_dir_all(&workspace).tried("make", &workspace)?;
    for file in ["groundup.toml", "groundup.lock"] {
        let from = bench.repository.join(file);
        fs::copy(&from, workspace.join(file)).tried("copy", from)?;
    }
    copy_folder(&bench.repository.join("recipes"), &workspace.join("recipes"))?;
    write(&workspace.join("recipes/fleet.yaml"), MANIFESTS)?;
    write(&workspace.join("recipes/fleet.toml"), &recipes(clusters, nodes, images))?;
    write(&workspace.join(EDITED), "")?;
    let groundup = |words: &[&str]| -> Command {
        let mut command = bench.groundup(&workspace, node::STORE);
        command.args(words).arg(TARGETS);
        command
    };
    // The second time nothing is done, and what was read is old enough to be trusted.
    for _ in 0..2 {
        output(&mut groundup(&["build", "--no-out"]))?;
    }
    let what = format!("{clusters} clusters, {nodes} nodes, {images} images, all known");
    let alone = |name: &str, words: &'static [&'static str], most: f64| {
        bench.measure(Ready {
            workload: format!("fleet-{name}"),
            what: what.clone(),
            per: 1,
            contenders: vec![Contender::new(
                "groundup",
                format!("groundup {} '{TARGETS}'", words.join(" ")),
                || timed(&mut groundup(words)),
            )],
            marks: vec![Mark::Within(most), Mark::Memory(MEMORY)],
            notes: Vec::new(),
        })
    };
    Ok(vec![
        alone("plan", &["plan"], 0.1)?,
        alone("noop", &["build", "--no-out"], 0.15)?,
        edited(bench, &workspace, &groundup, &what)?,
    ])
}

/// The plan after an edit of what all images begin with.
fn edited(
    bench: &Bench,
    workspace: &Path,
    groundup: &dyn Fn(&[&str]) -> Command,
    what: &str,
) -> Result<Outcome> {
    let edit = workspace.join(EDITED);
    let measured = bench.measure(Ready {
        workload: "fleet-edited".into(),
        what: format!("{what} but for a file that every image holds"),
        per: 1,
        contenders: vec![
            Contender::new("groundup", format!("groundup plan '{TARGETS}'"), || {
                timed(&mut groundup(&["plan"]))
            })
            .reset(|| write(&edit, "edited\n")),
        ],
        marks: vec![Mark::Memory(MEMORY)],
        notes: Vec::new(),
    });
    write(&edit, "")?;
    measured
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).tried("write", path)
}

fn recipes(clusters: usize, nodes: usize, images: usize) -> String {
    let mut text = BASE.to_owned();
    // Writing to a text does not fail.
    for number in 0..images {
        let _ = write!(
            text,
            "[image.fleet-{number}]\nextends = \"image.fleet\"\nenv = {{ NUMBER = \"{number}\" }}\n\
             files = [{{ path = \"/etc/app\", text = \"number {number}\\n\" }}]\n\n"
        );
    }
    for number in 0..nodes {
        let _ = write!(
            text,
            "[node.fleet-{number}]\nextends = \"node.fleet\"\n\
             cmdline = \"console=ttyS0 fleet={number}\"\n\n"
        );
    }
    for number in 0..clusters {
        let (web, proxy) = (number * 2 % images, (number * 2 + 1) % images);
        let node = number % nodes;
        let _ = write!(
            text,
            r#"[cluster.fleet-{number}]
extends = "cluster.fleet"
images = {{ "registry.example/web" = "image.fleet-{web}", "registry.example/proxy" = "image.fleet-{proxy}" }}

[[cluster.fleet-{number}.set]]
kind = "ConfigMap"
name = "machine"
pointer = "/data/image"
value = "http://images.example/{{hex}}/{{file}}"
from = "node.fleet-{node}:disk"

"#
        );
    }
    text
}

const BASE: &str = r#"
[source.fleet-edited]
path = "recipes/fleet-edited.txt"

[image.fleet]
abstract = true
trees = ["rootfs.micro", { from = "source.fleet-edited", to = "/etc/fleet" }]
entrypoint = ["/bin/sh"]

[node.fleet]
abstract = true
rootfs = "rootfs.micro"
kernel = "kernel.micro"
initrd = "rootfs.initrd"
tools = "rootfs.node-tools"

[cluster.fleet]
abstract = true
kubernetes = "1.20"
schemas = "source.kubernetes"
manifests = ["recipes/fleet.yaml"]

"#;

const MANIFESTS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: machine, namespace: default}
data: {image: ""}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: registry.example/web}
      - {name: proxy, image: registry.example/proxy}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"#;
