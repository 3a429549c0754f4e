//! `groundup lock`, and what it shares with `update`.

use super::answer_is_no;
use crate::{
    args::Global,
    context::{Context, read_lock},
    error::{CliError, Kind},
    inputs::Remote,
    out::{self, BOLD, DIM},
    session::SystemClock,
    words,
};
use groundup_build::Clock;
use groundup_lock::{LockError, Locker, Scope};
use groundup_recipe::{Lock, lock::LOCK_FILE};
use serde_json::json;
use std::process::ExitCode;

/// Pin what recipes ask for and the lock lacks; what fits stays as it is
///
/// Resolves packages against one state of each archive, verifies signatures, and writes
/// groundup.lock. Commit it: builds read pins from there and nowhere else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; exit code 1 if the lock does not fit the recipes
    #[arg(long)]
    check: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let mut context = Context::load(global)?;
    if args.check {
        let (lock, _) = read_lock(&context.root, &mut context.loaded.sources, global)?;
        let stale = lock.check(&context.loaded.workspace);
        let texts: Vec<_> = stale.iter().map(|stale| stale.to_diagnostic()).collect();
        if global.json {
            let titles: Vec<_> = texts.iter().map(|text| text.title.clone()).collect();
            out::json(&json!({"version": 1, "fits": titles.is_empty(), "stale": titles}));
        } else if !texts.is_empty() {
            let color = crate::context::color_choice(global);
            out::say(groundup_recipe::render_all(&texts, &context.loaded.sources, color));
        }
        return Ok(if stale.is_empty() { ExitCode::SUCCESS } else { answer_is_no() });
    }
    relock(global, context, &Scope::Lock)
}

/// Makes the lock anew within a scope, writes it if it changed, and says what moved.
pub(super) fn relock(
    global: &Global,
    mut context: Context,
    scope: &Scope,
) -> Result<ExitCode, CliError> {
    let store = context.open_store()?;
    let (old, text) = read_lock(&context.root, &mut context.loaded.sources, global)?;
    let remote = Remote::new(&store, &context, &old)?;
    let now = i64::try_from(SystemClock.now_ms() / 1000).unwrap_or(0);
    let progress = |line: &str| out::say(format!("{DIM}{line}{DIM:#}"));
    let locker = Locker {
        workspace: &context.loaded.workspace,
        store: &store,
        remote: &remote,
        root: &context.root,
        now,
        progress: &progress,
    };
    let locked = locker.lock(&old, scope).map_err(|error| {
        let kind = match error {
            LockError::Store { .. }
            | LockError::Fetch { .. }
            | LockError::Release { .. }
            | LockError::Untrusted { .. }
            | LockError::RolledBack { .. }
            | LockError::Inconsistent { .. }
            | LockError::Source { .. }
            | LockError::PinLost { .. } => Kind::Environment,
            _ => Kind::Usage,
        };
        CliError::of(kind, &error)
    })?;
    let new_text = locked.lock.to_text();
    let moved = Lock::changes(&old, &locked.lock);
    if text.as_deref() != Some(&new_text) {
        let path = context.root.join(LOCK_FILE);
        let failed = |error: std::io::Error| CliError::io("write", &path, &error);
        // Whole or not at all: a lock that is cut in half would be believed.
        let mut file = tempfile::NamedTempFile::new_in(&context.root).map_err(failed)?;
        std::io::Write::write_all(&mut file, new_text.as_bytes()).map_err(failed)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
    }
    if global.json {
        let lines: Vec<_> = moved.iter().map(ToString::to_string).collect();
        out::json(
            &json!({"version": 1, "changed": text.as_deref() != Some(&new_text), "moved": lines}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    for change in &moved {
        out::line(change.to_string());
    }
    match (moved.is_empty(), text.as_deref() == Some(&new_text)) {
        (true, true) => out::say("groundup.lock fits; nothing moved"),
        (true, false) => out::say("groundup.lock written; no pin moved"),
        _ => out::say(format!(
            "{BOLD}groundup.lock{BOLD:#} written; {} moved",
            words::count(moved.len(), "pin")
        )),
    }
    Ok(ExitCode::SUCCESS)
}
