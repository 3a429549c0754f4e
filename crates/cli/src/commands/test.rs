//! `groundup test`.

use super::build::How;
use crate::{
    args::Global,
    error::CliError,
    out,
    session::{self, Session, perform},
    words,
};
use groundup_build::Outcome;
use serde_json::json;
use std::process::ExitCode;

/// Test targets: boot nodes in an emulator and look at what they say
///
/// A test is a step like any other: one that passed is not run again while nothing that it rests on
/// has changed, and its console is its log (`groundup log \'node.NAME test PLATFORM\'`). On stdout
/// stands one line per target. Exit code 1 if a test failed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets or patterns with tests, such as `node.worker`
    #[arg(required = true)]
    targets: Vec<String>,
    #[command(flatten)]
    how: How,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let session = Session::open_for_tests(global, &args.targets)?;
    let options = args.how.options(&session)?;
    args.how.check_space(&session)?;
    let report = perform(&session, global, &options, |_| {})?.report;
    let tested = report.targets.iter().map(|built| {
        let passed = built.outputs.is_some();
        (built.target.name.to_string(), passed, passed && built.executed == 0)
    });
    let tested: Vec<_> = tested.collect();
    if global.json {
        let targets = tested.iter().map(
            |(target, passed, known)| json!({ "target": target, "passed": passed, "known": known }),
        );
        let targets: Vec<_> = targets.collect();
        out::json(&json!({ "version": 1, "targets": targets }));
    } else {
        for (target, passed, known) in &tested {
            out::line(match (passed, known) {
                (true, true) => format!("{target}  passed (before)"),
                (true, false) => format!("{target}  passed"),
                (false, _) => format!("{target}  failed"),
            });
        }
    }
    let steps = (report.count(Outcome::Built), report.count(Outcome::Reused));
    out::say(format!("{} built, {} reused", words::count(steps.0, "step"), steps.1));
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { session::kind(&report).exit_code() })
}
