//! `groundup update`.

use super::lock::{Changelogs, Order, Write, relock};
use crate::{args::Global, context::Context, error::CliError};
use groundup_lock::Scope;
use std::process::ExitCode;

/// Move pins to what archives and other sources hold now, and say what moved
///
/// Without NAME everything moves. With names, only those move, and what they cannot do without; all
/// others keep their versions where the archive still has them. Each source package that moved is
/// told with its old and new version, the vulnerabilities that its changelog names, and the lines of
/// the changelog between the two; and, at the end, the targets that will be built anew.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Packages (`openssl`), source packages that recipes build (`iptables`), sources (`source.zlib`)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Move only packages for which a suite of security fixes has a newer version, and hold
    /// everything else: the other archives stay in the state that is pinned
    #[arg(long)]
    security: bool,
    /// Write nothing; exit code 1 if something would move
    #[arg(long)]
    dry_run: bool,
    /// Show at most N lines of the changelog of each source package; with 0 no package is fetched
    /// to read it
    #[arg(long, value_name = "N", default_value_t = 12)]
    lines: usize,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let names = args.names.clone();
    let scope = match (args.security, names.is_empty()) {
        (true, _) => Scope::Security(names),
        (false, true) => Scope::Update,
        (false, false) => Scope::Packages(names),
    };
    let write = if args.dry_run { Write::No } else { Write::Yes };
    let changelogs = match args.lines {
        0 => Changelogs::None,
        lines => Changelogs::Lines(lines),
    };
    relock(global, Context::load(global)?, &Order { scope, write, changelogs })
}
