//! `groundup update`.

use super::lock::relock;
use crate::{args::Global, context::Context, error::CliError};
use groundup_lock::Scope;
use std::process::ExitCode;

/// Move pins to what archives and other sources hold now, and say what moved
///
/// Without PACKAGE everything moves. With names, only those packages move; all others keep their
/// versions where the archive still has them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names of packages
    packages: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let scope = match args.packages.is_empty() {
        true => Scope::Update,
        false => Scope::Packages(args.packages.clone()),
    };
    relock(global, Context::load(global)?, &scope)
}
