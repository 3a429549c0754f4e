//! `groundup log`.

use super::build::steps_called;
use crate::{
    args::Global,
    error::{CliError, Kind},
    out,
    session::Session,
};
use groundup_build::resolve;
use groundup_digest::StepKey;
use groundup_plan::StepKind;
use std::{io::Read, process::ExitCode, thread, time::Duration};

/// Print the log of a step
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target, a step's label, or a step's key
    step: String,
    /// Follow the log of a step that is running, until it ends
    #[arg(short, long)]
    follow: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let (session, key) = find(global, &args.step)?;
    let store = &session.store;
    if let Some(mut running) = store.running_log(key)? {
        let mut buffer = vec![0; 64 << 10];
        loop {
            // Asked before the read: what was written up to a "no" is then all there is.
            let more_may_come = args.follow && running.is_running();
            let count = running.file.read(&mut buffer).map_err(unreadable)?;
            out::raw(&buffer[..count]);
            if count == 0 {
                if !more_may_come {
                    return Ok(ExitCode::SUCCESS);
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    let Some(name) = store.logs_of(key)?.last().copied() else {
        return Err(CliError::new(Kind::No, format!("`{}` has no log", args.step))
            .hint("only commands have logs, and only on the machine that ran them"));
    };
    let mut bytes = Vec::new();
    store.read_log(name)?.read_to_end(&mut bytes).map_err(unreadable)?;
    out::raw(&bytes);
    Ok(ExitCode::SUCCESS)
}

fn unreadable(error: std::io::Error) -> CliError {
    CliError::environment(format!("cannot read the log: {error}"))
}

/// The key that a word means: a key as it is, or that of the command of a target or label.
fn find(global: &Global, word: &str) -> Result<(Session, StepKey), CliError> {
    if let Ok(key) = word.parse::<StepKey>() {
        return Ok((Session::open(global, &[])?, key));
    }
    let mut words = word.split(' ');
    let target = [words.next().unwrap_or(word).to_owned()];
    // A build of the target has no step that tests it.
    let session = match words.next() {
        Some("test") => Session::open_for_tests(global, &target)?,
        _ => Session::open(global, &target)?,
    };
    let resolved = resolve(&session.plan, &session.store)?;
    let mut commands = steps_called(&session.plan, word)?;
    commands.retain(|step| matches!(session.plan.step(*step).kind, StepKind::Run(_)));
    if commands.is_empty() {
        return Err(CliError::usage(format!("`{word}` runs no command, so it has no log"))
            .hint("only steps that run a command have logs: those of builds, kernels and nodes"));
    }
    let keys: Vec<_> = commands.into_iter().filter_map(|step| resolved[step.get()].key).collect();
    match keys[..] {
        [key, ..] => Ok((session, key)),
        [] => Err(CliError::new(
            Kind::No,
            format!("what `{word}` needs is not built yet, so it has no log"),
        )
        .hint(format!("run `groundup build {word}` first"))),
    }
}
