//! `groundup shell`.

use super::{build::steps_called, run::execute};
use crate::{
    args::Global,
    error::{CliError, Kind},
    out::{self, DIM},
    session::Session,
};
use groundup_build::{Resolved, resolve, sandbox_spec};
use groundup_digest::ObjectId;
use groundup_plan::{From, Run, Step, StepKind};
use groundup_sandbox::{Limits, Messenger, Mount, MountMode};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::ExitCode};

/// Open a shell in the sandbox of a build target, as its command would find it
///
/// Everything is as for the command: root file system, sources, environment, user, no network.
/// The command itself stands in `$GROUNDUP_COMMAND`; nothing that the shell does is kept.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A `build` target
    target: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let session = Session::open(global, std::slice::from_ref(&args.target))?;
    let resolved = resolve(&session.plan, &session.store)?;
    let command = steps_called(&session.plan, &args.target)?.into_iter().find_map(|index| {
        let step = session.plan.step(index);
        if let StepKind::Run(run) = &step.kind { Some((step, run)) } else { None }
    });
    let Some((step, command)) = command else {
        return Err(CliError::usage(format!("`{}` runs no command", args.target))
            .hint("a shell opens in `build` targets; in a `rootfs`, use `groundup run`"));
    };
    let inputs = inputs(&session, &resolved, step)?;
    let scratch = session.store.tmp_dir()?;
    let place = scratch.path().to_owned();
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let (mut spec, held) =
        sandbox_spec(&session.store, command, &inputs, place, Limits::default(), jobs)
            .map_err(|error| CliError::of(Kind::Environment, &*error))?;
    spec.env.insert("GROUNDUP_COMMAND".into(), shown(command));
    spec.argv = vec!["/bin/sh".into(), "-i".into()];
    let stand_in = session.store.tmp_dir()?;
    if command.reuse.is_some() {
        stand_in_for_reuse(stand_in.path())?;
        spec.mounts.push(Mount {
            source: stand_in.path().to_owned(),
            target: Messenger::INSIDE.to_owned(),
            mode: MountMode::ReadOnly,
        });
    }
    out::say(format!(
        "{DIM}in the sandbox of {}; the command is in $GROUNDUP_COMMAND{DIM:#}",
        step.label
    ));
    let code = execute(spec);
    drop(held);
    code
}

/// Programs that the command hands over run where they are called: nothing of a shell is kept.
fn stand_in_for_reuse(folder: &Path) -> Result<(), CliError> {
    const PROGRAM: &str = "#!/bin/sh\n[ \"$1\" != -i ] || shift\nexec \"$@\"\n";
    let name = Path::new(Messenger::PROGRAM).file_name().unwrap_or_default();
    let path = folder.join(name);
    let written = fs::write(&path, PROGRAM)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
    written.map_err(|error| {
        CliError::of(Kind::Environment, &error).hint(format!("writing {}", path.display()))
    })
}

/// The command as a shell would take it.
fn shown(run: &Run) -> String {
    match &run.argv[..] {
        [_, _, dash_c, script] if dash_c == "-c" => script.clone(),
        words => words.join(" "),
    }
}

fn inputs(
    session: &Session,
    resolved: &[Resolved],
    step: &Step,
) -> Result<BTreeMap<String, ObjectId>, CliError> {
    let mut inputs = BTreeMap::new();
    for input in &step.inputs {
        let id = match &input.from {
            From::Leaf { id, .. } => Some(*id),
            From::Step { step, output } => resolved[step.get()]
                .outputs
                .as_ref()
                .and_then(|outputs| outputs.get(output))
                .copied(),
        };
        let there = match id {
            Some(id) => session.store.has_complete(id)?,
            None => false,
        };
        match id {
            Some(id) if there => inputs.insert(input.name.clone(), id),
            _ => {
                let owner = &step.label.owner;
                return Err(CliError::new(
                    Kind::No,
                    format!("what `{owner}` needs is not built yet: {}", input.name),
                )
                .hint(format!("run `groundup build {owner}` first")));
            }
        };
    }
    Ok(inputs)
}
