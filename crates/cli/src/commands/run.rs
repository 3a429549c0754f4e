//! `groundup run`.

use super::build::How;
use crate::{
    args::Global,
    context::start_dir,
    error::{CliError, Kind},
    out,
    session::{Session, kind, perform},
};
use groundup_digest::{ObjectId, TreeId};
use groundup_recipe::Kind as TargetKind;
use groundup_sandbox::{Control, Ending, Mount, MountMode, Network, Spec, Stdio};
use std::{path::PathBuf, process::ExitCode};

/// Run a command inside a root file system: pinned tools without installing them
///
/// The command sees the root file system of TARGET and, writable and at its own place, the
/// current directory. It is root of its own namespaces; what it writes elsewhere is thrown away.
/// This is for people's tools; steps see neither the current directory nor any network.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A `rootfs` target
    target: String,
    /// Give the command the network of this machine
    #[arg(long)]
    net: bool,
    /// Show DIR or FILE of this machine too, read-only unless `:rw` stands behind it
    #[arg(long, value_name = "PATH[:rw]")]
    mount: Vec<String>,
    /// Set a variable of the environment
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    #[command(flatten)]
    how: How,
    /// The command [default: a shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let here = start_dir(global)?;
    let session = Session::open(global, std::slice::from_ref(&args.target))?;
    let tree = built_rootfs(&session, global, args)?;
    let checkout = session.store.checkout(tree)?;
    let scratch = session.store.tmp_dir()?;
    let command = match args.command.is_empty() {
        true => vec!["/bin/sh".to_owned()],
        false => args.command.clone(),
    };
    let root = checkout.path().to_owned();
    let mut spec = Spec::new(vec![root], scratch.path().to_owned(), command).for_people();
    spec.network = if args.net { Network::Host } else { Network::None };
    let place = here
        .to_str()
        .ok_or_else(|| CliError::usage(format!("the path `{}` is not UTF-8", here.display())))?;
    spec.mounts.push(Mount {
        source: here.clone(),
        target: place.to_owned(),
        mode: MountMode::ReadWrite,
    });
    for mount in &args.mount {
        spec.mounts.push(parse_mount(mount)?);
    }
    spec.cwd = place.to_owned();
    spec.env.insert("HOME".into(), "/root".into());
    for pair in &args.env {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            CliError::usage(format!("`--env {pair}` lacks a value")).hint("write NAME=VALUE")
        })?;
        spec.env.insert(name.into(), value.into());
    }
    execute(spec)
}

fn parse_mount(text: &str) -> Result<Mount, CliError> {
    let (path, mode) = match text.strip_suffix(":rw") {
        Some(path) => (path, MountMode::ReadWrite),
        None => (text, MountMode::ReadOnly),
    };
    let source = PathBuf::from(path)
        .canonicalize()
        .map_err(|error| CliError::usage(format!("cannot mount `{path}`: {error}")))?;
    let target = source.to_string_lossy().into_owned();
    Ok(Mount { source, target, mode })
}

fn built_rootfs(session: &Session, global: &Global, args: &Args) -> Result<TreeId, CliError> {
    let host = crate::session::host_platform()?;
    let options = args.how.options(session)?;
    let all_rootfs =
        session.plan.targets().iter().all(|target| target.name.kind() == TargetKind::Rootfs);
    if !all_rootfs {
        return Err(CliError::usage(format!("`{}` is not a `rootfs` target", args.target))
            .hint("`groundup run` needs a root file system to run the command in"));
    }
    args.how.check_space(session)?;
    let report = perform(session, global, &options, |_| {})?.report;
    let built = report.targets.iter().find(|built| built.target.platform == Some(host));
    let outputs = built.and_then(|built| built.outputs.as_ref());
    match outputs.and_then(|outputs| outputs.first()) {
        Some((_, ObjectId::Tree(tree))) => Ok(*tree),
        _ if report.is_complete() => {
            Err(CliError::usage(format!("`{}` is not made for {host}", args.target)))
        }
        _ => Err(CliError::new(kind(&report), format!("`{}` could not be built", args.target))),
    }
}

/// Runs a person's command with our own streams, and ends as it ends.
pub(super) fn execute(mut spec: Spec) -> Result<ExitCode, CliError> {
    spec.stdio = Stdio::Inherit;
    let environment =
        |error: &(dyn std::error::Error + 'static)| CliError::of(Kind::Environment, error);
    let control = Control::new().map_err(|error| environment(&error))?;
    let outcome = groundup_sandbox::run(&spec, &control).map_err(|error| environment(&error))?;
    match outcome.ending {
        Ending::Exited(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        Ending::Signalled(signal) => {
            out::say(format!("the command was killed by signal {signal}"));
            Ok(ExitCode::from(128u8.saturating_add(u8::try_from(signal).unwrap_or(127))))
        }
        Ending::Limit(_) | Ending::Cancelled => Ok(ExitCode::from(130)),
    }
}
