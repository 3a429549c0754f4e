//! `cargo xtask`: the chores of this repository.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use xtask::{Workspace, bench, docs, fuzz, suite, tidy};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [STAGE…]   format, lints, tidy rules, all tests, end-to-end tests; or only the named stages
  fuzz [--minutes N] [--seed N] [TARGET…]
                  search for inputs that break parsers, N minutes (10) shared by the targets; with
                  a seed, from the same start each time
  tidy            the rules of structure: layers, headers, lengths, packages, licences, fixtures
  docs            write the generated documents anew
  bench [--quick] [--rounds N] [WORKLOAD…]
                  measure groundup beside its peers; raw runs go to benches/runs/
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let workspace = match Workspace::load() {
        Ok(workspace) => workspace,
        Err(error) => return fail(&error),
    };
    match command.as_deref() {
        Some("test") => suite::run(&workspace, &arguments.collect::<Vec<_>>()),
        Some("fuzz") => fuzz::command(&workspace, arguments.collect()),
        Some("tidy") => report(&workspace),
        Some("docs") => match docs::write(&workspace) {
            Ok(written) => {
                written.iter().for_each(|file| println!("wrote {}", file.display()));
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error),
        },
        Some("bench") => match bench::run(&workspace, &arguments.collect::<Vec<_>>()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(3),
            Err(error) => fail(&error),
        },
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn report(workspace: &Workspace) -> ExitCode {
    let mut findings = 0;
    for (name, check) in tidy::CHECKS {
        match check(workspace) {
            Ok(found) => {
                println!("{name}: {}", if found.is_empty() { "ok" } else { "NOT OK" });
                found.iter().for_each(|finding| println!("  {finding}"));
                findings += found.len();
            }
            Err(error) => return fail(&error),
        }
    }
    println!("{findings} findings");
    ExitCode::from(u8::from(findings > 0))
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        eprintln!("  because: {error}");
        source = error.source();
    }
    ExitCode::from(3)
}
