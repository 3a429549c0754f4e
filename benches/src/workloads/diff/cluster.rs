//! A cluster of many images of which one pin has moved, against the revision before: what it costs to
//! name that pin.

use super::{STORE, differs, in_shell};
use crate::{
    bench::{Bench, Contender, Ready, once, output},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
    workloads::unpack::copy_folder,
};
use std::{fmt::Write, fs, path::Path, process::Command};

const COMPARE: [&str; 3] = ["diff", "HEAD:cluster.site", "cluster.site"];
/// In how many lines the cause has to stand.
const FIRST: usize = 5;

/// The report of the terminal.
pub(super) fn measure(bench: &Bench) -> Result<Outcome> {
    let (images, objects) = bench.sized((50, 2000), (10, 200));
    let workspace = bench.folder(&format!("diff-cluster-{images}"));
    let groundup = |words: &[&str]| {
        let mut command = bench.groundup(&workspace, STORE);
        command.args(words);
        command
    };
    once(&workspace, |folder| make(bench, folder, images, objects))?;
    // A revision is planned, not built: both were built in their time.
    output(&mut groundup(&["build", "--no-out", "cluster.site"]))?;
    let said = output(&mut in_shell(&groundup(&COMPARE)))?;
    let cause = |line: &str| line.contains("source.site") && line.contains("groundup.lock:");
    if !said.lines().take(FIRST).any(cause) {
        let start: Vec<&str> = said.lines().take(2 * FIRST).collect();
        return Err(BenchError::Answer(format!(
            "the pin that moved is not in the first {FIRST} lines:\n{}",
            start.join("\n")
        )));
    }
    bench.measure(Ready {
        workload: "diff-cluster".into(),
        what: format!(
            "a cluster of {images} images and {objects} objects against the revision before, with \
             one pin moved that every image holds"
        ),
        per: 1,
        contenders: vec![Contender::new(
            "groundup",
            format!("groundup {}", COMPARE.join(" ")),
            || differs(&mut groundup(&COMPARE)),
        )],
        marks: vec![Mark::Within(2.0)],
        notes: vec![format!(
            "The pin stands in the first {FIRST} lines of the report, or this fails."
        )],
    })
}

/// A workspace under git whose pin moved after the last commit, both built.
fn make(bench: &Bench, folder: &Path, images: usize, objects: usize) -> Result<()> {
    for file in ["groundup.toml", "groundup.lock"] {
        let from = bench.repository.join(file);
        fs::copy(&from, folder.join(file)).tried("copy", from)?;
    }
    copy_folder(&bench.repository.join("recipes"), &folder.join("recipes"))?;
    let upstream = folder.join("upstream");
    fs::create_dir_all(&upstream).tried("make", &upstream)?;
    write(&folder.join(".gitignore"), "/upstream\n")?;
    write(&folder.join("recipes/site.toml"), &recipes(&upstream, images))?;
    write(&folder.join("recipes/site.yaml"), &manifests(images, objects))?;
    let groundup = |words: &[&str]| output(bench.groundup(folder, STORE).args(words));
    release(&upstream, "4096")?;
    groundup(&["lock"])?;
    commit(folder)?;
    groundup(&["build", "--no-out", "cluster.site"])?;
    release(&upstream, "409")?;
    groundup(&["update", "source.site"]).map(drop)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).tried("write", path)
}

fn release(upstream: &Path, value: &str) -> Result<()> {
    write(&upstream.join("site.conf"), &format!("net.core.somaxconn = {value}\n"))?;
    commit(upstream)
}

fn commit(folder: &Path) -> Result<()> {
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"];
    let all: [&[&str]; 3] =
        [&["init", "-q", "-b", "main"], &["add", "-A"], &["commit", "-q", "-m", "a release"]];
    for words in all {
        output(Command::new("git").current_dir(folder).args(who).args(words))?;
    }
    Ok(())
}

fn recipes(upstream: &Path, images: usize) -> String {
    let mut text = format!("[source.site]\ngit = \"{}\"\nrev = \"main\"\n\n", upstream.display());
    let mut table = String::new();
    // Writing to a text does not fail.
    for number in 0..images {
        let _ = write!(
            text,
            "[image.site-{number}]\n\
             trees = [\"rootfs.micro\", {{ from = \"source.site\", to = \"/etc/sysctl.d\" }}]\n\
             files = [{{ path = \"/etc/site\", text = \"site {number}\\n\" }}]\n\n"
        );
        let _ = writeln!(table, "\"registry.example/site-{number}\" = \"image.site-{number}\"");
    }
    let manifests = "manifests = [\"recipes/site.yaml\"]";
    let _ = write!(
        text,
        "[cluster.site]\nkubernetes = \"1.20\"\nschemas = \"source.kubernetes\"\n{manifests}\n\n\
         [cluster.site.images]\n{table}"
    );
    text
}

/// A workload and a service for each image, and settings for the rest.
fn manifests(images: usize, objects: usize) -> String {
    let mut text = String::new();
    for number in 0..images {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\n\
             metadata: {{name: site-{number}, namespace: default}}\nspec:\n  replicas: 2\n\
             \x20 selector: {{matchLabels: {{app: site-{number}}}}}\n  template:\n\
             \x20   metadata: {{labels: {{app: site-{number}}}}}\n    spec:\n\
             \x20     containers: [{{name: main, image: registry.example/site-{number}}}]\n\
             ---\napiVersion: v1\nkind: Service\n\
             metadata: {{name: site-{number}, namespace: default}}\n\
             spec: {{selector: {{app: site-{number}}}, ports: [{{port: 80}}]}}\n"
        );
    }
    for number in 2 * images..objects {
        let _ = write!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\n\
             metadata: {{name: settings-{number}, namespace: default}}\n\
             data: {{number: \"{number}\"}}\n"
        );
    }
    text
}
