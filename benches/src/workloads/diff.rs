//! Two trees of a large root in the store, of which a few files differ: what it costs to say so.

mod cluster;
mod elf;
pub(super) mod images;
mod page;

use super::node::fill;
use crate::{
    bench::{Bench, Contender, Ready, once, output},
    error::{BenchError, Result, Tried},
    process,
    record::{Mark, Outcome},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const STORE: &str = "diff-store";
const MEMORY: u64 = 150 << 20;
/// Small files beside the large ones.
const SMALL: usize = 30_000;

/// Large trees, programs, a cluster and a page.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let mut outcomes = trees(bench)?;
    outcomes.push(elf::measure(bench)?);
    outcomes.push(cluster::measure(bench)?);
    outcomes.push(page::measure(bench)?);
    Ok(outcomes)
}

/// A folder with the files of the root in `files`, and their bytes; made once.
fn filled(bench: &Bench) -> Result<(PathBuf, u64)> {
    let bytes = bench.sized(1_700_000_000, 100_000_000);
    let workspace = bench.folder(&format!("diff-{}", bytes / 1_000_000));
    once(&workspace.join("files"), |folder| {
        fill(bench, folder, bytes)?;
        for number in 0..bench.sized(SMALL, SMALL / 10) {
            let path = folder.join(format!("usr/share/{}/{number}", number / 500));
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).tried("make", parent)?;
            fs::write(&path, format!("{number}\n")).tried("write", path)?;
        }
        Ok(())
    })?;
    Ok((workspace, bytes))
}

/// The summary, and the whole report.
fn trees(bench: &Bench) -> Result<Vec<Outcome>> {
    let (workspace, bytes) = filled(bench)?;
    let settings = workspace.join("groundup.toml");
    fs::write(&settings, SETTINGS).tried("write", &settings)?;
    let recipes = workspace.join("recipes");
    fs::create_dir_all(&recipes).tried("make", &recipes)?;
    fs::write(recipes.join("big.toml"), RECIPE).tried("write", &recipes)?;
    let groundup = |words: &[&str]| {
        let mut command = bench.groundup(&workspace, STORE);
        command.args(words);
        command
    };
    let build = |version: &str| -> Result<String> {
        edit(&workspace.join("files"), version)?;
        output(&mut groundup(&["build", "--no-out", "image.big"]))?;
        root(&output(&mut groundup(&["plan", "--all", "--json", "image.big"]))?)
    };
    let (before, after) = (build("1")?, build("2")?);
    let what =
        format!("two trees of {} MB in the store, of which 4 files differ", bytes / 1_000_000);
    let run = |name: &str, words: &'static [&'static str], most: f64| {
        bench.measure(Ready {
            workload: format!("diff-{name}"),
            what: what.clone(),
            per: 1,
            contenders: vec![Contender::new(
                "groundup",
                format!("groundup diff {} A B", words.join(" ")),
                || differs(groundup(&["diff"]).args(words).args([&before, &after])),
            )],
            marks: vec![Mark::Within(most), Mark::Memory(MEMORY)],
            notes: Vec::new(),
        })
    };
    Ok(vec![run("summary", &["--brief"], 0.3)?, run("report", &["--all"], 1.0)?])
}

/// Runs a comparison, which ends with 1 if there is a difference.
fn differs(command: &mut Command) -> Result<process::Taken> {
    crate::bench::timed(&mut in_shell(command))
}

/// A comparison as a command that succeeds if there is a difference.
fn in_shell(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "\"$@\"; test $? = 1", "sh"]).arg(command.get_program());
    shell.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell.env("CI", "true").env("NO_COLOR", "1");
    shell
}

/// Puts a version into the files that differ.
fn edit(folder: &Path, version: &str) -> Result<()> {
    for name in ["etc/a.conf", "etc/sysctl.d/b.conf", "usr/share/0/0", "usr/share/1/500"] {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).tried("make", parent)?;
        fs::write(&path, format!("net.value = {version}\n")).tried("write", path)?;
    }
    Ok(())
}

/// The tree that the image is split from.
fn root(plan: &str) -> Result<String> {
    let wrong = || BenchError::Answer(format!("groundup answered {plan}"));
    let plan: serde_json::Value = serde_json::from_str(plan).map_err(|_| wrong())?;
    let steps = plan["steps"].as_array().ok_or_else(wrong)?;
    let step = steps.iter().find(|step| {
        step["step"].as_str().is_some_and(|label| label.starts_with("rootfs.big "))
            && step["outputs"]["out"].is_string()
    });
    let id = step.and_then(|step| step["outputs"]["out"].as_str()).ok_or_else(wrong)?;
    Ok(id.to_owned())
}

const SETTINGS: &str = "[workspace]\nname = \"diff\"\nplatforms = [\"linux/amd64\"]\n";

const RECIPE: &str = r#"[source.big]
path = "files"

[rootfs.big]
trees = ["source.big"]

[image.big]
trees = ["rootfs.big"]
"#;
