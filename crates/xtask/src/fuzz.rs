//! Searching for inputs that break parsers: the stage `fuzz` of the test command, and `cargo xtask
//! fuzz` for longer searches.
//!
//! The targets are in `fuzz/`. They are built into one libFuzzer program, on the stable compiler,
//! with LLVM's coverage asked for by [`COVERAGE`], in a target directory of its own. libFuzzer is
//! C++: on a machine without a C++ compiler, a search without coverage is made instead, and said.
//!
//! ```text
//! fuzz/corpus/TARGET/           inputs that are kept in the repository
//! target/fuzz/corpus/TARGET/    what searches here have added
//! target/fuzz/seeded/TARGET/    the same of the last search with a seed, which begins without it
//! target/fuzz/findings/TARGET/  inputs that broke a target, named crash-…
//! ```

use crate::Workspace;
use base64::Engine as _;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::Duration,
};

/// What `-Zsanitizer`-less coverage is made of (LLVM's SanitizerCoverage): a counter for each edge,
/// the table of their places, and the operands of comparisons.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// How a search is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// libFuzzer, guided by coverage.
    LibFuzzer,
    /// Random changes of the corpus.
    Blind,
}

/// How long and from which start a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Search {
    /// For each target.
    pub(crate) each: Duration,
    /// What random choices begin with; chance if there is none. With one, inputs that earlier searches
    /// added are left out.
    pub(crate) seed: Option<u32>,
}

/// The longest input in bytes that is printed with a failure. A machine of CI is gone when somebody
/// reads what it printed.
const SHOWN: u64 = 6 << 10;

/// What the search of one target gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) target: String,
    executions: u64,
    /// Edges and features that were reached; the second also counts how often.
    coverage: Option<(u64, u64)>,
    /// Inputs that were found and kept in `target/fuzz/corpus`.
    added: usize,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

/// Builds the program and searches the named targets, or all.
#[allow(clippy::print_stdout, reason = "this is what the command prints")]
pub(crate) fn search(
    workspace: &Workspace,
    names: &[String],
    how: Search,
) -> Result<Vec<Row>, String> {
    let known = targets(workspace)?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no target `{unknown}`; targets: {}", known.join(", ")));
    }
    let chosen = if names.is_empty() { known } else { names.to_vec() };
    let engine = match has_cxx() {
        true => Engine::LibFuzzer,
        false => {
            println!("no C++ compiler (c++) is here: a search without coverage, by random changes");
            Engine::Blind
        }
    };
    let program = build(workspace, engine)?;
    let (todo, rows) = (Mutex::new(chosen.into_iter()), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().ok().and_then(|mut todo| todo.next());
                    let Some(target) = next else { break };
                    let row = run(workspace, &program, engine, target, how);
                    println!("{}", row.sentence());
                    if let Ok(mut rows) = rows.lock() {
                        rows.push(row);
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(rows)
}

/// The names of all targets: the folders of the corpus, which a test of `fuzz` compares.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let folder = workspace.root.join("fuzz/corpus");
    let walk = walkdir::WalkDir::new(&folder).min_depth(1).max_depth(1).sort_by_file_name();
    let names = walk.into_iter().map(|entry| match entry {
        Ok(entry) => Ok(entry.file_name().to_string_lossy().into_owned()),
        Err(error) => Err(format!("cannot list {}: {error}", folder.display())),
    });
    names.collect()
}

