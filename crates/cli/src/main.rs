//! The program `groundup`: arguments, wiring, words, progress, exit codes.
//!
//! Each command is a file of [`commands`]; its `Args` is its help text. What stands on stdout is
//! data, what stands on stderr is talk. Exit codes: 0 done; 1 the answer is no; 2 usage or recipe;
//! 3 the environment; 70 a bug of groundup.

mod annotate;
mod args;
mod assemblers;
mod causes;
mod checks;
mod commands;
mod context;
mod error;
mod inputs;
mod interrupt;
mod out;
mod progress;
mod session;
mod table;
mod words;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A sandbox is entered through this very program; nothing may run before this line.
    groundup_sandbox::launcher_entry();
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Clap's own texts: help and version go to stdout with code 0, errors to stderr with 2.
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    match commands::run(args) {
        Ok(code) => code,
        Err(error) => {
            out::error(&error);
            error.kind.exit_code()
        }
    }
}
