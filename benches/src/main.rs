//! `groundup-bench`: runs the workloads, keeps the raw runs and prints what was found.
//!
//! `cargo xtask bench` builds groundup and this program and calls it. The other commands are parts
//! of workloads that need a process of their own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use groundup_benches::{
    bench::Bench,
    error::{BenchError, Result},
    process,
    record::Size,
    report,
    workloads::{self, WORKLOADS, Workload},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

const USAGE: &str = "\
usage: groundup-bench GROUNDUP REPOSITORY WORK RUNS [--quick] [--rounds N] [WORKLOAD…]

  GROUNDUP    the program
  REPOSITORY  the repository with the peers as targets
  WORK        scratch, kept for the next time
  RUNS        where raw runs go, each into a folder of its own
";

fn main() -> ExitCode {
    // A sandbox is entered through this very program; nothing may run before this line.
    groundup_sandbox::launcher_entry();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &words[..] {
        ["enter", root, work, folder, times, command @ ..] => {
            enter(root, work, folder, times, command)
        }
        ["walk", folder] => workloads::walk(Path::new(folder)).map(|count| println!("{count}")),
        ["sandboxes", count, root, scratch] => {
            let count = count.parse().unwrap_or(1);
            workloads::run_sandboxes(count, Path::new(root), Path::new(scratch))
        }
        ["seed", store, pool] => workloads::seed(Path::new(store), Path::new(pool)),
        ["unpack", store, pool] => workloads::unpack_all(Path::new(store), Path::new(pool)),
        [groundup, repository, work, runs, rest @ ..] => {
            return match options(rest) {
                Some((size, rounds, chosen)) => {
                    let bench = Bench {
                        repository: repository.into(),
                        work: work.into(),
                        groundup: groundup.into(),
                        size,
                        rounds,
                    };
                    exit(run(&bench, Path::new(runs), &chosen))
                }
                None => usage(),
            };
        }
        _ => return usage(),
    };
    exit(done)
}

fn exit(done: Result<()>) -> ExitCode {
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        eprintln!("  because: {error}");
        source = error.source();
    }
    ExitCode::from(3)
}

fn usage() -> ExitCode {
    let names: Vec<_> =
        WORKLOADS.iter().map(|it| format!("  {:<11} {}", it.name, it.title)).collect();
    eprint!("{USAGE}\nworkloads:\n{}\n", names.join("\n"));
    ExitCode::from(2)
}

fn options(words: &[&str]) -> Option<(Size, usize, Vec<&'static Workload>)> {
    let (mut size, mut rounds, mut chosen) = (Size::Full, None, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--quick" => size = Size::Quick,
            "--rounds" => rounds = Some(words.next()?.parse().ok()?),
            name => chosen.push(WORKLOADS.iter().find(|workload| workload.name == name)?),
        }
    }
    if chosen.is_empty() {
        chosen = WORKLOADS.iter().collect();
    }
    let rounds = rounds.unwrap_or(if size == Size::Full { 5 } else { 3 });
    Some((size, rounds, chosen))
}

fn run(bench: &Bench, runs: &Path, chosen: &[&Workload]) -> Result<()> {
    let start = Instant::now();
    bench.prepare()?;
    let setup = bench.setup()?;
    let folder = runs.join(format!(
        "{}-{}-{}",
        setup.date,
        host(&setup.cpu, setup.cores),
        bench.size.name()
    ));
    report::save_setup(&folder, &setup)?;
    let mut missed = 0;
    for workload in chosen {
        let begun = Instant::now();
        // The order on the page is that of the table, whatever was chosen.
        let place = WORKLOADS.iter().position(|it| it.name == workload.name).unwrap_or(0);
        for (number, outcome) in (workload.run)(bench)?.iter().enumerate() {
            report::save_outcome(&folder, 10 * (place + 1) + number, outcome)?;
            let mut text = String::new();
            report::table(&mut text, outcome);
            print!("{text}");
            for mark in &outcome.marks {
                let Some((found, met)) = outcome.judge(mark) else { continue };
                let (wanted, found) = report::words(mark, found);
                println!("{}: {wanted}: {found}", if met { "met" } else { "MISSED" });
                missed += usize::from(!met);
            }
        }
        println!("({} took {:.0} s)", workload.name, begun.elapsed().as_secs_f64());
    }
    println!("\n{missed} marks missed; {:.0} s in all", start.elapsed().as_secs_f64());
    println!("raw runs: {}; `cargo xtask docs` writes docs/benchmarks.md", folder.display());
    Ok(())
}

/// A name for what was measured on, from its processor.
fn host(cpu: &str, cores: usize) -> String {
    let letters = cpu.to_lowercase();
    let words: Vec<_> =
        letters.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    format!("{}-{cores}-cores", words.join("-"))
}

/// Runs a peer in its root file system and prints what it took.
fn enter(root: &str, work: &str, folder: &str, times: &str, words: &[&str]) -> Result<()> {
    let failed = |source| BenchError::Run { what: words.join(" "), source };
    process::enter(Path::new(root), &[Path::new(work)]).map_err(failed)?;
    let times: u32 = times.parse().unwrap_or(1);
    let mut sum: Option<process::Taken> = None;
    for _ in 0..times {
        let mut command = Command::new(program(words[0]));
        command.args(&words[1..]).current_dir(folder).env_clear();
        command
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("TMPDIR", "/tmp");
        let taken = process::run(&mut command).map_err(failed)?;
        sum = Some(match sum {
            Some(sum) => sum.and(&taken),
            None => taken,
        });
    }
    let text = serde_json::to_string(&sum);
    println!("{}", text.map_err(|error| failed(error.into()))?);
    Ok(())
}

/// Where a program is in the root file system of the peers.
fn program(name: &str) -> PathBuf {
    Path::new("/usr/bin").join(name)
}
