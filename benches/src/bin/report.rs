//! Writes `benchmarks.md` from the raw runs into the folder that is named; `cargo xtask docs` runs it.

#![allow(clippy::print_stderr, reason = "a program for people")]

use groundup_benches::report;
use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::env::args_os().nth(1).map_or(here.join("../docs"), Into::into);
    let written = report::page(&here.join("runs")).map_err(|error| error.to_string());
    let place = docs.join("benchmarks.md");
    let written = written.and_then(|page| {
        std::fs::write(&place, page).map_err(|error| format!("{}: {error}", place.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}
