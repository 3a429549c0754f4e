//! Making the lock anew within a scope: write it if it changed, and say what moved.

use super::report::{self, Told};
use crate::{
    args::Global,
    commands::answer_is_no,
    context::{Context, read_lock},
    error::{CliError, Kind},
    inputs::Remote,
    out::{self, BOLD, DIM},
    session::SystemClock,
    words,
};
use groundup_build::Clock;
use groundup_lock::{LockError, Locked, Locker, Report, Scope};
use groundup_recipe::{Lock, lock::LOCK_FILE};
use std::{path::Path, process::ExitCode};

/// What is to be done.
pub(crate) struct Order {
    pub(crate) scope: Scope,
    pub(crate) write: Write,
    pub(crate) changelogs: Changelogs,
}

/// Whether the lock is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// If it changed.
    Yes,
    /// Never: what would move is the answer.
    No,
}

/// How much of changelogs is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changelogs {
    /// Nothing; no package is fetched.
    None,
    /// So many lines of each source package.
    Lines(usize),
}

/// Makes the lock anew as ordered.
pub(crate) fn relock(
    global: &Global,
    mut context: Context,
    order: &Order,
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
    let locked = locker.lock(&old, &order.scope).map_err(in_words)?;
    let new_text = locked.lock.to_text();
    let changed = text.as_deref() != Some(&new_text);
    if changed && order.write == Write::Yes {
        write(&context.root, &new_text)?;
    }
    let told = tell_apart(&context, &locker, &old, &locked, order.changelogs);
    if global.json {
        out::json(&report::json(&told, changed, order.write));
    } else {
        report::text(&told, order.changelogs);
        conclude(&told, changed, order.write);
    }
    match order.write == Write::No && !told.report.is_empty() {
        true => Ok(answer_is_no()),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// What moved, what changelogs say of it, and what is built anew because of it.
fn tell_apart(
    context: &Context,
    locker: &Locker<'_>,
    old: &Lock,
    locked: &Locked,
    changelogs: Changelogs,
) -> Told {
    let report = Report::of(old, locked);
    let moves: Vec<_> = report.packages.iter().map(|group| group.moves()).collect();
    let wanted: Vec<_> = match changelogs {
        Changelogs::None => Vec::new(),
        Changelogs::Lines(_) => moves.iter().flatten().cloned().collect(),
    };
    let mut found = locker.changelogs(&locked.lock, &wanted).into_iter();
    let changelogs = moves.iter().map(|moves| moves.as_ref().and_then(|_| found.next())).collect();
    // A first lock builds everything; that is no news.
    let rebuilds = match old == &Lock::default() {
        true => Vec::new(),
        false => {
            let touched = locked.lock.touched(old);
            context.loaded.workspace.reached(&touched).into_iter().collect()
        }
    };
    Told { report, changelogs, rebuilds }
}

fn conclude(told: &Told, changed: bool, write: Write) {
    let pins = words::count(told.report.pins, "pin");
    match (told.report.is_empty(), changed, write) {
        (true, false, _) => out::say("groundup.lock fits; nothing moved"),
        (true, true, Write::Yes) => out::say("groundup.lock written; no pin moved"),
        (true, true, Write::No) => out::say("groundup.lock would be written; no pin would move"),
        (false, _, Write::Yes) => {
            out::say(format!("{BOLD}groundup.lock{BOLD:#} written; {pins} moved"));
        }
        (false, _, Write::No) => {
            out::say(format!("{pins} would move; {BOLD}groundup.lock{BOLD:#} is as it was"));
        }
    }
}

fn in_words(error: LockError) -> CliError {
    let kind = match error {
        LockError::Store { .. }
        | LockError::CannotHold { .. }
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
}

/// Writes the lock whole or not at all: one that is cut in half would be believed.
fn write(root: &Path, text: &str) -> Result<(), CliError> {
    let path = root.join(LOCK_FILE);
    let failed = |error: std::io::Error| CliError::io("write", &path, &error);
    let mut file = tempfile::NamedTempFile::new_in(root).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}