fn has_cxx() -> bool {
    let mut command = Command::new("c++");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Builds the program of the engine and gives its path.
fn build(workspace: &Workspace, engine: Engine) -> Result<PathBuf, String> {
    let version = Command::new("rustc").arg("-vV").output().map_err(|error| error.to_string())?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("`rustc -vV` names no host")?;
    let target_dir = workspace.root.join("target/fuzz");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--profile", "fuzz", "--package", "groundup-fuzz"]);
    // With a target named, flags are not those of build scripts and procedural macros.
    cargo.args(["--target", host]).arg("--target-dir").arg(&target_dir);
    let name = match engine {
        Engine::LibFuzzer => {
            cargo.args(["--bin", "fuzz", "--features", "libfuzzer"]);
            cargo.env("RUSTFLAGS", COVERAGE.join(" "));
            "fuzz"
        }
        Engine::Blind => {
            cargo.args(["--bin", "search"]);
            "search"
        }
    };
    match cargo.status() {
        Ok(status) if status.success() => Ok(target_dir.join(host).join("fuzz").join(name)),
        Ok(_) => Err("the fuzz targets do not compile".to_owned()),
        Err(error) => Err(format!("cannot run {cargo:?}: {error}")),
    }
}

fn run(workspace: &Workspace, program: &Path, engine: Engine, target: String, how: Search) -> Row {
    let folders = match Folders::make(workspace, &target, how.seed.is_some()) {
        Ok(folders) => folders,
        Err(problem) => return Row { target, failure: Some(problem), ..Row::default() },
    };
    let before = files(&folders.own);
    let seconds = how.each.as_secs().max(1).to_string();
    let mut command = Command::new(program);
    // The pools of threads of two parsers: one thread, so that runs are alike.
    command.env("RAYON_NUM_THREADS", "1").env("RUST_BACKTRACE", "1");
    match engine {
        Engine::LibFuzzer => {
            command.arg(&folders.own).arg(&folders.kept);
            command.arg(format!("-max_total_time={seconds}"));
            command.args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]);
            command.args(how.seed.map(|seed| format!("-seed={seed}")));
            command.arg(format!("-artifact_prefix={}/", folders.findings.display()));
            // What follows is for the program, not for libFuzzer.
            command.arg("-ignore_remaining_args=1").arg(&target);
        }
        Engine::Blind => {
            let seed = how.seed.unwrap_or_else(chance).to_string();
            command.args([&target, &seconds]).arg(&folders.findings).arg(seed);
        }
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            let failure = Some(format!("cannot run {}: {error}", program.display()));
            return Row { target, failure, ..Row::default() };
        }
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let mut row = Row::of_text(target, &text);
    row.added = files(&folders.own).saturating_sub(before);
    if !output.status.success() {
        row.failure = Some(failure(&text));
    }
    row
}

/// Where a search has its inputs.
struct Folders {
    /// What searches here have added.
    own: PathBuf,
    /// What the repository keeps.
    kept: PathBuf,
    findings: PathBuf,
}

impl Folders {
    /// One with a seed of its own begins with what the repository keeps, whatever others have added.
    fn make(workspace: &Workspace, target: &str, is_seeded: bool) -> Result<Self, String> {
        let top = workspace.root.join("target/fuzz");
        let own = top.join(if is_seeded { "seeded" } else { "corpus" }).join(target);
        let kept = workspace.root.join("fuzz/corpus").join(target);
        let folders = Self { own, kept, findings: top.join("findings").join(target) };
        if is_seeded && folders.own.exists() {
            let emptied = std::fs::remove_dir_all(&folders.own);
            emptied.map_err(|error| format!("cannot empty {}: {error}", folders.own.display()))?;
        }
        for folder in [&folders.own, &folders.findings] {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        Ok(folders)
    }
}

/// A seed by chance.
fn chance() -> u32 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) as u32 | 1
}

fn files(folder: &Path) -> usize {
    walkdir::WalkDir::new(folder).min_depth(1).into_iter().flatten().count()
}

/// What a program that failed said, and the input that it names.
fn failure(text: &str) -> String {
    let from = text.lines().position(|line| line.contains("panicked at"));
    let lines: Vec<&str> = text.lines().skip(from.unwrap_or_default()).collect();
    let start = if from.is_some() { 0 } else { lines.len().saturating_sub(20) };
    let mut shown: Vec<String> =
        lines[start..].iter().take(20).map(|line| (*line).to_owned()).collect();
    shown.extend(text.lines().find(|line| line.starts_with("INFO: Seed: ")).map(str::to_owned));
    let written = text.lines().find_map(|line| {
        Some(line.split_once("Test unit written to ").or(line.split_once("the input is in "))?.1)
    });
    shown.push(
        written.map_or("it wrote no input".to_owned(), |path| finding(Path::new(path.trim()))),
    );
    shown.join("\n")
}

/// Where an input is, and the input itself unless it is long.
fn finding(path: &Path) -> String {
    let mut text = format!("the input is {}", path.display());
    if let Ok(bytes) = std::fs::read(path) {
        text += &match bytes.len() as u64 {
            length @ ..=SHOWN => format!(
                ", {length} bytes, here for `base64 -d`; kept in fuzz/corpus it is tried by every \
                 test\n{}",
                base64::prelude::BASE64_STANDARD.encode(&bytes)
            ),
            length => format!(", {length} bytes"),
        };
    }
    text
}

impl Row {
    /// Reads what the program says of itself.
    fn of_text(target: String, text: &str) -> Self {
        let after = |line: &str, word: &str| -> Option<u64> {
            let rest = line.split_once(word)?.1.trim_start();
            rest.split_whitespace().next()?.parse().ok()
        };
        let executions = text.lines().find_map(|l| after(l, "stat::number_of_executed_units:"));
        let coverage =
            text.lines().rev().find_map(|line| Some((after(line, "cov:")?, after(line, "ft:")?)));
        Self { target, executions: executions.unwrap_or_default(), coverage, ..Self::default() }
    }

