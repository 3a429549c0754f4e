//! The page of a report with thousands of rows: how long a browser takes until it answers.

use super::differs;
use crate::{
    bench::{Bench, Contender, Ready, once, output, timed},
    error::{BenchError, Result, Tried},
    process::Taken,
    record::{Mark, Outcome},
    setup,
    workloads::unpack::copy_folder,
};
use std::{fs, path::Path, process::Command};

const TARGET: &str = "rootfs.chromium";
/// Where the program stands in its root.
const PROGRAM: &str = "/usr/lib/chromium/chromium-headless-shell";
/// Stands last in a copy of the page, when its own script has run; the first words lay it out.
const SCRIPT: &str =
    "<script>document.body.offsetHeight; document.title = `used ${performance.now()}`;</script>";

/// From the start of the page until its script has run and the window is laid out.
pub(super) fn measure(bench: &Bench) -> Result<Outcome> {
    let rows = bench.sized(5000, 500);
    let folder = bench.folder(&format!("diff-page-{rows}"));
    once(&folder, |folder| make(bench, folder, rows))?;
    output(bench.groundup(&folder, setup::STORE).args(["build", "--no-out", TARGET]))?;
    let mut diff = Command::new(&bench.groundup);
    diff.current_dir(&folder).args(["diff", "old", "new", "--html", "page.html"]);
    differs(&mut diff)?;
    let page = folder.join("page.html");
    let text = fs::read_to_string(&page).tried("read", &page)?;
    let bytes = text.len();
    fs::write(&page, with_script(&text)?).tried("write", &page)?;
    bench.measure(Ready {
        workload: "diff-page".into(),
        what: format!(
            "the page of a report of {rows} rows ({:.1} MB) in Chromium without a screen, from its \
             start until it answers",
            bytes as f64 / 1e6
        ),
        per: 1,
        contenders: vec![Contender::new(
            "groundup",
            "groundup diff old new --html page.html",
            || open(bench, &folder),
        )],
        marks: vec![Mark::Within(2.0)],
        notes: vec![
            "Times are those of the page itself, taken by its own clock; processor and memory are \
             those of the browser from start to end."
                .into(),
        ],
    })
}

/// The recipes of this repository, and two directories of files that all differ.
fn make(bench: &Bench, folder: &Path, rows: usize) -> Result<()> {
    for file in ["groundup.toml", "groundup.lock"] {
        let from = bench.repository.join(file);
        fs::copy(&from, folder.join(file)).tried("copy", from)?;
    }
    copy_folder(&bench.repository.join("recipes"), &folder.join("recipes"))?;
    for (side, word) in [("old", "fast"), ("new", "slow")] {
        for number in 0..rows {
            let place = folder.join(side).join(format!("etc/conf.d/{:02}", number % 50));
            fs::create_dir_all(&place).tried("make", &place)?;
            let path = place.join(format!("service-{number:05}.conf"));
            let text = format!("# service {number}\nmode = {word}-{number}\n");
            fs::write(&path, text).tried("write", path)?;
        }
    }
    Ok(())
}

/// The page with a script at its end, whose policy is the page's but for scripts.
fn with_script(page: &str) -> Result<String> {
    let policy = page.split_once("script-src '");
    let parts = policy.and_then(|(before, rest)| Some((before, rest.split_once('\'')?.1)));
    let whole = parts.map(|(before, after)| format!("{before}script-src 'unsafe-inline'{after}"));
    let whole = whole.as_deref().and_then(|page| page.rsplit_once("</body>"));
    let (start, end) = whole.ok_or_else(|| BenchError::Answer("the page has changed".into()))?;
    Ok(format!("{start}{SCRIPT}</body>{end}"))
}

/// Opens the page, and gives what the browser took with the time that the page found.
fn open(bench: &Bench, folder: &Path) -> Result<Taken> {
    let mut run = bench.groundup(folder, setup::STORE);
    // The sandbox is the one around it.
    run.args(["run", TARGET, "--", PROGRAM, "--no-sandbox", "--disable-gpu"]);
    run.args(["--disable-dev-shm-usage", "--user-data-dir=/tmp/profile", "--window-size=1280,900"]);
    run.arg("--dump-dom").arg(format!("file://{}", folder.join("page.html").display()));
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "\"$@\" > seen.html", "sh"]).arg(run.get_program()).args(run.get_args());
    shell.current_dir(folder).env("CI", "true");
    let taken = timed(&mut shell)?;
    let seen = folder.join("seen.html");
    let text = fs::read_to_string(&seen).tried("read", &seen)?;
    let time = text.split_once("<title>used ").and_then(|(_, rest)| rest.split_once("</title>"));
    let time = time.and_then(|(time, _)| time.parse::<f64>().ok());
    let milliseconds =
        time.ok_or_else(|| BenchError::Answer("the page's script did not run".into()))?;
    Ok(Taken { wall: milliseconds / 1e3, ..taken })
}
