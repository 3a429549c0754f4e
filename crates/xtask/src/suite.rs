//! `cargo xtask test`: every check of this repository in one run, with one line as its sum.
//!
//! The stages run in order and all of them run, so that one run shows everything that is wrong. A
//! stage without tests of its own (format, lints) counts as one.

use crate::fuzz::{self, Search};
use crate::{Workspace, tidy};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The package of the end-to-end tests.
const END_TO_END: &str = "groundup-tests";

/// The search of the stage `fuzz`: from the same start in every run, so that luck has little part in
/// whether the tests pass; how far it goes is up to the machine. `cargo xtask fuzz` starts elsewhere
/// each time.
const SEARCH: Search = Search { each: Duration::from_secs(3), seed: Some(1) };

/// What a stage found.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Count {
    passed: u64,
    failed: u64,
}

struct Stage {
    name: &'static str,
    title: &'static str,
    run: fn(&Workspace) -> Count,
}

const STAGES: &[Stage] = &[
    Stage { name: "fmt", title: "format", run: format },
    Stage { name: "clippy", title: "lints", run: lints },
    Stage { name: "tidy", title: "rules of structure", run: rules },
    Stage { name: "test", title: "tests of the crates", run: crates },
    Stage { name: "fuzz", title: "search for inputs that break parsers", run: searches },
    Stage { name: "build", title: "release build", run: release },
    Stage { name: "end-to-end", title: "end-to-end tests", run: end_to_end },
];

/// Runs the named stages, or all if none is named; says what failed and sums up.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the command prints")]
pub fn run(workspace: &Workspace, names: &[String]) -> ExitCode {
    if let Some(unknown) = names.iter().find(|name| STAGES.iter().all(|s| s.name != **name)) {
        let known: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        eprintln!("error: there is no stage `{unknown}`; stages: {}", known.join(", "));
        return ExitCode::from(2);
    }
    let chosen = STAGES.iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name));
    let (start, mut rows, mut sum) = (Instant::now(), Vec::new(), Count::default());
    for stage in chosen {
        println!("\n=== {}: {} ===", stage.name, stage.title);
        let begun = Instant::now();
        let count = (stage.run)(workspace);
        sum = sum + count;
        rows.push((stage.name, count, begun.elapsed()));
    }
    println!("\n=== sum ===");
    for (name, count, time) in rows {
        let verdict = if count.failed == 0 { "ok" } else { "FAILED" };
        let Count { passed, failed } = count;
        println!(
            "{name:<11} {verdict:<7} {passed:>5} passed {failed:>5} failed {:>8}",
            seconds(time)
        );
    }
    println!("\n{} passed, {} failed in {}", sum.passed, sum.failed, seconds(start.elapsed()));
    ExitCode::from(u8::from(sum.failed > 0))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl std::ops::Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

fn verdict(good: bool) -> Count {
    Count { passed: u64::from(good), failed: u64::from(!good) }
}

fn format(workspace: &Workspace) -> Count {
    verdict(succeeds(workspace.cargo().args(["fmt", "--all", "--check"])))
}

fn lints(workspace: &Workspace) -> Count {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    verdict(succeeds(&mut cargo))
}

#[allow(clippy::print_stdout, reason = "this is what the command prints")]
fn rules(workspace: &Workspace) -> Count {
    let mut sum = Count::default();
    for (name, check) in tidy::CHECKS {
        let findings = check(workspace).unwrap_or_else(|error| vec![error.to_string()]);
        println!("{} {name}", if findings.is_empty() { "ok    " } else { "FAILED" });
        findings.iter().for_each(|finding| println!("       {finding}"));
        sum = sum + verdict(findings.is_empty());
    }
    sum
}

fn crates(workspace: &Workspace) -> Count {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    if has_end_to_end(workspace) {
        cargo.args(["--exclude", END_TO_END]);
    }
    tests(&mut cargo)
}

/// Each target of `fuzz` counts as one test.
#[allow(clippy::print_stderr, reason = "this is what the command prints")]
fn searches(workspace: &Workspace) -> Count {
    match fuzz::search(workspace, &[], SEARCH) {
        Ok(rows) => rows
            .iter()
            .map(|row| verdict(row.failure.is_none()))
            .fold(Count::default(), |sum, count| sum + count),
        Err(problem) => {
            eprintln!("{problem}");
            verdict(false)
        }
    }
}

fn release(workspace: &Workspace) -> Count {
    verdict(succeeds(workspace.cargo().args(["build", "--release", "--locked"])))
}

fn end_to_end(workspace: &Workspace) -> Count {
    if !has_end_to_end(workspace) {
        return Count::default();
    }
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--locked", "--no-fail-fast", "--package", END_TO_END]);
    tests(&mut cargo)
}

fn has_end_to_end(workspace: &Workspace) -> bool {
    workspace.own().contains_key(END_TO_END)
}

#[allow(clippy::print_stderr, reason = "this is what the command prints")]
fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run {command:?}: {error}");
            false
        }
    }
}

/// Runs a test command, shows what it says as it says it, and counts the tests.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the command prints")]
fn tests(command: &mut Command) -> Count {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot run {command:?}: {error}");
            return verdict(false);
        }
    };
    let mut count = Count::default();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let Ok(line) = line else { break };
        count = count + results(&line).unwrap_or_default();
        println!("{line}");
    }
    let good = child.wait().is_ok_and(|status| status.success());
    // A test program that did not compile, or died, has counted nothing.
    if good || count.failed > 0 { count } else { count + verdict(false) }
}

/// The counts in a closing line of libtest: `test result: ok. 3 passed; 0 failed; …`.
fn results(line: &str) -> Option<Count> {
    let counts = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |word: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_program_is_counted() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(results(line), Some(Count { passed: 12, failed: 3 }));
        assert_eq!(results("test a ... ok"), None);
        assert_eq!(results("test result: ok"), None);
    }
}