    fn sentence(&self) -> String {
        let verdict = if self.failure.is_none() { "ok    " } else { "FAILED" };
        let coverage = match self.coverage {
            Some((edges, features)) => format!("{edges:>7} edges {features:>7} features"),
            None => "     no coverage measured".to_owned(),
        };
        let mut text = format!(
            "{verdict} {:<16} {:>10} executions {coverage} {:>5} new inputs",
            self.target, self.executions, self.added
        );
        for line in self.failure.iter().flat_map(|failure| failure.lines()) {
            text += &format!("\n       {line}");
        }
        text
    }
}

/// `cargo xtask fuzz [--minutes N] [--seed N] [TARGET…]`: minutes in all, shared by the targets.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the command prints")]
pub fn command(workspace: &Workspace, arguments: Vec<String>) -> std::process::ExitCode {
    let Options { minutes, seed, names } = match options(arguments) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("error: {problem}");
            return std::process::ExitCode::from(2);
        }
    };
    let count = match names.len() {
        0 => targets(workspace).map_or(1, |names| names.len()),
        count => count,
    };
    let each = Duration::from_secs(minutes * 60 / count.max(1) as u64);
    match search(workspace, &names, Search { each, seed }) {
        Ok(rows) => {
            println!("\n| target | executions | edges | features | new inputs | findings |");
            println!("|---|---|---|---|---|---|");
            rows.iter().for_each(|row| println!("{}", row.line()));
            let executions: u64 = rows.iter().map(|row| row.executions).sum();
            let failed = rows.iter().filter(|row| row.failure.is_some()).count();
            println!("\n{executions} executions, {failed} of {} targets failed", rows.len());
            std::process::ExitCode::from(u8::from(failed > 0))
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            std::process::ExitCode::from(2)
        }
    }
}

impl Row {
    fn line(&self) -> String {
        let (edges, features) = match self.coverage {
            Some((edges, features)) => (edges.to_string(), features.to_string()),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let found = u8::from(self.failure.is_some());
        format!(
            "| {} | {} | {edges} | {features} | {} | {found} |",
            self.target, self.executions, self.added
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    minutes: u64,
    seed: Option<u32>,
    names: Vec<String>,
}

fn options(arguments: Vec<String>) -> Result<Options, String> {
    let mut options = Options { minutes: 10, seed: None, names: Vec::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                options.minutes = number.ok_or("`--minutes` needs a number")?;
            }
            "--seed" => {
                // For libFuzzer 0 is none.
                let number = arguments.next().and_then(|number| number.parse().ok());
                let number = number.filter(|number| *number > 0);
                options.seed = Some(number.ok_or("`--seed` needs a number above 0")?);
            }
            flag if flag.starts_with('-') => return Err(format!("unknown flag `{flag}`")),
            _ => options.names.push(argument),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let text = "INFO: Loaded\n#2\tINITED cov: 12 ft: 34 corp: 1/1b exec/s: 0\n\
                    #99\tDONE   cov: 340 ft: 511 corp: 8/1b lim: 11 exec/s: 33 rss: 30Mb\n\
                    stat::number_of_executed_units: 99\n";
        let row = Row::of_text("x".to_owned(), text);
        assert_eq!((row.executions, row.coverage), (99, Some((340, 511))));
        assert_eq!(row.line(), "| x | 99 | 340 | 511 | 0 | 0 |");
        let blind = Row::of_text("x".to_owned(), "stat::number_of_executed_units: 7\n");
        assert_eq!((blind.executions, blind.coverage), (7, None));
    }

    #[test]
    fn minutes_and_targets_are_told_apart() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let told = Options { minutes: 3, seed: Some(7), names: words("deb lock") };
        assert_eq!(options(words("deb --minutes 3 --seed 7 lock")), Ok(told));
        assert!(options(words("--minutes")).is_err() && options(words("--hours 1")).is_err());
        assert!(options(words("--seed 0")).is_err() && options(words("--seed x")).is_err());
    }

    #[test]
    fn a_short_input_is_shown_with_the_failure() {
        let path = std::env::temp_dir().join(format!("xtask-finding-{}", std::process::id()));
        std::fs::write(&path, b"\xff\0").unwrap();
        let text = format!("x\nthread panicked at y\nz\nTest unit written to {}\n", path.display());
        let told = failure(&text);
        assert!(told.starts_with("thread panicked at y\nz\n") && told.contains("/wA="), "{told}");
        assert!(failure("no memory").ends_with("it wrote no input"));
        let short = finding(&path);
        std::fs::write(&path, vec![0; 7 << 10]).unwrap();
        let long = finding(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(short.contains("2 bytes") && short.ends_with("\n/wA="), "{short}");
        assert!(long.ends_with("7168 bytes"), "{long}");
    }
}
