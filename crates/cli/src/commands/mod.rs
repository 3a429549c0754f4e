//! One file per command; the doc comment of its `Args` is its help text.

pub(crate) mod build;
pub(crate) mod diff;
pub(crate) mod doctor;
mod export;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod store;
pub(crate) mod test;
pub(crate) mod update;
pub(crate) mod vendor;
pub(crate) mod whence;
pub(crate) mod why;

use crate::{
    args::{Args, Color, Command},
    error::CliError,
};
use std::process::ExitCode;

/// Performs a command; gives its exit code when it could find out the answer.
pub(crate) fn run(args: Args) -> Result<ExitCode, CliError> {
    let choice = match args.global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    let global = &args.global;
    match args.command {
        Command::Init(args) => init::run(global, &args),
        Command::Lock(args) => lock::run(global, &args),
        Command::Update(args) => update::run(global, &args),
        Command::Vendor(args) => vendor::run(global, &args),
        Command::Build(args) => build::run(global, &args),
        Command::Test(args) => test::run(global, &args),
        Command::Plan(args) => plan::run(global, &args),
        Command::Diff(args) => diff::run(global, &args),
        Command::Run(args) => run::run(global, &args),
        Command::Shell(args) => shell::run(global, &args),
        Command::Graph(args) => graph::run(global, &args),
        Command::Show(args) => show::run(global, &args),
        Command::Why(args) => why::run(global, &args),
        Command::Whence(args) => whence::run(global, &args),
        Command::Log(args) => log::run(global, &args),
        Command::Doctor(args) => doctor::run(global, &args),
        Command::Store(command) => store::run(global, &command),
    }
}

/// Exit code 1: the answer is no.
pub(crate) fn answer_is_no() -> ExitCode {
    ExitCode::from(1)
}
