//! The command line as a whole: global options and the list of commands.

use crate::commands;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Builds OCI images from pinned recipes: the same bytes on every machine, and an answer to what
/// changed.
///
/// Start with `groundup init` in an empty directory, or run `groundup build` in a workspace.
#[derive(Parser)]
#[command(name = "groundup", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(clap::Args, Clone)]
pub(crate) struct Global {
    /// Act as if started in DIR
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// Keep objects in DIR [default: `store` in the workspace, or `store` of the settings]
    #[arg(long, value_name = "DIR", global = true, env = "GROUNDUP_STORE")]
    pub(crate) store: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Never open a socket; what the store lacks is an error
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Args),
    Lock(commands::lock::Args),
    Update(commands::update::Args),
    Vendor(commands::vendor::Args),
    Build(commands::build::Args),
    Test(commands::test::Args),
    Plan(commands::plan::Args),
    Diff(commands::diff::Args),
    Run(commands::run::Args),
    Shell(commands::shell::Args),
    Graph(commands::graph::Args),
    Show(commands::show::Args),
    Why(commands::why::Args),
    Whence(commands::whence::Args),
    Log(commands::log::Args),
    Doctor(commands::doctor::Args),
    #[command(subcommand)]
    Store(commands::store::Command),
}
