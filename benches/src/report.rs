//! `docs/benchmarks.md`, generated from the raw runs of `benches/runs/`.

use crate::{
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome, Setup, Side, Size, Spread},
};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const SETUP: &str = "setup.json";

/// A run of the benchmarks as it lies in a folder.
#[derive(Debug)]
pub struct Run {
    /// The folder's name.
    pub name: String,
    /// What was measured on.
    pub setup: Setup,
    /// The workloads, in the order in which they ran.
    pub outcomes: Vec<Outcome>,
}

/// Writes what is measured on into the folder of a run.
pub fn save_setup(folder: &Path, setup: &Setup) -> Result<()> {
    fs::create_dir_all(folder).tried("make", folder)?;
    save(&folder.join(SETUP), setup)
}

/// Writes one workload into the folder of a run; `number` keeps the order.
pub fn save_outcome(folder: &Path, number: usize, outcome: &Outcome) -> Result<()> {
    save(&folder.join(format!("{number:02}-{}.json", outcome.workload)), outcome)
}

fn save(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let json = |source| BenchError::Json { path: path.to_owned(), source };
    let text = serde_json::to_string_pretty(value).map_err(json)?;
    fs::write(path, text + "\n").tried("write", path)
}

/// Reads the folder of a run.
pub fn load(folder: &Path) -> Result<Run> {
    let mut outcomes = Vec::new();
    for file in entries(folder)? {
        if file.extension().is_some_and(|end| end == "json") && !file.ends_with(SETUP) {
            outcomes.push(read(&file)?);
        }
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Run { name, setup: read(&folder.join(SETUP))?, outcomes })
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).tried("read", path)?;
    serde_json::from_slice(&bytes)
        .map_err(|source| BenchError::Json { path: path.to_owned(), source })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).tried("list", folder)? {
        paths.push(entry.tried("list", folder)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The page of all runs below a folder, the latest full one first.
pub fn page(runs: &Path) -> Result<String> {
    let mut all = Vec::new();
    if runs.exists() {
        for folder in entries(runs)?.into_iter().filter(|path| path.is_dir()) {
            all.push(load(&folder)?);
        }
    }
    all.sort_by(|a, b| b.name.cmp(&a.name));
    all.sort_by_key(|run| run.setup.size != Size::Full);
    let mut text = String::from(INTRODUCTION);
    for run in &all {
        section(&mut text, run);
    }
    Ok(text)
}

const INTRODUCTION: &str = "\
# Benchmarks

This page is generated from the raw runs in `benches/runs/` by `cargo xtask docs`; `cargo xtask bench` makes a run.
groundup and its peers do the same job by turns in one run, A B A B, so that whatever else goes on in the machine meets all
of them. Peers come from pinned Debian packages; their times are taken inside their own root file system, so that nothing of
groundup counts for them ([decision 0009](decisions/0009-benchmarks.md)).

*least* is the shortest time, *median* the middle one; *ratio* is groundup's time as a part of the peer's, pair by pair:
under 1 means that groundup is faster. *processor* is time in programs and in the kernel, of the shortest run. A mark in
seconds or processor seconds is judged by the least time, one against a peer by the median of the pairs.
";

fn section(text: &mut String, run: &Run) {
    let setup = &run.setup;
    let _ = write!(
        text,
        "\n## {}\n\n{}, {} cores, {:.0} GB of memory; Linux {}; {}; groundup at commit `{}`.\n",
        run.name,
        setup.cpu,
        setup.cores,
        setup.memory as f64 / 1e9,
        setup.kernel,
        setup.file_system,
        setup.commit
    );
    let peers: Vec<_> =
        setup.peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "Peers: {}.", peers.join(", "));
    if setup.size == Size::Quick {
        text.push_str("A quick run: the workloads are smaller than the marks mean.\n");
    }
    marks(text, run);
    for outcome in &run.outcomes {
        table(text, outcome);
    }
}

fn marks(text: &mut String, run: &Run) {
    text.push_str("\n| workload | mark | found | |\n|---|---|---|---|\n");
    for outcome in &run.outcomes {
        for mark in &outcome.marks {
            if let Some((found, met)) = outcome.judge(mark) {
                let verdict = if met { "met" } else { "**missed**" };
                let (wanted, found) = words(mark, found);
                let _ = writeln!(text, "| {} | {wanted} | {found} | {verdict} |", outcome.workload);
            }
        }
    }
}

/// A mark, and what was found for it, in words.
pub fn words(mark: &Mark, found: f64) -> (String, String) {
    match mark {
        Mark::Within(most) => (format!("≤ {}", seconds(*most)), seconds(found)),
        Mark::Processor(most) => (format!("≤ {} of processors", seconds(*most)), seconds(found)),
        Mark::Times { peer, most } => {
            (format!("≤ {most:.2} of the time of {peer}"), format!("{found:.2}"))
        }
        Mark::Memory(most) => (format!("≤ {} of memory", bytes(*most as f64)), bytes(found)),
        Mark::Written(most) => (format!("≤ {} written", bytes(*most as f64)), bytes(found)),
    }
}

/// One workload as a table.
pub fn table(text: &mut String, outcome: &Outcome) {
    let each = if outcome.per > 1 {
        format!(" Times are for one of {}.", outcome.per)
    } else {
        String::new()
    };
    let _ = write!(
        text,
        "\n### {}\n\n{}.{each} Load before: {:.1}.\n\n\
         | | least | median | most | ratio: least | median | most | processor | memory | written |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        outcome.workload, outcome.what, outcome.load
    );
    for (number, side) in outcome.sides.iter().enumerate() {
        row(text, outcome, side, number == 0);
    }
    let commands = outcome.sides.iter().map(|side| format!("{}: `{}`", side.name, side.command));
    let _ = writeln!(text, "\n{}.", commands.collect::<Vec<_>>().join("; "));
    for note in &outcome.notes {
        let _ = writeln!(text, "{note}");
    }
}

fn row(text: &mut String, outcome: &Outcome, side: &Side, is_ours: bool) {
    let per = f64::from(outcome.per);
    let Some(walls) = Spread::of(side.runs.iter().map(|run| run.wall / per)) else { return };
    let ratio = match outcome.ratio(side) {
        Some(ratio) if !is_ours => {
            format!("{:.2} | {:.2} | {:.2}", ratio.least, ratio.median, ratio.most)
        }
        _ => " | | ".to_owned(),
    };
    let of_shortest = side.runs.iter().min_by(|a, b| a.wall.total_cmp(&b.wall));
    let processor = of_shortest.map_or(0.0, |run| run.cpu() / per);
    let most = |field: fn(&crate::process::Taken) -> u64| {
        bytes(side.runs.iter().map(field).max().unwrap_or(0) as f64)
    };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {ratio} | {} | {} | {} |",
        side.name,
        seconds(walls.least),
        seconds(walls.median),
        seconds(walls.most),
        seconds(processor),
        most(|run| run.memory),
        most(|run| run.written),
    );
}

fn seconds(seconds: f64) -> String {
    if seconds >= 1.0 { format!("{seconds:.2} s") } else { format!("{:.2} ms", seconds * 1e3) }
}

fn bytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}
