//! `groundup plan`.

mod against;
mod told;

use crate::{
    args::Global,
    error::CliError,
    out::{self, BOLD, DIM},
    session::Session,
    table, words,
};
use groundup_build::{Resolved, resolve};
use groundup_plan::{Step, StepKind};
use serde_json::json;
use std::process::ExitCode;

/// Say what a build would do, without doing it
///
/// A step is reused if its key has a result, runs if its key has none, and is unknown while what it
/// reads is not built yet: groundup does not guess. Exit code 0 either way.
///
/// With `--against REV` the recipes, the lock and the files are compared with those of a git revision:
/// one row for each pin, recipe line and file that moved, with the steps that it runs, the time that
/// they took before, and the images, nodes and clusters that it reaches. `groundup plan --against
/// origin/main --markdown` makes the comment of a pull request.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets or patterns [default: the workspace's `default`]
    targets: Vec<String>,
    /// List the steps that are reused too
    #[arg(short, long)]
    all: bool,
    /// Compare with a revision of git: what moved, and what that reaches
    #[arg(long, value_name = "REV", conflicts_with = "all")]
    against: Option<String>,
    /// Write the comparison as Markdown
    #[arg(long, requires = "against", conflicts_with = "json")]
    markdown: bool,
}

/// What would become of a step.
fn fate(resolved: &Resolved) -> &'static str {
    match (&resolved.outputs, resolved.key) {
        (Some(_), _) => "reused",
        (None, Some(_)) => "runs",
        (None, None) => "unknown",
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let session = Session::open(global, &args.targets)?;
    if let Some(revision) = &args.against {
        let report = against::report(&session, global, revision, &args.targets)?;
        match (global.json, args.markdown) {
            (true, _) => out::json(&report),
            (false, true) => told::markdown(&report).into_iter().for_each(out::line),
            (false, false) => told::text(&report).into_iter().for_each(out::line),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let resolved = resolve(&session.plan, &session.store)?;
    let steps: Vec<(&Step, &Resolved)> = session.plan.steps().iter().zip(&resolved).collect();
    if global.json {
        let steps: Vec<_> = steps
            .iter()
            .map(|(step, resolved)| {
                json!({
                    "step": step.label.to_string(),
                    "action": action(step),
                    "fate": fate(resolved),
                    "key": resolved.key,
                    "outputs": resolved.outputs,
                    "position": session.position(step),
                })
            })
            .collect();
        out::json(&json!({ "version": 1, "steps": steps }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Vec::new();
    for (step, resolved) in &steps {
        if args.all || resolved.outputs.is_none() {
            let position = session.position(step).unwrap_or_default();
            rows.push(vec![fate(resolved).into(), step.label.to_string(), action(step), position]);
        }
    }
    table::layout(&rows).into_iter().for_each(out::line);
    let count = |wanted| steps.iter().filter(|(_, resolved)| fate(resolved) == wanted).count();
    let (runs, unknown, reused) = (count("runs"), count("unknown"), count("reused"));
    if runs + unknown == 0 {
        out::say(format!("{BOLD}nothing to do{BOLD:#}: {} reused", words::count(reused, "step")));
    } else {
        out::say(format!(
            "{BOLD}{} to run{BOLD:#}, {unknown} unknown until those are done, {reused} reused",
            words::count(runs, "step")
        ));
        if !args.all && reused > 0 {
            out::say(format!("{DIM}--all lists those too{DIM:#}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a step does, in a few words.
pub(super) fn action(step: &Step) -> String {
    match &step.kind {
        StepKind::Fetch(_) => "fetch".to_owned(),
        StepKind::Run(_) => "run".to_owned(),
        StepKind::Assemble(assemble) => assemble.assembler.to_string(),
    }
}
